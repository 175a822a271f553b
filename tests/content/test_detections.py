"""Each detection folder keeps the laws; a new folder is tested without a line here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from watchfloor.catalog import Folder, folders
from watchfloor.correlate.grouping import latest
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.sigma.load import load_rules
from watchfloor.event import HOT, LIGHT
from watchfloor.testing.detections import broken_laws, case_files, check_detection, load_detection
from watchfloor.testing.operators import run_keyed
from watchfloor.testing.sources import sample_records
from watchfloor.triage.citation import check
from watchfloor.triage.evidence import Evidence

FOLDERS = folders("detections")
KEYED = [folder for folder in FOLDERS if (folder.path / "detection.py").exists()]
HOSTILE = {pa.string(): "<script>\u202e\0" + "x" * 10_000, pa.int64(): (1 << 62), pa.float64(): 1e300, pa.bool_(): True}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_detection_keeps_the_laws(folder: Folder) -> None:
    check_detection(load_detection(folder))


def test_all_load_together() -> None:
    # A rule's id or an operator's name that comes twice is an error of its second bearer.
    assert not load_rules([folder.path for folder in FOLDERS]).errors
    assert not load_keyed()[1]


@pytest.mark.parametrize("folder", KEYED, ids=lambda folder: folder.name)
def test_what_a_finding_says_is_in_its_events(folder: Folder) -> None:
    detection = load_detection(folder)
    for path in case_files(folder, "hit"):
        records = sample_records(path)
        evidence = Evidence({row["metadata.uid"]: row for row in detection.events(records).to_pylist()})
        for finding in latest(detection.find(records)):
            assert finding.summary
            problems = check(finding.summary, finding.event_uids, evidence, [finding], told_by=finding)
            assert not problems, finding.summary


@pytest.mark.parametrize("folder", KEYED, ids=lambda folder: folder.name)
def test_no_value_stops_a_keyed_detection(folder: Folder) -> None:
    detection = load_detection(folder)
    shortest = min(case_files(folder, "hit"), key=lambda path: path.stat().st_size)
    events = detection.events(sample_records(shortest)).select(LIGHT)
    for operator in detection.keyed:
        for batch in _spoiled(events):
            assert all(len(finding.summary) < 2_000 for finding in run_keyed(operator, [batch]))


def _spoiled(events: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The events with one attribute gone, and with a hostile value in its place."""
    for name, kind in HOT.items():
        if name in {"time", "metadata.uid"} or events.column(name).null_count == events.num_rows:
            continue
        for value in (None, HOSTILE[kind]):
            column = pa.array([value] * events.num_rows, kind)
            yield events.set_column(events.schema.get_field_index(name), events.schema.field(name), column)


def test_a_detection_gets_no_column_that_a_run_does_not_give_it(tmp_path: Path) -> None:
    copied = Folder("net_beacon", tmp_path / "net_beacon")
    shutil.copytree(next(one.path for one in KEYED if one.name == copied.name), copied.path)
    assert broken_laws([copied]) == {}
    code = copied.path / "detection.py"
    code.write_text(code.read_text().replace("columns=(", 'columns=("rest", ', 1))
    assert list(broken_laws([copied])) == [copied.name]
