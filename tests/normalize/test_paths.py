"""Paths into vendor records, those with dots in their keys included."""

import pytest

from watchfloor.normalize.paths import Consumed, getter


def test_an_escaped_dot_belongs_to_the_key() -> None:
    record = {"winlog.channel": "Security", "winlog": {"channel": "System"}}
    assert getter(r"winlog\.channel")(record) == "Security"
    assert getter("winlog.channel")(record) == "System"


def test_what_an_escaped_path_takes_is_consumed() -> None:
    record = {"labels": {"a.b": 1, "c": 2}, "d": 3}
    assert Consumed([r"labels.a\.b"]).leftover(record) == {"labels": {"c": 2}, "d": 3}


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "a\\b", "a[", "a[x]"])
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        getter(path)
