"""Findings and cases as OCSF: valid whatever the log said."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.case import Assessment, Case, Decision, Hypothesis, Link, Proposal, Risk, Sentence, Step, TimelineEntry
from watchfloor.event import Entity, Origin
from watchfloor.finding import LEVELS, Finding, Rule, Status, Term, finding_uid
from watchfloor.testing.ocsf import ocsf_errors

HOSTILE = st.text(max_size=20) | st.sampled_from(["<script>", "\u202e\0“”", "x" * 10_000])
TEXTS = st.lists(HOSTILE, max_size=2).map(tuple)
TIMES = st.integers(0, 5_000_000_000_000)

RULES = st.builds(
    Rule,
    id=HOSTILE,
    title=HOSTILE,
    level=st.sampled_from(LEVELS),
    description=HOSTILE,
    tactics=TEXTS,
    techniques=st.lists(st.sampled_from(["T1110", "T1110.003"]), max_size=2).map(tuple),
)
FINDINGS = st.builds(
    Finding,
    uid=HOSTILE,
    tenant=HOSTILE,
    rule=RULES,
    start=TIMES,
    end=TIMES,
    event_uids=TEXTS,
    origins=st.lists(st.builds(Origin, HOSTILE, st.integers(1, 9), st.none() | st.integers(0, 9)), max_size=2).map(
        tuple
    ),
    entities=st.lists(st.builds(Entity, HOSTILE, HOSTILE, HOSTILE), max_size=2).map(tuple),
    p_value=st.none() | st.floats(),
    terms=st.lists(st.builds(Term, HOSTILE, st.floats(), HOSTILE), max_size=2).map(tuple),
    revision=st.integers(1, 5),
    status=st.sampled_from(["new", "corrected", "retracted"]),
    summary=HOSTILE,
)
STEP = Step(
    "cut", "okta_suspend_user", "user:a", Decision("needs-approval", ("p",), ("r",), ("x",), ("lead",)), "", None
)


@settings(max_examples=40)
@given(FINDINGS)
def test_a_finding_is_valid_ocsf(finding: Finding) -> None:
    written = orjson.loads(orjson.dumps(finding.to_ocsf(now=1)))
    assert ocsf_errors(written) == []
    assert written["unmapped"]["event_uids"] == list(finding.event_uids)


@settings(max_examples=20)
@given(st.lists(FINDINGS, min_size=1, max_size=3), HOSTILE, st.booleans())
def test_a_case_is_valid_ocsf(findings: list[Finding], text: str, explained: bool) -> None:  # noqa: FBT001
    case = Case(
        uid=text,
        tenant=text,
        title=text,
        level=findings[0].rule.level,
        start=1,
        end=2,
        findings=tuple(findings),
        entities=(Entity("user", text, text),),
        tactics=(text,),
        risk=Risk(0.5, (Term("prior", float("nan"), text),)),
        timeline=(TimelineEntry(1, 2, text, "low", None, ("f",), ("e",)),),
        links=(Link(text, text, text),),
        assessment=Assessment(text, (Sentence(text, (text,)),), (Hypothesis("h", 1, text),)) if explained else None,
        proposals=(Proposal("p", text, text, text, (STEP,)),),
    )
    written = orjson.loads(orjson.dumps(case.to_ocsf(now=1)))
    assert ocsf_errors(written) == []
    assert written["unmapped"]["finding_uids"] == [finding.uid for finding in findings]
    assert written["unmapped"]["proposals"][0]["steps"][0]["decision"] == "needs-approval"


@pytest.mark.parametrize(("status", "activity"), [("new", 1), ("corrected", 2), ("retracted", 3)])
def test_a_revision_is_another_activity_on_the_same_finding(status: Status, activity: int) -> None:
    finding = Finding(
        uid="f", tenant="t", rule=Rule("r", "R"), start=1, end=2, event_uids=(), revision=2, status=status
    )
    written: dict[str, Any] = finding.to_ocsf(now=1)
    assert (written["activity_id"], written["type_uid"]) == (activity, 200400 + activity)
    assert (written["finding_info"]["uid"], written["metadata"]["uid"]) == ("f", "f:2")


PARTS = st.text(st.sampled_from("a:\0é"), max_size=3)


@given(st.lists(st.tuples(PARTS, PARTS, PARTS, PARTS), min_size=2, max_size=2, unique=True))
def test_a_findings_uid_tells_its_parts_apart(parts: list[tuple[str, str, str, str]]) -> None:
    uids = {finding_uid(rule_id=a, tenant=b, key=c, bucket=d) for a, b, c, d in parts}
    assert len(uids) == 2
