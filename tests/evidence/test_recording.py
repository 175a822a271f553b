import msgspec

from watchfloor.case import Assessment, Case, Decision, Sentence
from watchfloor.evidence import Chain
from watchfloor.evidence.recording import record_case


def test_a_case_leaves_its_assessment_and_each_decision(chain: Chain, case: Case) -> None:
    records = record_case(chain, case, at=7)
    assert [(record.seq, record.at, record.tenant, record.kind, record.subject) for record in records] == [
        (5, 7, "default", "assessment", "case-1"),
        (6, 7, "default", "decision", "case-1"),
        (7, 7, "default", "decision", "case-1"),
    ]
    assert records[0].body["sentences"] == [{"text": "Alice logged in.", "cites": ["event-0", "event-4"]}]
    assert [(r.body["action"], r.body["target"], r.body["verdict"], r.body["policies"]) for r in records[1:]] == [
        ("okta_suspend_user", "user:alice@example.com", "needs-approval", ["p2"]),
        ("isolate_host", "host:ws-17", "deny", ["p1"]),
    ]


def test_recording_twice_changes_nothing(chain: Chain, case: Case) -> None:
    record_case(chain, case, at=7)
    root = chain.root()
    assert record_case(chain, case, at=8) == ()
    assert chain.root() == root


def test_a_change_is_appended_and_a_change_back_too(chain: Chain, case: Case) -> None:
    record_case(chain, case, at=1)
    proposal = case.proposals[0]
    permitted = msgspec.structs.replace(proposal.steps[1], decision=Decision("permit"))
    changed = msgspec.structs.replace(
        case,
        assessment=Assessment("Another view", (Sentence("?", ("event-0",)),)),
        proposals=(msgspec.structs.replace(proposal, steps=(proposal.steps[0], permitted)),),
    )
    assert [record.kind for record in record_case(chain, changed, at=2)] == ["assessment", "decision"]
    back = record_case(chain, case, at=3)
    assert [record.body.get("verdict") for record in back] == [None, "deny"]
    assert len(chain.about("default", "case-1")) == 7


def test_a_case_without_assessment_or_proposals_leaves_nothing(chain: Chain, case: Case) -> None:
    bare = msgspec.structs.replace(case, assessment=None, proposals=())
    assert record_case(chain, bare, at=1) == ()
