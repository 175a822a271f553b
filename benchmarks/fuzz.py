"""Fuzzes everything that reads records: framing, formats, decoders, mappings.

Run as ``python benchmarks/fuzz.py --inputs 1000000 --seed 1``. Inputs are the sample records of all sources, changed:
bytes flipped, cut, doubled and spliced; keys, values and types of JSON swapped between records. Each goes through the
framing of a file and through normalization, once recognised and once as the source that its sample is of. It prints
what became of them. An exception that is no dead letter ends it with the input written down, as does an input that
takes longer than a second.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from watchfloor.clock import system_clock
from watchfloor.ingest.delivery import deliveries
from watchfloor.ingest.frame import Records
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import Stream
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.testing.sources import raw_batch, sample_records, samples

AT_ONCE = 512
MOST_SECONDS = 1.0
"""For one input; a batch of them is looked at one by one if it takes a tenth of that for each on average."""

_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1 << 70,
    1e308,
    "",
    " ",
    "\0",
    "\u202e",
    "a" * 300,
    [],
    {},
    [[]],
    [{}],
    {"": ""},
)
_BYTES = (b"", b"\0", b"\xff", b"\\", b'"', b"{", b"}", b"[", b"|", b"=", b" ", b"\n", b"<", b"%s", b"\xc3", b"1e999")

Change = Callable[[bytes, bytes, random.Random], bytes]


def flipped(one: bytes, _other: bytes, chance: random.Random) -> bytes:
    """Some bytes replaced."""
    data = bytearray(one)
    for _ in range(chance.randint(1, 6)):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def cut(one: bytes, _other: bytes, chance: random.Random) -> bytes:
    """A part left out."""
    start = chance.randrange(len(one) + 1)
    return one[:start] + one[chance.randint(start, len(one)) :]


def inserted(one: bytes, _other: bytes, chance: random.Random) -> bytes:
    """Something put in that means something to a parser."""
    at = chance.randrange(len(one) + 1)
    return one[:at] + chance.choice(_BYTES) * chance.randint(1, 40) + one[at:]


def spliced(one: bytes, other: bytes, chance: random.Random) -> bytes:
    """The head of one record and the tail of another."""
    return one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :]


def restructured(one: bytes, other: bytes, chance: random.Random) -> bytes:
    """A JSON record with some values replaced by odd ones or by those of another record."""
    try:
        record, second = orjson.loads(one), orjson.loads(other)
    except orjson.JSONDecodeError:
        return flipped(one, other, chance)
    places = list(_places(record))
    others = [holder[key] for holder, key in _places(second)] or [None]
    for holder, key in chance.sample(places, min(len(places), chance.randint(1, 4))):
        holder[key] = chance.choice(_ODD) if chance.random() < 0.7 else chance.choice(others)
    try:
        return orjson.dumps(record)
    except (TypeError, orjson.JSONEncodeError):
        return one


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


CHANGES: tuple[Change, ...] = (flipped, cut, inserted, spliced, restructured, restructured, restructured)


def fuzz(inputs: int, seed: int, on_progress: Callable[[int], None]) -> Counter[str]:
    """Read so many changed records; what became of them."""
    chance = random.Random(seed)  # noqa: S311 - inputs, not secrets
    sources = [source for source in load_sources()[0] if samples(source)]
    known = [(source, raw) for source in sources for path in samples(source) for raw in sample_records(path)]
    recognising = Normalizer(sources)
    bound = {source.name: Normalizer([source], source=source.name) for source in sources}
    told: Counter[str] = Counter()
    while told["inputs"] < inputs:
        source = chance.choice(sources)
        mine = [raw for owner, raw in known if owner is source]
        changed = [chance.choice(CHANGES)(chance.choice(mine), chance.choice(known)[1], chance) for _ in range(AT_ONCE)]
        for read in (recognising, bound[source.name]):
            _read(changed, read, source, told)
        _frame(changed, told)
        told["inputs"] += len(changed)
        on_progress(told["inputs"])
    return told


def _read(records: Sequence[bytes], normalizer: Normalizer, source: Source, told: Counter[str]) -> None:
    began = time.process_time()
    try:
        normalized = normalizer.process(raw_batch(records))
    except Exception:
        for record in records:
            _alone(record, normalizer, source)
        raise
    took = time.process_time() - began
    told["events"] += normalized.events.num_rows
    told["dead letters"] += len(normalized.dead_letters)
    assert normalized.events.num_rows + len(normalized.dead_letters) == len(records)
    if took > MOST_SECONDS * len(records) / 10:
        for record in records:
            _alone(record, normalizer, source)


def _alone(record: bytes, normalizer: Normalizer, source: Source) -> None:
    """One input that may be the one that something is wrong with."""
    began = time.process_time()
    try:
        normalizer.process(raw_batch([record]))
    except Exception:
        print(f"{source.name}: {record!r}", file=sys.stderr)
        raise
    if time.process_time() - began > MOST_SECONDS:
        raise TimeoutError(f"{source.name}: {record[:2000]!r}")


def _frame(records: Sequence[bytes], told: Counter[str]) -> None:
    for data in (b"\n".join(records), records[0], b"".join(records[:8])):
        for _, items in deliveries(Stream([data]), "fuzz", Limits()):
            for item in items:
                told["framed"] += len(item.raw) if isinstance(item, Records) else 0
                told["unreadable"] += not isinstance(item, Records)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began, at = time.process_time(), system_clock()

    def progress(done: int) -> None:
        if sys.stderr.isatty() or done % (AT_ONCE * 40) == 0:
            print(f"{done:,} of {given.inputs:,}", file=sys.stderr, flush=True)

    told = fuzz(given.inputs, given.seed, progress)
    spent = time.process_time() - began
    print({**told, "cpu_seconds": round(spent, 1), "seconds": round((system_clock() - at).total_seconds(), 1)})


if __name__ == "__main__":
    main()
