"""What a case could be: explanations that share one probability, whatever the rules say of themselves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from watchfloor.case import TACTICS, Case, Risk
from watchfloor.event import Entity
from watchfloor.finding import Finding, Rule
from watchfloor.triage.hypotheses import checks, headline, hypotheses

RULE = Rule("r", "A rule", "high", tactics=("execution",))
FINDING = Finding(uid="f", tenant="default", rule=RULE, start=0, end=0, event_uids=("e",))
WRAPPED = "Ask the person, who may be abroad, whether it was them?"
USE_CASES = (None, "mfa_fatigue", "insider_threat", "data_exfiltration", "ransomware_precursors", "no such")


def case(risk: float = 0.5, *, tactics: tuple[str, ...] = ("execution",), **rule: Any) -> Case:
    finding = replace(FINDING, rule=replace(RULE, **rule))
    return Case(
        uid="c",
        tenant="default",
        title=f"{finding.rule.title}: alice@example.com",
        level="high",
        start=0,
        end=0,
        findings=(finding,),
        entities=(Entity("user", "user:a", "a"),),
        tactics=tactics,
        risk=Risk(risk),
    )


@given(st.floats(0, 1), st.sampled_from(USE_CASES), st.lists(st.sampled_from(TACTICS), unique=True).map(tuple))
def test_probabilities_make_one_and_fall(risk: float, use_case: str | None, tactics: tuple[str, ...]) -> None:
    found = hypotheses(case(risk, tactics=tactics, use_case=use_case))
    shares = [one.probability for one in found]
    assert sum(round(share * 1000) for share in shares) == 1000
    assert sum(shares) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)
    attack = sum(one.probability for one in found if one.name in {"intrusion", "insider"})
    assert attack == pytest.approx(risk, abs=0.002)


def test_the_insider_is_likelier_where_a_rule_is_about_one() -> None:
    def insider(use_case: str | None) -> float:
        return next(one.probability for one in hypotheses(case(0.9, use_case=use_case)) if one.name == "insider")

    assert insider("insider_threat") > insider("data_exfiltration") * 0.99 > insider("mfa_fatigue")


def test_known_harmless_causes_are_told_in_a_bounded_text() -> None:
    causes = ("Unknown", "A planned change.", "none", "A backup " * 5000, "x", "y", "A planned change")
    words = next(one.words for one in hypotheses(case(0.1, false_positives=causes)) if one.name == "authorised work")
    assert words.startswith("Known harmless causes of these findings: A planned change; A backup")
    assert "x" in words
    assert "y" not in words.split(": ")[1].split("; ")
    assert len(words) < 600


@pytest.mark.parametrize(("risk", "words"), [(0.99, "Very likely"), (0.6, "Likely"), (0.3, "Possibly"), (0, "Weak")])
def test_a_headline_says_how_sure_and_how_far(risk: float, words: str) -> None:
    text = headline(case(risk, tactics=("execution", "impact")))
    assert text.startswith(words)
    assert text.endswith("alice@example.com. It reached impact.")


def test_a_headline_is_one_bounded_line() -> None:
    text = headline(case(0.5, title="Two\nlines\u2028 and “quotes” " + "x" * 10_000))
    assert len(text.splitlines()) == 1
    assert len(text) < 400


@pytest.mark.parametrize(
    ("runbook", "advice"),
    [
        ("\n\n Ask first.\nThen act.\n", "Ask first."),
        ("Ask the person, who may be\n  abroad, whether it was them?\nThen act.", WRAPPED),
        ("Ask first\n\nThen act.", "Ask first"),
    ],
)
def test_advice_is_how_a_runbook_begins_up_to_the_end_of_a_sentence(runbook: str, advice: str) -> None:
    assert checks(case(runbook=runbook, use_case="mfa_fatigue")) == (advice,)


@pytest.mark.parametrize("runbook", ["", "  \n ", None])
def test_without_a_runbook_it_is_what_the_use_case_asks_for(runbook: str | None) -> None:
    (advice,) = checks(case(runbook=runbook, use_case="mfa_fatigue"))
    assert advice.startswith("Ask the person whether they approved the push")
    (advice,) = checks(case(runbook=runbook))
    assert advice.startswith("Ask the owner of the account or host")


def test_advice_is_bounded_whatever_a_runbook_is() -> None:
    (advice,) = checks(case(runbook="x" * 10_000 + "\n" + "“y” " * 10_000))
    assert len(advice.splitlines()) == 1
    assert len(advice) <= 300


def test_the_gravest_finding_gives_the_first_advice() -> None:
    rules = (
        replace(RULE, level="low", runbook="Fourth."),
        replace(RULE, level="high", runbook="Third."),
        replace(RULE, level="high", runbook="Second.", decisive=True),
        replace(RULE, level="critical", runbook="First."),
    )
    grave = replace(case(), findings=tuple(replace(FINDING, rule=rule) for rule in rules))
    assert checks(grave) == ("First.", "Second.", "Third.", "Fourth.")


def test_each_use_case_has_its_say_and_nothing_is_said_twice() -> None:
    said = (
        ("high", "phishing", "Isolate the computer now."),
        ("critical", "mfa_fatigue", "Call the person: was it them?"),
        ("critical", "mfa_fatigue", "Call the person again."),
        ("critical", "mfa_fatigue", "End the sessions."),
    )
    rules = [replace(RULE, level=level, use_case=about, runbook=runbook) for level, about, runbook in said]
    several = replace(case(), findings=tuple(replace(FINDING, rule=rule) for rule in rules))
    assert checks(several) == ("Call the person: was it them?", "Isolate the computer now.", "End the sessions.")


def test_there_is_always_something_to_check_and_never_too_much() -> None:
    assert len(checks(case())) == 1
    many = replace(
        case(tactics=("credential-access",)),
        findings=tuple(replace(FINDING, rule=replace(RULE, runbook=f"Step {number}.")) for number in range(20)),
    )
    assert checks(many) == tuple(f"Step {number}." for number in range(6))
    host = replace(many, entities=(Entity("host", "host:h", "h"),))
    assert checks(host)[:5] == checks(many)[:5]
    assert "exposed" in checks(host)[5]


@pytest.mark.parametrize(
    ("tactics", "said"),
    [
        ((), ()),
        (("execution",), ("execution was seen",)),
        (("execution", "lateral-movement", "impact"), ("3 tactics were seen, from execution to impact",)),
    ],
)
def test_what_speaks_for_an_attack_is_how_far_it_got(tactics: tuple[str, ...], said: tuple[str, ...]) -> None:
    supports = {one.name: one.supports for one in hypotheses(case(tactics=tactics))}
    assert supports == {"intrusion": said, "insider": said, "authorised work": (), "wrong detection": ()}
