"""``lake``: the example of ``docs/lake.md`` deletes what it says, with a record in the chain of evidence."""

import re
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run

from watchfloor.clock import system_clock
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.testing.events import batch_of

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text()
DAY = 86_400_000


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    now = int(system_clock().timestamp() * 1000)
    rows = [
        {"metadata.uid": "old", "ingested_at": now - 100 * DAY, "class_uid": 1007},
        {"metadata.uid": "sign-in", "ingested_at": now - 100 * DAY, "class_uid": 3002, "source": "okta_system_log"},
        {"metadata.uid": "held", "ingested_at": now - 100 * DAY, "time": 1_774_000_000_000},
        {"metadata.uid": "new", "ingested_at": now},
    ]
    rows[2]["entity.actor"] = "user:alice@example.com"
    with Lake(folder.lake).writer() as writer:
        for row in rows:
            writer.append(batch_of({"time": now - 200 * DAY, **row}))
            writer.flush()
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    (folder.path / "retention.yml").write_text(example[1])
    return folder


def test_the_example_of_the_documentation_deletes_and_proves(run: Run, data: DataFolder) -> None:
    def lake(*arguments: str) -> str:
        ran = run("lake", *arguments, "--data", data.path)
        assert ran.status == 0, ran.err
        return ran.out

    assert lake("holds").split("case-2026-17")[1].split()[0] == "1"
    assert "1 events in 1 files would go; 1 more are held" in lake("retain", "--dry-run")
    record = orjson.loads(lake("retain", "--json"))
    assert (record["rows"], record["held"]) == (1, 1)
    assert record["reasons"][0]["name"] == "everything else"
    assert [orjson.loads(line) for line in lake("status", "--deletions").splitlines()] == [record]
    kept = [row for batch in Lake(data.lake).in_order("default", ["metadata.uid"]) for row in batch[0].to_pylist()]
    assert sorted(kept) == ["held", "new", "sign-in"]
    assert orjson.loads(data.records.read_bytes().splitlines()[-1])["kind"] == "deletion"
    assert lake("retain") == "nothing to delete\n"
    lake("compact")
    status = orjson.loads(lake("status", "--json"))
    assert status["tenants"]["default"]["events"] == 3
    assert status["streams"] == {"input": 3}
    assert len(lake("status", "--files").splitlines()) == status["tenants"]["default"]["files"]
    assert "default" in lake("status")


def test_without_a_policy_nothing_is_deleted(run: Run, data: DataFolder) -> None:
    (data.path / "retention.yml").unlink()
    ran = run("lake", "retain", "--data", data.path)
    assert (ran.status, ran.out) == (2, "")
    assert "there is no such file" in ran.err
