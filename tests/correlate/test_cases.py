"""Findings in, cases out."""

import math
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from watchfloor.case import Case
from watchfloor.correlate import correlate
from watchfloor.event import Entity
from watchfloor.finding import Finding, Level, Rule

MINUTE = 60_000
HOUR = 60 * MINUTE
ALICE = Entity("user", "user:alice@example.com", "alice@example.com")
BOB = Entity("user", "user:bob@example.com", "bob@example.com")
WS1 = Entity("host", "host:ws-1", "ws-1")
APP = Entity("app", "app:4f1c", "Notes")
BUCKET = Entity("resource", "resource:s3:reports", "s3:reports")
PEOPLE = [Entity("user", f"user:p{number}@example.com", f"p{number}@example.com") for number in range(6)]
EGRESS = Entity("address", "address:198.51.100.7", "198.51.100.7")


@dataclass
class Made:
    count: int = 0

    def __call__(
        self,
        rule: str,
        time: int,
        *entities: Entity,
        level: Level = "high",
        tactic: str = "execution",
        source: str = "test",
        decisive: bool = False,
        use_case: str | None = None,
    ) -> Finding:
        self.count += 1
        uid = f"f{self.count}"
        detection = Rule(rule, f"Rule {rule}", level, tactics=(tactic,), decisive=decisive, use_case=use_case)
        return Finding(
            uid=uid,
            tenant="t",
            rule=detection,
            start=time,
            end=time,
            event_uids=(f"e{uid}",),
            entities=entities,
            source=source,
        )


@pytest.fixture
def finding() -> Made:
    return Made()


def _rules(case: Case) -> list[str]:
    return [one.rule.id for one in case.findings]


def test_a_person_is_followed_over_the_day_a_host_for_an_hour(finding: Made) -> None:
    cases = correlate(
        [
            finding("a", 0, ALICE),
            finding("b", 8 * HOUR, ALICE),
            finding("c", 0, WS1),
            finding("d", 50 * MINUTE, WS1),
            finding("e", 3 * HOUR, WS1),
        ]
    ).cases
    assert sorted(map(_rules, cases)) == [["a", "b"], ["c", "d"], ["e"]]


def test_two_people_on_one_host_at_one_time_are_one_story(finding: Made) -> None:
    (case,) = correlate([finding("a", 0, ALICE, WS1), finding("b", MINUTE, BOB, WS1)]).cases
    assert ALICE in case.entities
    assert BOB in case.entities
    assert any("host, ws-1" in reason for reason in case.why_together)


@pytest.mark.parametrize("shared", [EGRESS, BUCKET])
def test_what_everybody_uses_joins_nobody(finding: Made, shared: Entity) -> None:
    crowd = correlate([finding("a", number * MINUTE, one, shared) for number, one in enumerate(PEOPLE)]).cases
    assert len(crowd) == len(PEOPLE)
    few = correlate([finding("a", number * MINUTE, one, shared) for number, one in enumerate(PEOPLE[:3])]).cases
    assert len(few) == 1


def test_an_application_joins_its_users_only_if_its_grant_is_in_question(finding: Made) -> None:
    assert len(correlate([finding("a", 0, ALICE, APP), finding("b", MINUTE, BOB, APP)]).cases) == 2
    consents = [finding("a", n * MINUTE, one, APP, use_case="oauth_grants") for n, one in enumerate(PEOPLE)]
    assert len(correlate([*consents, finding("b", HOUR, APP)]).cases) == 1


def test_a_chain_of_links_ends_after_a_week(finding: Made) -> None:
    days = [finding("a", day * 10 * HOUR, ALICE) for day in range(40)]
    cases = correlate(days).cases
    assert max(case.findings[-1].start - case.findings[0].start for case in cases) <= 7 * 24 * HOUR
    assert [len(case.findings) for case in sorted(cases, key=lambda case: case.start)] == [17, 17, 6]


def test_weak_findings_attach_but_do_not_chain(finding: Made) -> None:
    noise = [finding("noise", number * 30 * MINUTE, WS1, level="low") for number in range(1, 12)]
    cases = correlate([finding("a", 0, WS1), *noise, finding("b", 6 * HOUR, WS1)]).cases
    assert sorted(_rules(case) for case in cases) == [["a", "noise", "noise"], ["noise", "noise", "b"]]


def test_one_medium_finding_is_no_case_two_tactics_are(finding: Made) -> None:
    alone = correlate([finding("a", 0, ALICE, level="medium")])
    assert alone.cases == ()
    assert len(alone.loose) == 1
    both = [finding("a", 0, ALICE, level="medium"), finding("b", MINUTE, ALICE, level="medium", tactic="persistence")]
    assert len(correlate(both).cases) == 1
    assert len(correlate([finding("a", 0, ALICE, level="low", decisive=True)]).cases) == 1


def test_the_same_finding_twice_counts_once_and_a_retraction_removes_it(finding: Made) -> None:
    first = finding("a", 0, ALICE)
    again = correlate([first, first])
    assert len(again.cases[0].findings) == 1
    assert correlate([first, replace(first, revision=2, status="retracted")]).cases == ()


def test_tenants_never_mix(finding: Made) -> None:
    cases = correlate([finding("a", 0, ALICE), replace(finding("b", 0, ALICE), tenant="other")]).cases
    assert len(cases) == 2


def test_risk_unfolds_into_its_terms_and_grows_with_independent_evidence(finding: Made) -> None:
    one = correlate([finding("a", 0, ALICE)]).cases[0].risk
    assert one.value == pytest.approx(1 / (1 + math.exp(-sum(term.value for term in one.terms))), abs=1e-3)
    repeated = correlate([finding("a", number * MINUTE, ALICE) for number in range(50)]).cases[0].risk
    broad = correlate([finding(rule, 0, ALICE, source=rule, tactic=rule) for rule in ("a", "b")]).cases[0].risk
    assert one.value < repeated.value < broad.value


def test_labels_move_the_risk(finding: Made) -> None:
    findings = [finding("a", 0, ALICE)]
    plain, bad, good = (
        correlate(findings, precision=known).cases[0].risk.value for known in ({}, {"a": 0.05}, {"a": 0.95})
    )
    assert bad < plain < good


def test_case_does_not_change_its_name_when_more_comes(finding: Made) -> None:
    first = finding("a", 0, ALICE)
    before = correlate([first]).cases[0].uid
    assert correlate([first, finding("b", MINUTE, ALICE)]).cases[0].uid == before


def test_order_of_input_does_not_matter(finding: Made) -> None:
    findings = [finding("a", number * HOUR, ALICE, WS1 if number % 2 else BOB) for number in range(9)]
    assert correlate(findings) == correlate(findings[::-1])


def test_timeline_folds_repeats(finding: Made) -> None:
    (case,) = correlate([finding("a", number * MINUTE, ALICE) for number in range(20)]).cases
    assert [(entry.count, entry.time, entry.end) for entry in case.timeline] == [(20, 0, 19 * MINUTE)]
