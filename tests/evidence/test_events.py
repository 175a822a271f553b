import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import GateError
from watchfloor.evidence import RawEvent
from watchfloor.evidence.events import EventLines
from watchfloor.evidence.verify import raw_bytes

MakeEvent = Callable[[int, bytes], RawEvent]


def lines_of(folder: Path, *events: RawEvent) -> list[dict[str, Any]]:
    with EventLines(folder) as lines:
        lines.add(events)
        return [json.loads(line) for line in lines]


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(st.characters(codec="utf-8")).map(str.encode))
def test_any_bytes_come_back(make_event: MakeEvent, tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    (line,) = lines_of(tmp_path_factory.getbasetemp(), make_event(0, raw))
    assert raw_bytes(line) == raw
    assert line["raw_data"] == raw.decode("utf-8", "replace")
    assert line["raw_data_size"] == len(raw)


def test_the_rest_of_the_event_is_kept(make_event: MakeEvent, tmp_path: Path) -> None:
    event = make_event(3, b"\xff")
    (line,) = lines_of(tmp_path, event)
    assert [one["name"] for one in line["enrichments"]] == ["origin", "raw_data"]
    assert {**line, "enrichments": None} == {
        **event.ocsf,
        "enrichments": None,
        "raw_data_hash": {
            "algorithm_id": 3,
            "algorithm": "SHA-256",
            "value": "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89",
        },
    }


def test_an_event_cannot_claim_other_raw_bytes(make_event: MakeEvent, tmp_path: Path) -> None:
    event = make_event(0, b"true bytes")
    forged = {"name": "raw_data", "value": "base64", "type": "watchfloor", "data": {"base64": "Zm9yZ2Vk"}}
    ocsf = {**event.ocsf, "enrichments": [forged], "raw_data": "forged"}
    (line,) = lines_of(tmp_path, RawEvent(ocsf, event.raw))
    assert raw_bytes(line) == b"true bytes"


def test_events_are_written_once_by_time_whatever_order_they_come_in(make_event: MakeEvent, tmp_path: Path) -> None:
    events = [make_event(number % 50, b"x" * number) for number in range(100)]
    forward, backward = lines_of(tmp_path, *events, *events), lines_of(tmp_path, *reversed(events))
    assert forward == backward
    assert len(forward) == 100
    assert [line["time"] for line in forward] == sorted(event.ocsf["time"] for event in events)


@pytest.mark.parametrize("ocsf", [{}, {"time": 1}, {"time": 1, "metadata": {"uid": None}}])
def test_an_event_that_cannot_be_cited_is_refused(tmp_path: Path, ocsf: dict[str, Any]) -> None:
    with pytest.raises(GateError, match="cannot be cited"):
        lines_of(tmp_path, RawEvent(ocsf, b""))


def test_an_event_without_a_time_comes_first(make_event: MakeEvent, tmp_path: Path) -> None:
    timeless = RawEvent({"metadata": {"uid": "timeless"}, "enrichments": ["junk", 7]}, b"{}")
    lines = lines_of(tmp_path, make_event(0, b""), timeless)
    assert [line["metadata"]["uid"] for line in lines] == ["timeless", "event-0"]
    assert raw_bytes(lines[0]) == b"{}"


@pytest.mark.parametrize("value", ["\ud800", 2**70, object()])
def test_an_event_that_is_not_json_is_named(make_event: MakeEvent, tmp_path: Path, value: object) -> None:
    event = make_event(4, b"")
    with pytest.raises(GateError, match="event 'event-4' cannot be written"):
        lines_of(tmp_path, RawEvent({**event.ocsf, "message": value}, b""))
