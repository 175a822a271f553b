"""What landed becomes events, findings and dead letters: in order, once, whatever happens in between."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson
import pytest

import watchfloor.run.live
from watchfloor.arrival import Arrival
from watchfloor.clock import Clock, system_clock
from watchfloor.run.content import Content, load_content
from watchfloor.run.live import Live
from watchfloor.run.uncommitted import STREAM, Stores
from watchfloor.settings import DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.store.landing import Landing, segments
from watchfloor.store.letters import LetterFolder
from watchfloor.store.quality import QualityStore

NOW = 1_767_225_600_000


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content()


def sign_in(number: int, *, kind: str = "user.session.start", uid: str | None = None) -> bytes:
    return orjson.dumps(
        {
            "uuid": uid or f"uid-{number}",
            "published": "2026-01-01T00:00:00Z",
            "eventType": kind,
            "displayMessage": "User login to Okta",
            "severity": "INFO",
            "outcome": {"result": "SUCCESS"},
            "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
            "client": {"ipAddress": "192.0.2.7"},
            "target": [],
        }
    )


def land(landing: Landing, *raw: bytes) -> None:
    landing.write([Arrival("default", "http/test", raw, range(1, len(raw) + 1), [0] * len(raw))], now=NOW)


@contextmanager
def landing_in(folder: Path) -> Iterator[Landing]:
    DataFolder(folder).prepare()
    with Landing(folder / "landing") as landing:
        yield landing


class Plane:
    """The data plane of one folder, as one process has it."""

    def __init__(self, folder: Path, content: Content, clock: Clock = system_clock, commit_seconds: float = 30) -> None:
        self.folder = DataFolder(folder)
        self.folder.prepare()
        self.findings = FindingStore(self.folder.database)
        self.lake = Lake(self.folder.lake)
        self.letters = LetterFolder(self.folder.letters)
        stores = Stores(self.folder.landing, self.lake, self.findings, self.letters, QualityStore(self.folder.quality))
        self.live = Live(stores, content.workers(0), clock, commit_seconds=commit_seconds)

    def uids(self) -> list[str]:
        return [uid for batch in self.lake.in_order("default", ["metadata.uid"]) for uid in batch.column(0).to_pylist()]

    def rows(self) -> int:
        with self.lake.snapshot() as snapshot:
            return snapshot.rows

    def found(self) -> list[str]:
        return [one.finding.rule.title for one in self.findings.after(0)]


@contextmanager
def running(plane: Plane) -> Iterator[Plane]:
    thread = threading.Thread(target=plane.live.run)
    thread.start()
    try:
        yield plane
    finally:
        plane.live.stop()
        thread.join()
        plane.findings.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def work(folder: Path, content: Content, records: int) -> Plane:
    """Work on what landed, until so many records are done; then stop as a platform does."""
    plane = Plane(folder, content)
    with running(plane):
        until(lambda: plane.live.worked.records >= records)
    return plane


def numbered(numbers: Sequence[int]) -> list[str]:
    return [f"okta_system_log:uid-{number}" for number in numbers]


def test_what_landed_before_and_while_it_runs_is_in_the_lake_once(tmp_path: Path, content: Content) -> None:
    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1), sign_in(2))
        plane = Plane(tmp_path, content, commit_seconds=0.05)
        with running(plane):
            until(lambda: plane.lake.upto(STREAM) == 1)
            for number in range(3, 40):
                land(landing, sign_in(number))
                plane.live.notify(list(segments(tmp_path / "landing"))[-1])
            until(lambda: plane.lake.upto(STREAM) == 38)
    assert sorted(plane.uids()) == sorted(numbered(range(1, 40)))
    assert plane.rows() == 39


def test_a_run_goes_on_where_the_lake_stands(tmp_path: Path, content: Content) -> None:
    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1), b"no record")
        assert len(work(tmp_path, content, 2).uids()) == 1
        land(landing, sign_in(2), b"nor this")
        plane = work(tmp_path, content, 2)
    assert sorted(plane.uids()) == numbered([1, 2])
    assert [letter.raw for letter in plane.letters.read()] == [b"no record", b"nor this"]


def test_a_record_that_is_delivered_again_is_one_event_also_after_a_restart(tmp_path: Path, content: Content) -> None:
    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1), sign_in(2), sign_in(1))
        land(landing, sign_in(2))
        plane = work(tmp_path, content, 4)
        assert plane.live.worked.duplicates == 2
        land(landing, sign_in(1), sign_in(3))
        plane = work(tmp_path, content, 2)
    assert plane.live.worked.duplicates == 1
    assert plane.rows() == 3


def test_a_segment_that_rotted_is_a_dead_letter_and_its_neighbours_are_worked_on(
    tmp_path: Path, content: Content
) -> None:
    with landing_in(tmp_path) as landing:
        for number in (1, 2, 3):
            land(landing, sign_in(number))
        middle = list(segments(tmp_path / "landing"))[1].path
        middle.write_bytes(middle.read_bytes()[:-4] + b"rot!")
        plane = work(tmp_path, content, 2)
    assert sorted(plane.uids()) == numbered([1, 3])
    (letter,) = plane.letters.read()
    assert "not as it was written" in letter.reason
    assert plane.lake.upto(STREAM) == 3


def test_findings_come_at_once_and_once(tmp_path: Path, content: Content) -> None:
    suspicious = sign_in(1, kind="user.mfa.factor.reset_all")
    with landing_in(tmp_path) as landing:
        land(landing, suspicious, sign_in(2))
        plane = Plane(tmp_path, content, commit_seconds=60)
        with running(plane):
            until(lambda: plane.live.worked.findings > 0)
            assert plane.lake.upto(STREAM) is None
            found = plane.found()
        assert found
        land(landing, suspicious)
        assert work(tmp_path, content, 1).found() == found


def test_what_another_product_tells_of_one_alert_is_one_finding_with_revisions(
    tmp_path: Path, content: Content
) -> None:
    (source,) = (one for one in content.sources if one.name == "aws_guardduty")
    alert = orjson.loads((source.folder / "samples" / "findings.raw").read_bytes().splitlines()[0])
    later = {**alert, "updatedAt": "2026-12-31T00:00:00.000Z"}
    with landing_in(tmp_path) as landing:
        land(landing, orjson.dumps(alert))
        land(landing, orjson.dumps(alert))
        work(tmp_path, content, 2)
        land(landing, orjson.dumps(later))
        plane = work(tmp_path, content, 1)
    told = [one.finding for one in plane.findings.after(0)]
    assert len({one.uid for one in told}) == 1
    assert [one.revision for one in told] == [1, 2]


def test_a_disk_that_refuses_is_said_and_nothing_is_lost_or_doubled_by_it(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchfloor.run.live, "RETRY_SECONDS", 0.2)
    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1, kind="user.mfa.factor.reset_all"), b"no record")
        plane = Plane(tmp_path, content, commit_seconds=0.05)
        blocked = tmp_path / "lake" / "tenant=default"
        blocked.parent.mkdir()
        blocked.write_text("in the way")
        with running(plane):
            until(lambda: plane.live.worked.restarts >= 2)
            assert "in the way" not in plane.live.worked.trouble
            assert str(blocked) in plane.live.worked.trouble
            findings = len(plane.found())
            blocked.unlink()
            until(lambda: plane.lake.upto(STREAM) == 1)
            until(lambda: not plane.live.worked.trouble)
    assert plane.uids() == numbered([1])
    assert plane.rows() == 1
    assert len(plane.found()) == findings > 0
    assert [letter.raw for letter in plane.letters.read()] == [b"no record"]


def test_a_segment_larger_than_a_batch_is_worked_on_whole(tmp_path: Path, content: Content) -> None:
    with landing_in(tmp_path) as landing:
        land(landing, *(sign_in(number) for number in range(10_000)))
        plane = work(tmp_path, content, 10_000)
    assert plane.rows() == len(set(plane.uids())) == 10_000


def test_what_nobody_foresaw_is_told_and_work_begins_again(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchfloor.run.live, "RETRY_SECONDS", 0.1)
    broken = [True]

    def clock() -> datetime:
        if broken[0]:
            raise ZeroDivisionError("a secret of a sender")
        return system_clock()

    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1))
        plane = Plane(tmp_path, content, clock=clock, commit_seconds=0.05)
        with running(plane):
            until(lambda: plane.live.worked.restarts >= 2)
            assert plane.live.worked.trouble == "failed: ZeroDivisionError; it starts again"
            broken[0] = False
            until(lambda: plane.lake.upto(STREAM) == 1)
    assert plane.uids() == numbered([1])


def test_a_disk_that_refuses_for_long_uses_up_nothing(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchfloor.run.live, "RETRY_SECONDS", 0.0)
    with landing_in(tmp_path) as landing:
        land(landing, sign_in(1))
        plane = Plane(tmp_path, content, commit_seconds=0.0)
        (tmp_path / "lake").mkdir()
        (tmp_path / "lake" / "tenant=default").write_text("in the way")
        with running(plane):
            until(lambda: plane.live.worked.restarts >= 3)
            before = len(list(Path("/proc/self/fd").iterdir()))
            more = plane.live.worked.restarts + 20
            until(lambda: plane.live.worked.restarts >= more)
            assert len(list(Path("/proc/self/fd").iterdir())) < before + 10
