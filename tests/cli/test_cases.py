"""``cases``: the explained cases of a data folder, as a table and for machines."""

import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.conftest import Investigation

from watchfloor.evidence import read_public_key, verify_pack
from watchfloor.learn import by_uid, read_labels
from watchfloor.settings import DataFolder


@pytest.fixture
def data(investigated: Investigation, tmp_path: Path) -> Path:
    """A data folder to change."""
    out = tmp_path / "data"
    shutil.copytree(investigated.folder.path, out, ignore=shutil.ignore_patterns("lake"))
    return out


@pytest.fixture
def shared(investigated: Investigation) -> Path:
    """A data folder to read only."""
    return investigated.folder.path


def test_list_shows_all_cases_a_row_each(run: Run, shared: Path, investigated: Investigation) -> None:
    ran = run("cases", "list", "--data", shared)
    assert (ran.status, ran.err) == (0, "")
    rows = [line for line in ran.out.splitlines() if line.strip()][2:]
    assert len(rows) == len(investigated.outcome.cases)
    for row, case in zip(rows, investigated.outcome.cases, strict=True):
        assert row.startswith(case.uid)
        assert case.title in row


def test_list_for_machines_is_one_case_a_line(run: Run, shared: Path, investigated: Investigation) -> None:
    ran = run("cases", "list", "--json", "--data", shared)
    assert (ran.status, ran.err) == (0, "")
    assert len(ran.lines) == len(investigated.cases)
    for shown, written in zip(ran.lines, investigated.cases, strict=True):
        assert shown["unmapped"] == written["unmapped"]


def test_show_takes_the_beginning_of_a_uid(run: Run, shared: Path, investigated: Investigation) -> None:
    uid = investigated.outcome.cases[0].uid
    ran = run("cases", "show", uid[:6], "--data", shared)
    assert (ran.status, ran.err) == (0, "")
    (shown,) = ran.lines
    assert shown["metadata"]["uid"] == uid  # type: ignore[index]


@pytest.mark.parametrize("command", ["show", "label", "export"])
@pytest.mark.parametrize("uid", ["nowhere", "%", "\u202e'; --", ""])
def test_a_case_that_is_not_there_is_status_2_and_one_line(
    run: Run, shared: Path, tmp_path: Path, command: str, uid: str
) -> None:
    more = {
        "show": (),
        "label": ("false-positive", "--by", "a", "--reason", "b"),
        "export": (tmp_path / "x.zip",),
    }[command]
    ran = run("cases", command, uid, *more, "--data", shared)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert "case" in ran.err
    assert "\u202e" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_label_holds_for_the_case_and_its_findings(run: Run, data: Path, investigated: Investigation) -> None:
    case = investigated.outcome.cases[-1]
    reason = 'A test of ours: "<script>" \u202e'
    ran = run("cases", "label", case.uid, "benign-true-positive", "--by", "alice", "--reason", reason, "--data", data)
    assert (ran.status, ran.out) == (0, "")
    labels = by_uid(read_labels(DataFolder(data).labels))
    assert set(labels) == {case.uid, *(finding.uid for finding in case.findings)}
    assert {uid: one.case for uid, one in labels.items() if uid != case.uid} == {
        finding.uid: case.uid for finding in case.findings
    }
    assert {(one.disposition, one.by, one.reason) for one in labels.values()} == {
        ("benign-true-positive", "alice", reason)
    }


def test_a_disposition_is_one_of_four(run: Run, data: Path, investigated: Investigation) -> None:
    uid = investigated.outcome.cases[0].uid
    ran = run("cases", "label", uid, "maybe", "--by", "a", "--reason", "b", "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert "'maybe' is not one of true-positive, benign-true-positive" in ran.err
    assert not DataFolder(data).labels.exists()


@pytest.mark.parametrize("group", ["cases", "evidence"])
def test_export_copies_the_pack_as_it_is(
    run: Run, data: Path, investigated: Investigation, tmp_path: Path, group: str
) -> None:
    uid = investigated.outcome.cases[0].uid
    copy = tmp_path / "copy.zip"
    ran = run(group, "export", uid, copy, "--data", data)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert verify_pack(copy, read_public_key(data / "keys" / "evidence.pub")).verified


def test_export_to_where_nothing_can_be_written_is_one_line(
    run: Run, data: Path, investigated: Investigation, tmp_path: Path
) -> None:
    uid = investigated.outcome.cases[0].uid
    pack = DataFolder(data).packs / f"{uid}.zip"
    for to in (tmp_path / "no" / "folder.zip", tmp_path, pack):
        ran = run("cases", "export", uid, to, "--data", data)
        assert (ran.status, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1
        assert str(to) in ran.err
        assert "None" not in ran.err
    pack.unlink()
    assert run("cases", "export", uid, tmp_path / "x.zip", "--data", data).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("cases", "list"),
        ("cases", "show", "x"),
        ("cases", "label", "x", "false-positive", "--by", "a", "--reason", "b"),
        ("cases", "export", "x", "y.zip"),
        ("deadletters", "list"),
        ("deadletters", "show", "1"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_a_data_folder_that_is_none_is_status_2_and_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    for name in ("nowhere", "other", "file", "file/below"):
        ran = run(*arguments, "--data", tmp_path / name)
        assert (ran.status, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1
        assert str(tmp_path / name) in ran.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "other"]
    assert list((tmp_path / "other").iterdir()) == []


def test_a_case_store_that_is_spoilt_is_status_2_and_one_line(run: Run, data: Path) -> None:
    DataFolder(data).database.write_bytes(b"spoilt " * 1000)
    ran = run("cases", "list", "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
