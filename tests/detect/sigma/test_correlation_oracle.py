"""Correlations against a naive reading of the specification: all windows of the whole list of events."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.correlation_operator import CorrelationOperator
from watchfloor.finding import Finding
from watchfloor.run.correlated import run_correlations
from watchfloor.testing.operators import check_keyed

START = 1_700_000_000_000
SPAN = 10
RULES = "abc"


class Event(NamedTuple):
    """Seconds since the start, the rules that match, and fields."""

    time: int
    rules: str
    user: str | None = "u"
    host: str = "h"
    value: str | None = None
    uid: str = ""


class Seen(NamedTuple):
    """A match as a correlation sees it; ``of`` is the event that it stems from."""

    time: int
    uid: str
    rule: str
    unit: str
    of: Event


class Said(NamedTuple):
    uids: tuple[str, ...]
    value: float


Expression = Any
"""A rule's letter, ``("not", x)``, ``("and", x, y)`` or ``("or", x, y)``."""


class Spec(NamedTuple):
    kind: str
    rules: str
    criteria: dict[str, float]
    expression: Expression = None
    percentile: float = 50
    openers: str = ""
    waits: bool = False

    @property
    def grows(self) -> bool:
        if self.expression is not None:
            return not self.waits
        return self.kind not in {"value_avg", "value_median", "value_percentile"} and not {*self.criteria} - {
            "gt",
            "gte",
        }


def text_of(tree: Expression) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"not ({text_of(tree[1])})"
    return f"({text_of(tree[1])} {tree[0].upper()} {text_of(tree[2])})"


def is_true(tree: Expression, there: Iterable[str], occurred: Iterable[str], *, wanted: bool = True) -> bool:
    """Rules that are to occur are looked up in ``there``, those that are not in ``occurred``."""
    if isinstance(tree, str):
        return tree in there if wanted else tree not in occurred
    if tree[0] == "not":
        return is_true(tree[1], there, occurred, wanted=not wanted)
    parts = [is_true(one, there, occurred, wanted=wanted) for one in tree[1:]]
    return all(parts) if (tree[0] == "and") == wanted else any(parts)


def chains(rows: Sequence[Seen], rules: str) -> list[str]:
    """The rules, as subsets in their order, that occur in this order at times that do not fall."""
    found = []
    for size in range(1, len(rules) + 1):
        for some in combinations(rules, size):
            time = -1
            for rule in some:
                later = [row.time for row in rows if row.rule == rule and row.time >= time]
                if not later:
                    break
                time = min(later)
            else:
                found.append("".join(some))
    return found


def numbers(rows: Sequence[Seen]) -> list[Fraction]:
    return [
        Fraction(row.of.value or 0)
        for row in {(row.time, row.uid): row for row in rows}.values()
        if _is_number(row.of.value)
    ]


def _is_number(text: str | None) -> bool:
    return text is not None and text.lstrip("-").replace(".", "", 1).isdigit()


def measured(spec: Spec, rows: Sequence[Seen]) -> float | None:
    """The value of the rows if the condition holds of it."""
    occurred = {row.rule for row in rows}
    if spec.expression is not None:
        there = chains(rows, spec.rules) if spec.kind == "temporal_ordered" else ["".join(occurred)]
        return len(occurred) if any(is_true(spec.expression, one, occurred) for one in there) else None
    match spec.kind:
        case "event_count":
            value = float(len({row.unit for row in rows}))
        case "value_count":
            value = float(len({row.of.value for row in rows}))
        case "temporal":
            value = float(len(occurred))
        case "temporal_ordered":
            value = float(max(map(len, chains(rows, spec.rules)), default=0))
        case "value_sum":
            value = float(sum(numbers(rows)))
        case "value_avg":
            value = float(sum(numbers(rows)) / len(numbers(rows)))
        case _:
            ordered = sorted(numbers(rows))
            place = Fraction(spec.percentile if spec.kind == "value_percentile" else 50) / 100 * (len(ordered) - 1)
            low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
            value = float(low + (high - low) * (place - int(place)))
    compare = {
        "gt": lambda bound: value > bound,
        "gte": lambda bound: value >= bound,
        "lt": lambda bound: value < bound,
        "lte": lambda bound: value <= bound,
        "eq": lambda bound: value == bound,
        "neq": lambda bound: value != bound,
    }
    return value if all(compare[one](bound) for one, bound in spec.criteria.items()) else None


