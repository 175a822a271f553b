r"""How well our mappings agree with what other products make of the same raw records.

    python benchmarks/normalize_pairs.py LOGS [--half held-out|tune|all] [--product NAME] [--differences N]

LOGS has ``ocsf_pairs`` and ``ecs_pairs``: raw records with the OCSF event (Tenzir) or the ECS event (Elastic, Sekoia)
that another product's tests expect of them. For each of our log sources the table says

* of how many records the source was recognised by themselves, and how many of the events are valid OCSF 1.8.0;
* of each fact that an ECS pair has, on how many pairs our event agrees: :mod:`pair_facts` says how that is compared;
* of the OCSF pairs, how many have our class, and of how many attributes the value is the same, different, only
  theirs, or only ours. Captions (``activity_name`` of ``activity_id``), ``raw_data``, ``unmapped`` and what
  ``metadata`` says of the product that made the event are no attributes of what happened and left out.

A record that is not recognised by itself is read as an input reads it that is bound to the source, lines of text as the
message of a shipper: what the other products read is bound to one product always, and of some lines their tests hold
the message alone. What becomes no event then agrees on nothing.

The other products' tests are no truth: :mod:`pair_errors` lists what is wrong in them, and why. That is left out,
whether we agree or not; how often is printed with the reason.

The pairs are in two halves, by a hash of the raw record. Differences are shown of the half ``tune`` alone, which
mappings may be improved with; only figures of ``held-out`` say how good they are. Near copies of a record may be in
both halves: the pairs are few, and vendors' samples are alike.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import ocsf_json_schema
import orjson
from pair_data import ALSO, Pair, pairs, products
from pair_errors import ANOTHER_RECORD, errors_of, is_of_another_record
from pair_facts import FACTS, agreed, facts, flatten

from watchfloor.clock import system_clock
from watchfloor.event import OCSF_VERSION, to_ocsf
from watchfloor.ingest import read
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.ocsf import ocsf_errors

SHOWN = 700
"""How much of a record is shown, in characters."""

SIDES = ("same", "different", "only theirs", "only ours")
_LEFT_OUT = (
    "raw_data",
    "raw_data_hash",
    "raw_data_size",
    "unmapped",
    "enrichments",
    "observables",
    "metadata",
    "message",
)


class Measured(msgspec.Struct):
    """What was counted for one log source."""

    records: int = 0
    recognised: int = 0
    read: int = 0
    valid: int = 0
    facts: dict[str, Counter[bool]] = msgspec.field(default_factory=lambda: {name: Counter() for name in FACTS})
    errors: Counter[str] = msgspec.field(default_factory=Counter)
    classes: Counter[bool] = msgspec.field(default_factory=Counter)
    attributes: Counter[str] = msgspec.field(default_factory=Counter)
    differences: Counter[str] = msgspec.field(default_factory=Counter)
    shown: dict[str, str] = msgspec.field(default_factory=dict)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Agreement with other products' mappings, by log source.")
    parser.add_argument("logs", type=Path)
    parser.add_argument("--half", choices=["held-out", "tune", "all"], default="held-out")
    parser.add_argument("--product", choices=products(), help="this log source only")
    parser.add_argument("--differences", type=int, default=0, metavar="N", help="the N commonest of each log source")
    arguments = parser.parse_args()
    if arguments.differences and arguments.half != "tune":
        parser.error("differences are shown of --half tune alone: what was looked at says nothing more")
    measured = {
        product: measure(product, pairs(arguments.logs, product, arguments.half))
        for product in ([arguments.product] if arguments.product else products())
    }
    report(measured, arguments.half)
    for product, one in measured.items():
        for text, count in one.differences.most_common(arguments.differences):
            print(f"{product}: {count} x {text}: {one.shown[text]}")


def measure(product: str, chosen: Sequence[Pair]) -> Measured:
    """Count on what our events of these records agree."""
    out = Measured(records=len(chosen))
    events = normalized([one.raw for one in chosen])
    known = ALSO.get(product, frozenset()) | {product}
    told = [place for place in range(len(chosen)) if events.get(place, ("", {}))[0] not in known]
    bound = normalized([chosen[place].raw for place in told], product)
    if completed := sum(one.is_completed for one in chosen):
        out.errors[f"{product}, all: a fragment that holds one name of a record; completed with what each has"] += (
            completed
        )
    for place, pair in enumerate(chosen):
        source, ours = events.get(place, ("", {}))
        if source not in known:
            _differ(out, f"{pair.origin}: not recognised", f"{source or 'no source'} {pair.raw[:SHOWN]!r}")
            ours = bound.get(told.index(place), ("", {}))[1]
        else:
            out.recognised += 1
        if ours:
            out.read += 1
            problems = ocsf_errors(ours)
            out.valid += not problems
            if problems:
                _differ(out, f"invalid: {problems[0]}", pair.raw[:SHOWN].decode("utf-8", "replace"))
        if pair.is_ocsf:
            _compare_ocsf(out, product, pair, ours)
        else:
            _compare_ecs(out, product, pair, ours)
    return out


def normalized(records: Sequence[bytes], bound_to: str | None = None) -> dict[int, tuple[str, dict[str, Any]]]:
    """The source and first event of each record that became one; each record is read as a file of its own.

    ``bound_to`` names the source that all of them are of.
    """
    normalizer = Normalizer(load_sources()[0], source=bound_to)
    found: dict[int, tuple[str, dict[str, Any]]] = {}
    if not records:
        return found
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.log" for place in range(len(records))]
        for path, raw in zip(paths, records, strict=True):
            path.write_bytes((_shipped(raw) if bound_to else raw) + b"\n")
        for batch in read(paths, tenant="default", clock=system_clock, on_dead_letter=lambda _letter: None):
            events = normalizer.process(batch).events
            for source, path, event in zip(
                events.column("source").to_pylist(),
                events.column("origin.path").to_pylist(),
                to_ocsf(events),
                strict=True,
            ):
                found.setdefault(int(Path(path.partition("!")[0]).stem), (source, event))
    return found


def _shipped(raw: bytes) -> bytes:
    """A line of text as the message of a shipper, which says when it read it."""
    if raw.startswith((b"{", b"<Event")):
        return raw
    return orjson.dumps({"@timestamp": "2026-01-01T00:00:00Z", "message": raw.decode("utf-8", "backslashreplace")})


def _compare_ecs(out: Measured, product: str, pair: Pair, ours: dict[str, Any]) -> None:
    raw = pair.raw.decode("utf-8", "replace")
    stated = facts(dict(flatten(pair.expected)))
    for wrong in errors_of(product, pair.origin, stated, raw):
        out.errors[f"{product}, {wrong.what}: {wrong.reason}"] += 1
    for fact, wanted in stated.items():
        agrees, got = agreed(fact, wanted, _named(ours), raw) if ours else (False, None)
        out.facts[fact][agrees] += 1
        if ours and not agrees:
            _differ(out, f"{pair.origin}: {fact}: {_kind(fact, wanted, got)}", f"{wanted} / {got} in {raw[:SHOWN]}")


def _kind(fact: str, wanted: Any, got: Any) -> str:
    if fact == "what":
        return f"{wanted} / {got}"
    if fact == "outcome":
        return f"{wanted} / {got}"
    return "none" if not got else "other"


def _named(ours: dict[str, Any]) -> dict[str, Any]:
    return ours | {"activity_name": _activities(ours["class_uid"]).get(str(ours["activity_id"]), "")}


def _compare_ocsf(out: Measured, product: str, pair: Pair, ours: dict[str, Any]) -> None:
    if "class_uid" not in pair.expected:
        return
    if is_of_another_record(pair.expected, pair.raw):
        out.errors[f"{product}: {ANOTHER_RECORD}"] += 1
        return
    same_class = ours.get("class_uid") == pair.expected["class_uid"]
    out.classes[same_class] += 1
    if not same_class:
        _differ(out, f"tenzir: class {pair.expected['class_uid']} / {ours.get('class_uid')}", pair.raw[:SHOWN].decode())
    theirs, mine = _attributes(pair.expected), _attributes(ours)
    for path in sorted(theirs.keys() | mine.keys()):
        side = _side(theirs.get(path), mine.get(path))
        out.attributes[side] += 1
        if side != "same" and same_class:
            _differ(out, f"tenzir: {side} {path}", f"{theirs.get(path)!r} / {mine.get(path)!r}")


def _side(theirs: Any, mine: Any) -> str:
    if mine is None:
        return "only theirs"
    if theirs is None:
        return "only ours"
    return "same" if theirs == mine else "different"


def _attributes(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if name not in _LEFT_OUT}
    return {path: value for path, value in flatten(kept) if value is not None and not _is_caption(path, event)}


def _is_caption(path: str, event: dict[str, Any]) -> bool:
    """Whether an attribute only says in words what the number beside it says."""
    holder, _, name = path.rpartition(".")
    beside = event
    for part in holder.split(".") if holder else ():
        beside = beside[part]
    return f"{name}_id" in beside or (
        name.endswith("_name") and any(f"{name[:-5]}{end}" in beside for end in ("_id", "_uid"))
    )


def _differ(out: Measured, text: str, shown: str) -> None:
    out.differences[text] += 1
    out.shown.setdefault(text, shown)


@lru_cache(maxsize=1)
def _classes() -> dict[int, Any]:
    schema = orjson.loads((resources.files(ocsf_json_schema) / "ocsf" / f"{OCSF_VERSION}.json").read_bytes())
    return {one["uid"]: one for one in schema["classes"].values()}


@lru_cache(maxsize=128)
def _activities(class_uid: int) -> dict[str, str]:
    enum = _classes()[class_uid]["attributes"]["activity_id"]["enum"]
    return {number: one["caption"] for number, one in enum.items()}


def report(measured: dict[str, Measured], half: str) -> None:
    """Print what was measured: the table, and what is wrong in the pairs."""
    print(f"half: {half}")
    head = "".join(f"{name:>14}" for name in ("records", "recognised", "valid", *FACTS))
    print(f"{'':20}{head}")
    for product, one in measured.items():
        print(f"{product:20}{one.records:>14}{''.join(f'{cell:>14}' for cell in _cells(one))}")
    total = _sum(list(measured.values()))
    print(f"{'all':20}{total.records:>14}{''.join(f'{cell:>14}' for cell in _cells(total))}")
    print(f"\nOCSF pairs of Tenzir\n{'':20}{'class':>14}{''.join(f'{name:>14}' for name in SIDES)}")
    for product, one in [*measured.items(), ("all", total)]:
        if one.classes.total():
            print(f"{product:20}{_share(one.classes):>14}{''.join(f'{one.attributes[side]:>14}' for side in SIDES)}")
    print("\nwrong in the pair")
    for text, count in sorted(total.errors.items()):
        print(f"{count:5}  {text}")


def _cells(one: Measured) -> Iterator[str]:
    yield _percent(one.recognised, one.records)
    yield _percent(one.valid, one.read)
    for fact in FACTS:
        yield _share(one.facts[fact])


def _share(counted: Counter[bool]) -> str:
    return _percent(counted[True], counted.total())


def _percent(part: int, whole: int) -> str:
    return f"{part}/{whole} {100 * part / whole:.0f}%" if whole else "-"


def _sum(many: Sequence[Measured]) -> Measured:
    total = Measured()
    for one in many:
        total.records += one.records
        total.recognised += one.recognised
        total.read += one.read
        total.valid += one.valid
        for fact in FACTS:
            total.facts[fact] += one.facts[fact]
        total.errors += one.errors
        total.classes += one.classes
        total.attributes += one.attributes
    return total


if __name__ == "__main__":
    main()
