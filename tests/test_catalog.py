"""Content roots, and the files in them: what is found, and what is refused with its place."""

import importlib
import sys
from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN, KINDS, MAX_YAML_BYTES, folders, load_python, read_yaml, roots
from watchfloor.errors import ContentError, InputError


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_every_kind_is_built_in_and_in_order() -> None:
    for kind in KINDS:
        found = folders(kind)
        assert found == sorted(found)
        assert found
        assert all(folder.path.parent == BUILT_IN / kind for folder in found)


def test_a_later_root_replaces_and_adds_and_hides_nothing_else(tmp_path: Path) -> None:
    for place in ("first/detections/a", "first/detections/b", "second/detections/b", "second/detections/c"):
        (tmp_path / place).mkdir(parents=True)
    for hidden in (".git", "_draft", "__pycache__"):
        (tmp_path / "second" / "detections" / hidden).mkdir()
    write(tmp_path / "second" / "detections" / "notes.txt", "not a folder")
    found = folders("detections", under=(tmp_path / "first", tmp_path / "second", tmp_path / "none"))
    assert [(one.name, one.path.parent.parent.name) for one in found] == [
        ("a", "first"),
        ("b", "second"),
        ("c", "second"),
    ]
    assert folders("policies", under=(tmp_path / "first",)) == []


def test_the_users_roots_come_last(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    assert roots([tmp_path]) == (BUILT_IN, tmp_path)


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_a_root_without_content_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "file", "")
    with pytest.raises(InputError, match=rf"{name}: no content here"):
        roots([tmp_path / name])


def _installed(tmp_path: Path, value: str) -> None:
    write(tmp_path / "acme-1.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    write(tmp_path / "acme-1.dist-info" / "entry_points.txt", f"[watchfloor.content]\nacme = {value}\n")
    write(tmp_path / "acme_content.py", "from pathlib import Path\nplace = Path('/srv/acme')\n")
    importlib.invalidate_caches()


def test_an_installed_package_offers_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(tmp_path, "acme_content:place")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert roots() == (BUILT_IN, Path("/srv/acme"))
    monkeypatch.delitem(sys.modules, "acme_content")


def test_an_installed_package_that_does_not_load_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(tmp_path, "acme_content:no_such_place")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ContentError, match=r"acme_content:no_such_place.*AttributeError"):
        roots()
    monkeypatch.delitem(sys.modules, "acme_content")


def test_a_mapping_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yml", "a: &x [1, é]\nb: {c: *x}\n")
    assert read_yaml(path) == {"a": [1, "é"], "b": {"c": [1, "é"]}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3),
        ("a: 1\n  b: 2\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: 1\nb: !!python/object:os.system x\n", 2),
        ("a: *nowhere\n", 1),
        ("? [a]\n: b\n", 1),
        ("- a\n", 1),
        ("", 1),
        ("text", 1),
    ],
    ids=["bracket", "indent", "two", "python", "alias", "key", "list", "empty", "text"],
)
def test_broken_yaml_names_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path / "a.yml", text)
    with pytest.raises(ContentError) as caught:
        read_yaml(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["!!bool maybe", "!!int ''", "!!float ''", "!!timestamp soon", "2026-13-45", "!!binary é", "1" * 9999],
    ids=["bool", "int", "float", "time", "date", "binary", "long"],
)
def test_a_value_that_is_not_what_its_tag_says_is_refused(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "a.yml", f"a: {value}\n")
    with pytest.raises(ContentError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}")
    assert "\n" not in str(caught.value)


LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
MERGES = "a0: &a0 {x0: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], x{n}: 1}}\n" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        MERGES,
        "a: &a [*a]\n",
        "a: " + "[" * 200_000,
        "a: " + "{a: " * 5000,
        "".join(f"{' ' * n}a:\n" for n in range(500)),
    ],
    ids=["laughs", "merges", "itself", "brackets", "braces", "blocks"],
)
def test_a_bomb_is_refused_before_it_is_built(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContentError, match=r"alias|nests|expected"):
        read_yaml(write(tmp_path / "a.yml", text))


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path: Path) -> None:
    for data in (b"\xff\xfe\0", b"a: \0", b"a: \xff", b"a: 1 " + b" " * MAX_YAML_BYTES):
        with pytest.raises(ContentError, match=r"a\.yml"):
            read_yaml(write(tmp_path / "a.yml", data))
    for missing in (tmp_path / "nowhere.yml", tmp_path):
        with pytest.raises(ContentError, match=str(missing)):
            read_yaml(missing)


def test_python_content_may_define_typed_structs(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine" / "detection.py",
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\nimport msgspec\n\n"
        "@dataclass\nclass A:\n    x: int = 1\n\n"
        "class B(msgspec.Struct):\n    a: int\n\nLOADED = msgspec.convert({'a': 2}, B)\n",
    )
    assert load_python(path).LOADED.a == 2


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("\nimport no_such_module_of_ours\n", 2, "ModuleNotFoundError"),
        ("x = 1\n\nraise RuntimeError('first\\nsecond')\n", 3, "RuntimeError: first second"),
        ("def broken(:\n", 1, "SyntaxError"),
        ("import sys\nsys.exit(0)\n", 2, "SystemExit"),
        ("def f():\n    return 1 / 0\nf()\n", 2, "ZeroDivisionError"),
    ],
    ids=["import", "raise", "syntax", "exit", "deep"],
)
def test_python_that_does_not_import_is_named(tmp_path: Path, text: str, line: int, reason: str) -> None:
    path = write(tmp_path / "mine" / "detection.py", text)
    with pytest.raises(ContentError) as caught:
        load_python(path)
    assert str(caught.value).startswith(f"{path}:{line}: {reason}")
    assert "\n" not in str(caught.value)
    assert "watchfloor_content.mine.detection" not in sys.modules


def test_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("nowhere.py", "not_python.txt"):
        with pytest.raises(ContentError, match=name):
            load_python(tmp_path / name)
