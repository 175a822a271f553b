"""Which records an entry is for."""

from typing import Any

import pytest

from watchfloor.normalize.condition import compile_condition


@pytest.mark.parametrize(
    ("when", "record", "holds"),
    [
        (None, {}, True),
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": "1"}, {"a": 1}, True),
        ({"a": True}, {"a": "true"}, True),
        ({"a": True}, {"a": True}, True),
        ({"a": [1, "x"]}, {"a": "x"}, True),
        ({"a": [1, "x"]}, {"a": 2}, False),
        ({"a": "x*"}, {"a": "xyz"}, True),
        ({"a": "x*"}, {"a": "x\ny"}, True),
        ({"a": "x*z"}, {"a": "xy"}, False),
        ({"a": "?*"}, {"a": ""}, False),
        ({"a": "X"}, {"a": "x"}, False),
        ({"a": None}, {}, True),
        ({"a": None}, {"a": ""}, False),
        ({"a": {"exists": True}}, {"a": 0}, True),
        ({"a": {"exists": False}}, {"a": None}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ([{"a": 1}, {"b": 2}], {"b": 2}, True),
        ([{"a": 1}, {"b": 2}], {"c": 2}, False),
        ({"a.b": 1}, {"a": [{"b": 2}, {"b": 1}]}, True),
        ({"a": "x"}, {"a": ["y", "x"]}, True),
        ({"a": "{}"}, {"a": {}}, True),
    ],
)
def test_condition(when: Any, record: dict[str, Any], holds: bool) -> None:  # noqa: FBT001 - a table of cases
    assert compile_condition(when)(record) is holds


@pytest.mark.parametrize("when", [{"a": {"exist": True}}, {"a": {"exists": "yes"}}, {"a": {"b": 1}}, {"a..b": 1}])
def test_malformed_conditions_are_refused(when: Any) -> None:
    with pytest.raises(ValueError, match=r"exists|malformed"):
        compile_condition(when)
