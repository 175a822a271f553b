"""The case store: cases, findings and what people said of them, in SQLite, or PostgreSQL by its URL."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Engine, Float, MetaData, String, Table, create_engine, delete, select
from sqlalchemy.exc import SQLAlchemyError

from watchfloor.case import Case
from watchfloor.errors import InputError, StoreError

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
        self._place = str(path)
        self._engine: Engine = create_engine(f"sqlite:///{path}")
        try:
            _METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise StoreError(f"{path}: {error.__cause__ or error}") from error

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
        with self._engine.begin() as connection:
            connection.execute(delete(_CASES).where(_CASES.c.tenant == tenant))
            if rows:
                connection.execute(_CASES.insert(), rows)

    def all(self, tenant: str) -> Sequence[Case]:
        """The cases of a tenant by falling risk."""
        query = select(_CASES.c.body).where(_CASES.c.tenant == tenant).order_by(_CASES.c.risk.desc(), _CASES.c.uid)
        with self._engine.connect() as connection:
            return [_case(row.body) for row in connection.execute(query)]

    def get(self, tenant: str, uid: str) -> Case:
        """The case whose uid this is, or starts with it.

        Raises:
            InputError: There is none, or more than one.
        """
        query = select(_CASES.c.body).where(_CASES.c.tenant == tenant, _CASES.c.uid.startswith(uid, autoescape=True))
        with self._engine.connect() as connection:
            found = [_case(row.body) for row in connection.execute(query.limit(2))]
        if len(found) != 1:
            raise InputError(f"{self._place}: {'no case' if not found else 'more than one case'} {uid!r}")
        return found[0]

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()


def _case(body: dict[str, Any]) -> Case:
    return msgspec.convert(body, Case)
