"""Actions: what can be done to a target, declared in ``content/actions/NAME/action.yml``.

A declaration says which permissions the effect needs, what it stops, how it is undone, how a repetition is recognised,
what is checked first and what a dry run tells. One that lacks any of them does not load. ``implementation: declared``
means that there is no code behind it: it can be proposed and decided, not executed.
"""

import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from watchfloor.catalog import Folder, folders
from watchfloor.errors import ContentError
from watchfloor.respond.declaration import place, read_declaration

TargetType = Literal["user", "host", "app", "address"]
Words = Annotated[str, msgspec.Meta(min_length=8, max_length=600)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{2,79}$")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,3}[mhd]$")]

KEY_FIELDS = frozenset({"tenant", "case", "playbook", "step", "action", "target"})
"""What an idempotency key's template may name."""

_UNITS = {"m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> int:
    """A duration in seconds.

    >>> seconds("8h")
    28800
    """
    return int(duration[:-1]) * _UNITS[duration[-1]]


class Impact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much work the action stops, and in words what the people concerned will notice."""

    level: Literal["low", "medium", "high"]
    words: Words


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read before acting: the call, and the state in which there is nothing left to do."""

    read: Words
    done_when: Words


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A declared action.

    ``operation`` is what it does whatever the vendor, from the policy schema. ``undo`` names the action that takes it
    back; a reversible action without one is ``self_restoring`` (the person signs in again), an irreversible one says in
    ``restore`` how people bring the former state back. ``ttl`` is how long a containment lasts by default.
    """

    id: Name
    title: Words
    kind: Literal["contain", "notify", "collect", "revert"] = msgspec.field(name="class")
    operation: str
    targets: Annotated[tuple[TargetType, ...], msgspec.Meta(min_length=1)]
    connector: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{1,39}$")]
    permissions: tuple[str, ...]
    impact: Impact
    reversible: bool
    undo: str | None
    idempotency_key: str
    check_before_act: Check
    dry_run: Words
    ttl: Duration | None
    implementation: Literal["declared"]
    self_restoring: bool = False
    restore: Words | None = None

    @property
    def impact_level(self) -> str:
        """How much work it stops: low, medium or high."""
        return self.impact.level


def load_actions(roots: Iterable[Path]) -> tuple[dict[str, Action], tuple[ContentError, ...]]:
    """The actions of the content roots by name, and what is wrong with the others.

    An action whose undo did not load does not load either: it could not be taken back.
    """
    loaded: dict[str, tuple[Action, Path]] = {}
    errors: list[ContentError] = []
    for folder in folders("actions", under=roots):
        try:
            loaded[folder.name] = (_read(folder), folder.path / "action.yml")
        except ContentError as error:
            errors.append(error)
    while orphans := {name: problem for name in loaded if (problem := _orphan(loaded, name))}:
        for name, problem in orphans.items():
            errors.append(place(loaded.pop(name)[1], problem, "undo"))
    return {name: action for name, (action, _) in loaded.items()}, tuple(errors)


def _read(folder: Folder) -> Action:
    path = folder.path / "action.yml"
    action = read_declaration(path, Action)
    if action.id != folder.name:
        raise place(path, f"id {action.id!r} is not the folder's name {folder.name!r}", "id")
    for problem, key in _problems(action):
        raise place(path, problem, key)
    return action


def _problems(action: Action) -> Iterable[tuple[str, str]]:
    contains = action.kind == "contain"
    if not action.permissions and action.connector != "manual":
        yield "permissions are missing: name the vendor's API permissions that the effect needs", "permissions"
    if contains and action.reversible and action.undo is None and not action.self_restoring:
        yield "a reversible containment needs an undo, or is self_restoring", "reversible"
    if not action.reversible and action.undo is not None:
        yield "an irreversible action has no undo", "undo"
    if not action.reversible and action.restore is None:
        yield "an irreversible action says in restore how people bring the former state back", "reversible"
    if contains and action.undo is not None and action.ttl is None:
        yield "a containment that can be undone needs a ttl", "ttl"
    if action.undo is None and action.ttl is not None:
        yield "a ttl needs an undo to run at its end", "ttl"
    yield from _key_problems(action.idempotency_key)


def _key_problems(template: str) -> Iterable[tuple[str, str]]:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        yield f"idempotency_key: {error}", "idempotency_key"
        return
    if not {"tenant", "action", "target"} <= names <= KEY_FIELDS:
        allowed = ", ".join(sorted(KEY_FIELDS))
        yield (
            f"idempotency_key names {{tenant}}, {{action}} and {{target}}, and else only: {allowed}",
            "idempotency_key",
        )


def _orphan(loaded: Mapping[str, tuple[Action, Path]], name: str) -> str | None:
    action = loaded[name][0]
    if action.undo is None:
        return None
    if action.undo not in loaded:
        return f"undo {action.undo!r} is no action that loads"
    undo = loaded[action.undo][0]
    if undo.undo != name:
        return f"undo {action.undo!r} names {undo.undo!r} as its own undo, not {name!r}"
    if set(action.targets) - set(undo.targets):
        return f"undo {action.undo!r} does not apply to every target of {name!r}"
    return None
