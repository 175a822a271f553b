"""A burst that grows from level to level is told once, as it was in the end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from tests.conftest import Investigate

READS = 1168


def read_object(number: int) -> bytes:
    """One object that a person's key read, a second after the other."""
    when = datetime(2026, 3, 17, 10, tzinfo=UTC) + timedelta(seconds=number)
    return orjson.dumps(
        {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAEXAMPLE",
                "arn": "arn:aws:iam::111122223333:user/mallory",
                "accountId": "111122223333",
                "accessKeyId": "AKIAEXAMPLE",
                "userName": "mallory",
            },
            "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.9",
            "userAgent": "Boto3/1.37.10",
            "requestParameters": {"bucketName": "example-exports", "key": f"{number}.parquet"},
            "responseElements": None,
            "eventID": f"00000000-0000-4000-8000-{number:012}",
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        }
    )


@pytest.mark.parametrize("reads", [100, 499, 500, READS, 9000])
def test_one_burst_is_one_finding_with_its_last_level(investigating: Investigate, tmp_path: Path, reads: int) -> None:
    log = tmp_path / "trail.ndjson"
    log.write_bytes(b"\n".join(read_object(number) for number in range(reads)))
    run = investigating(tmp_path / "out", log)
    (finding,) = [one for one in run.findings if "storage" in one["finding_info"]["title"]]
    assert finding["unmapped"]["level"] == ("high" if reads >= 500 else "medium")
    assert finding["unmapped"]["status"] == ("new" if reads == 100 else "corrected")
    told = len(finding["unmapped"]["event_uids"])
    assert told == reads if reads <= 4096 else 2048 <= told <= 4096
    assert f"read {told} objects" in finding["finding_info"]["desc"]
    if reads >= 500:
        (case,) = run.cases
        assert case["unmapped"]["finding_uids"] == [finding["finding_info"]["uid"]]
