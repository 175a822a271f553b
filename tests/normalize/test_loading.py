"""Sources from what is kept of them are the sources of their files, and what is wrong with files is always told."""

import os
from pathlib import Path

import pytest
import yaml

from watchfloor.catalog import BUILT_IN, Folder, folders
from watchfloor.normalize import Source, load_sources
from watchfloor.normalize.loading import SourceCache, handed, taken
from watchfloor.testing.sources import normalize, sample_records, samples

DOORS = {
    "title": "Door log",
    "vendor": "Example",
    "product": "Doors",
    "recognise": {"has": ["door"], "when": {"kind": "d*"}},
    "time": "at",
    "include": ["more.yml"],
}
MORE = {"events": [{"name": "opened", "class": "authentication", "map": {"user.name": "who"}}]}


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "content" / "sources" / "doors"
    folder.mkdir(parents=True)
    write(folder / "source.yml", DOORS)
    write(folder / "more.yml", MORE)
    return tmp_path / "content"


def write(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def new_cache(tmp_path: Path, notes: list[str]) -> SourceCache:
    return SourceCache(tmp_path / "kept" / "sources", notes.append)


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept" / "sources").glob("*"))


def loaded(tmp_path: Path, root: Path, notes: list[str]) -> Source:
    """The source, by a cache that a new process would have."""
    (one,), errors = new_cache(tmp_path, notes).load([root])
    assert errors == ()
    return one


@pytest.mark.parametrize("folder", folders("sources"), ids=lambda folder: folder.name)
def test_what_is_kept_of_a_source_maps_its_samples_as_its_files_do(folder: Folder) -> None:
    compiled = Source(folder)
    (kept,) = taken(handed([compiled]))
    assert kept.documents == compiled.documents
    assert kept.logsources() == compiled.logsources()
    assert [one.name for one in kept.mappings] == [one.name for one in compiled.mappings]
    for sample in samples(compiled):
        records = sample_records(sample)
        one, other = normalize(compiled, records), normalize(kept, records)
        assert one.events.equals(other.events)
        assert one.dead_letters == other.dead_letters


def test_kept_sources_are_those_of_their_files(tmp_path: Path, notes: list[str]) -> None:
    first, second = (new_cache(tmp_path, notes).load((BUILT_IN,)) for _ in range(2))
    assert [one.documents for one in first[0]] == [one.documents for one in second[0]]
    assert [one.documents for one in first[0]] == [one.documents for one in load_sources()[0]]
    assert len(entries(tmp_path)) == len(first[0])
    assert notes == []


def test_documents_that_are_known_to_be_good_are_compiled_when_they_are_needed(root: Path) -> None:
    folder = Folder("doors", root / "sources" / "doors")
    documents = Source(folder).documents
    late = Source(folder, {**documents, "more.yml": {"events": [{"class": "nonsense"}]}})
    with pytest.raises(ValueError, match="nonsense"):
        _ = late.mappings


@pytest.mark.parametrize("name", ["source.yml", "more.yml", "decode.py"])
def test_a_change_of_any_file_is_seen(name: str, tmp_path: Path, root: Path, notes: list[str]) -> None:
    loaded(tmp_path, root, notes)
    path = root / "sources" / "doors" / name
    before = path.read_text() if path.exists() else ""
    path.write_text(before + "\nbroken: [" if name.endswith(".yml") else "broken(")
    for _ in range(2):
        sources, (error,) = new_cache(tmp_path, notes).load([root])
        assert sources == ()
        assert error.path == str(path)
    assert len(entries(tmp_path)) == 1


def test_what_is_wrong_with_an_entry_is_told_each_time(tmp_path: Path, root: Path, notes: list[str]) -> None:
    write(root / "sources" / "doors" / "more.yml", {"events": [{"name": "bad", "class": "nonsense"}]})
    for _ in range(2):
        _, (error,) = new_cache(tmp_path, notes).load([root])
        assert "event 1 (bad): OCSF" in error.reason
    assert entries(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"x" * 100])
def test_a_damaged_entry_is_replaced(data: bytes, tmp_path: Path, root: Path, notes: list[str]) -> None:
    loaded(tmp_path, root, notes)
    (entry,) = entries(tmp_path)
    good = entry.read_bytes()
    entry.write_bytes(data)
    assert loaded(tmp_path, root, notes).documents["more.yml"] == MORE
    assert entry.read_bytes() == good
    assert "read again" in notes[0]


def test_an_entry_that_others_may_write_is_not_used(tmp_path: Path, root: Path, notes: list[str]) -> None:
    loaded(tmp_path, root, notes)
    (entry,) = entries(tmp_path)
    entry.chmod(0o666)
    loaded(tmp_path, root, notes)
    assert notes == [f"{entry}: others may write to it; the sources are read again."]


@pytest.mark.parametrize("value", ["2026-01-01", ".nan", "!!set {a, b}", "1180591620717411303424"])
def test_what_would_not_come_back_the_same_is_not_kept(
    value: str, tmp_path: Path, root: Path, notes: list[str]
) -> None:
    with (root / "sources" / "doors" / "source.yml").open("a") as file:
        file.write(f"description: {value}\n")
    source = loaded(tmp_path, root, notes)
    assert entries(tmp_path) == []
    (other,) = taken(handed([source]))
    assert other.documents.keys() == source.documents.keys()


def test_a_file_of_another_folder_is_read_each_time(tmp_path: Path, root: Path, notes: list[str]) -> None:
    folder = root / "sources" / "doors"
    write(folder / "source.yml", {**DOORS, "include": ["more.yml", "../shared.yml"]})
    write(folder.parent / "shared.yml", MORE)
    assert len(loaded(tmp_path, root, notes).mappings) == 3
    write(folder.parent / "shared.yml", {})
    os.utime(folder / "more.yml", (1, 1))
    assert len(loaded(tmp_path, root, notes).mappings) == 2
    assert entries(tmp_path) == []


@pytest.mark.parametrize("include", ["more.yml", [1], 5, {"more.yml": 1}])
def test_a_list_of_files_that_is_none_is_named(include: object, root: Path) -> None:
    write(root / "sources" / "doors" / "source.yml", {**DOORS, "include": include})
    _, (error,) = load_sources([root])
    assert "include is a list of files" in error.reason
