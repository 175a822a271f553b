"""Rules from the cache are the rules of the files."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma import load as loading
from watchfloor.detect.sigma.cache import MOST_ENTRIES, RuleCache
from watchfloor.detect.sigma.load import load_rules

OTHER_ID = "5f0b5c1e-0000-4000-8000-000000000002"
COUNTING = {
    "title": "Often",
    "id": "5f0b5c1e-0000-4000-8000-000000000090",
    "level": "high",
    "correlation": {
        "type": "value_count",
        "rules": ["one"],
        "group-by": ["User"],
        "aliases": {"User": {"one": "A"}},
        "timespan": "5m",
        "condition": {"gte": 3, "field": "B"},
    },
}


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, notes: list[str]) -> RuleCache:
    return RuleCache(tmp_path / "kept" / "rules", notes.append)


@pytest.fixture
def rules(bench: Any) -> Path:
    tests = {"A|re": "^a+b", "B|cidr": "192.0.2.0/24", "C|gte": 2.5, "D|hour": 3, "E": None, "F|fieldref": "A"}
    texts = {"A|contains|cased": "X?y*z", "B|endswith": ["ß", "*"], "C|exists": True}
    folder: Path = bench.folder(
        {
            "a.yml": yaml.safe_dump_all([bench.rule({"s": tests, "condition": "s"}, name="one"), COUNTING]),
            "b/c.yml": bench.rule({"s": [texts, "word"], "t": tests, "condition": "1 of them"}, id=OTHER_ID),
            "broken.yml": "title: [unclosed\ndetection:\n",
        }
    )
    return folder


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept" / "rules").iterdir())


def same(one: RuleSet, other: RuleSet) -> bool:
    errors = [[(error.path, error.reason, error.line) for error in each.errors] for each in (one, other)]
    parts = [(each.rules, each.correlations, each.silent, each.bare) for each in (one, other)]
    return errors[0] == errors[1] and parts[0] == parts[1]


def loading_fails(*_: object) -> RuleSet:
    raise AssertionError("the files were parsed")


def test_what_was_loaded_is_kept_whole(
    cache: RuleCache, rules: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    bare = bench.folder({"readme.yml": "a: b\n"})
    loaded = load_rules([rules, bare])
    assert len(loaded.rules) == 2
    assert loaded.correlations
    assert loaded.silent
    assert loaded.errors
    assert loaded.bare
    assert same(cache.load([rules, bare]), loaded)
    monkeypatch.setattr(loading, "load_rules", loading_fails)
    assert same(cache.load([rules, bare]), loaded)
    assert notes == []


def test_a_change_of_any_file_is_seen(cache: RuleCache, rules: Path, tmp_path: Path) -> None:
    cache.load([rules])
    changed = rules / "a.yml"
    changed.write_text(changed.read_text().replace("A rule", "Another"))
    assert cache.load([rules]).rules[0].rule.title == "Another"
    (rules / "b" / "c.yml").unlink()
    assert len(cache.load([rules]).rules) == 1
    assert len(entries(tmp_path)) == 3


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 500])
def test_a_damaged_entry_is_replaced(
    cache: RuleCache, rules: Path, notes: list[str], tmp_path: Path, data: bytes
) -> None:
    loaded = cache.load([rules])
    (entry,) = entries(tmp_path)
    good = entry.read_bytes()
    for bad in (data, good[:-1] + b"?", good[:400]):
        entry.write_bytes(bad)
        assert same(cache.load([rules]), loaded)
        assert entry.read_bytes() == good
    assert len(notes) == 3
    assert all("read again" in note for note in notes)


def test_an_entry_that_others_may_write_is_not_used(
    cache: RuleCache, rules: Path, notes: list[str], tmp_path: Path
) -> None:
    cache.load([rules])
    (entry,) = entries(tmp_path)
    entry.chmod(0o666)
    assert cache.load([rules]).rules
    assert notes == [f"{entry}: others may write to it; the rules are read again."]
    other = tmp_path / "elsewhere"
    entry.rename(other)
    entry.symlink_to(other)
    assert cache.load([rules]).rules
    assert "read again" in notes[1]
    assert not entry.is_symlink()


def test_a_folder_that_others_may_write_is_not_used(
    cache: RuleCache, rules: Path, notes: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "kept" / "rules"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache.load([rules]).rules
    assert notes == [f"{folder}: others may write to it; the rules are not kept."]
    assert not list(folder.iterdir())


def test_without_a_place_to_keep_them_rules_load(rules: Path, notes: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert RuleCache(tmp_path / "file" / "rules", notes.append).load([rules]).rules
    assert len(notes) == 2


def test_old_entries_go(cache: RuleCache, bench: Any, tmp_path: Path) -> None:
    for number in range(MOST_ENTRIES + 3):
        cache.load([bench.folder({"a.yml": bench.rule({"s": {"A": number}, "condition": "s"})})])
        for age, entry in enumerate(sorted(entries(tmp_path), key=lambda one: one.stat().st_mtime, reverse=True)):
            os.utime(entry, (1_700_000_000 - age, 1_700_000_000 - age))
    assert len(entries(tmp_path)) == MOST_ENTRIES
