"""Labels: lines in, the last word on each thing out."""

import json
from importlib import resources
from pathlib import Path

import jsonschema_rs
import pytest

from watchfloor.errors import InputError, StoreError
from watchfloor.learn import Label, append_label, by_uid, read_labels, votes

FALSE = Label("false-positive", "alice", "2026-03-17T09:00:00Z", "a test", uid="f1")
TRUE = Label("true-positive", "bob\u202e\n“", "2026-03-17T10:00:00Z", "<script>" * 2000, uid="f1")
OTHER = Label("inconclusive", "alice", "2026-03-17T11:00:00Z", "", entity="user:alice@example.com")


def test_the_last_word_on_a_uid_counts_and_the_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "labels.ndjson"
    for label in (FALSE, OTHER, TRUE):
        append_label(path, label)
    assert list(read_labels(path)) == [FALSE, OTHER, TRUE]
    assert by_uid(read_labels(path)) == {"f1": TRUE}


def test_what_is_written_is_valid_by_the_schema_that_ships(tmp_path: Path) -> None:
    schema = json.loads((resources.files("watchfloor") / "schemas" / "label.schema.json").read_text())
    append_label(tmp_path / "labels", TRUE)
    append_label(tmp_path / "labels", OTHER)
    for line in (tmp_path / "labels").read_bytes().splitlines():
        assert jsonschema_rs.validator_for(schema).is_valid(json.loads(line))


def test_a_label_goes_on_its_own_line_after_a_line_that_does_not_end(tmp_path: Path) -> None:
    path = tmp_path / "labels.ndjson"
    append_label(path, FALSE)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    append_label(path, TRUE)
    assert list(read_labels(path)) == [FALSE, TRUE]


@pytest.mark.parametrize(
    "line",
    [
        b'{"disposition": "false-positive"',
        b'{"disposition":"maybe","by":"a","at":"","reason":"","uid":"f"}',
        b'{"disposition":"false-positive","by":"a","at":"","reason":""}',
        b'{"disposition":"false-positive","by":"a","at":"","reason":"","uid":"f","entity":"e"}',
        b'{"disposition":"false-positive","by":7,"at":"","reason":"","uid":"f"}',
        b"\xff\xfe",
        b"[]",
        b"\0",
        b"[" * 100_000,
    ],
    ids=["cut", "disposition", "nothing", "both", "type", "utf8", "array", "nul", "deep"],
)
def test_a_broken_line_is_named_and_comes_after_the_good_ones(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "labels.ndjson"
    append_label(path, FALSE)
    path.write_bytes(path.read_bytes() + b"\r\n  \n" + line + b"\n")
    labels = read_labels(path)
    assert next(labels) == FALSE
    with pytest.raises(InputError) as caught:
        next(labels)
    assert str(caught.value).startswith(f"{path}:4: ")


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        list(read_labels(tmp_path / "nowhere"))
    (tmp_path / "file").touch()
    for place, refused in ((tmp_path, tmp_path), (tmp_path / "file" / "labels", tmp_path / "file")):
        with pytest.raises(StoreError, match=f"^{refused}: "):
            append_label(place, FALSE)


def test_the_label_of_a_case_is_one_vote_on_each_of_its_rules() -> None:
    def given(uid: str, case: str | None) -> Label:
        return Label("false-positive", "alice", "2026-03-17T09:00:00Z", "a test", uid=uid, case=case)

    labels = by_uid([*(given(f"f{number}", "c1") for number in range(50)), given("g1", None), given("g2", None)])
    findings = [*(("noisy", f"f{number}") for number in range(49)), ("rare", "f49"), ("own", "g1"), ("own", "g2")]
    assert votes(labels, findings) == [(rule, "false-positive") for rule in ("noisy", "rare", "own", "own")]
