"""What a correlation saw, in words: the summary of its findings and the terms of its value."""

from collections.abc import Sequence

import orjson

from watchfloor.detect.sigma.correlation import TEMPORAL, Comparison, Correlation, Criterion
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.finding import Term
from watchfloor.judging import lasting, listed, shown

_ASKED: dict[Comparison, str] = {
    "gt": "more than",
    "gte": "at least",
    "lt": "less than",
    "lte": "at most",
    "eq": "exactly",
    "neq": "not exactly",
}
MAX_TITLES = 4


def summary(linked: LinkedCorrelation, value: float, group: str, occurred: Sequence[str]) -> str:
    """One sentence: ``Many failed logins: 12 events within 10 minutes for User "alice" (at least 10).``."""
    correlation = linked.correlation
    span = lasting(correlation.timespan)
    said = f"{correlation.rule.title}: {_measured(correlation, value, occurred)} within {span}{_whose(group)}"
    return f"{said}{_asked(correlation)}."


def terms(linked: LinkedCorrelation, value: float, events: int, kept: int) -> tuple[Term, ...]:
    """The value, how many events gave it, and what it was compared with."""
    correlation = linked.correlation
    span = lasting(correlation.timespan)
    counted = f"{events} events contribute" + (f"; {kept} of them are named." if kept < events else ".")
    return (
        Term(correlation.kind, value, f"{_sentence(_measured(correlation, value, ()))} within {span}."),
        Term("events", events, counted),
        *(
            Term("threshold", one.number, f"The rule asks for {_ASKED[one.comparison]} {_number(one.number)}.")
            for one in correlation.criteria
        ),
    )


def _measured(correlation: Correlation, value: float, occurred: Sequence[str]) -> str:
    field = " and ".join(shown(name) for name in correlation.fields)
    number = _number(value)
    if correlation.kind in TEMPORAL:
        order = " in order" if correlation.kind == "temporal_ordered" else ""
        named = f" ({listed(occurred, MAX_TITLES)})" if occurred else ""
        return f"{number} of {len(correlation.references)} rules matched{order}{named}"
    several = "" if value == 1 else "s"
    return {
        "event_count": f"{number} event{several}",
        "value_count": f"{number} different value{several} of {field}",
        "value_sum": f"{field} adds up to {number}",
        "value_avg": f"{field} is {number} on average",
        "value_percentile": f"percentile {_number(correlation.percentile)} of {field} is {number}",
        "value_median": f"the median of {field} is {number}",
    }[correlation.kind]


def _whose(group: str) -> str:
    values: dict[str, str] = orjson.loads(group)
    named = " and ".join(f'{shown(name)} "{shown(value)}"' for name, value in values.items())
    return f" for {named}" if named else ""


def _asked(correlation: Correlation) -> str:
    if correlation.branches:
        return ""
    return f" ({' and '.join(_criterion(one) for one in correlation.criteria)})"


def _criterion(one: Criterion) -> str:
    return f"{_ASKED[one.comparison]} {_number(one.number)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) < 1e15 and value == int(value) else f"{value:,.6g}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
