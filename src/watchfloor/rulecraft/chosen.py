"""Finds the one rule and the one event that a command is about."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.files import RuleFile, rule_files
from watchfloor.detect.sigma.load import load_rules
from watchfloor.detect.sigma.metadata import describe
from watchfloor.detect.sigma.parse import Parsed, parse_file
from watchfloor.errors import ContentError, InputError
from watchfloor.ingest import read
from watchfloor.ingest.files import STDIN
from watchfloor.normalize import Normalizer, Source
from watchfloor.settings import DEFAULT_TENANT

_EVENT = re.compile(r"(?P<path>.+):(?P<line>[0-9]{1,18})(?:\[(?P<index>[0-9]{1,9})\])?")


class ChosenRule(msgspec.Struct, frozen=True):
    """A rule as it was loaded and as it was parsed; ``parsed`` is missing where its text was not found again."""

    rule: CompiledRule
    parsed: Parsed | None


def choose_rule(name: str, paths: Sequence[Path]) -> ChosenRule:
    """The rule that ``name`` means: a file, or the id, name or title of a rule below ``paths``.

    Raises:
        InputError: There is no such rule, or a file holds several and the name tells none of them.
        ContentError: It does not load.
    """
    file = Path(name)
    if file.is_file():
        return _only(load_rules([file, *paths]), str(file))
    if not paths:
        raise InputError(f"{name}: no such file; name the rules with --rules to find a rule by its id")
    ruleset = load_rules(paths)
    wanted = name.strip().casefold()
    found = [one for one in ruleset.rules if wanted in {one.rule.id, one.name.casefold(), one.rule.title.casefold()}]
    if len(found) != 1:
        broken = next((error for error in ruleset.errors if wanted in error.reason.casefold()), None)
        if broken is not None:
            raise broken
        raise InputError(f"{name}: {len(found) or 'no'} rules of that id, name or title")
    return ChosenRule(found[0], _parsed(found[0]))


def _only(ruleset: RuleSet, path: str) -> ChosenRule:
    found = [one for one in ruleset.rules if one.rule.path == path]
    if len(found) == 1:
        return ChosenRule(found[0], _parsed(found[0]))
    broken = next((error for error in ruleset.errors if error.path == path), None)
    if not found and broken is not None:
        raise broken
    raise InputError(f"{path}: holds {len(found) or 'no'} rules; name one by its id, and the file with --rules")


def _parsed(rule: CompiledRule) -> Parsed | None:
    # The file of a rule in an archive is read with the archive.
    archive, _, member = rule.rule.path.partition("!")
    for file in rule_files(Path(archive)):
        if isinstance(file, RuleFile) and (not member or file.path == rule.rule.path):
            for parsed in parse_file(file):
                if not isinstance(parsed, ContentError) and _is(parsed, rule):
                    return parsed
    return None


def _is(parsed: Parsed, rule: CompiledRule) -> bool:
    try:
        return describe(parsed.rule, parsed.place).id == rule.rule.id  # type: ignore[arg-type]  # a filter has no level
    except (AttributeError, ContentError):
        return False


def choose_event(
    name: str, rule: CompiledRule, sources: Sequence[Source], *, clock: Clock, source: str | None = None
) -> pa.RecordBatch:
    """The event that ``name`` means, decoded for a rule: ``FILE:LINE``, ``FILE:LINE[INDEX]``, ``FILE`` or ``-``.

    Without a line it is the first record.

    Raises:
        InputError: There is no such record, or it does not become an event.
    """
    path, line, index = _place(name)
    letters: list[DeadLetter] = []
    normalizer = Normalizer(sources, SigmaDetector(RuleSet((rule,))).plan, source=source)
    for batch in _records(path, line, index, clock, letters):
        result = normalizer.process(batch.slice(0, 1))
        if result.dead_letters:
            raise InputError(f"{name}: {result.dead_letters[0].reason}")
        return result.events
    reason = next((letter.reason for letter in letters if line in {None, letter.origin.line}), "no such record")
    raise InputError(f"{name}: {reason}")


def _place(name: str) -> tuple[str, int | None, int | None]:
    if name == STDIN or Path(name).exists():
        return name, None, None
    found = _EVENT.fullmatch(name)
    if found is None:
        raise InputError(f"{name}: no such file; an event is FILE:LINE, FILE:LINE[INDEX] or -")
    return found["path"], int(found["line"]), int(found["index"]) if found["index"] else None


def _records(
    path: str, line: int | None, index: int | None, clock: Clock, letters: list[DeadLetter]
) -> Iterator[pa.RecordBatch]:
    member = "!" in path and not Path(path).exists()
    outer = path.partition("!")[0] if member else path
    for batch in read([outer], tenant=DEFAULT_TENANT, clock=clock, on_dead_letter=letters.append):
        rows = pc.equal(batch.column("tenant"), DEFAULT_TENANT)
        if line is not None:
            rows = pc.equal(batch.column("line"), line)
        if member:
            rows = pc.and_(rows, pc.equal(batch.column("path"), path))
        if index is not None:
            rows = pc.and_(rows, pc.fill_null(pc.equal(batch.column("index"), index), False))  # noqa: FBT003 - a value
        chosen = batch.filter(rows)
        if chosen.num_rows:
            yield chosen
