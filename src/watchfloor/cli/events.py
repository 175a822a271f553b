"""``normalize`` and ``detect``: events and findings as JSON lines on standard output."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
import pyarrow as pa
import typer

from watchfloor.catalog import roots
from watchfloor.cli.drifting import watching
from watchfloor.cli.options import WORKERS, Content, Paths, Processes, Rules, Source
from watchfloor.cli.progress import stderr
from watchfloor.cli.rules_loading import named_rules, source_cache, tell_errors
from watchfloor.cli.rules_suppressing import HiddenFile, Quiet, Suppressions, suppressing
from watchfloor.clock import now_ms, system_clock
from watchfloor.console.text import visible
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.event import to_ocsf
from watchfloor.finding import Finding
from watchfloor.ingest import read
from watchfloor.normalize import Normalizer
from watchfloor.run.chain import Of, add_slow
from watchfloor.run.correlated import run_correlations
from watchfloor.run.workers import Recipe, Workers
from watchfloor.settings import DEFAULT_TENANT

SHOWN = 100
"""How many dead letters are shown one by one."""


def normalize(
    paths: Paths,
    *,
    source: Source = None,
    content: Content = None,
    drift: Annotated[
        Path | None,
        typer.Option(
            "--drift", help="Tell what sources did not show before; keep in this file what they do.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """OCSF events, one JSON object a line."""
    sources, errors = source_cache().load(roots(content or ()))
    tell_errors(errors)
    with watching(drift, sources) as watch:
        for events in _events(paths, Normalizer(sources, source=source)):
            _emit(to_ocsf(events))
            if watch:
                watch(events)


def detect(
    paths: Paths,
    *,
    rules: Rules = None,
    brief: Annotated[bool, typer.Option("--brief", help="One short line per rule and event.")] = False,
    source: Source = None,
    content: Content = None,
    suppressions: Suppressions = None,
    hidden: HiddenFile = None,
    workers: Processes = WORKERS,
) -> None:
    """Findings of these Sigma rules alone, one JSON object a line."""
    if not rules:
        raise typer.BadParameter("name the rules", param_hint="--rules")
    ruleset = named_rules(rules)
    sources, errors = source_cache().load(roots(content or ()))
    tell_errors(errors)
    now = now_ms()
    slow: dict[str, SlowRegex] = {}
    with suppressing(suppressions, content, ruleset, sources, hidden) as quiet:
        recipe = Recipe(ruleset, source, _needed(ruleset, quiet, brief=brief))
        chain = Workers(recipe, sources, SigmaDetector(ruleset), workers=workers)
        for finding in quiet.kept(_findings(paths, chain, ruleset, quiet, slow)):
            _emit(brief_lines(finding) if brief else [finding.to_ocsf(now=now)])
    for one in slow.values():
        stderr().print(visible(one.words), markup=False, soft_wrap=True)


def _needed(ruleset: RuleSet, quiet: Quiet, *, brief: bool) -> Of:
    """How much of events is needed: brief lines name them; correlations and suppressions look at what happened."""
    if not quiet.is_idle:
        return "matched and tagged"
    return "named" if brief and not ruleset.correlations else "matched"


def _findings(
    paths: Sequence[str], workers: Workers, ruleset: RuleSet, quiet: Quiet, slow: dict[str, SlowRegex]
) -> Iterator[Finding]:
    """The findings of events as they come; those of correlations once all have come."""
    matches: list[pa.RecordBatch] = []
    with _letters() as letters:
        for done in workers.read(paths, tenant=DEFAULT_TENANT, clock=system_clock, on_dead_letter=letters):
            quiet.look_at(done.events)
            add_slow(slow, done.slow)
            yield from done.findings
            if done.matches.num_rows:
                matches.append(done.matches)
    yield from run_correlations(ruleset.correlations, matches, silent=ruleset.silent)


def brief_lines(finding: Finding) -> Iterator[dict[str, Any]]:
    """The ``--brief`` lines of a finding: one for each event that proves it."""
    for uid, origin in zip(finding.event_uids, finding.origins, strict=True):
        yield {"rule": finding.rule.id, "level": finding.rule.level, **msgspec.to_builtins(origin), "event": uid}


def _events(paths: Sequence[str], normalizer: Normalizer) -> Iterator[pa.RecordBatch]:
    with _letters() as letters:
        for batch in _read(paths, letters):
            result = normalizer.process(batch)
            letters.take(result.dead_letters)
            yield result.events


def _read(paths: Sequence[str], letters: "_Letters") -> Iterator[pa.RecordBatch]:
    return read(paths, tenant=DEFAULT_TENANT, clock=system_clock, on_dead_letter=letters)


@contextmanager
def _letters() -> Iterator["_Letters"]:
    letters = _Letters()
    yield letters
    letters.close()


class _Letters:
    """Dead letters as lines on standard error, the first ones one by one."""

    def __init__(self) -> None:
        self._count = 0
        self._console = stderr()

    def __call__(self, letter: DeadLetter) -> None:
        self._count += 1
        if self._count <= SHOWN:
            self._console.print(visible(f"{letter.place()}: {letter.reason}"), markup=False, soft_wrap=True)

    def take(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            self(letter)

    def close(self) -> None:
        if self._count > SHOWN:
            self._console.print(f"… and {self._count - SHOWN:,} more records that could not be read", markup=False)


def _emit(objects: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    for one in objects:
        sys.stdout.buffer.write(orjson.dumps(one) + b"\n")
