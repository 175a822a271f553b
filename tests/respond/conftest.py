from pathlib import Path
from shutil import copytree

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library, load_library


@pytest.fixture(scope="session")
def library() -> Library:
    return load_library((BUILT_IN,))


@pytest.fixture(scope="session")
def engine(library: Library) -> PolicyEngine:
    engine, errors = PolicyEngine.load((BUILT_IN,), library.actions.values())
    assert not errors
    return engine


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the built-in actions and playbooks, to break."""
    for kind in ("actions", "playbooks"):
        copytree(BUILT_IN / kind, tmp_path / kind)
    return tmp_path
