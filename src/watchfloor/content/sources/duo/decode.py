"""A Duo record in one shape: what an administrator's action says as JSON text, opened under ``details``."""

from typing import Any

import orjson


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record, with the object of its ``description`` under ``details`` where it is one."""
    if "phone" in record and "txid" in record:
        # Calls and messages of a transaction carry its id, which is the uid of its answer alone.
        record = {"transaction" if name == "txid" else name: value for name, value in record.items()}
    text = record.get("description")
    if not isinstance(text, str) or not text.startswith("{"):
        return record
    try:
        return record | {"details": orjson.loads(text)}
    except orjson.JSONDecodeError:
        return record
