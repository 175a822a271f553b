"""What response has to work with: the actions and playbooks that loaded, and why others did not."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from watchfloor.catalog import BUILT_IN, folders
from watchfloor.errors import ContentError
from watchfloor.respond.action import Action, load_actions
from watchfloor.respond.declaration import place, read_declaration
from watchfloor.respond.playbook import Playbook
from watchfloor.respond.workflow import problems


class Library(msgspec.Struct, frozen=True):
    """Loaded actions by name, playbooks in the order of their names, and the content that does not load."""

    actions: dict[str, Action]
    playbooks: tuple[Playbook, ...]
    errors: tuple[ContentError, ...] = ()


def load_library(roots: Iterable[Path] = (BUILT_IN,)) -> Library:
    """The actions and playbooks of the content roots."""
    places = tuple(roots)
    actions, action_errors = load_actions(places)
    playbooks, playbook_errors = load_playbooks(places, actions)
    return Library(actions, playbooks, (*action_errors, *playbook_errors))


def load_playbooks(
    roots: Iterable[Path], actions: Mapping[str, Action]
) -> tuple[tuple[Playbook, ...], tuple[ContentError, ...]]:
    """The playbooks of the content roots by name, and what is wrong with the others.

    ``actions`` are those that loaded: a playbook that names another does not load.
    """
    playbooks: list[Playbook] = []
    errors: list[ContentError] = []
    for folder in folders("playbooks", under=roots):
        try:
            playbooks.append(read_playbook(folder.path / "playbook.yml", actions))
        except ContentError as error:
            errors.append(error)
    return tuple(playbooks), tuple(errors)


def read_playbook(path: Path, actions: Mapping[str, Action]) -> Playbook:
    """One playbook, checked.

    Raises:
        ContentError: The first thing that is wrong with it; names the line.
    """
    playbook = read_declaration(path, Playbook)
    if playbook.id != path.parent.name:
        raise place(path, f"id {playbook.id!r} is not the folder's name {path.parent.name!r}", "id")
    for problem, keys in problems(playbook, actions):
        raise place(path, problem, *keys)
    return playbook
