"""Alerts of other products, as their sources give them, become findings."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Investigate

from watchfloor.enrich import Enricher
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.run.alerts import MAX_EVENTS, alerts, latest
from watchfloor.testing.events import batch_of
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import raw_batch

SOURCES = load_sources()[0]
RESOURCE = {"resourceType": "AccessKey", "accessKeyDetails": {"userName": "alice", "principalId": "AIDAEXAMPLEALICE"}}


def guardduty(minute: int = 0, **fields: Any) -> dict[str, Any]:
    """A finding of Amazon GuardDuty as it was updated at a minute of an hour."""
    finding = {
        "schemaVersion": "2.0",
        "accountId": "111122223333",
        "region": "eu-central-1",
        "id": "f-1",
        "type": "Exfiltration:S3/AnomalousBehavior",
        "title": "Alice read a bucket",
        "severity": 8,
        "resource": RESOURCE,
        "service": {"count": 1 + minute},
        "createdAt": "2026-03-17T08:00:00Z",
        "updatedAt": f"2026-03-17T08:{minute:02}:00Z",
    }
    return {**finding, **fields}


def findings_of(*records: dict[str, Any]) -> list[Finding]:
    events = Normalizer(SOURCES).process(raw_batch([orjson.dumps(one) for one in records])).events
    return alerts(Enricher().process(events))


def test_an_alert_is_a_finding_of_its_vendors_rule() -> None:
    (finding,) = findings_of(guardduty())
    assert finding.rule.id == "aws_guardduty:Exfiltration:S3/AnomalousBehavior"
    assert finding.rule.title == "Alice read a bucket"
    assert finding.rule.level == "high"
    assert finding.rule.tactics == ("exfiltration",)
    assert finding.event_uids == ("aws_guardduty:f-1:2026-03-17T08:00:00Z",)
    assert [one.id for one in finding.entities] == ["user:aws:AIDAEXAMPLEALICE"]
    assert finding.origins[0].line == 1
    assert finding.summary == "Amazon GuardDuty: Alice read a bucket"
    assert not ocsf_errors(finding.to_ocsf(now=0))


def test_what_is_no_alert_is_no_finding() -> None:
    assert (
        findings_of({"eventType": "user.session.start", "published": "2026-03-17T08:00:00Z", "uuid": "u", "actor": {}})
        == []
    )


def test_an_alert_that_grows_is_one_finding_in_whatever_order_it_comes() -> None:
    grown = [guardduty(0, severity=2), guardduty(5, severity=5), guardduty(9, severity=8)]
    for told in (grown, grown[::-1], [*grown, grown[1]]):
        (finding,) = latest(findings_of(*told))
        assert finding.rule.level == "high"
        assert (finding.revision, finding.status) == (3, "corrected")
        assert len(finding.event_uids) == len(finding.origins) == 3
        assert finding.end - finding.start == 9 * 60_000


def test_alerts_of_two_ids_products_or_tenants_are_two_findings() -> None:
    assert len(latest(findings_of(guardduty(), guardduty(id="f-2")))) == 2
    row = {"class_uid": 2004, "rest": '{"finding_info.uid": "1"}', "metadata.product.name": "x"}
    rows = ({**row, "source": "a"}, {**row, "source": "b"}, {**row, "source": "a", "tenant": "other"})
    assert len(latest(alerts(batch_of(*rows)))) == 3


def test_an_alert_reaches_the_findings_of_an_investigation(investigating: Investigate, tmp_path: Path) -> None:
    log = tmp_path / "guardduty.ndjson"
    log.write_bytes(b"\n".join(orjson.dumps(guardduty(minute)) for minute in (0, 7)))
    investigation = investigating(tmp_path / "out", log)
    (written,) = investigation.findings
    assert written["unmapped"]["rule_id"] == "aws_guardduty:Exfiltration:S3/AnomalousBehavior"
    assert written["unmapped"]["event_uids"] == [
        "aws_guardduty:f-1:2026-03-17T08:00:00Z",
        "aws_guardduty:f-1:2026-03-17T08:07:00Z",
    ]
    (case,) = investigation.outcome.cases
    assert "user:aws:AIDAEXAMPLEALICE" in {one.id for one in case.entities}


def test_an_alert_that_its_product_suppressed_is_taken_back() -> None:
    row = {"class_uid": 2004, "rest": '{"finding_info.uid": "1"}', "status_id": 1}
    told = alerts(batch_of({**row, "time": 1}, {**row, "time": 2, "status_id": 3, "activity_id": 3}))
    (finding,) = latest(told)
    assert finding.status == "retracted"
    assert finding.revision == 2


def test_our_own_findings_do_not_come_back_as_alerts() -> None:
    assert alerts(batch_of({"class_uid": 2004, "metadata.product.name": "Watchfloor"})) == []


def test_what_its_product_calls_no_alert_is_none() -> None:
    row = {"class_uid": 2004, "metadata.product.name": "x"}
    assert alerts(batch_of({**row, "rest": '{"is_alert": false}'})) == []
    assert len(alerts(batch_of({**row, "rest": '{"is_alert": true}'}, row))) == 2


def test_a_finding_names_a_bounded_number_of_events() -> None:
    rows = ({"class_uid": 2004, "time": time, "rest": '{"finding_info.uid": "1"}'} for time in range(MAX_EVENTS * 3))
    (finding,) = latest(alerts(batch_of(*rows)))
    assert len(finding.event_uids) == MAX_EVENTS
    assert finding.event_uids[0] == "event-1"
    assert finding.event_uids[-1] == f"event-{MAX_EVENTS * 3}"


@pytest.mark.parametrize(
    ("attacks", "techniques", "tactics"),
    [
        ([{"sub_technique": {"uid": "T1059.001"}, "technique": {"uid": "T1059"}}], ("T1059.001",), ()),
        ([{"technique": {"uid": "T1059"}, "tactics": [{"uid": "TA0002"}]}], ("T1059",), ("execution",)),
        ([{"tactic": {"uid": "TA0006"}}, {"tactic": {"uid": "TA9999"}}], (), ("credential-access",)),
        ([None, "x", {"technique": "T1059"}, {"tactics": {}}], (), ()),
        ("T1059", (), ()),
    ],
)
def test_techniques_and_tactics(attacks: Any, techniques: tuple[str, ...], tactics: tuple[str, ...]) -> None:
    rest = orjson.dumps({"finding_info.attacks": attacks}).decode()
    (finding,) = alerts(batch_of({"class_uid": 2004, "rest": rest}))
    assert finding.rule.techniques == techniques
    assert finding.rule.tactics == tactics


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["uid", "name", "technique"]), inner),
    max_leaves=6,
)


@given(info=st.dictionaries(st.sampled_from(["uid", "title", "desc", "attacks", "analytic", "analytic.uid"]), ODD))
def test_odd_alerts_are_findings_with_a_title(info: dict[str, Any]) -> None:
    rest = orjson.dumps({f"finding_info.{name}": value for name, value in info.items()}).decode()
    (finding,) = alerts(batch_of({"class_uid": 2004, "rest": rest}))
    assert finding.rule.title
    assert finding.rule.id.startswith("test:")
    assert finding.uid
