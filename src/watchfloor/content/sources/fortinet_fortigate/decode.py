"""When a FortiGate's line was written, with its zone, and how a login ended, in one word."""

from typing import Any

_OUTCOMES = {"success": "success", "failed": "failure", "failure": "failure"}
_BY_ACTION = {"tunnel-up": "success", "tunnel-down": "success", "ssl-login-fail": "failure", "auth-logon": "success"}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``occurred``, from ``eventtime`` or date and time, and ``outcome`` where it tells."""
    made = dict(record)
    if made.get("date") and made.get("time"):
        zone = str(made.get("tz", ""))
        zone = f"{zone[:3]}:{zone[3:5]}" if len(zone) == 5 else ""
        made["occurred"] = f"{made.pop('date')}T{made.pop('time')}{zone}"
        made.pop("eventtime", None)
        made.pop("tz", None)
    elif "eventtime" in made:
        made["occurred"] = made.pop("eventtime")
    outcome = _OUTCOMES.get(str(made.get("status"))) or _BY_ACTION.get(str(made.get("action")))
    if outcome:
        made["outcome"] = outcome
    return made
