"""What is wrong with rules before they run: what does not load, what can never match, what is missing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.columns import OCSF, field_of
from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    CompiledRule,
    Condition,
    Leaf,
    Not,
    Or,
    Reference,
    predicates,
)
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import ContentError
from watchfloor.native import KEYWORDS
from watchfloor.rulecraft.authored import Authored, Texts, authored
from watchfloor.rulecraft.check_correlation import check_correlations
from watchfloor.rulecraft.contradiction import Conflict, always, contradiction, impossible_alternatives
from watchfloor.rulecraft.fields import Universe, named
from watchfloor.rulecraft.pattern import pattern
from watchfloor.rulecraft.problem import Problem, missing_metadata, problem

MAX_NAMED = 3


class Checked(msgspec.Struct, frozen=True):
    """The rules that load and the problems, in the order of their places."""

    ruleset: RuleSet
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many of the problems are errors."""
        return sum(one.severity == "error" for one in self.problems)


def check_rules(paths: Sequence[Path], universe: Universe) -> Checked:
    """The problems of the rules of folders, files and zips.

    Raises:
        InputError: A path does not exist.
    """
    ruleset = load_rules(paths)
    texts = Texts(authored(paths))
    problems = [_not_loaded(error) for error in ruleset.errors]
    for rule in ruleset.rules:
        problems += _of_rule(rule, texts.of(rule.rule), universe)
    problems += _same_logic(ruleset.rules, texts)
    dead = frozenset(one.rule for one in problems if (one.severity, one.kind) == ("error", "never"))
    problems += check_correlations(ruleset, texts, universe, dead)
    problems.sort(key=lambda one: (one.path, one.line or 0, one.severity, one.reason))
    return Checked(ruleset, tuple(problems))


def _not_loaded(error: ContentError) -> Problem:
    duplicate = " is already that of " in error.reason
    return Problem("error", "duplicate" if duplicate else "load", error.path, error.line, error.reason)


def _of_rule(rule: CompiledRule, text: Authored, universe: Universe) -> Iterator[Problem]:
    yield from missing_metadata(rule.rule, text)
    if rule.logsource.product != OCSF:
        yield from _log_source(rule, text, universe)
    yield from _logic(rule, text, universe)


def _log_source(rule: CompiledRule, text: Authored, universe: Universe) -> Iterator[Problem]:
    if not universe.serves(rule.logsource):
        reason = f"no loaded source serves its log source ({named(rule.logsource)})"
        yield problem(rule.rule, text, "warning", "logsource", reason, "logsource")
        return
    for field in _fields(rule.condition):
        if not universe.knows(rule.logsource, field):
            other = universe.spelled(rule.logsource, field)
            hint = f"; there is {other!r}" if other else ""
            reason = f"no sample, mapping or alias of {named(rule.logsource)} has the field {field!r}{hint}"
            yield problem(rule.rule, text, "warning", "field", reason, *_search_of(text, field))


def _fields(condition: Condition) -> list[str]:
    columns: dict[str, None] = {}
    for one in predicates(condition):
        columns[one.column] = None
        if isinstance(one.test, Reference):
            columns[one.test.column] = None
    return [field_of(column) for column in columns if column != KEYWORDS]


def _search_of(text: Authored, field: str) -> tuple[str, ...]:
    """The key of the search that names a field."""
    searches = text.attributes.get("detection")
    if isinstance(searches, dict):
        for name, search in searches.items():
            if _names(search, field):
                return "detection", str(name)
    return ("detection",)


def _names(search: object, field: str) -> bool:
    if isinstance(search, dict):
        return any(str(key).partition("|")[0] == field for key in search)
    return isinstance(search, list) and any(_names(one, field) for one in search)


def _logic(rule: CompiledRule, text: Authored, universe: Universe) -> Iterator[Problem]:
    at = ("detection", "condition")

    def single(column: str) -> bool:
        return rule.logsource.product != OCSF and universe.single(rule.logsource, field_of(column))

    if conflict := contradiction(rule.condition, single):
        yield problem(rule.rule, text, "error", "never", f"can never match: {words(conflict)}", *at)
        return
    if conflict := contradiction(rule.condition, lambda column: column != KEYWORDS):
        several = f"needs a record with several values of one field: {words(conflict)}"
        yield problem(rule.rule, text, "warning", "never", several, *at)
    if always(rule.condition):
        yield problem(rule.rule, text, "warning", "always", "matches every record of its log source", *at)
    dead = impossible_alternatives(rule.condition, single)
    for _, conflict in dead[:MAX_NAMED]:
        reason = f"an alternative can never match: {words(conflict)}"
        yield problem(rule.rule, text, "warning", "alternative", reason, *at)
    if len(dead) > MAX_NAMED:
        reason = f"{len(dead) - MAX_NAMED} more alternatives can never match"
        yield problem(rule.rule, text, "warning", "alternative", reason, *at)


def words(conflict: Conflict) -> str:
    """Why two parts of a condition exclude each other."""
    first, second = pattern(conflict.first), pattern(conflict.second)
    if not conflict.negated:
        return f"{first} and {second} exclude each other"
    if conflict.first == conflict.second:
        return f"{first} must be true and false"
    return f"{first} is required, and {second}, which then is true, is excluded"


def _same_logic(rules: Sequence[CompiledRule], texts: Texts) -> Iterator[Problem]:
    alike: dict[object, list[CompiledRule]] = defaultdict(list)
    for rule in rules:
        alike[rule.logsource, canonical(rule.condition)].append(rule)
    for first, *others in alike.values():
        for other in others:
            reason = f"does exactly what {first.rule.id} does ({first.rule.path})"
            yield problem(other.rule, texts.of(other.rule), "warning", "duplicate", reason, "detection")


def canonical(condition: Condition) -> object:
    """The condition without the order of its parts: equal for conditions that say the same in another order."""
    match condition:
        case Leaf(predicate):
            return predicate
        case Not(inner):
            return ("not", canonical(inner))
        case And(parts):
            return ("and", frozenset(map(canonical, parts)))
        case Or(parts):
            return ("or", frozenset(map(canonical, parts)))
        case AtLeast(count, parts):
            # A part that stands twice counts twice.
            return (count, tuple(sorted((canonical(part) for part in parts), key=hash)))
