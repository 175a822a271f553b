"""Measures detection: starts, the whole way from bytes to findings, its stages, and how it grows with the rules."""

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from watchfloor.clock import system_clock
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.condition import Glob, Predicate, Regex, predicates
from watchfloor.detect.sigma.globs import Shape, shape
from watchfloor.errors import InputError
from watchfloor.ingest import read
from watchfloor.native import KEYWORDS
from watchfloor.normalize import Normalizer, load_sources

FREE_TEXT = 100
"""A field with more different values among the events than this is free text, if rules look for parts of its text."""

ENOUGH_UNSEEN = 0.6
ROUNDS = 3

_RUN = """
import sys, pathlib
from watchfloor.cli import main
told = pathlib.Path(sys.argv.pop(1))
try:
    main()
finally:
    told.write_bytes(pathlib.Path("/proc/self/status").read_bytes())
"""
"""The command, which leaves what the kernel knows of it; its parent would be told of more memory than it used."""

Figures = dict[str, Any]


def _run(arguments: Sequence[str], folder: Path) -> tuple[float, float]:
    """CPU seconds and the most memory, in MiB, of a command in a process of its own, with a cache of its own.

    Raises:
        InputError: The command failed.
    """
    told = folder / "status"
    child = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", _RUN, str(told), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")},
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise InputError(
            f"detect ended with the status {child.returncode}; run it on the same paths and rules to see why"
        )
    peak = next(line for line in told.read_text().splitlines() if line.startswith("VmHWM:"))
    return usage.ru_utime + usage.ru_stime, int(peak.split()[1]) / 1024


def _detect(log: Path, rules: Sequence[Path]) -> list[str]:
    named = [part for path in rules for part in ("--rules", str(path))]
    # What is measured is one process.
    return ["detect", str(log), "--brief", "--workers", "0", *named]


def starts(event: bytes, rules: Sequence[Path], folder: Path) -> Figures:
    """``detect`` on one event: without anything cached, then with the rules cached."""
    log = folder / "one.ndjson"
    log.write_bytes(event + b"\n")
    cold, memory = _run(_detect(log, rules), folder)
    warm, _ = _run(_detect(log, rules), folder)
    return {"cold_cpu_seconds": _rounded(cold), "warm_cpu_seconds": _rounded(warm), "cold_mib": round(memory)}


