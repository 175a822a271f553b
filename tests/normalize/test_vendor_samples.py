"""Real records of the vendors: each becomes a valid event of an honest class, and no Sigma field is left unresolved."""

from collections import Counter
from pathlib import Path

import pytest

from watchfloor.event import to_ocsf
from watchfloor.native import DecodePlan
from watchfloor.normalize import Source, load_sources
from watchfloor.normalize.json_record import decode_json
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import normalize, sample_records

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "logs"
SOURCES = {source.name: source for source in load_sources()[0]}

FILES = {
    "aws_cloudtrail": (
        "aws/*/*.native.jsonl",
        "ecs_pairs/elastic/aws.cloudtrail.native.jsonl",
        "ecs_pairs/sekoia/aws-cloudtrail.native.jsonl",
        "panther/unit_tests/AWS.CloudTrail.native.jsonl",
    ),
    "okta_system_log": (
        "okta/*/*.native.jsonl",
        "ecs_pairs/elastic/okta.system.native.jsonl",
        "ecs_pairs/sekoia/okta-system-logs.native.jsonl",
        "panther/unit_tests/Okta.SystemLog.native.jsonl",
    ),
    "m365_unified_audit": (
        "entra_m365/invictus_o365/*.native.jsonl",
        "ecs_pairs/elastic/o365.audit.native.jsonl",
        "ecs_pairs/sekoia/o365.native.jsonl",
        "panther/unit_tests/Microsoft365.Audit.*.native.jsonl",
    ),
}
BASE_EVENT_SHARE = 0.01
RULE_FIELDS = {
    "okta_system_log": {"eventType", "displayMessage", "actor.alternateId", "outcome.result", "target.displayName"},
    "m365_unified_audit": {"Operation", "Parameters", "ObjectId", "RequestType", "eventName", "eventSource", "status"},
    "aws_cloudtrail": {"eventName", "eventSource", "userAgent", "userIdentity.type", "additionalEventData.MFAUsed"},
}

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not LOGS.is_dir(), reason="the evaluation data is not there"),
]


def vendor_records(source: Source) -> list[bytes]:
    paths = [path for pattern in FILES[source.name] for path in sorted(LOGS.glob(pattern))]
    records = [raw for path in paths for raw in sample_records(path)]
    return [raw for raw in records if source.recognises(decode_json(raw))]


@pytest.mark.parametrize("name", FILES)
def test_real_records_become_valid_events(name: str) -> None:
    records = vendor_records(SOURCES[name])
    result = normalize(SOURCES[name], records, DecodePlan(frozenset(RULE_FIELDS[name])))
    events = list(to_ocsf(result.events))
    assert {letter.reason for letter in result.dead_letters} <= {"no readable time"}
    assert not [errors for event in events if (errors := ocsf_errors(event))]
    classes = Counter(event["class_uid"] for event in events)
    assert classes[0] <= BASE_EVENT_SHARE * len(events), classes
    resolved = {
        field for field in RULE_FIELDS[name] if result.events.column(f"native.{field}").null_count < len(events)
    }
    assert resolved == RULE_FIELDS[name]
