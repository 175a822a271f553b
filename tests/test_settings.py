"""A data folder is made, recognised, and never made of somebody else's."""

from pathlib import Path

import pytest

from watchfloor.errors import InputError
from watchfloor.settings import DataFolder


def test_a_new_and_an_empty_folder_become_one_and_stay_one(tmp_path: Path) -> None:
    for place in (tmp_path / "new" / "deep", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        folder = DataFolder(place)
        folder.prepare()
        folder.require()
        (place / "anything").touch()
        folder.prepare()


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    with pytest.raises(InputError, match="not empty and not a Watchfloor folder"):
        DataFolder(tmp_path).prepare()
    assert [one.name for one in tmp_path.iterdir()] == [".hidden"]


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300], ids=["file", "below", "long"])
def test_a_path_that_cannot_be_a_folder_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    folder = DataFolder(tmp_path / name)
    for refuse in (folder.prepare, folder.require):
        with pytest.raises(InputError) as caught:
            refuse()
        assert str(caught.value).startswith(str(folder.path))
        assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_not_made_by_asking(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run investigate"):
        DataFolder(tmp_path / "nowhere").require()
    assert list(tmp_path.iterdir()) == []


def test_what_is_derived_holds_no_key_label_or_record(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    kept = {folder.labels, folder.records, folder.database, folder.path / "keys"}
    assert not kept & set(folder.derived)
    assert all(one.parent == tmp_path for one in folder.derived)
