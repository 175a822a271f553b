"""Each action and playbook folder keeps the laws, and its cases pass; a new folder is tested without a line here."""

from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.action import Action
from watchfloor.respond.library import Library, load_library
from watchfloor.respond.playbook import Playbook
from watchfloor.testing.playbooks import check_action, check_playbook, run_case

LIBRARY = load_library((BUILT_IN,))
CASES = [
    pytest.param(playbook, path, id=f"{playbook.id}-{path.stem}")
    for playbook in LIBRARY.playbooks
    for path in sorted((BUILT_IN / "playbooks" / playbook.id / "cases").glob("*.yml"))
]


def test_everything_loads() -> None:
    assert not [str(error) for error in LIBRARY.errors]
    assert {"contain_account", "isolate_host", "revoke_oauth_grant"} <= {one.id for one in LIBRARY.playbooks}


@pytest.mark.parametrize("action", LIBRARY.actions.values(), ids=lambda action: action.id)
def test_action_keeps_the_laws(action: Action) -> None:
    check_action(action, LIBRARY.actions)


@pytest.mark.parametrize("playbook", LIBRARY.playbooks, ids=lambda playbook: playbook.id)
def test_playbook_keeps_the_laws_and_has_cases(playbook: Playbook) -> None:
    check_playbook(playbook, LIBRARY.actions)
    assert any(param.values[0] is playbook for param in CASES)


@pytest.mark.parametrize(("playbook", "path"), CASES)
def test_playbook_case(playbook: Playbook, path: Path, library: Library, engine: PolicyEngine) -> None:
    run_case(playbook, path, library, engine)
