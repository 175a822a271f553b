"""The case store: cases, findings and what people said of them, in SQLite, or PostgreSQL by its URL."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Float, MetaData, String, Table, delete, select

from watchfloor.case import Case, first_to_read
from watchfloor.errors import InputError, StoreError
from watchfloor.store.database import Database

_METADATA = MetaData()

_CASES = Table(
    "cases",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("uid", String(64), primary_key=True),
    Column("title", String, nullable=False),
    Column("level", String(16), nullable=False),
    Column("risk", Float, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
)


class CaseStore:
    """Cases by tenant and uid; each call is one transaction.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _METADATA)
        self._place = self._database.place

    def replace(self, tenant: str, cases: Iterable[Case]) -> None:
        """Make these the cases of a tenant."""
        rows = [
            {
                "tenant": case.tenant,
                "uid": case.uid,
                "title": case.title,
                "level": case.level,
                "risk": case.risk.value,
                "start": case.start,
                "end": case.end,
                "body": msgspec.to_builtins(case),
            }
            for case in cases
        ]
        with self._database.begin() as connection:
            connection.execute(delete(_CASES).where(_CASES.c.tenant == tenant))
            if rows:
                connection.execute(_CASES.insert(), rows)

    def all(self, tenant: str) -> Sequence[Case]:
        """The cases of a tenant, the one to read first first."""
        query = select(_CASES.c.body).where(_CASES.c.tenant == tenant)
        with self._database.begin() as connection:
            return sorted((self._case(row.body) for row in connection.execute(query)), key=first_to_read)

    def get(self, tenant: str, uid: str) -> Case:
        """The case whose uid this is, else the one whose uid begins with it.

        Raises:
            InputError: There is none, or more than one.
        """
        begins = _CASES.c.uid.startswith(uid, autoescape=True)
        query = select(_CASES.c.uid, _CASES.c.body).where(_CASES.c.tenant == tenant, begins).order_by(_CASES.c.uid)
        with self._database.begin() as connection:
            found = connection.execute(query.limit(2)).all()
        # In this order, a uid comes before those that it begins.
        if not found or (len(found) > 1 and found[0].uid != uid):
            raise InputError(f"{self._place}: {'more than one case' if found else 'no case'} {uid!r}")
        return self._case(found[0].body)

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()

    def _case(self, body: dict[str, Any]) -> Case:
        try:
            return msgspec.convert(body, Case)
        except msgspec.ValidationError as error:
            raise StoreError(f"{self._place}: a case is not as this version writes it: {error}") from error
