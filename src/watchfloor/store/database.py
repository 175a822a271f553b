"""A database file, and what goes wrong with it in the words of the data folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, MetaData, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from watchfloor.errors import StoreError


class Database:
    """SQLite in a file; tables that are not there yet are made.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, path: Path, tables: MetaData) -> None:
        self.place = str(path)
        self._engine = create_engine(URL.create("sqlite", database=self.place))
        event.listen(self._engine, "connect", _write_ahead)
        with self.errors():
            tables.create_all(self._engine)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction."""
        with self.errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What the database refuses inside becomes a :class:`StoreError` that names the file."""
        try:
            yield
        except (SQLAlchemyError, ValueError) as error:
            raise StoreError(f"{self.place}: {error.__cause__ or error}") from error

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()


def _write_ahead(connection: sqlite3.Connection, _record: object) -> None:
    """Readers do not wait for the writer, nor it for them; a transaction is on disk when it is done."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
