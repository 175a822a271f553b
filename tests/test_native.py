"""Log sources and decode plans."""

from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.native import DecodePlan, LogSource, decode_logsources, encode_logsources

PARTS = st.text(st.characters(exclude_characters="/;"), max_size=4)
SOURCES = st.builds(LogSource, PARTS, PARTS, PARTS)


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
