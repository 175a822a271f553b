"""Findings in time order in, the lines of a timeline out."""

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.case import TACTICS
from watchfloor.correlate.timeline import FOLD_WITHIN, tactic_of, tactics, timeline
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Finding, Level, Rule

ALICE = Entity("user", "user:a", "a")
BOB = Entity("user", "user:b", "b")
OFFICE = Entity("address", "address:192.0.2.1", "192.0.2.1")
HOME = Entity("address", "address:192.0.2.2", "192.0.2.2")


def finding(
    number: int,
    *entities: Entity,
    start: int = 0,
    end: int | None = None,
    rule: str = "r",
    level: Level = "high",
    shown: tuple[str, ...] = ("execution",),
) -> Finding:
    return Finding(
        uid=f"f{number}",
        tenant="t",
        rule=Rule(rule, f"Rule {rule}", level, tactics=shown),
        start=start,
        end=start if end is None else end,
        event_uids=(f"e{number}", "shared"),
        entities=entities,
    )


def test_repeats_of_a_rule_on_one_person_are_one_line_with_a_count() -> None:
    (entry,) = timeline([finding(1, ALICE, OFFICE), finding(2, ALICE, HOME, start=5, end=9)])
    assert (entry.time, entry.end, entry.count) == (0, 9, 4)
    assert entry.finding_uids == ("f1", "f2")
    assert entry.event_uids == ("e1", "shared", "e2")


def test_another_person_another_rule_or_a_pause_is_another_line() -> None:
    assert len(timeline([finding(1, ALICE), finding(2, BOB)])) == 2
    assert len(timeline([finding(1, ALICE), finding(2, ALICE, rule="other")])) == 2
    assert len(timeline([finding(1, ALICE), finding(2, ALICE, start=FOLD_WITHIN)])) == 1
    assert len(timeline([finding(1, ALICE), finding(2, ALICE, start=FOLD_WITHIN + 1)])) == 2
    assert len(timeline([finding(1, ALICE, end=9), finding(2, ALICE, start=FOLD_WITHIN + 9)])) == 1


@given(
    st.lists(
        st.builds(
            finding,
            st.integers(0, 99),
            st.sampled_from([ALICE, BOB, OFFICE]),
            start=st.integers(0, 5).map(lambda step: step * FOLD_WITHIN // 2),
            rule=st.sampled_from("ab"),
            level=st.sampled_from(LEVELS),
        ),
        max_size=12,
        unique_by=lambda one: one.uid,
    )
)
def test_every_finding_is_on_one_line_and_lines_are_in_order(findings: list[Finding]) -> None:
    findings.sort(key=lambda one: (one.start, one.uid))
    entries = timeline(findings)
    assert sorted(uid for entry in entries for uid in entry.finding_uids) == sorted(one.uid for one in findings)
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
    assert all(entry.time <= entry.end for entry in entries)


def test_tactics_are_those_of_an_attack_in_its_order() -> None:
    order = ("impact", "initial-access", "no-such-tactic", "execution")
    assert tactic_of(finding(1, shown=order)) == "impact"
    assert tactic_of(finding(1, shown=("no-such-tactic",))) is None
    assert tactics([finding(1, shown=order), finding(2, level="informational", shown=TACTICS)]) == (
        "initial-access",
        "execution",
        "impact",
    )
