"""What people see: the report of an investigation and its summary in a terminal."""
