"""What says who is who: directories, decisions of people, links that events showed; in the data folder's database.

Each change of a directory and each decision is a version of the tenant's identities, and every version can be had
again.
Somebody whom a directory no longer lists keeps their names until the time of that import, so that a name that goes to
somebody else afterwards is theirs only from then on.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_new

from watchfloor.errors import StoreError
from watchfloor.identity import Decision, Link, Noted, Person, Term
from watchfloor.store.database import Database

_METADATA = MetaData()

_VERSIONS = Table(
    "identity_versions",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("what", String, nullable=False),
)

_PEOPLE = Table(
    "identity_people",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("directory", String(256), primary_key=True),
    Column("uid", String(256), primary_key=True),
    Column("since_version", Integer, primary_key=True),
    Column("until_version", Integer),
    Column("body", JSON, nullable=False),
)

_DECISIONS = Table(
    "identity_decisions",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
)

_LINKS = Table(
    "identity_links",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("a", String, nullable=False),
    Column("b", String, nullable=False),
    Column("event_uid", String, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)

_PAIRS = Index("identity_links_pair", _LINKS.c.tenant, _LINKS.c.a, _LINKS.c.b)

_NOTED = Table(
    "identity_noted",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String, primary_key=True),
    Column("of", String, primary_key=True),
)

_SEEN = ("event_uid", "first", "last", "count")
_AT_ONCE = 200


class Version(msgspec.Struct, frozen=True):
    """A version of a tenant's identities: when it was made (ms, UTC), and of what."""

    version: int
    at: int
    what: str


class Imported(msgspec.Struct, frozen=True):
    """What an import changed, by number of people; ``version`` is the one that it made, or found if nothing changed."""

    version: int
    new: int
    changed: int
    gone: int


