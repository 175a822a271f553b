"""Detection: events in, findings out. Pure functions of batches; keyed state only through the runtime."""
