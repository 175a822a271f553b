"""Whether detection is identical to the oracle: all rules on all events, rule by rule.

    uv run python benchmarks/oracle.py EVENTS RULES [--processes N]

EVENTS is a file of records as ``watchfloor detect`` reads it, RULES a folder, file or zip of Sigma rules. Each rule is
evaluated on each event twice: on its own log source, and as if every event were of every log source. The oracle is
asked once for each combination of values that a rule reads; reading any other field is an error.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pyarrow as pa
from sigma.rule import SigmaDetection, SigmaRule
from sigma.types import SigmaExpansion, SigmaFieldReference, SigmaType

from watchfloor.catalog import BUILT_IN
from watchfloor.clock import system_clock
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.files import rule_files
from watchfloor.detect.sigma.load import load_rules
from watchfloor.detect.sigma.parse import parse_file
from watchfloor.errors import ContentError
from watchfloor.event import NATIVE
from watchfloor.ingest import read
from watchfloor.native import KEYWORDS, LOGSOURCE, DecodePlan, encode_logsources
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.sigma_oracle import oracle

SHOWN = 20
"""How many differences are shown one by one."""

NOTED = 200
"""After how many rules there is a note of progress."""

Cell = str | tuple[str, ...] | None
Found = dict[str, set[int]]
"""By rule id, the numbers of the events that it is true of."""


class Events(msgspec.Struct):
    """Decoded records: their vendor fields by name, a cell an event, the log sources they serve, and their lines."""

    columns: dict[str, list[Cell]]
    logsources: list[str]
    lines: list[int]


class Task(msgspec.Struct):
    """A rule, and the groups of events that are alike to it: by the values it reads, the numbers of the events."""

    rule: SigmaRule
    fields: tuple[str, ...]
    groups: dict[tuple[Cell, ...], list[int]]


class Only(dict[str, Cell]):
    """The fields of an event that a rule reads; to ask for another is an error."""

    def get(self, name: str, _default: object = None) -> Cell:
        """The field's values."""
        return self[name]


def refuse(letter: object) -> NoReturn:
    """All records must be read."""
    raise SystemExit(f"a record that cannot be read: {letter}")


def decoded(path: Path, plan: DecodePlan) -> Iterator[tuple[pa.RecordBatch, list[int]]]:
    """The vendor fields of the records, in batches, with the lines of the records."""
    sources, _ = load_sources([BUILT_IN])
    normalizer = Normalizer(sources, plan)
    for raw in read([path], tenant="default", clock=system_clock, on_dead_letter=refuse):
        batch = normalizer.decode(raw)
        for letter in batch.refused:
            refuse(letter)
        yield batch.natives, raw.column("line").to_pylist()


def engine(ruleset: RuleSet, batches: Iterable[pa.RecordBatch]) -> Found:
    """What the engine says."""
    detector = SigmaDetector(ruleset)
    found: Found = defaultdict(set)
    first = 0
    for batch in batches:
        for row, rules in detector.match(batch).items():
            for number in rules:
                found[ruleset.rules[number].rule.id].add(first + row)
        first += batch.num_rows
    if detector.slow_regexes:
        print(*(slow.words for slow in detector.slow_regexes), sep="\n")
    return found


def everywhere(batch: pa.RecordBatch, served: str) -> pa.RecordBatch:
    """The batch as if each record served all of these log sources."""
    column = pa.array([served] * batch.num_rows).dictionary_encode()
    return batch.set_column(batch.schema.get_field_index(LOGSOURCE), LOGSOURCE, column)


def cell(value: Any) -> Cell:
    """A column's value, hashable."""
    return tuple(value) if isinstance(value, list) else value


def gathered(parts: Sequence[tuple[pa.RecordBatch, list[int]]]) -> Events:
    """The events of all batches."""
    names = sorted({name for batch, _ in parts for name in batch.schema.names})
    columns: dict[str, list[Cell]] = {
        name: [
            cell(value)
            for batch, _ in parts
            for value in (batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows)
        ]
        for name in names
    }
    logsources = [str(one) for one in columns.pop(LOGSOURCE)]
    return Events(columns, logsources, [line for _, lines in parts for line in lines])


def written(path: Path) -> Iterator[SigmaRule]:
    """The rules as pySigma reads them."""
    for file in rule_files(path):
        if not isinstance(file, ContentError):
            for one in parse_file(file):
                if not isinstance(one, ContentError) and isinstance(one.rule, SigmaRule):
                    yield one.rule


