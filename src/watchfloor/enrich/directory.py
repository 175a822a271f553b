r"""Directories to people: CSV, and the users of SCIM 2.0 (RFC 7643) as JSON or one a line.

CSV has a row for each person, or several of one ``id``. ``id`` is what the directory never gives to somebody else;
``name``, ``kind`` (person, service, shared, app, host), ``valid_from`` and ``valid_until`` (ISO 8601) are about the
row. Columns with names, several with ``;`` between them, are ``mail`` and ``upn``, ``account`` (``DOMAIN\name``),
``sid``, ``arn``, ``alias`` (whole entity ids such as ``app:payroll``), and ``okta_id``, ``aws_id``, ``github_id``… for
the ids of a source, which begin with its namespace. Other columns are not read.

>>> text = b"id,mail,account,okta_id,valid_until\n17,alice@example.com,CORP\\alice,00u1,2026-03-01\n"
>>> (alice,) = read_directory(text, name="people.csv", namespace="").people
>>> [term.alias for term in alice.terms], alice.terms[0].until
(['user:alice@example.com', 'user:corp\\alice', 'user:okta:00u1'], 1772323200000)
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

import msgspec
import orjson

from watchfloor.enrich.aliases import MAX_NAME, is_mail
from watchfloor.errors import InputError
from watchfloor.identity import Person, PersonKind, Term

MAX_BYTES = 256 << 20
MAX_PEOPLE = 1_000_000
MAX_TERMS = 64
"""The largest directory file, the most people of one, the most names of a person."""

_SCIM_KINDS: Mapping[str, PersonKind] = {"service": "service", "application": "service", "shared": "shared"}
"""``userType`` is the provider's own word (RFC 7643, 4.1.1)."""

_ID_COLUMN = re.compile(r"([a-z0-9]+)_id")
_SID = re.compile(r"S-1-[\d-]+")
_ACCOUNT = re.compile(r"[^\\/:]+\\[^\\/:]+")
_NAMES = frozenset({"mail", "upn", "account", "sid", "arn", "alias"})
_NOT_IN_UID = frozenset("/\\")


class Directory(msgspec.Struct, frozen=True):
    """The people of a file, and for each entry that is none, where and why (the first hundred)."""

    people: tuple[Person, ...]
    refused: tuple[str, ...] = ()
    refused_count: int = 0


