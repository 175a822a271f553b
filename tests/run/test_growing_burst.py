"""A burst that grows from level to level is told once, as it was in the end."""

from pathlib import Path

import pytest
from tests.conftest import Investigate
from tests.run.cloudtrail import call

READS = 1168


def read_object(number: int) -> bytes:
    """One object that a person's key read, a second after the other."""
    parameters = {"bucketName": "example-exports", "key": f"{number}.parquet"}
    return call(number, "s3.amazonaws.com", "GetObject", parameters, "Boto3/1.37.10")


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
