from pathlib import Path

import orjson
import pytest

from watchfloor.errors import InputError
from watchfloor.event import Origin
from watchfloor.finding import Finding, Rule
from watchfloor.metrics import Detection, read_cases, read_detections, read_truth, standing

PLACE = {"path": "logs/a.ndjson", "line": 3}
ENTRY = {
    "id": "attack-1",
    "kind": "attack",
    "use_case": "login_risk",
    "start": "2026-03-17T14:07:00.926Z",
    "events": [PLACE],
}


def write(path: Path, *lines: object) -> Path:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines) + b"\n")
    return path


def one(tmp_path: Path, **line: object) -> Detection:
    (detection,) = read_detections(write(tmp_path / "findings.ndjson", line))
    return detection


def test_our_own_finding(tmp_path: Path) -> None:
    ours = Finding(
        uid="f1",
        tenant="default",
        rule=Rule("r1", "A rule", "low", use_case="login_risk"),
        start=1,
        end=2,
        event_uids=("e1", "e2"),
        origins=(Origin("a.json", 1), Origin("b.zip!c.json", 2, 0)),
        revision=3,
        status="corrected",
    )
    assert one(tmp_path, **ours.to_ocsf(now=9)) == Detection(
        events=ours.origins, level="low", time=2, uid="f1", rule="r1", use_case="login_risk", revision=3
    )


def test_a_brief_line(tmp_path: Path) -> None:
    line = one(tmp_path, rule="r1", level="high", path="a.json", line=1, index=4, event="e1")
    assert line == Detection(events=(Origin("a.json", 1, 4),), level="high", rule="r1")


def test_a_foreign_line_needs_no_more_than_a_place(tmp_path: Path) -> None:
    bare = one(tmp_path, origins=[PLACE])
    assert bare == Detection(events=(Origin("logs/a.ndjson", 3),))
    assert bare.pages
    odd = one(tmp_path, **PLACE, rule={"name": 7}, uid=["x"], unmapped="text", status=5, use_case=None, metadata=1)
    assert odd.events == bare.events


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ({"level": "LOW"}, "low"),
        ({"severity_id": 4}, "high"),
        ({"severity_id": 6}, "critical"),
        ({"severity_id": 99}, None),
    ],
)
def test_levels(tmp_path: Path, line: dict[str, object], level: str | None) -> None:
    assert one(tmp_path, **PLACE, **line).level == level


@pytest.mark.parametrize("time", [1_773_756_420_926, 1_773_756_420_926.5, "2026-03-17T14:07:00.926Z"])
def test_times(tmp_path: Path, time: object) -> None:
    assert one(tmp_path, **PLACE, time=time).time == 1_773_756_420_926


BAD = [
    (b"{", "truncated"),
    (b"\0\0", "JSON"),
    (b"[]", "object"),
    (b'{"path": "a\xff", "line": 1}', "utf-8"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
    (b'{"rule": "r1"}', "needs origins"),
    (b'{"origins": []}', "needs origins"),
    (b'{"origins": [{"path": "a"}]}', "line"),
    (b'{"path": "a", "line": "1"}', "line"),
    (b'{"path": "a", "line": 1, "level": "grave \\u202e<script>"}', "level"),
    (b'{"path": "a", "line": 1, "level": 3}', "level"),
    (b'{"path": "a", "line": 1, "time": -1}', "time"),
    (b'{"path": "a", "line": 1, "time": true}', "time"),
    (b'{"path": "a", "line": 1, "time": 1e300}', "time"),
    (b'{"path": "a", "line": 1, "time": "soon"}', "RFC3339"),
    (b'{"path": "a", "line": 1, "time": "2026-03-17T14:07:00"}', "timezone"),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "findings.ndjson", PLACE, b"", line)
    with pytest.raises(InputError) as error:
        read_detections(path)
    assert str(error.value).startswith(f"{path}:3: ")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"kind": "rumour"},
        {"start": "14:07"},
        {"start": "2026-03-17T14:07:00"},
        {"events": [{"path": "a"}]},
    ],
)
def test_a_bad_truth_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    path = write(tmp_path / "truth.ndjson", ENTRY, {**ENTRY, "id": "attack-2", **change})
    with pytest.raises(InputError, match=r"truth\.ndjson:2: "):
        read_truth(path)


def test_a_truth_says_each_thing_once_and_something(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":2: a second entry"):
        read_truth(write(tmp_path / "twice.ndjson", ENTRY, ENTRY))
    with pytest.raises(InputError, match="no entry"):
        read_truth(write(tmp_path / "empty.ndjson"))
    with pytest.raises(InputError, match="No such file"):
        read_truth(tmp_path / "nowhere.ndjson")


def test_cases_hold_findings_that_are_there(tmp_path: Path) -> None:
    ours = {"metadata": {"uid": "c1"}, "unmapped": {"finding_uids": ["f1", "f2", "f1"]}}
    foreign = {"uid": "c2", "finding_uids": ["f2"]}
    path = write(tmp_path / "cases.ndjson", ours, foreign)
    assert [(one.uid, one.finding_uids) for one in read_cases(path, frozenset({"f1", "f2"}))] == [
        ("c1", ("f1", "f2")),
        ("c2", ("f2",)),
    ]
    with pytest.raises(InputError, match=r":1: it holds finding 'f2'"):
        read_cases(path, frozenset({"f1"}))
    for bad in ({"uid": "c3"}, {"finding_uids": ["f1"]}, {"uid": "c3", "finding_uids": [1]}):
        with pytest.raises(InputError, match=r"bad\.ndjson:1: "):
            read_cases(write(tmp_path / "bad.ndjson", bad), frozenset({"f1"}))


def test_the_latest_revision_stands_and_a_retracted_one_falls() -> None:
    def revision(uid: str | None, number: int | None, *, retracted: bool = False) -> Detection:
        return Detection(events=(Origin("a", 1),), uid=uid, revision=number, retracted=retracted)

    lines = [
        revision("a", 2),
        revision("a", 1),
        revision("b", 1),
        revision("b", 2, retracted=True),
        revision("c", None),
        revision("c", None),
        revision(None, 1),
        revision(None, 1),
    ]
    assert [(one.uid, one.revision) for one in standing(lines)] == [
        ("a", 2),
        ("c", None),
        ("c", None),
        (None, 1),
        (None, 1),
    ]
