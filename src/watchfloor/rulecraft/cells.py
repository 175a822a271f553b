"""What an event has in a column, in the words of those who write rules and suppressions."""

import pyarrow as pa


def column_values(event: pa.RecordBatch, column: str, row: int = 0) -> list[str]:
    """The values of a column in one row, as the texts that rules compare."""
    index = event.schema.get_field_index(column)
    if index < 0:
        return []
    value = event.column(index)[row].as_py()
    values = value if isinstance(value, list) else [value]
    # Arrow writes booleans as JSON does, and numbers as their text.
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values if one is not None]
