"""Gathers what comes from many senders within a few milliseconds into one arrival."""

import asyncio
from collections.abc import Sequence

from watchfloor.arrival import Arrival
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import Fresh

_LINGER = 0.005
_RECORD_BYTES = 64
"""What a record takes beside its bytes."""


class Gathering:
    """Holds up to ``most`` bytes of records that have not landed; one arrival lands while the next one gathers."""

    def __init__(
        self, handover: Handover, numbers: Fresh, *, tenant: str, source: str | None, most: int = 32 << 20
    ) -> None:
        self._handover = handover
        self._numbers = numbers
        self._tenant = tenant
        self._source = source
        self._most = most
        self._records: list[bytes] = []
        self._bytes = 0
        self._line = 1
        self._closed = False
        self._some = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, records: Sequence[bytes]) -> None:
        """Take records as soon as there is room."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()
        self._add(records)

    def put_now(self, records: Sequence[bytes]) -> bool:
        """Take records; False if there is no room for them."""
        if not self.has_room:
            return False
        self._add(records)
        return True

    @property
    def has_room(self) -> bool:
        """Whether the next records would be taken at once."""
        return self._bytes < self._most

    def close(self) -> None:
        """Nothing more will be put."""
        self._closed = True
        self._some.set()

    async def land(self) -> None:
        """Land what is put, until it is closed and empty."""
        while True:
            await self._some.wait()
            if not self._closed:
                await asyncio.sleep(_LINGER)
            if not self._closed:
                self._some.clear()
            records, self._records = self._records, []
            if records:
                await self._land(records)
            elif self._closed:
                return

    async def _land(self, records: list[bytes]) -> None:
        count = len(records)
        lines = range(self._line, self._line + count)
        self._line += count
        ordinals = self._numbers.take(count)
        path = self._handover.path
        if not await self._handover.land(Arrival(self._tenant, path, records, lines, ordinals, self._source)):
            self._handover.drop("refused until the end", count)
        self._bytes -= _size(records)
        self._room.set()

    def _add(self, records: Sequence[bytes]) -> None:
        self._records += records
        self._bytes += _size(records)
        self._some.set()


def _size(records: Sequence[bytes]) -> int:
    return sum(map(len, records)) + _RECORD_BYTES * len(records)
