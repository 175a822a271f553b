"""Reads the ``correlation`` section of a rule file.

What the specification allows and pySigma refuses is read here: ranges (``gt`` with ``lte``), ``AND`` in capitals, and
``generate`` beside the section as well as in it. A name that the section does not know is refused: ``groupby`` would
otherwise count everybody's events as one.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, get_args

from watchfloor.detect.sigma.correlation import (
    COUNTING,
    TEMPORAL,
    Branch,
    Comparison,
    Correlation,
    Criterion,
    Kind,
)
from watchfloor.detect.sigma.correlation_condition import branches_of, names_in
from watchfloor.detect.sigma.place import Place
from watchfloor.finding import Rule

MAX_COUNT = 65_536
"""The highest number that events and values are counted to: a key remembers as many."""

MAX_RULES = 1000
MAX_IN_ORDER = 64
"""How many rules a correlation may refer to, and how many if their order counts."""

MAX_TIMESPAN = 366 * 86_400_000
"""The longest timespan, in ms: about a year."""

_SECTION = "correlation"
_KNOWN = frozenset({"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"})
_SPAN = re.compile(r"([0-9]{1,9})([smhdwMy])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
_COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
_KINDS: tuple[Kind, ...] = get_args(Kind)


def read_correlation(record: Mapping[str, Any], rule: Rule, place: Place) -> Correlation:
    """The correlation that a YAML document describes; ``rule`` is its metadata.

    Raises:
        ContentError: It has no meaning; names the line and the reason.
    """
    return _Reader(record, rule, place).correlation()


class _Reader:
    def __init__(self, record: Mapping[str, Any], rule: Rule, place: Place) -> None:
        self._record = record
        self._rule = rule
        self._place = place
        section = record[_SECTION]
        if not isinstance(section, dict):
            raise place.error("the correlation must be a mapping", _SECTION)
        self._section: dict[Any, Any] = section

    def correlation(self) -> Correlation:
        for key in self._section:
            if key not in _KNOWN:
                raise self._error(f"{key!r} is not part of a correlation; known are {', '.join(sorted(_KNOWN))}", key)
        kind = self._kind()
        references = self._references(kind)
        name = self._record.get("name")
        return self._conditioned(
            kind,
            references,
            group_by=self._texts("group-by", self._section.get("group-by", [])),
            timespan=self._timespan(),
            aliases=self._aliases(),
            generate=self._generate(),
            name=name if isinstance(name, str) else "",
        )

    def _error(self, reason: str, key: object) -> Exception:
        return self._place.error(reason, _SECTION, str(key))

    def _kind(self) -> Kind:
        value = self._section.get("type")
        for kind in _KINDS:
            if value == kind:
                return kind
        raise self._error(f"{value!r} is not a type of correlation; known are {', '.join(_KINDS)}", "type")

    def _references(self, kind: Kind) -> tuple[str, ...]:
        condition = self._section.get("condition")
        given = self._section.get("rules")
        if given is None and kind in TEMPORAL and isinstance(condition, str):
            given = names_in(condition)
        references = self._texts("rules", given)
        if not references:
            raise self._error("names no rules that it correlates", "rules")
        most = MAX_IN_ORDER if kind == "temporal_ordered" else MAX_RULES
        if len(references) > most:
            raise self._error(f"refers to {len(references)} rules; at most {most} can be correlated", "rules")
        return references

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
            raise self._error(f"{key} must be a list of texts", key)
        if len(set(listed)) < len(listed):
            raise self._error(f"{key} names something twice", key)
        return tuple(listed)

    def _timespan(self) -> int:
        value = self._section.get("timespan")
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        span = int(found[1]) * _UNITS[found[2]] * 1000 if found else 0
        if not 0 < span <= MAX_TIMESPAN:
            raise self._error(f"{value!r} is not a timespan: a number with s, m, h or d, of a year at most", "timespan")
        return span

    def _aliases(self) -> dict[str, dict[str, str]]:
        value = self._section.get("aliases") or {}
        if not isinstance(value, dict):
            raise self._error("aliases must be a mapping", "aliases")
        for alias, fields in value.items():
            texts = [alias, *fields, *fields.values()] if isinstance(fields, dict) else [None]
            if not all(isinstance(one, str) for one in texts):
                raise self._error(f"the alias {alias!r} must map rules to fields", "aliases")
        return value

    def _generate(self) -> bool:
        # The specification shows it beside the section, pySigma reads it inside.
        beside, within = self._record.get("generate", False), self._section.get("generate", False)
        if not isinstance(within, bool):
            raise self._error("generate must be true or false", "generate")
        if not isinstance(beside, bool):
            raise self._place.error("generate must be true or false", "generate")
        return beside or within

    def _conditioned(self, kind: Kind, references: tuple[str, ...], **attributes: Any) -> Correlation:
        criteria, branches, fields, percentile = self._condition(kind, references)
        return Correlation(
            rule=self._rule,
            place=self._place,
            kind=kind,
            references=references,
            criteria=criteria,
            branches=branches,
            fields=fields,
            percentile=percentile,
            **attributes,
        )

    def _condition(
        self, kind: Kind, references: tuple[str, ...]
    ) -> tuple[tuple[Criterion, ...], tuple[Branch, ...], tuple[str, ...], float]:
        condition = self._section.get("condition")
        if condition is None and kind in TEMPORAL:
            return (Criterion("gte", len(references)),), (), (), 50
        if isinstance(condition, str):
            if kind not in TEMPORAL:
                raise self._error(f"a condition in words belongs to {' and '.join(sorted(TEMPORAL))}", "condition")
            try:
                return (), branches_of(condition, references), (), 50
            except ValueError as error:
                raise self._error(str(error), "condition") from error
        if not isinstance(condition, dict):
            raise self._error("needs a condition: a mapping such as 'gte: 10'", "condition")
        return self._criteria(kind, condition, references), (), self._fields(kind, condition), self._percentile(kind)

    def _criteria(self, kind: Kind, condition: Mapping[Any, Any], references: tuple[str, ...]) -> tuple[Criterion, ...]:
        for key in condition:
            if key not in {*_COMPARISONS, "field", "percentile"}:
                raise self._error(f"{key!r} is not a comparison; known are {', '.join(_COMPARISONS)}", "condition")
        criteria = tuple(Criterion(one, self._number(condition[one])) for one in _COMPARISONS if one in condition)
        if not criteria:
            raise self._error("compares with nothing: a mapping such as 'gte: 10' is expected", "condition")
        if kind in COUNTING:
            most = len(references) if kind in TEMPORAL else MAX_COUNT
            if any(one.number > MAX_COUNT for one in criteria):
                raise self._error(f"nothing is counted beyond {MAX_COUNT}", "condition")
            if not _possible(criteria, most):
                raise self._error("can never be true: what is counted is 1 at least" + _beyond(kind, most), "condition")
        return criteria

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._error(f"{value!r} is not a number to compare with", "condition")
        return value

    def _fields(self, kind: Kind, condition: Mapping[Any, Any]) -> tuple[str, ...]:
        if not kind.startswith("value_"):
            if "field" in condition:
                raise self._error(f"{kind} looks at no field", "condition")
            return ()
        fields = self._texts("condition", condition.get("field", []))
        if not fields or (len(fields) > 1 and kind != "value_count"):
            raise self._error(f"{kind} needs a field whose values it looks at", "condition")
        return fields

    def _percentile(self, kind: Kind) -> float:
        value = self._section["condition"].get("percentile")
        if kind != "value_percentile":
            if value is not None:
                raise self._error(f"{kind} has no percentile", "condition")
            return 50
        number = self._number(value) if value is not None else -1
        if not 0 <= number <= 100:
            raise self._error("value_percentile needs a percentile from 0 to 100", "condition")
        return number


def _possible(criteria: tuple[Criterion, ...], most: int) -> bool:
    """Whether some count from 1 to ``most`` fulfils the criteria: only those near a number need to be tried."""
    near = {1, most, *(math.floor(one.number) + step for one in criteria for step in (-1, 0, 1, 2))}
    return any(all(one.holds(count) for one in criteria) for count in near if 1 <= count <= most)


def _beyond(kind: Kind, most: int) -> str:
    return f", and {most} rules at most can occur" if kind in TEMPORAL else ""
