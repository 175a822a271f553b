"""Declarations: YAML files read into typed structs, with errors that name the line."""

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from watchfloor.catalog import read_yaml
from watchfloor.errors import ContentError

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_FIELD = re.compile(r"field `(?P<field>[^`]+)`")


def read_declaration(path: Path, kind: type[T]) -> T:
    """The file as a ``kind``.

    Raises:
        ContentError: It is not YAML, lacks a field, has one too many or one of the wrong type; names the line.
    """
    document = read_yaml(path)
    message = _problem(document, kind)
    if message is not None:
        raise ContentError(str(path), message, line=line_of(path, *_keys(document, kind, message)))
    return msgspec.convert(document, kind, strict=True)


def _problem(document: dict[str, Any], kind: type[T]) -> str | None:
    try:
        msgspec.convert(document, kind, strict=True)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _keys(document: dict[str, Any], kind: type[T], message: str) -> list[str]:
    """The nested keys that a message of msgspec is about."""
    place = _PLACE.search(message)
    parts = [part for part in re.split(r"[.\[\]]+", place["path"] if place else "") if part]
    if "[...]" in message and parts:
        parts = [parts[0], _entry(document, kind, parts[0], message), *parts[1:]]
    field = _FIELD.search(message) if "unknown" in message else None
    return [*parts, *([field["field"]] if field else [])]


def _entry(document: dict[str, Any], kind: type[T], key: str, message: str) -> str:
    """The entry of the mapping at ``key`` that a message is about: msgspec writes ``[...]`` for any."""
    entries = document.get(key)
    for name, value in entries.items() if isinstance(entries, dict) else ():
        if _problem({**document, key: {name: value}}, kind) == message:
            return str(name)
    return key


def line_of(path: Path, *keys: str) -> int | None:
    """The 1-based line where the last of nested ``keys`` stands, each looked for below the one before.

    Keys that are not there (positions in lists) are skipped, so that the line found is the list's.
    """
    lines = path.read_text(errors="replace").splitlines()
    at: int | None = None
    for key in keys:
        pattern = re.compile(rf"^[\s\-{{]*{re.escape(key)}\s*:")
        at = next((number for number in range(at or 0, len(lines)) if pattern.match(lines[number])), at)
    return None if at is None else at + 1


def place(path: Path, reason: str, *keys: str) -> ContentError:
    """A :class:`ContentError` at the line of ``keys``."""
    return ContentError(str(path), reason, line=line_of(path, *keys))
