"""A lake of a few events that are hard to search, shared by the tests of the search."""

from typing import Any, NamedTuple

import orjson
import pytest
from tests.older import make_older

from watchfloor.event import EVENT_SCHEMA
from watchfloor.search import Searcher
from watchfloor.store.compaction import compact_all
from watchfloor.store.lake import Lake
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000
HOSTILE = (
    "alice",
    "ALICE",
    "a*b",
    "50%_x",
    "'; DROP TABLE events; --",
    '" OR 1=1 --',
    "$p0 ? {value} %s \\",
    "nul\0inside",
    "line\nbreak",
    "é☃\U0001f480\u202e“",
    "İx",
    "",
    "C:\\Users\\alice",
    "not an address",
)
ADDRESSES = (
    "192.0.2.7",
    "192.0.2.200",
    "198.51.100.1",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:2",
    "::",
    "1.2.3.4.5",
    "192.0.2",
    "192.0.2.007",
    "::1::",
    "2001:db8:::1",
    "",
)
HASH = "0123456789abcdef" * 4


def rows() -> list[dict[str, Any]]:
    """Events with every kind of value."""
    made = []
    for number in range(60):
        name = HOSTILE[number % len(HOSTILE)]
        hashes = [{"algorithm_id": 3, "value": HASH.upper() if number % 2 else HASH}] if number % 5 == 0 else []
        rest = {
            "metadata.version": "1.8.0",
            "process.file.hashes": hashes,
            "risk_score": number % 7,
            "odd.key": {"in": name},
        }
        event = {
            "metadata.uid": f"uid-{number:03}",
            "time": NOW - number * 3_600_000 - number * 7,
            "ingested_at": NOW,
            "source": ("okta_system_log", "windows_event_log", "zeek")[number % 3],
            "class_uid": (3002, 1007, 4001)[number % 3],
            "severity_id": number % 6,
            "actor.user.name": None if number % 4 == 0 else name,
            "user.name": name if number % 7 == 0 else None,
            "src_endpoint.ip": None if number % 6 == 0 else ADDRESSES[number % len(ADDRESSES)],
            "dst_endpoint.ip": ADDRESSES[(number * 5) % len(ADDRESSES)] if number % 3 == 2 else None,
            "src_endpoint.location.lat": number / 4 if number % 3 else None,
            "is_mfa": (True, False, None)[number % 3],
            "entity.actor": None if number % 4 == 0 else f"user:{name.lower()}",
            "entity.host": f"host:ws-{number % 9}",
            "process.cmd_line": f'run "{name}" --n {number}' if number % 2 else None,
            "tags": (None, [], ["clock:ahead"], ["asset:crown", name])[number % 4],
            "rest": None if number % 11 == 10 else orjson.dumps(rest).decode(),
            "unmapped": orjson.dumps({"Data": {"Name": name, "n": number, "list": [1, name]}}).decode(),
            "raw": orjson.dumps({"user": name, "n": number}) if number % 13 else b"\xff\0" + name.encode(),
        }
        made.append(event)
    return made


class Filled(NamedTuple):
    """A lake, and the rows that are in it."""

    lake: Lake
    rows: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"{len(self.rows)} events"

    @property
    def searcher(self) -> Searcher:
        return Searcher(self.lake, "default", NOW)


@pytest.fixture(scope="session", params=[pytest.param("as it came", marks=pytest.mark.slow), "with indexes"])
def filled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Filled:
    """The events in several files, some of an older version, with somebody else's beside them."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    wanted = rows()
    with lake.writer() as writer:
        for at in range(0, len(wanted), 12):
            writer.append(batch_of(*wanted[at : at + 12]))
            writer.flush()
        for path in lake.files()[::2]:
            make_older(path)
        writer.append(batch_of({**wanted[1], "tenant": "other", "metadata.uid": "theirs"}))
    if request.param == "with indexes":
        compact_all(lake, now=NOW + 10_000_000)
        assert list(lake.folder.rglob("*.needles"))
    whole = [row for at in range(0, len(wanted), 12) for row in batch_of(*wanted[at : at + 12]).to_pylist()]
    assert whole[0].keys() == set(EVENT_SCHEMA.names)
    return Filled(lake, whole)


@pytest.fixture
def searcher(filled: Filled) -> Searcher:
    return filled.searcher
