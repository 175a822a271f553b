"""Events of any size in, events of bounded size out; what is short enough is left as it is."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.testing.events import batch_of
from watchfloor.triage.view import CUT, MAX_TREE, MAX_VALUE, is_cut, view

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3).map(lambda text: text * 3000)
TREES = st.dictionaries(
    st.text(max_size=9),
    st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=30),
)


def event(**columns: Any) -> dict[str, Any]:
    (row,) = batch_of(columns).to_pylist()
    return dict(row)


@given(TREES, st.integers(0, 3 * MAX_VALUE), st.integers(0, 3 * MAX_TREE))
def test_a_view_is_bounded_and_whole_where_it_can_be(tree: dict[str, Any], long: int, raw: int) -> None:
    text = orjson.dumps(tree).decode()
    row = event(message="a" + "m" * long + "z", unmapped=text, raw=b"r" * raw)
    seen = view(row)
    assert len(seen["message"]) <= MAX_VALUE
    assert (seen["message"][0], seen["message"][-1]) == ("a", "z")
    assert len(seen["raw"]) <= MAX_TREE
    whole = long + 2 <= MAX_VALUE and len(text) <= MAX_TREE and raw <= MAX_TREE
    assert (seen is row) == whole
    assert is_cut(seen) != whole
    assert sum(map(len, map(str, leaves(orjson.loads(seen["unmapped"]))))) <= MAX_TREE


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict | list):
        return [leaf for one in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(one)]
    return [tree]


def test_what_was_left_out_is_marked() -> None:
    row = event(unmapped=orjson.dumps({"first": 1, "many": list(range(9000)), "last": 2}).decode())
    seen = orjson.loads(view(row)["unmapped"])
    assert seen["first"] == 1
    assert seen["many"][:3] == [0, 1, 2]
    assert seen["many"][-1] == CUT
    assert "last" not in seen
    assert CUT in seen
