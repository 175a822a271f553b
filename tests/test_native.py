"""Log sources and decode plans."""

from functools import reduce
from operator import or_

from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.native import DecodePlan, LogSource, decode_logsources, encode_logsources

PARTS = st.text(st.characters(exclude_characters="/;"), max_size=4)
SOURCES = st.builds(LogSource, PARTS, PARTS, PARTS)
SEARCHED = st.frozensets(st.builds(LogSource, st.sampled_from(["", "a", "b"])), max_size=2)
PLANS = st.one_of(st.just(DecodePlan()), st.builds(DecodePlan, keywords=st.just(value=True), searched=SEARCHED))


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


def test_plans_add_up() -> None:
    both = DecodePlan(frozenset({"a"})) | DecodePlan(frozenset({"b"}), keywords=True)
    assert both == DecodePlan(frozenset({"a", "b"}), keywords=True)


@settings(max_examples=60)
@given(st.lists(PLANS, min_size=1, max_size=3), st.lists(SOURCES, max_size=3))
def test_a_sum_of_plans_wants_the_keywords_that_one_of_them_wants(
    plans: list[DecodePlan], served: list[LogSource]
) -> None:
    wanted = reduce(or_, plans).wants_keywords(served)
    assert wanted == any(plan.wants_keywords(served) for plan in plans)