def whole(log: Path, rules: Sequence[Path], folder: Path) -> Figures:
    """``detect`` on a quarter of the events and on all: what the others cost, free of what is done only once."""
    lines = log.read_bytes().splitlines(keepends=True)
    few = folder / "few.ndjson"
    few.write_bytes(b"".join(lines[: len(lines) // 4]))
    first, _ = _run(_detect(few, rules), folder)
    spent, memory = _run(_detect(log, rules), folder)
    return {
        "events_per_cpu_second": _rate(len(lines) - len(lines) // 4, spent - first),
        "cpu_seconds_of_all": _rounded(spent),
        "mib": round(memory),
    }


def stages(log: Path, ruleset: RuleSet) -> Figures:
    """Each stage alone, once it has seen all of it: the kernel keeps no values between batches that could help it.

    Findings are told as for ``--brief`` lines, which is what the whole way writes.
    """
    detector = SigmaDetector(ruleset)
    normalizer = Normalizer(load_sources()[0], detector.plan, seek=detector.seek_keywords)
    for _ in range(2):
        clock = _Clock()
        events = findings = 0
        batches = read([log], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None)
        while True:
            with clock("read"):
                raw = next(batches, None)
            if raw is None:
                break
            with clock("decode"):
                decoded = normalizer.decode(raw)
            with clock("match"):
                matches = detector.match(decoded.natives)
            with clock("tell"):
                kept, normalized = normalizer.identify(decoded, list(matches))
                found = detector.detected(normalized.events, [matches[place] for place in kept], summarize=False)
            with clock("json"):
                for one in raw.column("raw").to_pylist():
                    orjson.loads(one)
            events += raw.num_rows
            findings += len(found.findings)
    spent = {name: _rounded(clock.spent[name] / events * 1e6) for name in ("read", "decode", "match", "tell")}
    return {
        "unseen": _unseen(log, normalizer, _free_text(ruleset)),
        "findings_per_event": _rounded(findings / events),
        "matching": {"events_per_cpu_second": _rate(events, clock.spent["match"])},
        "parsing_json": {"events_per_cpu_second": _rate(events, clock.spent["json"])},
        "microseconds_per_event": spent,
    }


def growth(log: Path, ruleset: RuleSet, few: int, many: int) -> Figures:
    """What matching costs with few rules and with many, drawn evenly from all; the best of some rounds."""
    # Decoded for all rules either way.
    normalizer = Normalizer(load_sources()[0], SigmaDetector(ruleset).plan)
    batches = read([log], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None)
    natives = [normalizer.decode(raw).natives for raw, _ in zip(batches, range(4), strict=False)]
    costs: Figures = {}
    for wanted in (few, many):
        number = min(wanted, len(ruleset.rules))
        chosen = tuple(ruleset.rules[at * len(ruleset.rules) // number] for at in range(number))
        costs[str(wanted)] = _matching(natives, RuleSet(chosen))
    first, last = costs.values()
    rounded = {name: _rounded(one) for name, one in costs.items()}
    return {"microseconds_per_event": rounded, "ratio": _rounded(last / first)}


def _matching(natives: Sequence[pa.RecordBatch], ruleset: RuleSet) -> float:
    """Microseconds an event."""
    detector = SigmaDetector(ruleset)
    clock = _Clock()
    for number in range(ROUNDS + 1):
        with clock(str(number)):
            for batch in natives:
                detector.match(batch)
    best = min(spent for name, spent in clock.spent.items() if name != "0")
    return float(best / sum(batch.num_rows for batch in natives) * 1e6)


class _Clock:
    """Adds up CPU seconds by name."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        self.spent[name] += time.process_time() - started


def _free_text(ruleset: RuleSet) -> frozenset[str]:
    """The columns of which rules look for parts of the text."""
    tests = {one for rule in ruleset.rules for one in predicates(rule.condition)}
    return frozenset(one.column for one in tests if _is_of_parts(one) and one.column != KEYWORDS)


def _is_of_parts(predicate: Predicate) -> bool:
    test = predicate.test
    return isinstance(test, Regex) or (isinstance(test, Glob) and shape(test)[0] is not Shape.EQUALS)


def _count(natives: pa.RecordBatch, column: str, seen: Counter[str]) -> None:
    """Count the values of a column; ``-`` is how Windows writes that there is none."""
    index = natives.schema.get_field_index(column)
    for value in natives.column(index).to_pylist() if index >= 0 else ():
        values = value if isinstance(value, list) else () if value is None else (value,)
        seen.update(one for one in values if len(one) > 1)


def _unseen(log: Path, normalizer: Normalizer, columns: frozenset[str]) -> Figures:
    """Of the values of each free-text field, the share that was not there before; the least first."""
    seen: dict[str, Counter[str]] = {column: Counter() for column in columns}
    for raw in read([log], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None):
        natives = normalizer.decode(raw).natives
        for column in columns:
            _count(natives, column, seen[column])
    shares = {
        column.removeprefix("native."): len(values) / values.total()
        for column, values in seen.items()
        if len(values) > FREE_TEXT
    }
    ordered = dict(sorted(shares.items(), key=lambda one: one[1]))
    return {
        "free_text_fields": len(ordered),
        "least": _rounded(min(ordered.values(), default=0.0)),
        "below": {name: _rounded(share) for name, share in ordered.items() if share < ENOUGH_UNSEEN},
    }


def _rate(events: int, seconds: float) -> int:
    return round(events / max(seconds, 1e-9))


def _rounded(number: float) -> float:
    return float(f"{number:.3g}")
