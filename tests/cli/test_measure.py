"""``metrics`` on a data folder that the stages wrote, and ``score`` on files."""

from pathlib import Path

import msgspec
import orjson
import pytest
from tests.cli.conftest import Ran, Run

from watchfloor.case import Assessment, Case, Rejection, Risk, Sentence
from watchfloor.deadletter import DeadLetter
from watchfloor.event import Entity, Origin
from watchfloor.evidence import RawEvent, open_chain, signing_key, write_pack
from watchfloor.finding import Finding, Level, Rule
from watchfloor.learn import Label, append_label
from watchfloor.metrics import Figures, Score, Share, Summary
from watchfloor.metrics.compute import Funnel
from watchfloor.settings import DataFolder
from watchfloor.store.cases import CaseStore
from watchfloor.store.lake import Lake
from watchfloor.testing.events import batch_of

START = 1_773_756_420_000
HOSTILE = "<b>\x1b[31m\u202eexe"


def finding(uid: str, line: int, after: int, level: Level = "high") -> Finding:
    return Finding(
        uid=uid,
        tenant="default",
        rule=Rule(f"rule-{uid}", "A rule", level, use_case="x"),
        start=START,
        end=START + 1000 * after,
        event_uids=(f"event-{line}",),
        origins=(Origin("/mnt/logs/a.ndjson", line),),
        entities=(Entity("user", "user:alice@example.com", "alice@example.com"),),
    )


FINDINGS = (finding("f1", 1, 60, "low"), finding("f2", 2, 300), finding("f3", 9, 400))


def case_of(uid: str, *findings: Finding) -> Case:
    return Case(
        uid=uid,
        tenant="default",
        title="A case",
        level="high",
        start=START,
        end=findings[-1].end,
        findings=findings,
        entities=findings[0].entities,
        tactics=(),
        risk=Risk(0.5),
        assessment=Assessment(
            "Told",
            (Sentence("One.", findings[0].event_uids),),
            rejected=(Rejection("Two.", findings[0].event_uids, ("why",)),),
        ),
    )


CASES = (case_of("case-1", *FINDINGS[:2]), case_of("case-2", FINDINGS[2]))


def lines(path: Path, *objects: object) -> Path:
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
    return path


def pack(folder: DataFolder, case: Case) -> Path:
    uids = [uid for one in case.findings for uid in one.event_uids]
    events = [RawEvent({"time": START, "metadata": {"uid": uid}, "raw_data": "{}"}, b"{}") for uid in uids]
    path = folder.packs / f"{case.uid}.zip"
    with open_chain(folder.records) as chain:
        write_pack(path, case, events, chain=chain, key=signing_key(folder.path), now_ms=START, version="0.1.0")
    return path


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.packs.mkdir()
    with Lake(folder.lake).writer() as writer:
        writer.append(batch_of(*({} for _ in range(12))))
    lines(folder.findings, *(one.to_ocsf(now=START) for one in FINDINGS))
    lines(folder.cases, *(one.to_ocsf(now=START) for one in CASES))
    letter = DeadLetter("default", Origin("x.json", 1), "ingest", f"not JSON {HOSTILE}", b"\xff")
    folder.dead_letters.write_bytes(msgspec.json.encode(letter) + b"\n")
    store = CaseStore(folder.database)
    store.replace("default", CASES)
    store.close()
    return folder


def figures(ran: Ran) -> Figures:
    return msgspec.json.decode(ran.out, type=Figures)


def summary(shown: Figures, name: str) -> Summary:
    value = next(one.value for one in shown.metrics if one.metric.name == name)
    assert isinstance(value, Summary)
    return value


def ready(shown: Figures) -> Share:
    value = next(one.value for one in shown.metrics if one.metric.name == "audit-readiness")
    assert isinstance(value, Share)
    return value


def test_metrics_of_a_data_folder(run: Run, data: DataFolder) -> None:
    pack(data, CASES[0])
    append_label(data.labels, Label("benign-true-positive", "alice", "2026-03-17T15:00:00Z", "a drill", uid="case-2"))
    ran = run("metrics", "--data", data.path, "--json")
    assert ran.status == 0
    shown = figures(ran)
    assert (summary(shown, "dwell-time").median, summary(shown, "dwell-time").count) == (300, 1)
    assert summary(shown, "compression").maximum == 2
    assert (ready(shown).hits, ready(shown).of, ready(shown).missing) == (1, 2, 1)
    assert {one.value for one in shown.metrics if one.metric.name == "time-to-respond"} == {None}
    assert shown.funnel == Funnel(events=12, findings=3, in_cases=3, cases=2)
    assert (shown.sentences_rejected.hits, shown.sentences_rejected.of) == (2, 4)
    assert [one.count for one in shown.dead_letters] == [1]
    assert "Time to respond (MTTR): not measurable: no action is executed in this version" in ran.err
    assert "1 benign-true-positive, 1 case without a label" in ran.err
    assert "\x1b[31m" not in ran.err
    assert "\u202e" not in ran.err


