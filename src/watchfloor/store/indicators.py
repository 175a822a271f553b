"""Indicators at rest, by feed, in the database of the data folder, and how far each feed was read."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import JSON, BigInteger, Column, MetaData, String, Table, delete, func, insert, or_, select

from watchfloor.errors import StoreError
from watchfloor.indicator import Indicator
from watchfloor.store.database import Database

_METADATA = MetaData()

_INDICATORS = Table(
    "indicators",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("feed", String(256), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("until", BigInteger),
    Column("revoked", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
)

_FEEDS = Table(
    "indicator_feeds",
    _METADATA,
    Column("tenant", String(128), primary_key=True),
    Column("feed", String(256), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("added", String(64)),
)

_AT_ONCE = 500


class Feed(msgspec.Struct, frozen=True):
    """A feed: when it was read last (ms), how many of its indicators count at that time, and which do not."""

    name: str
    at: int
    valid: int
    expired: int
    revoked: int


class IndicatorStore:
    """By tenant; each call is one transaction.

    Raises:
        StoreError: The database cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _METADATA)

    def add(self, tenant: str, feed: str, indicators: Iterable[Indicator], *, at: int, added: str | None = None) -> int:
        """Keep the indicators of a feed that are newer than what is known of them; how many that were.

        ``added`` is where to go on the next time; ``None`` leaves it.
        """
        newest = {one.id: one for one in indicators}
        with self._database.begin() as connection:
            known = dict(
                connection.execute(
                    select(_INDICATORS.c.id, _INDICATORS.c.modified).where(
                        _INDICATORS.c.tenant == tenant, _INDICATORS.c.feed == feed
                    )
                ).all()
            )
            fresh = [one for one in newest.values() if one.id not in known or one.modified > known[one.id]]
            mine = (_INDICATORS.c.tenant == tenant, _INDICATORS.c.feed == feed)
            replaced = [one.id for one in fresh if one.id in known]
            for start in range(0, len(replaced), _AT_ONCE):
                some = replaced[start : start + _AT_ONCE]
                connection.execute(delete(_INDICATORS).where(*mine, _INDICATORS.c.id.in_(some)))
            if fresh:
                connection.execute(
                    insert(_INDICATORS),
                    [
                        {
                            "tenant": tenant,
                            "feed": feed,
                            "id": one.id,
                            "until": one.until,
                            "revoked": int(one.revoked),
                            "modified": one.modified,
                            "body": msgspec.to_builtins(one),
                        }
                        for one in fresh
                    ],
                )
            before = connection.execute(
                select(_FEEDS.c.added).where(_FEEDS.c.tenant == tenant, _FEEDS.c.feed == feed)
            ).scalar()
            connection.execute(delete(_FEEDS).where(_FEEDS.c.tenant == tenant, _FEEDS.c.feed == feed))
            row = {"tenant": tenant, "feed": feed, "at": at, "added": added or before}
            connection.execute(insert(_FEEDS), [row])
        return len(fresh)

    def added(self, tenant: str, feed: str) -> str | None:
        """Where to go on with a feed."""
        query = select(_FEEDS.c.added).where(_FEEDS.c.tenant == tenant, _FEEDS.c.feed == feed)
        with self._database.begin() as connection:
            return connection.execute(query).scalar()

    def marks(self, tenant: str) -> tuple[tuple[str, int, str | None], ...]:
        """When each feed was read last, and how far: other marks than before say that indicators may be others."""
        query = select(_FEEDS.c.feed, _FEEDS.c.at, _FEEDS.c.added).where(_FEEDS.c.tenant == tenant)
        with self._database.begin() as connection:
            return tuple((row.feed, row.at, row.added) for row in connection.execute(query.order_by(_FEEDS.c.feed)))

    def valid(self, tenant: str, *, after: int | None = None) -> Sequence[Indicator]:
        """The indicators that are not revoked and, if ``after`` is named, valid at a time after it (ms)."""
        query = select(_INDICATORS.c.body).where(_INDICATORS.c.tenant == tenant, _INDICATORS.c.revoked == 0)
        if after is not None:
            query = query.where(or_(_INDICATORS.c.until.is_(None), _INDICATORS.c.until > after))
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(_INDICATORS.c.feed, _INDICATORS.c.id))
            try:
                return [msgspec.convert(row.body, Indicator) for row in rows]
            except msgspec.ValidationError as error:
                reason = f"{self._database.place}: an indicator is not as this version writes it: {error}"
                raise StoreError(reason) from error

    def feeds(self, tenant: str, now: int) -> Sequence[Feed]:
        """The feeds, with what of them counts at a time (ms)."""
        expired = _INDICATORS.c.until <= now
        query = (
            select(
                _FEEDS.c.feed,
                _FEEDS.c.at,
                func.count().filter(_INDICATORS.c.revoked == 0, or_(_INDICATORS.c.until.is_(None), ~expired)),
                func.count().filter(_INDICATORS.c.revoked == 0, expired),
                func.count().filter(_INDICATORS.c.revoked == 1),
            )
            .join(_INDICATORS, (_INDICATORS.c.tenant == _FEEDS.c.tenant) & (_INDICATORS.c.feed == _FEEDS.c.feed))
            .where(_FEEDS.c.tenant == tenant)
            .group_by(_FEEDS.c.feed, _FEEDS.c.at)
            .order_by(_FEEDS.c.feed)
        )
        with self._database.begin() as connection:
            return [Feed(*row) for row in connection.execute(query)]

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()
