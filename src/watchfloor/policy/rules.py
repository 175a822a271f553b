"""Policy files: Cedar policies with ``@id``, ``@reason``, ``@alternative``, ``@instead`` and ``@needs``.

Each forbid says why (``@reason``) and what to do instead (``@alternative``, in words; ``@instead`` names operations of
the schema that the words stand for, so that an alternative is only offered where it would itself be allowed). A forbid
that approvals lift says which (``@needs("1 incident_commander, 1 asset_owner")``). Each permit says why, and which
approvals open it where it asks for any.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import cedarpy
import msgspec
import orjson

from watchfloor.catalog import folders
from watchfloor.errors import ContentError
from watchfloor.policy.request import ROLES

MAX_POLICY_BYTES = 256 << 10
_ID = re.compile(r"[a-z][a-z0-9-]{2,79}")
_NEED = re.compile(r"([1-9]) ([a-z_]+)")
_ANNOTATIONS = frozenset({"id", "reason", "alternative", "instead", "needs"})


class Policy(msgspec.Struct, frozen=True):
    """One Cedar policy and its words. ``needs`` maps an approver's role to how many people must approve in it."""

    id: str
    effect: Literal["permit", "forbid"]
    reason: str
    path: str
    line: int
    body: dict[str, Any]
    alternative: str = ""
    instead: tuple[str, ...] = ()
    needs: dict[str, int] = {}

    @property
    def place(self) -> str:
        """``path:line``, for people."""
        return f"{self.path}:{self.line}"


def load_policies(
    roots: Iterable[Path], schema: cedarpy.Schema, operations: frozenset[str]
) -> tuple[tuple[Policy, ...], tuple[ContentError, ...]]:
    """The policies of the content roots, by id, and what is wrong with the others."""
    policies: dict[str, Policy] = {}
    errors: list[ContentError] = []
    for path in (path for folder in folders("policies", under=roots) for path in sorted(folder.path.glob("*.cedar"))):
        try:
            found = read_policies(path, schema, operations)
        except ContentError as error:
            errors.append(error)
            continue
        for policy in found:
            other = policies.setdefault(policy.id, policy)
            if other is not policy:
                errors.append(ContentError(str(path), f"@id {policy.id!r} is taken by {other.place}", line=policy.line))
    return tuple(policies[name] for name in sorted(policies)), tuple(errors)


def read_policies(path: Path, schema: cedarpy.Schema, operations: frozenset[str]) -> list[Policy]:
    """The policies of one file.

    Raises:
        ContentError: It cannot be read or parsed, does not fit the schema, or lacks an annotation; names the line.
    """
    text = _read(path)
    try:
        document = orjson.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise ContentError(str(path), f"not Cedar: {error}", line=_broken_line(text)) from error
    if document["templates"]:
        raise ContentError(str(path), "templates (?principal, ?resource) are not supported")
    bodies: list[dict[str, Any]] = list(document["staticPolicies"].values())
    policies = [_policy(path, text, body, operations) for body in bodies]
    _validate(path, text, schema, policies)
    return policies


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_POLICY_BYTES:
            raise ContentError(str(path), f"larger than {MAX_POLICY_BYTES} bytes")
        return raw.decode()
    except OSError as error:
        raise ContentError(str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ContentError(str(path), "not UTF-8") from error


def _policy(path: Path, text: str, body: dict[str, Any], operations: frozenset[str]) -> Policy:
    notes: dict[str, str] = {key: value or "" for key, value in body.get("annotations", {}).items()}
    name = notes.get("id", "")
    line = _line_of(text, name)
    for problem in _problems(name, body["effect"], notes, operations):
        raise ContentError(str(path), problem, line=line)
    return Policy(
        id=name,
        effect=body["effect"],
        reason=notes["reason"].strip(),
        path=str(path),
        line=line or 1,
        body=body,
        alternative=notes.get("alternative", "").strip(),
        instead=_names(notes.get("instead", "")),
        needs=_needs(notes.get("needs", "")) or {},
    )


def _problems(name: str, effect: str, notes: dict[str, str], operations: frozenset[str]) -> Iterator[str]:
    if not _ID.fullmatch(name):
        yield f"a policy needs an @id of lower-case words joined by hyphens, not {name[:80]!r}"
    if unknown := set(notes) - _ANNOTATIONS:
        yield f"{name}: unknown annotation @{min(unknown)}"
    if not notes.get("reason", "").strip():
        yield f"{name}: @reason is missing"
    if effect == "forbid" and not notes.get("alternative", "").strip():
        yield f"{name}: a forbid needs an @alternative: what can be done instead"
    if "needs" in notes and not _needs(notes["needs"]):
        yield f'{name}: @needs must read like "1 incident_commander, 1 asset_owner"; roles are {", ".join(ROLES)}'
    if strangers := set(_names(notes.get("instead", ""))) - operations:
        yield f"{name}: @instead names no operation of the schema: {min(strangers)}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in re.split(r"[\s,]+", text) if name)


def _needs(text: str) -> dict[str, int] | None:
    needs: dict[str, int] = {}
    for part in text.split(","):
        match = _NEED.fullmatch(part.strip())
        if match is None or match[2] not in ROLES or match[2] in needs:
            return None
        needs[match[2]] = int(match[1])
    return needs


def _validate(path: Path, text: str, schema: cedarpy.Schema, policies: Sequence[Policy]) -> None:
    result = cedarpy.validate_policies(text, schema)
    if result.validation_passed:
        return
    first = min(result.errors, key=lambda one: ("unable to find an applicable" in one.error, one.error))
    name = result.id_annotations_by_policy_id.get(first.policy_id, "")
    reason = re.sub(r"for policy `[^`]*`, ", "", first.error)
    line = next((policy.line for policy in policies if policy.id == name), None)
    raise ContentError(str(path), f"{name}: {reason}", line=line)


def _line_of(text: str, name: str) -> int | None:
    match = re.search(rf'@id\s*\(\s*"{re.escape(name)}"\s*\)', text) if name else None
    return text.count("\n", 0, match.start()) + 1 if match else None


def _broken_line(text: str) -> int | None:
    """The first line of the first statement that does not parse by itself: Cedar's message has no position."""
    start = 0
    for end in [match.end() for match in re.finditer(r";[ \t]*(?:\n|$)", text)] + [len(text)]:
        statement = text[start:end]
        try:
            cedarpy.policies_to_json_str(statement)
        except ValueError:
            return text.count("\n", 0, start + len(statement) - len(statement.lstrip())) + 1
        start = end
    return None
