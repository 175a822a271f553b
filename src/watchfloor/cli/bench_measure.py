"""Measures detection: starts, the whole way from bytes to findings, its stages, and how it grows with the rules."""

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
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
ROUNDS, GROWTH_BATCHES = 3, 4

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


STAGES = ("read", "decode", "match", "tell")


def stages(log: Path, ruleset: RuleSet) -> Figures:
    """Each stage alone, once it has seen all of it: the kernel keeps no values between batches that could help it.

    Findings are told as for ``--brief`` lines, which is what the whole way writes.
    """
    way = _Way(ruleset)
    for _ in range(2):
        clock = _Clock()
        events, findings = way.walk(log, clock)
    spent = {name: _rounded(clock.spent[name] / events * 1e6) for name in STAGES}
    return {
        "unseen": _unseen(log, way.normalizer, _free_text(ruleset)),
        "findings_per_event": _rounded(findings / events),
        "matching": {"events_per_cpu_second": _rate(events, clock.spent["match"])},
        "parsing_json": {"events_per_cpu_second": _rate(events, clock.spent["json"])},
        "microseconds_per_event": spent,
    }


def growth(log: Path, ruleset: RuleSet, few: int, many: int) -> Figures:
    """What an event costs with few rules and with many, drawn evenly from all; each stage's best of some rounds."""
    costs: dict[str, dict[str, float]] = {}
    for wanted in (few, many):
        number = min(wanted, len(ruleset.rules))
        way = _Way(RuleSet(tuple(ruleset.rules[at * len(ruleset.rules) // number] for at in range(number))))
        rounds = []
        for _ in range(ROUNDS + 1):
            clock = _Clock()
            events, _findings = way.walk(log, clock, most=GROWTH_BATCHES)
            rounds.append({name: clock.spent[name] / events * 1e6 for name in STAGES})
        costs[str(wanted)] = {name: min(one[name] for one in rounds[1:]) for name in STAGES}
    return {
        "matching": _grown({wanted: spent["match"] for wanted, spent in costs.items()}),
        "from_bytes_to_findings": _grown({wanted: sum(spent.values()) for wanted, spent in costs.items()}),
    }


def _grown(costs: dict[str, float]) -> Figures:
    first, last = costs.values()
    return {
        "microseconds_per_event": {name: _rounded(one) for name, one in costs.items()},
        "ratio": _rounded(last / first),
    }


class _Way:
    """The way of events from bytes to findings in one process."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._detector = SigmaDetector(ruleset)
        self.normalizer = Normalizer(load_sources()[0], self._detector.plan, seek=self._detector.seek_keywords)

    def walk(self, log: Path, clock: "_Clock", *, most: int | None = None) -> tuple[int, int]:
        """How many events and findings there were in a log, or in that many batches of it."""
        events = findings = 0
        batches = islice(read([log], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None), most)
        while True:
            with clock("read"):
                raw = next(batches, None)
            if raw is None:
                return events, findings
            with clock("decode"):
                decoded = self.normalizer.decode(raw)
            with clock("match"):
                matches = self._detector.match(decoded.natives)
            with clock("tell"):
                kept, normalized = self.normalizer.identify(decoded, list(matches))
                told = [matches[place] for place in kept]
                found = self._detector.detected(normalized.events, told, summarize=False)
            with clock("json"):
                for one in raw.column("raw").to_pylist():
                    orjson.loads(one)
            events += raw.num_rows
            findings += len(found.findings)


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
