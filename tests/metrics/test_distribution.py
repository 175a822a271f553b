from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.metrics import sampled_share, share, summarise

FLOATS = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(FLOATS, min_size=1), st.integers(0, 40))
def test_every_quantile_occurred_and_censored_ones_never_lower_it(values: list[float], missed: int) -> None:
    plain = summarise(values, unit="s")
    less = summarise(values, unit="s", censored=missed)
    assert plain.median in values
    assert plain.maximum == max(values)
    assert (less.maximum == "censored") == bool(missed)
    for before, after in ((plain.median, less.median), (plain.p90, less.p90)):
        assert isinstance(before, float)
        assert after == "censored" or (isinstance(after, float) and after >= before)


def test_a_missed_attack_counts_as_infinite() -> None:
    assert summarise([1, 2, 3], unit="s").median == 2
    assert summarise([1, 2, 3], unit="s", censored=3).median == 3
    assert summarise([1, 2, 3], unit="s", censored=4).median == "censored"
    assert summarise([], unit="s", censored=1).median == "censored"


def test_p90_is_the_ninth_of_ten() -> None:
    assert summarise(range(1, 11), unit="s").p90 == 9
    assert summarise(range(1, 12), unit="s").p90 == 10
    assert summarise(range(1, 101), unit="s").median == pytest.approx(median(range(1, 101)), abs=0.5)


def test_missing_is_said_beside_and_never_a_zero() -> None:
    some = summarise([4.0, 8.0], unit="s", missing=2)
    assert (some.median, some.count, some.missing_share) == (4.0, 4, 0.5)
    none = summarise([], unit="s", missing=2)
    assert (none.median, none.p90, none.maximum, none.count, none.missing_share) == (None, None, None, 2, 1.0)
    assert summarise([], unit="s", censored=1, missing=2).median is None
    assert summarise([], unit="s").missing_share is None


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe 1998, table I, method 3: the score interval.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_is_that_of_the_literature(hits: int, of: int, low: float, high: float) -> None:
    one = sampled_share(hits, of)
    assert one.low == pytest.approx(low, abs=5e-5)
    assert one.high == pytest.approx(high, abs=5e-5)


def test_a_share_of_nothing_has_no_value() -> None:
    assert sampled_share(0, 0) == share(0, 0)
    assert share(0, 0).value is None
    assert share(0, 3).value == 0
    assert (sampled_share(0, 3).low, sampled_share(3, 3).high) == (0.0, 1.0)