class Hit(NamedTuple):
    moment: int
    rows: list[Seen]
    value: float


def hits(spec: Spec, rows: Sequence[Seen]) -> list[Hit]:
    """The windows of one group in which the condition holds."""
    rows = sorted(rows, key=lambda row: (row.time, row.uid, row.rule))
    if spec.kind == "value_count":
        rows = [row for row in rows if row.of.value is not None]
    elif spec.kind.startswith("value_"):
        rows = [row for row in rows if _is_number(row.of.value)]
    found = []
    if spec.grows:
        for at, last in enumerate(rows):
            window = [row for row in rows[: at + 1] if row.time >= last.time - SPAN]
            if (value := measured(spec, window)) is not None:
                found.append(Hit(last.time, window, value))
        return found
    while rows:
        if rows[0].rule not in (spec.openers or spec.rules):
            rows = rows[1:]
            continue
        end = rows[0].time + SPAN
        window = [row for row in rows if row.time <= end]
        rows = [row for row in rows if row.time > end]
        if (value := measured(spec, window)) is not None:
            found.append(Hit(end, window, value))
    return found


def bursts(spec: Spec, rows: Sequence[Seen]) -> list[list[Hit]]:
    """Hits whose windows overlap; a window that is looked at when it closes is one of its own."""
    found: list[list[Hit]] = []
    for hit in hits(spec, rows):
        if spec.grows and found and hit.moment - SPAN <= found[-1][-1].moment:
            found[-1].append(hit)
        else:
            found.append([hit])
    return found


def _rows(burst: Sequence[Hit]) -> list[Seen]:
    return list(dict.fromkeys(row for hit in burst for row in hit.rows))


def said(spec: Spec, rows: Sequence[Seen]) -> list[Said]:
    return [
        Said(
            tuple(dict.fromkeys(row.uid for row in sorted(_rows(burst), key=lambda row: row.of.time))),
            max(hit.value for hit in burst),
        )
        for burst in bursts(spec, rows)
    ]


def seen(events: Sequence[Event], rules: str) -> list[Seen]:
    return [Seen(one.time, one.uid, rule, one.uid, one) for one in events for rule in one.rules if rule in rules]


def by(rows: Iterable[Seen], *fields: str) -> dict[tuple[str, ...], list[Seen]]:
    groups: dict[tuple[str, ...], list[Seen]] = {}
    for row in rows:
        group = tuple(getattr(row.of, field) for field in fields)
        if None not in group:
            groups.setdefault(group, []).append(row)
    return groups


def base(rule: str) -> dict[str, Any]:
    return {
        "title": f"Rule {rule}",
        "name": rule,
        "id": f"5f0b5c1e-0000-4000-8000-00000000000{rule}",
        "logsource": {"product": "windows"},
        "detection": {"s": {"K": rule}, "condition": "s"},
    }


def section_of(spec: Spec, **more: Any) -> dict[str, Any]:
    condition: Any = dict(spec.criteria)
    if spec.kind.startswith("value_"):
        condition["field"] = "V"
    if spec.kind == "value_percentile":
        condition["percentile"] = spec.percentile
    if spec.expression is not None:
        condition = text_of(spec.expression)
    return {"type": spec.kind, "rules": [*spec.rules], "timespan": "10s", "condition": condition, **more}


def correlation(number: int, section: dict[str, Any], **more: Any) -> dict[str, Any]:
    uid = f"5f0b5c1e-0000-4000-8000-0000000000f{number}"
    return {"title": f"Correlation {number}", "id": uid, "correlation": section, **more}