def read_directory(data: bytes, *, name: str, namespace: str) -> Directory:
    """The people of a file; JSON is told from CSV by how it begins. What cannot be read is named, the rest counts.

    Args:
        data: The file's bytes.
        name: The file's name, for messages and origins.
        namespace: Whose ids those of SCIM are: ``okta``, ``azure``…; empty: they are nobody's.

    Raises:
        InputError: It is neither, or larger than a directory may be.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB; split it")
    json = data.lstrip()[:1] in {b"{", b"["}
    entries = _scim(data, name) if json else _rows(data, name)
    make: Callable[[Mapping[str, Any], str], Person] = (
        (lambda entry, place: _of_scim(entry, place, namespace)) if json else _of_row
    )
    people: dict[str, Person] = {}
    refused: list[str] = []
    count = 0
    for place, entry in entries:
        try:
            person = make(entry, place)
            _add(people, person)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            count += 1
            if len(refused) < 100:
                refused.append(f"{place}: {str(error)[:200]}")
    if not people:
        raise InputError(f"{name}: no people in it{'; ' + refused[0] if refused else ''}")
    return Directory(tuple(people.values()), tuple(refused), count)


def _add(people: dict[str, Person], more: Person) -> None:
    known = people.get(more.uid)
    if known is None:
        if len(people) >= MAX_PEOPLE:
            raise ValueError(f"more than {MAX_PEOPLE:,} people")
        people[more.uid] = more
        return
    terms = tuple(dict.fromkeys((*known.terms, *more.terms)))
    if len(terms) > MAX_TERMS:
        raise ValueError(f"more than {MAX_TERMS} names for one person")
    people[more.uid] = msgspec.structs.replace(known, terms=terms)


def _rows(data: bytes, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 at byte {error.start}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name}:{reader.line_num}: not CSV: {error}") from error
        if header is None:
            header = [column.strip().lower() for column in row]
            if "id" not in header:
                raise InputError(f"{name}:1: a directory has a column id, or is a SCIM list of users")
        elif any(row):
            yield f"{name}:{reader.line_num}", dict(zip(header, row, strict=False))


def _scim(data: bytes, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield from _lines(data, name, error)
        return
    listed = document.get("Resources", [document]) if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise InputError(f"{name}: Resources is no list")
    for position, one in enumerate(listed, start=1):
        yield f"{name}:#{position}", one


def _lines(data: bytes, name: str, first: orjson.JSONDecodeError) -> Iterator[tuple[str, Mapping[str, Any]]]:
    lines = data.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield f"{name}:{number}", orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if number == 1:
                raise InputError(f"{name}: not JSON: {first}") from error
            yield f"{name}:{number}", {}


def _of_row(row: Mapping[str, Any], place: str) -> Person:
    uid = _uid(row["id"])
    kind = (row.get("kind") or "person").strip().lower()
    if kind not in get_args(PersonKind):
        raise ValueError(f"kind {kind[:40]!r} is none of {', '.join(get_args(PersonKind))}")
    since, until = _moment(row.get("valid_from")), _moment(row.get("valid_until"))
    aliases = [
        alias
        for column, cell in row.items()
        if column and cell and (column in _NAMES or _ID_COLUMN.fullmatch(column))
        for text in cell.split(";")
        if text.strip()
        for alias in (_alias(column, text.strip()),)
    ]
    return Person(uid, _name(row.get("name")), cast(PersonKind, kind), _terms(aliases, since, until), place)


def _of_scim(user: Mapping[str, Any], place: str, namespace: str) -> Person:
    if not isinstance(user, dict):
        raise TypeError("not a user")
    uid = _uid(user.get("id"))
    mails = [one.get("value") for one in user.get("emails") or [] if isinstance(one, dict)]
    named = [text for text in (user.get("userName"), *mails) if isinstance(text, str) and is_mail(text)]
    aliases = [f"user:{mail.lower()}" for mail in named]
    if namespace:
        aliases.append(f"user:{namespace}:{uid}")
    if isinstance(external := user.get("externalId"), str) and _SID.fullmatch(external):
        aliases.append(f"user:sid:{external}")
    meta = user.get("meta") or {}
    left = meta.get("lastModified") if user.get("active") is False else None
    kind = _SCIM_KINDS.get(str(user.get("userType")).lower(), "person")
    name = _name(user.get("displayName") or user.get("userName"))
    return Person(uid, name, kind, _terms(aliases, _moment(meta.get("created")), _moment(left)), place)


def _terms(aliases: Iterable[str], since: int | None, until: int | None) -> tuple[Term, ...]:
    if since is not None and until is not None and since >= until:
        raise ValueError("valid_from is not before valid_until")
    distinct = tuple(dict.fromkeys(aliases))
    if len(distinct) > MAX_TERMS:
        raise ValueError(f"more than {MAX_TERMS} names for one person")
    if any(len(alias) > MAX_NAME for alias in distinct):
        raise ValueError(f"a name of more than {MAX_NAME} characters")
    return tuple(Term(alias, since, until) for alias in distinct)


def _alias(column: str, text: str) -> str:
    if column == "alias":
        if text.partition(":")[0] not in {"user", "host", "app"} or not text.partition(":")[2]:
            raise ValueError(f"{text[:80]!r} is no entity id: user:…, host:… or app:…")
        return text
    if column in {"mail", "upn"}:
        if not is_mail(text):
            raise ValueError(f"{text[:80]!r} is no mail address")
        return f"user:{text.lower()}"
    if column == "account":
        if not _ACCOUNT.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is not DOMAIN\\name")
        return f"user:{text.lower()}"
    if column == "sid" and _SID.fullmatch(text):
        return f"user:sid:{text}"
    if column == "arn" and text.startswith("arn:"):
        return f"user:{text}"
    if named := _ID_COLUMN.fullmatch(column):
        return f"user:{named[1]}:{text}"
    raise ValueError(f"column {column} cannot hold {text[:40]!r}")


def _uid(value: Any) -> str:
    uid = str(value).strip() if isinstance(value, str | int) else ""
    if not uid or len(uid) > 256 or not _NOT_IN_UID.isdisjoint(uid):
        raise ValueError("an id is a text of up to 256 characters without slashes")
    return uid


def _name(value: Any) -> str:
    return " ".join(value.split())[:256] if isinstance(value, str) else ""


def _moment(value: Any) -> int | None:
    if not isinstance(value, str) or not value.strip():
        return None
    moment = datetime.fromisoformat(value.strip())
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
