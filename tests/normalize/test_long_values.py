"""A value of any length costs a source bounded time, whatever it holds and wherever it stands."""

import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.normalize.json_record import decode_json
from watchfloor.testing.sources import raw_batch, sample_records, samples

SOURCES = load_sources()[0]
LENGTH = 200_000
LIMIT_SECONDS = 0.5
BEGINNINGS = {"": "a", "a@": "a.", "a": "\\/", "x=": "a; ", "[": '"a":[{', "S-1-5-21": "-1"}
"""How texts begin that a pattern or a function may try to read, and what then repeats."""

TEXTS = [(start + unit * LENGTH)[: LENGTH - len(end)] + end for start, unit in BEGINNINGS.items() for end in ("", " ")]

AT_ONCE = {"aws_cloudtrail", "gitlab", "linux_auth", "okta_system_log"}
TURNS = 3
"""Each place has every third text; a source's many places have each of them many times."""

Place = tuple[str | int, ...]


def texts(value: Any, at: Place = ()) -> Iterator[Place]:
    """Where a record holds text."""
    if isinstance(value, str):
        yield at
    elif isinstance(value, dict | list):
        for step, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(child, (*at, step))


def with_text(record: dict[str, Any], place: Place, text: str) -> dict[str, Any]:
    spoilt: dict[str, Any] = orjson.loads(orjson.dumps(record))
    node: Any = spoilt
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = text
    return spoilt


def each_place(source: Source) -> Iterator[tuple[dict[str, Any], Place]]:
    """Every place of a source's samples that holds text, once, with the first record that has it."""
    seen: set[tuple[str, ...]] = set()
    for path in samples(source):
        for record in (decode_json(raw) for raw in sample_records(path) if raw.startswith(b"{")):
            for place in texts(record):
                name = tuple("*" if isinstance(step, int) else step for step in place)
                if name not in seen:
                    seen.add(name)
                    yield record, place


def each(source: Source) -> Any:
    """A source; all but a few of them take long together."""
    return pytest.param(source, id=source.name, marks=[] if source.name in AT_ONCE else pytest.mark.slow)


@pytest.mark.parametrize("source", [each(source) for source in SOURCES])
def test_a_long_value_takes_little_time(source: Source) -> None:
    normalizer = Normalizer([source], source=source.name)
    slow = []
    for number, (record, place) in enumerate(each_place(source)):
        # What is compiled when a kind of records first comes is no cost of the value.
        normalizer.process(raw_batch([orjson.dumps(record)]))
        for value in TEXTS[number % TURNS :: TURNS]:
            batch = raw_batch([orjson.dumps(with_text(record, place, value))])
            start = time.process_time()
            events = normalizer.process(batch).events
            Enricher().process(events)
            learn(IdentityGraph(), events)
            if (spent := time.process_time() - start) > LIMIT_SECONDS:
                slow.append((place, value[:10], round(spent, 2)))
    assert not slow