def batch(bench: Any, events: Sequence[Event]) -> pa.RecordBatch:
    fields = [{"K": [*one.rules], "U": one.user, "H": one.host, "V": one.value} for one in events]
    columns = {"time": [START + 1000 * one.time for one in events], "metadata.uid": [one.uid for one in events]}
    return bench.batch(fields, columns=columns)


def numbered(events: Sequence[Event]) -> list[Event]:
    """With uids whose order is not that of the list, so that ties are told apart."""
    return [one._replace(uid=f"{number * 7 % 31:02}") for number, one in enumerate(events)]


def found(detector: SigmaDetector, matches: pa.RecordBatch) -> list[Finding]:
    return list(run_correlations(detector.correlations, [matches], silent=detector.silent))


def told(findings: Iterable[Finding]) -> dict[str, list[Said]]:
    grouped: dict[str, list[Said]] = {}
    for one in sorted(findings, key=lambda one: (one.start, one.end)):
        grouped.setdefault(one.key, []).append(Said(one.event_uids, one.terms[0].value))
    return grouped


def _spec(kind: str, rules: str, criteria: dict[str, float], expression: Any = None, percentile: float = 50) -> Spec:
    return Spec(kind, rules, criteria, expression, percentile)


def _event(*fields: Any) -> Event:
    return Event(*fields)


EVENTS = st.lists(
    st.builds(
        _event,
        # Ties, and distances of just the timespan and of one second more, come up often.
        st.sampled_from([0, 1, 9, 10, 11, 20, 21, 32]),
        st.sampled_from(["a", "b", "c", "ab", "abc", "bc"]),
        st.sampled_from(["u", "v", None]),
        st.sampled_from(["h", "i"]),
        st.sampled_from(["1", "2", "-3", "2.5", "many", None]),
    ),
    min_size=1,
    max_size=18,
).map(numbered)

