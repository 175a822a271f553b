"""``watchfloor new`` makes content that loads and keeps the laws before a line is changed."""

from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN, Folder
from watchfloor.errors import InputError
from watchfloor.normalize import Source
from watchfloor.policy.check import policy_report
from watchfloor.respond.library import load_library
from watchfloor.scaffold import Kind, write_scaffold
from watchfloor.testing.detections import check_detection, load_detection
from watchfloor.testing.sources import check_source


def test_new_source_keeps_the_laws(tmp_path: Path) -> None:
    path = write_scaffold("source", "acme_portal", into=tmp_path)
    check_source(Source(Folder(path.name, path)))


def test_new_detection_keeps_the_laws(tmp_path: Path) -> None:
    path = write_scaffold("detection", "privilege_granted", into=tmp_path)
    check_detection(load_detection(Folder(path.name, path)))


def test_new_action_playbook_and_policy_load_and_pass(tmp_path: Path) -> None:
    for kind, name in (("action", "tell_service_desk"), ("playbook", "ask_first"), ("policy", "night_watch")):
        write_scaffold(kind, name, into=tmp_path)  # type: ignore[arg-type]
    library = load_library((BUILT_IN, tmp_path))
    assert library.errors == ()
    assert "ask_first" in {playbook.id for playbook in library.playbooks}
    report = policy_report((BUILT_IN, tmp_path), library.actions.values())
    assert report.errors == ()
    assert [result.problem for result in report.results if result.problem] == []
    assert report.untested == ()


@pytest.mark.parametrize("kind", ["source", "detection", "filter", "playbook", "action", "policy"])
@pytest.mark.parametrize("name", ["../up", "A", "a b", "", "ab", "1st", "a" * 80])
def test_a_name_is_a_folder_name(kind: Kind, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_scaffold(kind, name, into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_scaffold("action", "tell_service_desk", into=tmp_path)
    with pytest.raises(InputError, match="exists"):
        write_scaffold("action", "tell_service_desk", into=tmp_path)
