"""Log sources and decode plans."""

from functools import reduce
from operator import or_

from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.native import DecodePlan, LogSource, decode_logsources, encode_logsources

PARTS = st.text(st.characters(exclude_characters="/;"), max_size=4)
SOURCES = st.builds(LogSource, PARTS, PARTS, PARTS)
FIELDS = st.frozensets(st.sampled_from("xyz*"), max_size=2)
FURTHER = st.dictionaries(st.builds(LogSource, st.sampled_from(["", "a", "b"])), FIELDS, max_size=2)
PLANS = st.builds(DecodePlan, FIELDS, FURTHER)


@settings(max_examples=40)
@given(st.lists(SOURCES, max_size=4))
def test_log_sources_survive_their_column(served: list[LogSource]) -> None:
    assert decode_logsources(encode_logsources(served)) == tuple(served)


@settings(max_examples=40)
@given(SOURCES, SOURCES)
def test_a_log_source_is_served_by_what_has_its_parts(asked: LogSource, served: LogSource) -> None:
    assert served.served_by(served)
    assert LogSource().served_by(served)
    parts = zip((asked.product, asked.category, asked.service), (served.product, served.category, served.service))  # noqa: B905
    assert asked.served_by(served) == all(one in {"", other} for one, other in parts)


@settings(max_examples=60)
@given(st.lists(PLANS, min_size=1, max_size=3), st.lists(SOURCES, max_size=3))
def test_a_sum_of_plans_wants_what_one_of_them_wants(plans: list[DecodePlan], served: list[LogSource]) -> None:
    assert reduce(or_, plans).wanted(served) == frozenset().union(*(plan.wanted(served) for plan in plans))


def test_fields_of_other_log_sources_are_not_wanted() -> None:
    plan = DecodePlan(frozenset({"a"}), {LogSource("b"): frozenset({"x"}), LogSource(): frozenset({"y"})})
    assert plan.wanted([LogSource("b", "c")]) == {"a", "x", "y"}
    assert plan.wanted([LogSource("d")]) == {"a", "y"}
    assert plan.wanted([]) == {"a"}
