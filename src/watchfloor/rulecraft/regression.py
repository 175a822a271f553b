"""Runs the regression tests that rules name, as they lie in SigmaHQ's tree.

A rule has ``regression_tests_path``, the path of an ``info.yml``, which lists samples of real events and how often the
rule must match them::

    rule_metadata:
      - id: 6f3b4bd0-1111-4222-8333-444455556666
    regression_tests_info:
      - name: Positive Detection Test
        type: evtx                 # or json, ndjson, jsonl
        match_count: 1             # at least; left out: once at least; 0: never
        path: regression_data/rules/windows/process_creation/a_rule/6f3b4bd0-1111-4222-8333-444455556666.evtx

Paths are looked up from the rule's folder and from each folder above it. Samples are read, recognised and normalized
like any log, so that ``provider`` and ``pipelines``, which other engines need, say nothing here.

Source: https://github.com/SigmaHQ/sigma, ``regression_data/README.md``.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from watchfloor.catalog import read_yaml
from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import ContentError, InputError
from watchfloor.normalize import Source
from watchfloor.rulecraft.alone import alone
from watchfloor.rulecraft.authored import Authored
from watchfloor.rulecraft.replay import replay

KEY = "regression_tests_path"
"""The attribute of a rule that names its tests."""


class RegressionTest(msgspec.Struct, frozen=True):
    """A sample of events and how often the rule must match them: ``least`` times at least, with 0 not at all."""

    rule: str
    place: str
    name: str
    sample: Path
    least: int
    filters: tuple[Path, ...] = ()


class Ran(msgspec.Struct, frozen=True):
    """A test that was run: how often the rule matched, and what is wrong with that, if anything is."""

    test: RegressionTest
    matches: int
    problem: str = ""


class _About(msgspec.Struct):
    id: str


class _Entry(msgspec.Struct):
    type: Literal["evtx", "json", "ndjson", "jsonl"]
    path: str
    name: str = ""
    match_count: Annotated[int, msgspec.Meta(ge=0)] = 1
    filters: list[str] = []


class _Info(msgspec.Struct):
    rule_metadata: list[_About]
    regression_tests_info: Annotated[list[_Entry], msgspec.Meta(min_length=1)]


def regression_tests(rules: Iterable[Authored], ruleset: RuleSet) -> Iterator[RegressionTest | ContentError]:
    """The tests that rules name, and an error where there are none to run; ``ruleset`` is how the rules loaded."""
    loaded = {(one.rule.path, one.rule.id) for one in ruleset.rules}
    loaded |= {(one.correlation.rule.path, one.id) for one in ruleset.correlations}
    for rule in rules:
        if rule.attributes.get(KEY):
            try:
                if (rule.place.path, rule.id) not in loaded:
                    raise _why_not(rule, ruleset)
                yield from _tests(rule)
            except ContentError as error:
                yield error


def _why_not(rule: Authored, ruleset: RuleSet) -> ContentError:
    if not rule.id:
        return rule.place.error("a rule with regression tests needs an id", KEY)
    found = next((error for error in ruleset.errors if error.path == rule.place.path), None)
    return found or rule.place.error("the rule does not load")


def _tests(rule: Authored) -> list[RegressionTest]:
    info = _file(rule, rule.attributes[KEY])
    try:
        said = msgspec.convert(read_yaml(info), _Info)
    except msgspec.ValidationError as error:
        raise ContentError(str(info), str(error)) from error
    if rule.id not in {one.id.lower() for one in said.rule_metadata}:
        raise ContentError(str(info), f"its rule_metadata does not have the id {rule.id} of {rule.place.path}")
    return [
        RegressionTest(
            rule=rule.id,
            place=rule.place.path,
            name=test.name or f"test {position}",
            sample=_file(rule, test.path),
            least=test.match_count,
            filters=tuple(_file(rule, one) for one in test.filters),
        )
        for position, test in enumerate(said.regression_tests_info, start=1)
    ]


def _file(rule: Authored, name: object) -> Path:
    """The file that a rule or its tests mean: from the rule's folder, or from the nearest one above it that has it."""
    relative = str(name).strip().replace("\\", "/")
    for folder in _outer(rule.place.path).resolve().parents:
        try:
            if (folder / relative).is_file():
                return folder / relative
        except (OSError, ValueError):
            break
    raise rule.place.error(f"{relative}: no such file, neither from the rule's folder nor from one above it", KEY)


def _outer(path: str) -> Path:
    """The file that a rule is in, or the archive."""
    whole = Path(path)
    return whole if whole.exists() else Path(path.partition("!")[0])


def run_regression(test: RegressionTest, ruleset: RuleSet, sources: Sequence[Source], *, clock: Clock) -> Ran:
    """Run a test, its rule alone; ``ruleset`` has it."""
    if test.filters:
        ruleset = load_rules([_outer(test.place), *test.filters])
        if broken := [error for error in ruleset.errors if Path(error.path) in test.filters]:
            return Ran(test, 0, str(broken[0]))
    letters: list[DeadLetter] = []
    events = matches = 0
    try:
        chosen = alone(ruleset, [test.rule])
        for batch in replay([test.sample], chosen, sources, clock=clock, on_dead_letter=letters.append):
            events += 0 if batch.events is None else batch.events.num_rows
            matches += len(batch.findings)
    except InputError as error:
        return Ran(test, 0, str(error))
    return Ran(test, matches, _problem(test, matches, events, letters))


def _problem(test: RegressionTest, matches: int, events: int, letters: Sequence[DeadLetter]) -> str:
    if matches >= test.least and (test.least or not matches):
        return ""
    said = f"{matches} matches in {events} events, {f'at least {test.least}' if test.least else 'none'} expected"
    if letters:
        said += f"; {len(letters)} records of it could not be read, first: {letters[0].reason}"
    return said
