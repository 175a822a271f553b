"""The stream of findings at rest: each uid and revision once, in the order in which they came."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from watchfloor.errors import StoreError
from watchfloor.finding import Finding
from watchfloor.store.database import Database

_METADATA = MetaData()

_FINDINGS = Table(
    "findings",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String(128), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Column("level", String(16), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid", "revision"),
)
_SUPPRESSED = Table(
    "suppressed_findings",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String(128), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("suppression", String, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid", "revision"),
)
_PAGE = 1000


class Found(msgspec.Struct, frozen=True):
    """A finding, its number in the stream, and when it came (ms, UTC)."""

    number: int
    found_at: int
    finding: Finding


class FindingStore:
    """Findings leave a run at least once and are kept once.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _METADATA)

    def add(self, findings: Iterable[Finding], *, now: int) -> int:
        """Keep those that are not kept already, in one transaction; says how many these were."""
        rows = [
            {
                "tenant": one.tenant,
                "uid": one.uid,
                "revision": one.revision,
                "rule": one.rule.id,
                "level": one.rule.level,
                "time": one.end,
                "found_at": now,
                "body": msgspec.msgpack.encode(one),
            }
            for one in findings
        ]
        if not rows:
            return 0
        with self._database.begin() as connection:
            return connection.execute(insert(_FINDINGS).on_conflict_do_nothing(), rows).rowcount

    def add_suppressed(self, findings: Iterable[tuple[str, Finding]], *, now: int) -> int:
        """Keep findings beside the stream, each with the suppression that hides it; says how many are new."""
        rows = [
            {
                "tenant": one.tenant,
                "uid": one.uid,
                "revision": one.revision,
                "suppression": suppression,
                "found_at": now,
                "body": msgspec.msgpack.encode(one),
            }
            for suppression, one in findings
        ]
        if not rows:
            return 0
        with self._database.begin() as connection:
            return connection.execute(insert(_SUPPRESSED).on_conflict_do_nothing(), rows).rowcount

    def suppressed(self, tenant: str) -> Iterator[tuple[str, Found]]:
        """The findings of a tenant that suppressions hide, in the order in which they came, with the suppression."""
        number = 0
        query = select(_SUPPRESSED).where(_SUPPRESSED.c.tenant == tenant).order_by(_SUPPRESSED.c.number).limit(_PAGE)
        while True:
            with self._database.begin() as connection:
                rows = connection.execute(query.where(_SUPPRESSED.c.number > number)).all()
            if not rows:
                return
            for row in rows:
                yield row.suppression, Found(row.number, row.found_at, self._finding(row.body))
            number = rows[-1].number

    def last(self, tenant: str, uid: str) -> Finding | None:
        """The last revision of a finding, if it is here."""
        of = (_FINDINGS.c.tenant == tenant, _FINDINGS.c.uid == uid)
        query = select(_FINDINGS.c.body).where(*of).order_by(_FINDINGS.c.revision.desc()).limit(1)
        with self._database.begin() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else self._finding(body)

    def after(self, number: int, tenant: str | None = None) -> Iterator[Found]:
        """Those that came behind this number in the stream."""
        while page := self._page(number, tenant):
            yield from page
            number = page[-1].number

    def count(self) -> int:
        """How many there are."""
        with self._database.begin() as connection:
            return connection.execute(select(func.count()).select_from(_FINDINGS)).scalar_one()

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()

    def _page(self, number: int, tenant: str | None) -> list[Found]:
        columns = (_FINDINGS.c.number, _FINDINGS.c.found_at, _FINDINGS.c.body)
        query = select(*columns).where(_FINDINGS.c.number > number).order_by(_FINDINGS.c.number).limit(_PAGE)
        if tenant is not None:
            query = query.where(_FINDINGS.c.tenant == tenant)
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        return [Found(row.number, row.found_at, self._finding(row.body)) for row in rows]

    def _finding(self, body: bytes) -> Finding:
        try:
            return msgspec.msgpack.decode(body, type=Finding)
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self._database.place}: a finding is not as this version writes it: {error}") from error
