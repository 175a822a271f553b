"""What a run refuses, and that it then leaves everything as it was; what it survives."""

import re
from datetime import date
from pathlib import Path

import msgspec
import orjson
import pytest
from tests.conftest import Investigate

from watchfloor.catalog import BUILT_IN
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.sigma import RuleSet
from watchfloor.errors import InputError, StoreError
from watchfloor.run.content import Content, load_content
from watchfloor.settings import DataFolder
from watchfloor.simulate import write_day

BROKEN_DETECTION = """\
from datetime import timedelta
from watchfloor.judging import known
from watchfloor.session import Sessions

def judge(rows, count):
    raise KeyError("no such column\\n")

DETECTORS = (
    Sessions(
        name="mine",
        key="entity.user",
        gap=timedelta(hours=1),
        columns=(),
        select=known("entity.user"),
        judge=judge,
    ),
)
"""


def okta(number: int) -> bytes:
    return orjson.dumps(
        {
            "uuid": f"00000000-0000-4000-8000-{number:012}",
            "published": "2026-03-17T09:14:00.000Z",
            "eventType": "user.session.start",
            "displayMessage": "User login to Okta",
            "version": "0",
            "actor": {"id": "00u1example", "type": "User", "alternateId": "alice@example.com", "displayName": "Alice"},
            "client": {"ipAddress": "192.0.2.10"},
            "outcome": {"result": "SUCCESS"},
        }
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "okta.ndjson"
    path.parent.mkdir()
    path.write_bytes(okta(1) + b"\nnot JSON\n" + okta(2) + b"\n")
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_a_small_log_becomes_a_data_folder(investigating: Investigate, log: Path, tmp_path: Path) -> None:
    run = investigating(tmp_path / "out", log)
    assert run.outcome.observed.sources == {"okta_system_log": 2}
    assert run.cases == []
    (letter,) = [
        msgspec.json.decode(line, type=DeadLetter) for line in run.folder.dead_letters.read_bytes().splitlines()
    ]
    assert (letter.raw, letter.origin.line, letter.stage) == (b"not JSON", 2, "normalize")
    assert [one.raw for one in run.outcome.dead_letters] == [b""]


def test_a_folder_that_is_not_ours_is_refused_and_untouched(
    investigating: Investigate, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "theirs" / "lake").mkdir(parents=True)
    (tmp_path / "theirs" / "lake" / "thesis.txt").write_text("three years of work")
    before = everything(tmp_path)
    with pytest.raises(InputError, match="not a Watchfloor folder"):
        investigating(tmp_path / "theirs", log)
    assert everything(tmp_path) == before


def test_a_path_that_gives_nothing_costs_no_earlier_result(
    investigating: Investigate, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "in" / "empty").mkdir()
    investigating(tmp_path / "out", log)
    before = everything(tmp_path)
    for path in ("nowhere.json", "in/empty"):
        with pytest.raises(InputError):
            investigating(tmp_path / "out", log, tmp_path / path)
        assert everything(tmp_path) == before
        with pytest.raises(InputError):
            investigating(tmp_path / "new", tmp_path / path)
        assert not (tmp_path / "new").exists()


def test_a_label_that_cannot_be_read_costs_no_earlier_result(
    investigating: Investigate, log: Path, tmp_path: Path
) -> None:
    investigating(tmp_path / "out", log)
    (tmp_path / "out" / "labels.ndjson").write_bytes(b'\n{"uid": "f1", "disposition": "perhaps"}\n')
    before = everything(tmp_path)
    with pytest.raises(InputError, match=r"labels\.ndjson:2: "):
        investigating(tmp_path / "out", log)
    assert everything(tmp_path) == before


def test_a_run_does_not_read_what_it_is_about_to_replace(investigating: Investigate, log: Path, tmp_path: Path) -> None:
    investigating(tmp_path / "out", log)
    (tmp_path / "out" / "packs" / "a pack").touch()
    before = everything(tmp_path)
    for path in ("out/deadletters.ndjson", "out/lake", "out/packs", "out/cases.ndjson", "out", ".", "in/../out"):
        with pytest.raises(InputError, match=r"replace it|where the result goes"):
            investigating(tmp_path / "out", log, tmp_path / path)
    assert everything(tmp_path) == before


def test_logs_may_lie_in_the_data_folder(investigating: Investigate, tmp_path: Path) -> None:
    run = investigating(tmp_path / "out", _in(tmp_path / "out"))
    assert run.outcome.observed.sources.total() == 1


def _in(out: Path) -> Path:
    """A log in a data folder, as ``watchfloor demo`` writes it."""
    (out / "logs").mkdir(parents=True)
    (out / "watchfloor.json").write_text('{"layout": 1}\n')
    (out / "logs" / "okta.ndjson").write_bytes(okta(1))
    return out / "logs"


def test_a_detection_that_fails_is_named_and_the_run_goes_on(
    investigating: Investigate, content: Content, log: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "content" / "detections" / "mine"
    folder.mkdir(parents=True)
    (folder / "detection.py").write_text(BROKEN_DETECTION)
    keyed, errors = load_keyed([tmp_path / "content"])
    assert errors == ()
    with_ours = msgspec.structs.replace(content, rules=RuleSet(), keyed=(*keyed, *content.keyed))
    run = investigating(tmp_path / "out", log, content=with_ours)
    assert run.outcome.failures == ("detection mine failed: KeyError: 'no such column\\n'",)
    assert run.folder.cases.exists()


def test_a_folder_of_ones_own_replaces_the_built_in_one_and_what_does_not_load_is_named(
    tmp_path: Path, content: Content
) -> None:
    replaced = "detections/okta_admin_granted/detection.yml"
    for place, text in {
        "detections/a/detection.py": "import no_such_module",
        "detections/b/detection.yml": "title: [",
        "detections/c/detection.yml": "a: &a [*a]",
        "playbooks/d/playbook.yml": "a: " + "[" * 9999,
        "sources/e/source.yml": "- 1",
        "policies/f/f.cedar": "permit (",
        "detections/g/notes.txt": "nothing yet",
        replaced: re.sub(r"^title: .*$", "title: Ours", (BUILT_IN / replaced).read_text(), flags=re.MULTILINE),
    }.items():
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    loaded = load_content(user=[tmp_path])
    ours_failed = [error.path for error in loaded.errors if error.path.startswith(str(tmp_path))]
    assert {_folder(path) for path in ours_failed} == set("abcdefg")
    assert {one.name for one in content.sources} <= {one.name for one in loaded.sources}
    assert {one.name for one in content.keyed} <= {one.name for one in loaded.keyed}
    ours, theirs = ({rule.rule.title for rule in one.rules.rules} for one in (loaded, content))
    assert "Ours" in ours
    assert len(theirs - ours) == 2


def _folder(path: str) -> str:
    return Path(path).name if Path(path).is_dir() else Path(path).parent.name


def test_a_data_folder_that_cannot_be_written_is_one_line(
    investigating: Investigate, log: Path, tmp_path: Path
) -> None:
    out = investigating(tmp_path / "out", log).folder
    out.dead_letters.unlink()
    out.database.unlink()
    out.database.mkdir()
    with pytest.raises(StoreError) as caught:
        investigating(out.path, log)
    assert str(caught.value).startswith(str(out.database))
    assert "\n" not in str(caught.value)


def test_links_that_are_not_followed_are_told(investigating: Investigate, tmp_path: Path) -> None:
    logs = tmp_path / "okta.ndjson"
    logins = [
        {
            "eventType": "user.session.start",
            "published": "2026-03-17T08:00:00Z",
            "uuid": str(number),
            "actor": {"id": "00uSHARED", "type": "User", "alternateId": f"person{number}@example.com"},
        }
        for number in range(5)
    ]
    logs.write_bytes(b"\n".join(map(orjson.dumps, logins)))
    (told,) = investigating(tmp_path / "out", logs).outcome.failures
    assert told.startswith("5 links between accounts were not followed")
    assert "(event okta_system_log:0)" in told
    assert "several people use this account" in told


def derived(folder: DataFolder) -> dict[str, bytes]:
    kept = everything(folder.path)
    return {name: data for name, data in kept.items() if not name.startswith(("keys", "records"))}


def test_a_run_that_fails_leaves_the_last_result(
    investigating: Investigate, log: Path, tmp_path: Path, content: Content
) -> None:
    folder = investigating(tmp_path / "out", log).folder
    folder.report.write_text("<p>the last result")
    before = derived(folder)
    stopped = msgspec.structs.replace(content, engine=None)
    with pytest.raises(AttributeError):
        investigating(folder.path, attack(tmp_path), content=stopped)
    assert derived(folder) == before
    folder.database.unlink()
    folder.database.mkdir()
    with pytest.raises(StoreError):
        investigating(folder.path, log)
    assert derived(folder) == {name: data for name, data in before.items() if name != folder.database.name}


def attack(folder: Path) -> Path:
    """Logs that give a case."""
    return write_day(folder, seed=23, day=date(2026, 3, 17)).logs / "okta"


def test_what_people_keep_in_the_data_folder_stays(investigating: Investigate, log: Path, tmp_path: Path) -> None:
    folder = investigating(tmp_path / "out", attack(tmp_path)).folder
    theirs = [folder.packs / "for the judge.zip", folder.lake / "notes" / "a.txt", folder.path / "logs" / "b.txt"]
    ours = [*folder.packs.iterdir(), *folder.lake.rglob("*.parquet")]
    folder.report.write_text("of another run")
    for path in theirs:
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name)
    investigating(folder.path, log)
    assert [path.read_text() for path in theirs] == [path.name for path in theirs]
    assert ours
    assert not any(path.exists() for path in [*ours, folder.report])
    assert not (folder.path / ".draft").exists()


def without_lake(folder: DataFolder) -> set[str]:
    """The names of derived files; those of the lake are new each time."""
    return {name for name in derived(folder) if not name.startswith("lake")}


def test_what_a_killed_run_left_behind_is_in_nobodys_way(investigating: Investigate, log: Path, tmp_path: Path) -> None:
    folder = investigating(tmp_path / "out", log).folder
    before = without_lake(folder)
    (folder.path / ".draft" / "packs").mkdir(parents=True)
    (folder.path / ".draft" / "packs" / "0123456789abcdef.zip").touch()
    investigating(folder.path, log)
    assert without_lake(folder) == before


def test_a_result_that_cannot_take_its_place_leaves_the_last_one(
    investigating: Investigate, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    kept = investigating(out, log).folder
    before = kept.findings.read_bytes()
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if target == kept.findings and path.parent.name == ".draft" and not path.name.startswith("old-"):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StoreError, match="No space left on device"):
        investigating(out, log)
    assert kept.findings.read_bytes() == before
    assert not (out / ".draft").exists()