def test_a_pack_that_was_altered_or_signed_by_others_is_not_ready(run: Run, data: DataFolder) -> None:
    whole = pack(data, CASES[0]).read_bytes()
    (data.packs / "case-1.zip").write_bytes(whole[:-200])
    assert ready(figures(run("metrics", "--data", data.path, "--json"))).hits == 0
    (data.packs / "case-1.zip").write_bytes(whole)
    assert ready(figures(run("metrics", "--data", data.path, "--json"))).hits == 1
    (data.path / "keys" / "evidence.pub").unlink()
    assert ready(figures(run("metrics", "--data", data.path, "--json"))).hits == 0


def test_metrics_of_an_empty_data_folder(run: Run, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    ran = run("metrics", "--data", folder.path, "--json")
    assert ran.status == 0
    assert summary(figures(ran), "dwell-time").median is None
    assert ready(figures(ran)).value is None


def test_metrics_of_no_data_folder(run: Run, tmp_path: Path) -> None:
    ran = run("metrics", "--data", tmp_path)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    shared: dict[str, object] = {
        "use_case": "x",
        "start": "2026-03-17T14:07:00Z",
        "variant": "v",
        "entities": [],
        "decisive": None,
    }
    return lines(
        tmp_path / "truth.ndjson",
        {**shared, "id": "a", "kind": "attack", "campaign": "wave", "events": [{"path": "logs/a.ndjson", "line": 2}]},
        {**shared, "id": f"missed {HOSTILE}", "kind": "attack", "events": [{"path": "logs/a.ndjson", "line": 5}]},
        {**shared, "id": "t", "kind": "twin", "events": [{"path": "logs/a.ndjson", "line": 9}]},
    )


def test_score_of_our_files(run: Run, data: DataFolder, truth: Path) -> None:
    ran = run("score", "--truth", truth, "--findings", data.findings, "--cases", data.cases, "--json")
    assert ran.status == 0
    score = msgspec.json.decode(ran.out, type=Score)
    assert score.overall.recall.hits == 1
    assert score.overall.time_to_detect.median == 300
    assert score.overall.time_to_detect.p90 == "censored"
    assert score.overall.findings.on_twins == 1
    assert score.grouping is not None
    assert [one.pure for one in score.grouping.cases] == [False, True]
    assert "missed: missed <b>" in ran.err
    assert "false on twin t: 1" in ran.err
    assert "\x1b[31m" not in ran.err
    assert "\u202e" not in ran.err


def test_without_a_machine_to_read_it_the_table_is_the_output(run: Run, data: DataFolder, truth: Path) -> None:
    ran = run("score", "--truth", truth, "--findings", data.findings)
    assert (ran.status, ran.err) == (0, "")
    assert "1/2" in ran.out
    assert "censored" in ran.out
    ran = run("metrics", "--data", data.path)
    assert (ran.status, ran.err) == (0, "")
    assert "Time to respond (MTTR): not measurable" in ran.out


def test_score_of_a_brief_file(run: Run, truth: Path, tmp_path: Path) -> None:
    brief = lines(
        tmp_path / "brief.ndjson", {"rule": "r", "level": "high", "path": "logs/a.ndjson", "line": 5, "event": "e"}
    )
    ran = run("score", "--truth", truth, "--findings", brief, "--json")
    assert ran.status == 0
    assert [one.found for one in msgspec.json.decode(ran.out, type=Score).attacks] == [False, True]
    assert "note: the findings carry no time" in ran.err


@pytest.mark.parametrize("option", ["--truth", "--findings", "--cases"])
def test_a_malformed_line_is_status_2_and_one_line(
    run: Run, data: DataFolder, truth: Path, tmp_path: Path, option: str
) -> None:
    files = {"--truth": truth, "--findings": data.findings, "--cases": data.cases}
    bad = tmp_path / "bad.ndjson"
    bad.write_bytes(files[option].read_bytes() + b'{"id": \x00\n')
    number = len(bad.read_bytes().splitlines())
    files[option] = bad
    ran = run("score", *(part for pair in files.items() for part in pair))
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert f"{bad}:{number}: " in line


def test_a_missing_file_is_status_2(run: Run, truth: Path, tmp_path: Path) -> None:
    ran = run("score", "--truth", truth, "--findings", tmp_path / "nowhere")
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
