"""Each source folder keeps the laws; a new folder is tested without a line here."""

import re
import shutil
from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.normalize import Source, load_sources
from watchfloor.testing.sources import check_source

SOURCES, ERRORS = load_sources()


def test_every_source_loads() -> None:
    assert not [str(error) for error in ERRORS]
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_source_keeps_the_laws(source: Source) -> None:
    check_source(source, SOURCES)


def test_a_source_is_compiled_once_while_its_files_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "okta_system_log"
    shutil.copytree(BUILT_IN / "sources" / "okta_system_log", folder)
    ((first,), _), ((again,), _) = load_sources([tmp_path]), load_sources([tmp_path])
    assert again is first
    definition = folder / "source.yml"
    definition.write_text(re.sub(r"^title: .*$", "title: Ours now", definition.read_text(), flags=re.MULTILINE))
    (changed,), _ = load_sources([tmp_path])
    assert changed.title == "Ours now" != first.title
    definition.write_text("title: [")
    assert len(load_sources([tmp_path])[1]) == 1
