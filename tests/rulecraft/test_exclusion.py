"""Exclusions take wrong matches away and never a right one."""

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.rulecraft.exclusion import (
    MAX_EXCLUSIONS,
    MAX_FIELDS,
    MAX_VALUES,
    Exclusion,
    Features,
    Matches,
    exclusions,
)

ANCHORS = frozenset({"host", "user"})
SOME = st.lists(
    st.dictionaries(st.sampled_from(["host", "user", "image", "parent", "line"]), st.sampled_from("abc")).map(
        lambda one: frozenset(one.items())
    ),
    max_size=7,
)


def look(**fields: str) -> Features:
    return frozenset(fields.items())


def found(wrong: list[Features], right: list[Features], open_: list[Features] | None = None) -> list[Exclusion]:
    return exclusions(Matches(wrong, right, open_ or []), ANCHORS)


@given(SOME, SOME, SOME)
def test_no_right_match_is_taken_and_what_is_said_is_so(
    wrong: list[Features], right: list[Features], open_: list[Features]
) -> None:
    made = found(wrong, right, open_)
    assert len(made) <= MAX_EXCLUSIONS
    for one in made:
        assert not any(map(one.holds, right))
        assert one.wrong <= {at for at, match in enumerate(wrong) if one.holds(match)}
        assert one.open == {at for at, match in enumerate(open_) if one.holds(match)}
        assert len(one.wrong) >= (2 if len(wrong) > 2 else 1)
        assert one.chosen == ANCHORS.isdisjoint(one.fields)
        assert 0 < len(one.fields) <= MAX_FIELDS + 1
        assert all(len(values) <= MAX_VALUES for values in one.fields.values())


@given(SOME, SOME)
def test_one_that_no_right_match_looks_like_is_taken(wrong: list[Features], right: list[Features]) -> None:
    alone = look(host="z")
    assert any(one.holds(alone) for one in found([alone], right))
    assert found([alone, *wrong[:0]], [*right, alone]) == []


def test_the_smallest_that_takes_most() -> None:
    wrong = [look(user="svc", image="cmd", line=str(at)) for at in range(4)]
    (one,) = found(wrong, [look(user="ann", image="cmd")])
    assert (one.fields, one.chosen) == ({"user": ("svc",)}, False)


def test_two_fields_where_one_would_take_a_right_match_away() -> None:
    wrong = [look(user="svc", host="b1")] * 3
    (one,) = found(wrong, [look(user="svc", host="b2"), look(user="ann", host="b1")])
    assert one.fields == {"user": ("svc",), "host": ("b1",)}


def test_what_hides_less_besides_is_better() -> None:
    wrong = [look(user="svc", host="b1")] * 3
    (one,) = found(wrong, [look(user="ann", host="b2")], [look(user="ann", host="b1")] * 9)
    assert one.fields == {"user": ("svc",)}
    assert not one.open


def test_what_the_environment_sets_is_better_than_what_an_attacker_chooses() -> None:
    wrong = [look(image="ci", user="svc")] * 3
    (one,) = found(wrong, [look(image="cmd", user="ann")])
    assert one.fields == {"user": ("svc",)}


def test_what_an_attacker_chooses_is_anchored_to_where_it_was_seen() -> None:
    wrong = [look(parent="ci", host="b1"), look(parent="ci", host="b2"), look(parent="ci", host="b3")]
    (one,) = found(wrong, [look(parent="word", host=f"b{at}") for at in (1, 2, 3)])
    assert (one.fields, one.chosen) == ({"parent": ("ci",), "host": ("b1", "b2", "b3")}, False)


def test_without_an_anchor_an_attacker_chooses_all_of_it() -> None:
    wrong = [look(parent="ci", host=f"b{at}") for at in range(MAX_VALUES + 1)]
    (one,) = found(wrong, [look(parent="word")])
    assert (one.fields, one.chosen) == ({"parent": ("ci",)}, True)


def test_one_exclusion_after_the_other() -> None:
    wrong = [look(user="svc")] * 3 + [look(host="b1")] * 2 + [look(line="x")]
    made = found(wrong, [look(user="ann")])
    assert [one.wrong for one in made] == [{0, 1, 2}, {3, 4}]
