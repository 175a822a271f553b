"""Each detection folder keeps the laws; a new folder is tested without a line here."""

import pytest

from watchfloor.catalog import Folder, folders
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.sigma import load_rules
from watchfloor.testing.detections import check_detection, load_detection

FOLDERS = folders("detections")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_detection_keeps_the_laws(folder: Folder) -> None:
    check_detection(load_detection(folder))


def test_all_load_together() -> None:
    # A rule's id or an operator's name that comes twice is an error of its second bearer.
    assert not load_rules([folder.path for folder in FOLDERS]).errors
    assert not load_keyed()[1]
