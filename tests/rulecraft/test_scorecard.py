"""What a rule is worth: from labels, volume, age and cost to advice with its reason."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.case import Disposition
from watchfloor.detect.sigma.place import Place
from watchfloor.finding import Finding, Rule
from watchfloor.learn import Label
from watchfloor.metrics import sampled_share
from watchfloor.rulecraft.authored import Authored, Texts
from watchfloor.rulecraft.backtest import RuleHistory
from watchfloor.rulecraft.replay import Replayed
from watchfloor.rulecraft.scorecard import ADVICE, BUSY, COSTLY, DAY, Card, Watched, advise, scorecard

RULE = Rule("r", "A rule", path="r.yml")


def finding(uid: str) -> Finding:
    return Finding(uid=uid, tenant="default", rule=RULE, start=0, end=0, event_uids=("e",))


def label(uid: str, disposition: Disposition, case: str | None = None) -> Label:
    return Label(disposition, "alice", "2026-03-17T09:00:00Z", "a test", uid=uid, case=case)


def card(
    labels: Sequence[Label], *, found: int = 3, times: Sequence[int] = (0,), written: dict[str, str] | None = None
) -> Card:
    watched = Watched({one.uid or "": one for one in labels})
    events = pa.RecordBatch.from_pydict({"time": pa.array(times, pa.int64())})
    list(watched([Replayed(events, [finding(f"f{at}") for at in range(found)]), Replayed(None, [])]))
    history = RuleHistory(id="r", title="A rule", level="low", matches=found)
    texts = Texts([Authored(Place("r.yml"), {"id": "r", **(written or {})})])
    (made,) = scorecard([history], watched, {"r": RULE}, texts, date(2026, 3, 17))
    return made


def test_precision_is_of_the_labels_of_its_findings() -> None:
    made = card(
        [
            label("f0", "true-positive"),
            label("f1", "false-positive"),
            label("f2", "inconclusive"),
            label("x", "true-positive"),
        ]
    )
    assert (made.right.hits, made.right.of) == (1, 2)
    assert made.right == sampled_share(1, 2)
    assert made.estimate == pytest.approx(0.5)
    assert card([label("f0", "benign-true-positive")]).right.hits == 1
    assert card([]).estimate is None


def test_the_label_of_a_case_counts_once() -> None:
    made = card([label(f"f{at}", "false-positive", case="c") for at in range(3)])
    assert made.right.of == 1


def test_volume_is_by_the_days_of_the_history() -> None:
    assert card([], times=(5, 0)).a_day == 3
    assert card([], times=(0, 2 * DAY)).a_day == 1
    assert card([], times=()).a_day == 3


@pytest.mark.parametrize(
    ("written", "age"),
    [
        ({"date": "2026-03-07"}, 10),
        ({"date": "2026-03-07", "modified": "2026/03/16"}, 1),
        ({}, None),
        ({"date": "x"}, None),
    ],
)
def test_age_is_since_the_rule_was_touched(written: dict[str, str], age: int | None) -> None:
    assert card([], written=written).age == age


@pytest.mark.parametrize(
    ("hits", "of", "a_day", "cpu_us", "said"),
    [
        (0, 12, 1.0, None, "retire"),
        (0, 11, 1.0, None, "tune"),
        (0, 3, 1.0, None, "keep"),
        (1, 12, 1.0, None, "tune"),
        (0, 100, BUSY, COSTLY, "retire"),
        (1, 100, 1.0, None, "tune"),
        (1, 1000, BUSY, COSTLY, "tune"),
        (11, 12, BUSY, None, "tune"),
        (12, 12, BUSY, None, "keep"),
        (11, 12, BUSY - 1, None, "keep"),
        (0, 0, BUSY, None, "tune"),
        (0, 0, 1.0, COSTLY, "tune"),
        (0, 0, 1.0, COSTLY / 2, "keep"),
    ],
)
def test_advice(hits: int, of: int, a_day: float, cpu_us: float | None, said: str) -> None:
    assert advise(sampled_share(hits, of), matches=20, a_day=a_day, cpu_us=cpu_us)[0] == said


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0, 1e6))
def test_a_better_record_never_gives_worse_advice(hits: int, wrong: int, a_day: float) -> None:
    def rank(right: int, false: int) -> int:
        return ADVICE.index(advise(sampled_share(right, right + false), matches=9, a_day=a_day, cpu_us=None)[0])

    assert rank(hits + 1, wrong) >= rank(hits, wrong) or (hits, wrong) == (0, 0)


def test_without_a_text_there_is_no_age(tmp_path: Path) -> None:
    history = RuleHistory(id="x", title="X", level="low")
    (made,) = scorecard([history], Watched({}), {}, Texts([]), date(2026, 3, 17))
    assert (made.age, made.advice) == (None, "keep")
    assert not list(tmp_path.iterdir())