class IdentityStore:
    """By tenant; each call is one transaction.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _METADATA)
        with self._database.begin() as connection:
            # A table that an earlier version made has none.
            _PAIRS.create(connection, checkfirst=True)

    def import_directory(self, tenant: str, directory: str, people: Iterable[Person], *, at: int) -> Imported:
        """Make these the people of a directory from ``at`` (ms) on."""
        fresh = {person.uid: msgspec.structs.replace(person, directory=directory) for person in people}
        with self._database.begin() as connection:
            known = {person.uid: person for person in self._read(connection, tenant, None, directory)}
            changes = {
                uid: person for uid, old in known.items() if (person := _succeeding(old, fresh.get(uid), at)) != old
            }
            changes.update((uid, person) for uid, person in fresh.items() if uid not in known)
            version = _latest(connection, tenant)
            if changes:
                version = _next(connection, tenant, at, f"import of the directory {directory}")
                mine = and_(_PEOPLE.c.tenant == tenant, _PEOPLE.c.directory == directory)
                _end(connection, mine, version, [uid for uid in changes if uid in known])
                connection.execute(
                    insert(_PEOPLE),
                    [
                        {
                            "tenant": tenant,
                            "directory": directory,
                            "uid": uid,
                            "since_version": version,
                            "until_version": None,
                            "body": msgspec.to_builtins(person),
                        }
                        for uid, person in changes.items()
                    ],
                )
        new = len(changes.keys() - known.keys())
        gone = len(changes.keys() - fresh.keys())
        return Imported(version, new, len(changes) - new - gone, gone)

    def decide(self, tenant: str, decision: Decision) -> int:
        """Keep a decision; the version that it made."""
        with self._database.begin() as connection:
            version = _next(connection, tenant, decision.at, f"{decision.kind} of {decision.a} and {decision.b}")
            body = msgspec.to_builtins(decision)
            connection.execute(insert(_DECISIONS), [{"tenant": tenant, "version": version, "body": body}])
        return version

    def people(self, tenant: str, version: int | None = None) -> tuple[Person, ...]:
        """The entries of all directories, as of a version; of the latest if none is named."""
        with self._database.begin() as connection:
            return self._read(connection, tenant, version, None)

    def decisions(self, tenant: str, version: int | None = None) -> tuple[Decision, ...]:
        """What people decided, in order, as of a version."""
        query = select(_DECISIONS.c.body).where(_DECISIONS.c.tenant == tenant).order_by(_DECISIONS.c.version)
        if version is not None:
            query = query.where(_DECISIONS.c.version <= version)
        with self._database.begin() as connection:
            return tuple(self._convert(row.body, Decision) for row in connection.execute(query))

    def versions(self, tenant: str) -> tuple[Version, ...]:
        """All versions, the first first."""
        query = select(_VERSIONS).where(_VERSIONS.c.tenant == tenant).order_by(_VERSIONS.c.version)
        with self._database.begin() as connection:
            return tuple(Version(row.version, row.at, row.what) for row in connection.execute(query))

    def version(self, tenant: str) -> int:
        """The latest version; 0 if there is none."""
        with self._database.begin() as connection:
            return _latest(connection, tenant)

    def replace_learned(self, tenant: str, links: Sequence[Link], noted: Iterable[Noted]) -> None:
        """Make these what events showed."""
        with self._database.begin() as connection:
            connection.execute(delete(_LINKS).where(_LINKS.c.tenant == tenant))
            connection.execute(delete(_NOTED).where(_NOTED.c.tenant == tenant))
            _append(connection, tenant, links, after=-1)
            _note(connection, tenant, noted)

    def keep_learned(self, tenant: str, links: Sequence[Link], noted: Iterable[Noted]) -> None:
        """Add these to what events showed; a link that is there is replaced and keeps its place."""
        mine = _LINKS.c.tenant == tenant
        with self._database.begin() as connection:
            known: set[tuple[str, str]] = set()
            for start in range(0, len(links), _AT_ONCE):
                some = [(link.a, link.b) for link in links[start : start + _AT_ONCE]]
                query = select(_LINKS.c.a, _LINKS.c.b).where(mine, tuple_(_LINKS.c.a, _LINKS.c.b).in_(some))
                known.update((row.a, row.b) for row in connection.execute(query))
            again = [_row(tenant, link) for link in links if (link.a, link.b) in known]
            if again:
                rows = [{f"new_{name}": value for name, value in row.items()} for row in again]
                same = (mine, _LINKS.c.a == bindparam("new_a"), _LINKS.c.b == bindparam("new_b"))
                seen: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _SEEN}
                connection.execute(update(_LINKS).where(*same).values(seen), rows)
            last = connection.execute(select(func.max(_LINKS.c.place)).where(mine)).scalar()
            new = [link for link in links if (link.a, link.b) not in known]
            _append(connection, tenant, new, after=-1 if last is None else last)
            _note(connection, tenant, noted)

    def noted(self, tenant: str) -> tuple[Noted, ...]:
        """What events showed beside links."""
        query = select(_NOTED.c.kind, _NOTED.c.name, _NOTED.c.of).where(_NOTED.c.tenant == tenant)
        with self._database.begin() as connection:
            return tuple(
                self._convert({"kind": kind, "name": name, "of": of}, Noted)
                for kind, name, of in connection.execute(query.order_by(_NOTED.c.kind, _NOTED.c.name, _NOTED.c.of))
            )

    def links(self, tenant: str) -> tuple[Link, ...]:
        """What events showed, in the order in which they did."""
        query = select(_LINKS).where(_LINKS.c.tenant == tenant).order_by(_LINKS.c.place)
        with self._database.begin() as connection:
            rows = connection.execute(query)
            return tuple(Link(a, b, uid, first, last, count) for _, _, a, b, uid, first, last, count in rows)

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()

    def _read(
        self, connection: Connection, tenant: str, version: int | None, directory: str | None
    ) -> tuple[Person, ...]:
        query = select(_PEOPLE).where(_PEOPLE.c.tenant == tenant)
        if version is None:
            query = query.where(_PEOPLE.c.until_version.is_(None))
        else:
            still = or_(_PEOPLE.c.until_version.is_(None), _PEOPLE.c.until_version > version)
            query = query.where(_PEOPLE.c.since_version <= version, still)
        if directory is not None:
            query = query.where(_PEOPLE.c.directory == directory)
        rows = connection.execute(query.order_by(_PEOPLE.c.directory, _PEOPLE.c.uid))
        return tuple(self._convert(row.body, Person) for row in rows)

    def _convert(self, body: Any, kind: type[Any]) -> Any:
        try:
            return msgspec.convert(body, kind)
        except msgspec.ValidationError as error:
            reason = f"{self._database.place}: an identity is not as this version writes it: {error}"
            raise StoreError(reason) from error


def _succeeding(old: Person, new: Person | None, at: int) -> Person:
    """The entry after an import: names that are no longer in it end now, if they have not ended before."""
    listed = {term.alias for term in new.terms} if new else frozenset[str]()
    ended = (
        term if term.until is not None and term.until <= at else Term(term.alias, term.since, at)
        for term in old.terms
        if term.alias not in listed
    )
    kept = tuple(term for term in ended if term.since is None or term.until is None or term.since < term.until)
    if new is None:
        return msgspec.structs.replace(old, terms=kept)
    merged = msgspec.structs.replace(new, terms=(*new.terms, *kept))
    same = msgspec.structs.replace(merged, origin=old.origin) == old
    return old if same else merged


def _row(tenant: str, link: Link) -> dict[str, Any]:
    return {"tenant": tenant, **{name: getattr(link, name) for name in ("a", "b", *_SEEN)}}


def _append(connection: Connection, tenant: str, links: Iterable[Link], *, after: int) -> None:
    rows = [{"place": place, **_row(tenant, link)} for place, link in enumerate(links, start=after + 1)]
    if rows:
        connection.execute(insert(_LINKS), rows)


def _note(connection: Connection, tenant: str, noted: Iterable[Noted]) -> None:
    rows = [{"tenant": tenant, "kind": one.kind, "name": one.name, "of": one.of} for one in noted]
    if rows:
        connection.execute(insert_new(_NOTED).on_conflict_do_nothing(), rows)


def _latest(connection: Connection, tenant: str) -> int:
    highest = connection.execute(select(func.max(_VERSIONS.c.version)).where(_VERSIONS.c.tenant == tenant)).scalar()
    return highest or 0


def _next(connection: Connection, tenant: str, at: int, what: str) -> int:
    version = _latest(connection, tenant) + 1
    connection.execute(insert(_VERSIONS), [{"tenant": tenant, "version": version, "at": at, "what": what}])
    return version


def _end(connection: Connection, mine: Any, version: int, uids: Sequence[str]) -> None:
    for start in range(0, len(uids), 500):
        some = _PEOPLE.c.uid.in_(uids[start : start + 500])
        current = _PEOPLE.c.until_version.is_(None)
        connection.execute(update(_PEOPLE).where(mine, current, some).values(until_version=version))
