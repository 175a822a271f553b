"""Which files the lake is made of, and how far each stream of input has got into it: one SQLite database beside them.

A change is one transaction: a reader sees all of it or nothing, and so does whoever starts again after a crash.
Files that leave the lake are remembered until no reader that began before can want them.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from watchfloor.errors import StoreError
from watchfloor.store.lakefile import LakeFile

NAME = "manifest.db"

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS file ( path TEXT PRIMARY KEY, tenant TEXT NOT NULL, hour TEXT NOT NULL,
    low INTEGER NOT NULL, high INTEGER NOT NULL, body BLOB NOT NULL ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, list BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS progress (stream TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS gone (path TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS deletion (number INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS state (generation INTEGER NOT NULL)",
    "INSERT INTO state SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state)",
)
_WAIT_SECONDS = 30
_DECODER = msgspec.msgpack.Decoder(LakeFile)


class Manifest:
    """The manifest of the lake in a folder; each call is one transaction.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def generation(self) -> int:
        """The number of changes so far."""
        with self._reading() as database:
            return int(database.execute("SELECT generation FROM state").fetchone()[0]) if database else 0

    def files(self, tenant: str | None = None) -> tuple[LakeFile, ...]:
        """The files of one tenant or of all, by path."""
        query = "SELECT body FROM file WHERE ?1 IS NULL OR tenant = ?1 ORDER BY path"
        with self._reading() as database:
            rows = database.execute(query, [tenant]) if database else ()
            return tuple(_DECODER.decode(body) for (body,) in rows)

    def hashes(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The lists of hashes of some files, by path."""
        query = "SELECT list FROM hashes WHERE path = ?"
        found: dict[str, bytes] = {}
        with self._reading() as database:
            if database is not None:
                for path in paths:
                    found.update((path, text) for (text,) in database.execute(query, [path]))
        return found

    def upto(self, stream: str) -> int | None:
        """The last segment of a stream that the lake contains."""
        with self._reading() as database:
            return _upto(database, stream) if database else None

    def streams(self) -> dict[str, int]:
        """The last segment contained, by stream."""
        with self._reading() as database:
            return dict(database.execute("SELECT stream, upto FROM progress ORDER BY stream")) if database else {}

    def add(self, files: Sequence[LakeFile], *, stream: str, upto: int) -> bool:
        """Take in files, and with them a stream's segments up to ``upto``; ``False`` if they are contained already."""
        with self._writing() as database:
            before = _upto(database, stream)
            if before is not None and upto <= before:
                return False
            _insert(database, files)
            database.execute(
                "INSERT INTO progress VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET upto = excluded.upto",
                [stream, upto],
            )
            _next(database)
            return True

    def replace(self, old: Sequence[LakeFile], new: Sequence[LakeFile], *, deletion: bytes | None = None) -> bool:
        """Put files in the place of others, with the record of what that deletes; ``False`` if an old one has left.

        Nothing is changed then: whoever asked works from what the lake is now.
        """
        with self._writing() as database:
            for one in old:
                if not database.execute("DELETE FROM file WHERE path = ?", [one.path]).rowcount:
                    database.execute("ROLLBACK")
                    return False
            database.executemany("DELETE FROM hashes WHERE path = ?", [(one.path,) for one in old])
            generation = _next(database)
            _insert(database, new)
            kept = {one.path for one in new}
            left = [(one.path, generation) for one in old if one.path not in kept]
            database.executemany("INSERT OR REPLACE INTO gone VALUES (?, ?)", left)
            if deletion is not None:
                database.execute("INSERT INTO deletion (body) VALUES (?)", [deletion])
            return True

    def knows(self, path: str) -> bool:
        """Whether a path is one of the lake, or has left it and may be read still."""
        query = "SELECT 1 FROM file WHERE path = ?1 UNION ALL SELECT 1 FROM gone WHERE path = ?1"
        with self._reading() as database:
            return database is not None and database.execute(query, [path]).fetchone() is not None

    def gone(self) -> dict[str, int]:
        """Paths that have left the lake and may still be on disk, with the generation since which nobody needs them."""
        with self._reading() as database:
            return dict(database.execute("SELECT path, generation FROM gone ORDER BY path")) if database else {}

    def forget(self, paths: Sequence[str]) -> None:
        """These paths are on disk no more."""
        if paths:
            with self._writing() as database:
                database.executemany("DELETE FROM gone WHERE path = ?", [(path,) for path in paths])

    def deletions(self) -> tuple[bytes, ...]:
        """The records of what was deleted, the first first."""
        with self._reading() as database:
            rows = database.execute("SELECT body FROM deletion ORDER BY number") if database else ()
            return tuple(body for (body,) in rows)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """One state of the database; ``None`` as long as nothing was ever committed."""
        if not self._path.exists():
            yield None
            return
        with self._connected() as database:
            database.execute("BEGIN")
            made = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone()
            yield database if made else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as database:
            database.execute("PRAGMA journal_mode = WAL")
            # The system has everything on disk before a commit returns.
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                database.execute(statement)
            yield database
            if database.in_transaction:
                database.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)) as database:
                yield database
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StoreError(f"{self._path}: {error}") from error


def _upto(database: sqlite3.Connection, stream: str) -> int | None:
    found = database.execute("SELECT upto FROM progress WHERE stream = ?", [stream]).fetchone()
    return None if found is None else int(found[0])


def _body(file: LakeFile) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(file, hashes=b""))


def _insert(database: sqlite3.Connection, files: Sequence[LakeFile]) -> None:
    rows = [(one.path, one.tenant, one.hour, one.low, one.high, _body(one)) for one in files]
    database.executemany("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)", rows)
    # Apart, since who lists the files seldom wants them, and they are long.
    database.executemany("INSERT INTO hashes VALUES (?, ?)", [(one.path, one.hashes) for one in files])
    # A name that left the lake and is written again belongs to it again.
    database.executemany("DELETE FROM gone WHERE path = ?", [(one.path,) for one in files])


def _next(database: sqlite3.Connection) -> int:
    return int(database.execute("UPDATE state SET generation = generation + 1 RETURNING generation").fetchone()[0])