NUMBERS = st.sampled_from([1, 2, 2, 3, 4])
CRITERIA = st.one_of(
    st.builds(
        lambda one, bound: {one: bound}, st.sampled_from(["gt", "gte", "gte", "lt", "lte", "eq", "neq"]), NUMBERS
    ),
    st.builds(lambda low, more: {"gte": low, "lt": low + more}, NUMBERS, NUMBERS),
)
COUNTED = st.builds(
    _spec,
    st.sampled_from(
        [
            *("event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile"),
            *("temporal", "temporal_ordered"),
        ]
    ),
    st.sampled_from(["a", "ab", "abc", "ca"]),
    CRITERIA,
    percentile=st.sampled_from([0, 25, 50, 90, 100]),
)
EXPRESSIONS = st.recursive(
    st.sampled_from([*RULES]),
    lambda inner: st.one_of(
        st.builds(lambda one: ("not", one), inner),
        st.builds(lambda word, one, two: (word, one, two), st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=4,
)
SAID = st.builds(_spec, st.sampled_from(["temporal", "temporal_ordered"]), st.just("abc"), st.just({}), EXPRESSIONS)


def _used(tree: Expression) -> set[str]:
    return {tree} if isinstance(tree, str) else set().union(*map(_used, tree[1:]))


def _named(spec: Spec) -> Spec:
    """With the rules that its condition names."""
    if spec.expression is None:
        return spec
    return spec._replace(rules="".join(rule for rule in RULES if rule in _used(spec.expression)))


def check(bench: Any, spec: Spec, events: Sequence[Event]) -> None:
    spec = _named(spec)
    ruleset = bench.load(*map(base, RULES), correlation(0, section_of(spec, **{"group-by": ["U"]})))
    assume(not ruleset.errors)
    (linked,) = ruleset.correlations
    openers = {place for branch in linked.correlation.branches for place in branch.present}
    waits = any(branch.absent for branch in linked.correlation.branches)
    spec = spec._replace(openers="".join(spec.rules[place] for place in openers), waits=waits)
    detector = SigmaDetector(ruleset)
    matches = detector.process(batch(bench, events)).matches
    expected = {f'{{"U":"{user}"}}': said(spec, rows) for (user,), rows in by(seen(events, spec.rules), "user").items()}
    findings = found(detector, matches)
    assert told(findings) == {key: one for key, one in expected.items() if one}
    assert [one.terms[1].value for one in findings] == [len(one.event_uids) for one in findings]


@settings(max_examples=40)
@given(st.deferred(lambda: COUNTED | SAID), st.deferred(lambda: EVENTS))
def test_the_laws_of_keyed_operators_hold(bench: Any, spec: Spec, events: list[Event]) -> None:
    ruleset = bench.load(*map(base, RULES), correlation(0, section_of(_named(spec), **{"group-by": ["U"]})))
    assume(not ruleset.errors)
    order = [(name, "ascending") for name in ("time", "metadata.uid", "match.rule")]
    matches = SigmaDetector(ruleset).process(batch(bench, events)).matches.sort_by(order)
    check_keyed(CorrelationOperator(ruleset.correlations[0]), matches)


@settings(max_examples=120)
@given(COUNTED, EVENTS)
def test_counts_and_values_agree(bench: Any, spec: Spec, events: list[Event]) -> None:
    check(bench, spec, events)


@settings(max_examples=80)
@given(SAID, EVENTS)
def test_conditions_in_words_agree(bench: Any, spec: Spec, events: list[Event]) -> None:
    check(bench, spec, events)


CHILD = st.builds(
    _spec,
    st.sampled_from(["event_count", "value_count", "temporal", "temporal_ordered"]),
    st.sampled_from(["ab", "a"]),
    CRITERIA,
)
PARENT = st.builds(
    _spec,
    st.sampled_from(["event_count", "temporal", "temporal_ordered", "value_sum"]),
    st.sampled_from(["Xc", "cX", "X"]),
    CRITERIA,
)


@settings(max_examples=80)
@given(CHILD, PARENT, EVENTS)
def test_chains_agree(bench: Any, child: Spec, parent: Spec, events: list[Event]) -> None:
    """The child groups by user and host, the parent by the user alone."""
    ruleset = bench.load(
        *map(base, RULES),
        correlation(1, section_of(child, **{"group-by": ["U", "H"]}), name="X"),
        correlation(2, section_of(parent, **{"group-by": ["U"]})),
    )
    assume(not ruleset.errors)
    rows = seen(events, parent.rules)
    for group, own in by(seen(events, child.rules), "user", "host").items():
        for place, burst in enumerate(bursts(child, own)):
            known: set[str] = set()
            for hit in burst:
                fresh = {row.uid: row.of for row in hit.rows if row.uid not in known}
                known.update(fresh)
                rows += [Seen(hit.moment, uid, "X", f"{group}{place}", one) for uid, one in fresh.items()]
    expected = {f'{{"U":"{user}"}}': said(parent, own) for (user,), own in by(rows, "user").items()}
    detector = SigmaDetector(ruleset)
    findings = found(detector, detector.process(batch(bench, events)).matches)
    mine = [one for one in findings if one.rule.title == "Correlation 2"]
    assert {key: [one.uids for one in own] for key, own in told(mine).items()} == {
        key: [one.uids for one in own] for key, own in expected.items() if own
    }


@pytest.mark.parametrize("spec", [Spec("event_count", "a", {"gte": 2}), Spec("event_count", "a", {"lt": 2})])
def test_the_naive_reading_fires_at_all(spec: Spec) -> None:
    one, two = (Seen(time, str(time), "a", str(time), Event(time, "a")) for time in (0, 10))
    assert said(spec, [one, two]) == ([Said(("0", "10"), 2)] if spec.grows else [])
    assert said(spec, [one, two._replace(time=11)]) == ([] if spec.grows else [Said(("0",), 1), Said(("10",), 1)])
