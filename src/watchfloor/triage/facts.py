"""What an event says, value by value: its typed attributes, its entities, and what its mapping left over.

The record as delivered is not searched: a text may hold any word and any number, and prove nothing by it.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from watchfloor.clock import iso
from watchfloor.event import ENTITY_ROLES, HOT
from watchfloor.triage.evidence import Row

_CLASSES = re.compile(r"(?:^|[._])(?:id|uid|time|severity|version)$")
"""Names of attributes whose whole numbers are codes of a schema or times, not numbers that people count with."""


def values(row: Row) -> Iterator[str]:
    """Each value of an event as a text, whole."""
    yield from (row["source"], row["source"].partition("_")[0])
    for name in HOT:
        yield from _texts(name, row.get(name))
    yield from _other_forms(row)
    for name in ("rest", "unmapped"):
        if text := row.get(name):
            yield from _leaves(orjson.loads(text))


def moments(row: Row) -> Iterator[str]:
    """The ways to say when an event was: its date, its minute and its second, together or alone."""
    stamp = iso(row["time"])
    yield stamp[:10]
    for clock in (stamp[11:16], stamp[11:19]):
        yield clock
        yield f"{stamp[:10]} {clock}"


def _texts(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool) and not _CLASSES.search(name):
        yield str(value)


def _other_forms(row: Row) -> Iterator[str]:
    r"""Names that follow from several attributes or are part of one: entities, ``DOMAIN\name``, a path's last part."""
    for role in ENTITY_ROLES:
        if entity_id := row.get(f"entity.{role}"):
            name = entity_id.partition(":")[2]
            yield name
            if role == "resource":
                yield name.partition(":")[2]
    for prefix in ("actor.user", "user"):
        account, domain = row.get(f"{prefix}.name"), row.get(f"{prefix}.domain")
        if account and domain:
            yield f"{domain}\\{account}"
    for name in HOT:
        if name.endswith(".path") and (path := row.get(name)):
            yield last_part(path)
    if path := row.get("file.path"):
        # The ending of a file's name, with its dot.
        yield "".join(last_part(path).rpartition(".")[1:])
    # A user agent runs its names together: "md/distrib#kali.2026".
    yield from re.findall(r"[A-Za-z][A-Za-z0-9]+", row.get("http_request.user_agent") or "")
    if service := row.get("api.service.name"):
        yield service.partition(".")[0]


def last_part(path: str) -> str:
    r"""The last part of a path of any system.

    >>> last_part(r"C:\Windows\explorer.exe"), last_part("/usr/bin/"), last_part("/")
    ('explorer.exe', 'bin', '/')
    """
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path


def _leaves(tree: Any) -> Iterator[str]:
    stack = [("", tree)]
    while stack:
        name, one = stack.pop()
        if isinstance(one, dict):
            stack.extend(one.items())
        elif isinstance(one, list):
            stack.extend((name, part) for part in one)
        else:
            yield from _texts(name, one)
