"""A notable event of Splunk in one shape: out of the result that wraps it, texts that are JSON opened, one uid."""

from typing import Any

import orjson

_JSON = ("annotations",)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The notable's own fields at the top."""
    result = record.get("result")
    if isinstance(result, dict):
        around = {name: value for name, value in record.items() if name != "result"}
        record = {**result, "search_result": around}
        if "search_name" not in record and isinstance(around.get("search_name"), str):
            record["search_name"] = around["search_name"]
    opened = {name: _opened(record[name]) for name in _JSON if isinstance(record.get(name), str)}
    event, status = record.get("event_id"), record.get("status")
    # People change a notable in place: each state is an event of its own.
    uid = {"uid": f"{event}:{status or ''}"} if isinstance(event, str) and event else {}
    return {**record, **opened, **uid}


def _opened(text: str) -> Any:
    try:
        return orjson.loads(text) if text.startswith("{") else text
    except orjson.JSONDecodeError:
        return text
