"""Windows records of services that stop and start."""

from typing import Any

import orjson


def record(number: int, **changes: Any) -> bytes:
    """The ``number``-th record, so many seconds after half past eight; two of three are of a service that stopped."""
    system = {
        "Provider": {"#attributes": {"Name": "Service Control Manager"}},
        "EventID": 7036,
        "TimeCreated": {"#attributes": {"SystemTime": f"2026-03-17T08:30:{number:02}.000000Z"}},
        "EventRecordID": number,
        "Channel": "System",
        "Computer": "ws-17.corp.example.com",
    }
    data = {"param1": "Print Spooler" if number % 2 else "x", "param2": "stopped" if number % 3 else "running"}
    return orjson.dumps({"Event": {"System": system | changes, "EventData": data}})
