"""A live platform keeps its lake up: fewer files, the same events, and what retention lets go is gone and recorded."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchfloor.errors import ContentError, InputError
from watchfloor.run.upkeep import Upkeep
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.testing.events import batch_of

NOW = datetime(2026, 3, 17, 12, tzinfo=UTC)
OLD = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    one = DataFolder(tmp_path / "data")
    one.prepare()
    for number in range(12):
        with Lake(one.lake).writer() as writer:
            writer.append(batch_of({"metadata.uid": f"u{number}", "time": OLD + number, "ingested_at": OLD + number}))
    return one


def uids(folder: DataFolder) -> list[str]:
    batches = Lake(folder.lake).in_order("default", ["metadata.uid"])
    return [uid for batch in batches for uid in batch.column(0).to_pylist()]


def test_small_files_become_fewer_and_the_events_stay(folder: DataFolder) -> None:
    before = uids(folder)
    upkeep = Upkeep(folder, lambda: NOW)
    upkeep.once()
    assert upkeep.compacted == 12
    assert len(Lake(folder.lake).files()) == 1
    assert uids(folder) == before


def test_nothing_is_deleted_without_retention_and_with_it_what_is_due_is_recorded(folder: DataFolder) -> None:
    upkeep = Upkeep(folder, lambda: NOW)
    upkeep.once()
    assert len(uids(folder)) == 12
    (folder.path / "retention.yml").write_text(
        "retention:\n  - {name: short, keep: 30d, owner: data@example.com, reason: no longer needed}\n"
    )
    upkeep.once()
    assert uids(folder) == []
    assert '"deletion"' in folder.records.read_text()
    upkeep.once()
    assert upkeep.deleted == 1


def test_retention_that_cannot_be_read_deletes_nothing(folder: DataFolder) -> None:
    (folder.path / "retention.yml").write_text("retention: [{keep: soon}]\n")
    with pytest.raises((ContentError, InputError)):
        Upkeep(folder, lambda: NOW).once()
    assert len(uids(folder)) == 12
