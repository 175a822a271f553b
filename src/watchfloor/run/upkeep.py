"""What a live platform does for its lake now and then: compaction, and deletion where retention is declared."""

import asyncio
from pathlib import Path

import msgspec

from watchfloor.clock import Clock, iso, now_ms
from watchfloor.costs import cost
from watchfloor.errors import WatchfloorError
from watchfloor.evidence import open_chain
from watchfloor.evidence.chain import Entry
from watchfloor.run.giving_back import give_back
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.compaction import compact
from watchfloor.store.deletion import delete
from watchfloor.store.lake import Lake
from watchfloor.store.retention import FILE, read_rules

SECONDS = 300.0


class Upkeep:
    """Keeps the lake of a data folder up; ``trouble`` says what hindered it last time, if something did."""

    def __init__(self, folder: DataFolder, clock: Clock, *, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._clock = clock
        self._seconds = seconds
        self.trouble = ""
        self.compacted = 0
        self.deleted = 0

    async def run(self) -> None:
        """Once in so many seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await asyncio.to_thread(self._priced)
            except WatchfloorError as error:
                self.trouble = str(error)
            else:
                self.trouble = ""

    def _priced(self) -> None:
        with cost("upkeep"):
            try:
                self.once()
            finally:
                give_back()

    def once(self) -> None:
        """Merge what is worth merging; delete what retention lets go, prove it and record it.

        Raises:
            ContentError: The retention that is declared cannot be read: nothing is deleted.
            StoreError: The lake cannot be read or written.
        """
        now = now_ms(self._clock)
        lake = Lake(self._folder.lake)
        self.compacted += compact(lake, now=now).before
        policy: Path = self._folder.path / FILE
        if not policy.exists():
            return
        record = delete(lake, read_rules(policy), now=now)
        if record is not None:
            self.deleted += 1
            with open_chain(self._folder.records) as chain:
                chain.append(Entry(DEFAULT_TENANT, "deletion", iso(record.at), msgspec.to_builtins(record)), at=now)
