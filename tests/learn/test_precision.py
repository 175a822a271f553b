"""Precision: few labels say little, and rules learn from each other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.case import DISPOSITIONS, Disposition
from watchfloor.learn import precision

LABELLED = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(DISPOSITIONS)), max_size=30)


@settings(max_examples=40)
@given(LABELLED)
def test_a_precision_is_a_probability_for_each_rule_with_a_verdict(labelled: list[tuple[str, Disposition]]) -> None:
    found = precision(labelled)
    assert set(found) == {rule for rule, disposition in labelled if disposition != "inconclusive"}
    assert all(0 < value < 1 for value in found.values())
    assert found == precision(labelled[::-1])


@settings(max_examples=40)
@given(LABELLED)
def test_a_true_positive_raises_and_a_false_positive_lowers_it(labelled: list[tuple[str, Disposition]]) -> None:
    before = precision([*labelled, ("a", "true-positive")])["a"]
    assert precision([*labelled, ("a", "true-positive"), ("a", "true-positive")])["a"] > before
    assert precision([*labelled, ("a", "true-positive"), ("a", "false-positive")])["a"] < before


@settings(max_examples=40)
@given(LABELLED)
def test_inconclusive_labels_say_nothing(labelled: list[tuple[str, Disposition]]) -> None:
    assert precision([*labelled, ("a", "inconclusive")]) == precision(labelled)


def said(rule: str, disposition: Disposition, times: int = 1) -> list[tuple[str, Disposition]]:
    return [(rule, disposition)] * times


def test_a_rule_with_one_label_stays_near_what_all_rules_show() -> None:
    found = precision(said("steady", "true-positive", 98) + said("young", "false-positive"))
    assert 0.7 < found["young"] < 0.85
    many = precision(said("steady", "true-positive", 98) + said("young", "false-positive", 40))
    assert many["young"] < 0.1


def test_a_benign_true_positive_is_a_rule_that_was_right() -> None:
    assert precision([("a", "benign-true-positive")]) == precision([("a", "true-positive")])


def test_the_formula_is_the_one_in_the_docstring() -> None:
    pooled = (3 + 1) / (4 + 2)
    found = precision(said("a", "true-positive", 2) + said("b", "true-positive") + said("b", "false-positive"))
    assert found == {
        "a": pytest.approx((2 + 4 * pooled) / (2 + 4)),
        "b": pytest.approx((1 + 4 * pooled) / (2 + 4)),
    }
