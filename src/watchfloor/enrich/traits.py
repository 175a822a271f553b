"""What events say of the accounts in them, beyond who they are: what policy guards, and how a containment must act."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from watchfloor.enrich.aliases import WINDOWS
from watchfloor.enrich.aws import principal_of

Trait = Literal["admin", "service", "built-in", "root", "role-session"]

_USER, _ADMIN, _SYSTEM, _SERVICE = 1, 2, 3, 4
"""``type_id`` of a user in OCSF."""


def traits_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[Trait]]:
    """The traits of the accounts of resolved events, by entity id; an account without any is not in it.

    ``root`` is an AWS account's own identity, ``role-session`` says that the account acted as an AWS role. An account
    that some event shows to be a person's is no program's, whatever others say.
    """
    types: defaultdict[str, set[int]] = defaultdict(set)
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for role, prefix in (("entity.actor", "actor.user"), ("entity.user", "user")):
            account = row[role]
            if account is None:
                continue
            kind = row[f"{prefix}.type_id"]
            # In Windows a name makes an account the system's, and anybody may choose one that ends in ``$``.
            if kind is not None and not (kind == _SYSTEM and row["source"].startswith(WINDOWS)):
                types[account].add(kind)
            if principal := principal_of(row[f"{prefix}.uid_alt"]):
                kinds[account].add(principal.kind)
    found = {account: frozenset(_traits(types[account], kinds[account])) for account in {*types, *kinds}}
    return {account: traits for account, traits in found.items() if traits}


def _traits(types: set[int], kinds: set[str]) -> Iterable[Trait]:
    if _ADMIN in types:
        yield "admin"
    if _SERVICE in types and not types & {_USER, _ADMIN}:
        yield "service"
    if types == {_SYSTEM}:
        yield "built-in"
    if "root" in kinds:
        yield "root"
    if "assumed-role" in kinds:
        yield "role-session"
