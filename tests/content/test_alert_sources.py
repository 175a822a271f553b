"""What other products report as alerts arrives as findings that cases can stand on."""

import re
from pathlib import Path

import pytest

from watchfloor.enrich import Enricher
from watchfloor.finding import Finding
from watchfloor.normalize import Source, load_sources
from watchfloor.run.alerts import alerts, latest
from watchfloor.testing.sources import normalize, sample_records, samples

SOURCES = {source.name: source for source in load_sources()[0]}

OF_ALERTS = {
    "aws_guardduty": ("aws_guardduty:CryptoCurrency:EC2/BitcoinTool.B!DNS", "host:aws:i-0abc12345def67890"),
    "aws_security_hub": (
        "aws_security_hub:TTPs/Exfiltration/Exfiltration:S3-AnomalousBehavior",
        "user:aws:AROAEXAMPLE:s",
    ),
    "crowdstrike": ("crowdstrike:10197", "host:srv-4"),
    "elastic_security": ("elastic_security:rule-1", r"user:corp\alice"),
    "falco": ("falco:Terminal shell in container", "host:node-1.example.internal"),
    "microsoft_defender": ("microsoft_defender:7f1c3609-a3ff-40e2-995b-c01770161d68", "user:alice@example.com"),
    "microsoft_sentinel": ("microsoft_sentinel:9d9d9d9d-aaaa-bbbb-cccc-dddddddddddd", "user:alice@example.com"),
    "sentinelone": ("sentinelone:330001", "host:srv-4"),
    "splunk_notable": ("splunk_notable:Endpoint - Encoded PowerShell - Rule", "host:ws-17"),
    "ocsf": ("ocsf:rule-7", "host:web-1"),
    "ecs": ("ecs:2024792", "address:192.0.2.17"),
}
WITH_TECHNIQUES = set(OF_ALERTS) - {"falco", "aws_security_hub", "aws_guardduty"}


def findings(source: Source) -> list[Finding]:
    records = [raw for path in samples(source) for raw in sample_records(path)]
    return alerts(Enricher().process(normalize(source, records).events))


DOCUMENT = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_the_document_names_each_source_of_alerts() -> None:
    named = set(re.findall(r"`(\w+)`", DOCUMENT.read_text(encoding="utf-8"))) & SOURCES.keys()
    assert named >= OF_ALERTS.keys()
    assert all(findings(SOURCES[name]) for name in named)


@pytest.mark.parametrize("name", OF_ALERTS)
def test_alerts_are_findings_of_their_vendors_rules(name: str) -> None:
    rule, entity = OF_ALERTS[name]
    told = [one for one in findings(SOURCES[name]) if one.rule.id == rule]
    assert told, f"{name} has no finding of {rule}"
    assert entity in {one.id for finding in told for one in finding.entities}
    assert all(one.event_uids and one.origins and one.rule.title and one.summary for one in told)


@pytest.mark.parametrize("name", sorted(WITH_TECHNIQUES))
def test_the_vendors_techniques_are_the_findings(name: str) -> None:
    assert any(one.rule.techniques for one in findings(SOURCES[name]))


@pytest.mark.parametrize("name", ["crowdstrike", "microsoft_defender", "sentinelone", "elastic_security"])
def test_an_alert_that_was_called_false_is_taken_back(name: str) -> None:
    assert "retracted" in {one.status for one in latest(findings(SOURCES[name]))}


def test_rows_of_one_alert_are_one_finding_with_all_its_entities() -> None:
    (finding,) = [one for one in latest(findings(SOURCES["microsoft_defender"])) if one.key == "da6375_1"]
    assert {one.id for one in finding.entities} >= {"user:alice@example.com", "host:ws-17.corp.example.com"}


def test_compliance_and_vulnerabilities_are_no_alerts() -> None:
    titles = {one.rule.title for one in findings(SOURCES["aws_security_hub"])}
    assert "Buckets should block public access" not in titles
    assert not {title for title in titles if title.startswith("CVE-")}
