"""Events for measuring: real ones over and over, each time with other values where rules look for text."""

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson

from watchfloor.clock import system_clock
from watchfloor.errors import InputError
from watchfloor.ingest import read

KEPT = frozenset(
    {
        *("Channel", "EventID", "Provider", "EventType", "Direction", "Computer", "UtcTime", "SystemTime"),
        *("Level", "Keywords", "Task", "Opcode", "Version"),
    }
)
"""What says which kind of event it is, on which machine and when."""

_DATA = ("EventData", "UserData")

SHARE = 0.9
"""How many of the texts in other fields are changed."""

CODES = 20
"""Fields with no more different values than this hold codes, and stay as they are."""


def varied(paths: Sequence[str], count: int, seed: int) -> list[bytes]:
    """``count`` events made of those at the paths, in their order, beginning again at the end.

    Raises:
        InputError: There are no events of the Windows event log in them.
    """
    batches = read(paths, tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None)
    records = [orjson.loads(raw) for batch in batches for raw in batch.column("raw").to_pylist()]
    windows = [record["Event"] for record in records if isinstance(record.get("Event"), dict)]
    if not windows:
        raise InputError(f"{', '.join(map(str, paths))}: no Windows events as JSON, one object with an Event each")
    rng = random.Random(seed)  # noqa: S311 - the same events for the same seed
    found: dict[str, set[str]] = defaultdict(set)
    for event in windows:
        for name in _DATA:
            _collect(event.get(name), name, found)
    free = frozenset(name for name, texts in found.items() if len(texts) > CODES) - KEPT

    def changed(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: changed(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [changed(one, name) for one in value]
        if isinstance(value, str) and len(value) > 1 and name in free and rng.random() < SHARE:
            return _with_token(value, f"{rng.getrandbits(28):07x}")
        return value

    made = []
    for at in range(count):
        event = windows[at % len(windows)]
        made.append(
            orjson.dumps({"Event": event | {name: changed(event[name], name) for name in _DATA if name in event}})
        )
    return made


def _collect(value: Any, name: str, found: dict[str, set[str]]) -> None:
    """The texts of each field."""
    if isinstance(value, dict):
        for key, one in value.items():
            _collect(one, key, found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, name, found)
    elif isinstance(value, str):
        found[name].add(value)


def _with_token(text: str, token: str) -> str:
    r"""A path gets one more folder, other text one more word: most of what rules look for is still there.

    >>> _with_token("C:\\Windows\\cmd.exe", "0ff1ce5")
    'C:\\Windows\\0ff1ce5\\cmd.exe'
    >>> _with_token("whoami /all", "0ff1ce5")
    'whoami /all 0ff1ce5'
    """
    head, slash, tail = text.rpartition("\\")
    return f"{head}{slash}{token}{slash}{tail}" if head else f"{text} {token}"
