"""Each detection folder keeps the laws; a new folder is tested without a line here."""

import pytest

from watchfloor.catalog import Folder, folders
from watchfloor.testing.detections import check_detection, load_detection

FOLDERS = folders("detections")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_detection_keeps_the_laws(folder: Folder) -> None:
    check_detection(load_detection(folder))


def test_ids_are_unique() -> None:
    detections = [load_detection(folder) for folder in FOLDERS]
    ids = [rule.rule.id for one in detections if one.sigma for rule in one.sigma.rules]
    assert len(ids) == len(set(ids))
