"""Times of PAN-OS in a form that is read anywhere; who signed in from where, which a system log has in its text."""

import re
from typing import Any

_TIMES = {"receive_time": "received", "generated_time": "generated", "start": "started"}
_TIME = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)")
_ACCOUNT = re.compile(r"(?:for|[Uu]ser) \'?([^\s\'.,]+(?:\.[^\s\'.,]+)*)\'?")
_ADDRESS = re.compile(r"[Ff]rom:? ([0-9A-Fa-f:.]{2,44}[0-9A-Fa-f])")
_REASON = re.compile(r"Reason: ([^.]{1,200})")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``received``, ``generated`` and ``started`` in ISO 8601; they are in the firewall's own time."""
    made = {name: value for name, value in record.items() if value}
    for theirs, ours in _TIMES.items():
        if found := _TIME.fullmatch(str(made.get(theirs))):
            made[ours] = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}"
            del made[theirs]
    if made.get("type") == "SYSTEM" and isinstance(made.get("description"), str):
        text = made["description"][:2048]
        named = (("account", _ACCOUNT), ("address", _ADDRESS), ("reason", _REASON))
        made |= {name: found[1] for name, pattern in named if (found := pattern.search(text))}
    return made