def fields_of(detection: SigmaDetection) -> Iterator[str]:
    """The columns that a search reads."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from fields_of(item)
        else:
            yield KEYWORDS if item.field is None else NATIVE + item.field
            yield from (NATIVE + name for value in item.value for name in references(value))


def references(value: SigmaType) -> Iterator[str]:
    """The other fields that a value names."""
    if isinstance(value, SigmaFieldReference):
        yield value.field
    if isinstance(value, SigmaExpansion):
        for one in value.values:
            yield from references(one)


def tasks(rules: Iterable[SigmaRule], events: Events) -> Iterator[Task]:
    """Each rule with the events grouped by what it reads of them."""
    known: dict[tuple[str, ...], dict[tuple[Cell, ...], list[int]]] = {}
    absent: list[Cell] = [None] * len(events.lines)
    for rule in rules:
        fields = tuple(sorted({name for one in rule.detection.detections.values() for name in fields_of(one)}))
        if fields not in known:
            groups = known[fields] = defaultdict(list)
            for number, values in enumerate(zip(*(events.columns.get(name, absent) for name in fields), strict=True)):
                groups[values].append(number)
        yield Task(rule, fields, known[fields])


def answer(task: Task) -> tuple[str, int, list[int]]:
    """What the oracle says of one rule: its id, how often it was asked, and the numbers of the events."""
    found: list[int] = []
    is_true = oracle(task.rule)
    for values, numbers in task.groups.items():
        event = Only(zip((name.removeprefix(NATIVE) for name in task.fields), values, strict=True))
        keywords = event.pop("*", None) or ()
        if is_true(event, keywords):
            found += numbers
    return str(task.rule.id), len(task.groups), found


def asked(work: Sequence[Task], processes: int) -> Iterator[tuple[str, int, list[int]]]:
    """The oracle's answers, by some processes, with notes of progress."""
    started = time.monotonic()
    with get_context("fork").Pool(processes) as pool:
        for done, one in enumerate(pool.imap(_of_number, range(len(work))), 1):
            if done % NOTED == 0 or done == len(work):
                print(f"{done} of {len(work)} rules, {time.monotonic() - started:.0f} s", file=sys.stderr)
            yield one


_WORK: list[Task] = []


def _of_number(number: int) -> tuple[str, int, list[int]]:
    return answer(_WORK[number])


def applies(rule: SigmaRule, served: str) -> bool:
    """Whether a rule is for records that serve these log sources."""
    own = [(part or "").lower() for part in (rule.logsource.product, rule.logsource.category, rule.logsource.service)]
    return any(
        all(wanted in {"", part} for wanted, part in zip(own, one.split("/"), strict=True))
        for one in served.split(";")
        if one
    )


def compare(title: str, ours: Mapping[str, set[int]], theirs: Mapping[str, set[int]], events: Events) -> int:
    """Print how many matches there are and where they differ; the number of differences."""
    differences = [
        (rule, number, number in ours.get(rule, ()))
        for rule in sorted({*ours, *theirs})
        for number in sorted(ours.get(rule, set()) ^ theirs.get(rule, set()))
    ]
    counts = [sum(map(len, found.values())) for found in (ours, theirs)]
    rules = [sum(map(bool, found.values())) for found in (ours, theirs)]
    print(
        f"{title}: matches of the engine {counts[0]} ({rules[0]} rules), of the oracle {counts[1]} ({rules[1]} rules)"
    )
    print(f"{title}: differences {len(differences)}, of {len({rule for rule, *_ in differences})} rules")
    for rule, number, by_engine in differences[:SHOWN]:
        print(f"  {rule} line {events.lines[number]}: only the {'engine' if by_engine else 'oracle'}")
    return len(differences)


def main() -> None:
    """Print the figures; exit 1 if there is a difference."""
    parser = argparse.ArgumentParser(description="Whether detection is identical to the oracle.")
    parser.add_argument("events", type=Path, help="a file of records")
    parser.add_argument("rules", type=Path, help="a folder, file or zip of Sigma rules")
    parser.add_argument("--processes", type=int, default=1, help="how many ask the oracle")
    arguments = parser.parse_args()
    ruleset = load_rules([arguments.rules])
    plan = SigmaDetector(ruleset).plan
    parts = list(decoded(arguments.events, DecodePlan(plan.fields.union(*plan.further.values()))))
    events = gathered(parts)
    loaded = {one.rule.id: one.logsource for one in ruleset.rules}
    own = engine(ruleset, (batch for batch, _ in decoded(arguments.events, plan)))
    served = encode_logsources(sorted(set(loaded.values())))
    wide = engine(ruleset, (everywhere(batch, served) for batch, _ in parts))
    rules = {str(rule.id): rule for rule in written(arguments.rules) if str(rule.id) in loaded}
    _WORK.extend(tasks(rules.values(), events))
    print(f"events {len(events.lines)}, rules {len(rules)} ({len(loaded)} loaded, {len(ruleset.errors)} did not load)")
    wanted: Found = {}
    questions = 0
    for rule, count, numbers in asked(_WORK, arguments.processes):
        questions += count
        wanted[rule] = set(numbers)
    print(f"pairs of rule and event {len(rules) * len(events.lines)}, distinct to the oracle {questions}")
    wanted_own = {
        uid: {number for number in found if applies(rules[uid], events.logsources[number])}
        for uid, found in wanted.items()
    }
    differences = compare("own log source", own, wanted_own, events)
    differences += compare("every log source", wide, wanted, events)
    raise SystemExit(differences > 0)


if __name__ == "__main__":
    main()
