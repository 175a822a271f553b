from pathlib import Path

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
def policies(tmp_path: Path) -> Path:
    """A content root with one policy folder to write into."""
    (tmp_path / "policies" / "mine" / "cases").mkdir(parents=True)
    return tmp_path
