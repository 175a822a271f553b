"""Backfill: what a vendor still has of a time that is past, read beside live traffic, at a lower rate.

An order lies in the state folder of the input that it is for. Whoever reads for that input works on it; it has cursors
of its own, so that it goes on where it stopped, and live traffic does not notice.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import SystemRandom

import msgspec

from watchfloor.clock import Clock
from watchfloor.errors import OverloadError, RemoteError, StoreError, storing
from watchfloor.ingest.inputs.poll.cursor import Cursor
from watchfloor.ingest.inputs.poll.fault import BusyError, UnavailableError
from watchfloor.ingest.inputs.poll.pace import backoff
from watchfloor.ingest.inputs.poll.reader import Reader
from watchfloor.ingest.inputs.poll.reading import Land, Reading, oldest
from watchfloor.ingest.inputs.remembering import remember, remembered

SHARE = 0.5
"""Which part of the time, and of what the vendor allows, a backfill takes."""

OVERLAP = 1
"""Seconds: some vendors include the time that a window begins at, others do not."""

_FILE = "order.json"
_random = SystemRandom().random

OnHindrance = Callable[[str], None]
"""Told what hinders it, and that nothing does by an empty text."""


class Order(msgspec.Struct, frozen=True):
    """A backfill: from ``since`` to before ``until``, in seconds since 1970."""

    since: int
    until: int
    done: bool = False

    @property
    def name(self) -> str:
        """Its folder's name."""
        return f"backfill-{self.since}-{self.until}"


def place_order(state: Path, order: Order) -> Path:
    """Write an order into an input's state folder, unless it is there; its own folder.

    Raises:
        StoreError: It cannot be written.
    """
    folder = state / order.name
    if remembered(folder / _FILE) is None:
        remember(folder / _FILE, msgspec.json.encode(order))
    return folder


def orders(state: Path) -> Iterator[Order]:
    """What is to be done of the orders in an input's state folder, oldest first.

    Raises:
        StoreError: One cannot be read.
    """
    with storing(state):
        folders = sorted(state.glob("backfill-*"))
    for folder in folders:
        order = read_order(folder)
        if order is not None and not order.done:
            yield order


def read_order(folder: Path) -> Order | None:
    """The order in its folder, if there is one.

    Raises:
        StoreError: It cannot be read.
    """
    data = remembered(folder / _FILE)
    try:
        return None if data is None else msgspec.json.decode(data, type=Order)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{folder / _FILE}: not an order; delete it") from error


def progress(folder: Path, order: Order, streams: Sequence[str]) -> float:
    """Which part of an order is done, from 0 to 1.

    Raises:
        StoreError: Its cursors cannot be read.
    """
    if order.done:
        return 1.0
    span = max(order.until - order.since, 1)
    done = 0.0
    for stream in streams:
        place = Cursor(cursor_file(folder, stream)).place
        done += min(max(place.upto - order.since, 0) / span, 1.0) if place else 0.0
    return done / max(len(streams), 1)


def cursor_file(folder: Path, stream: str) -> Path:
    """The cursor of a stream; its name may be anything that settings hold.

    >>> cursor_file(Path("state"), "Audit.General/..")
    PosixPath('state/Audit.General%2F...json')
    """
    kept = (char if char.isascii() and (char.isalnum() or char in "._-") else f"%{ord(char):02X}" for char in stream)
    return folder / f"{''.join(kept)[:150]}.json"


async def work_off(
    order: Order,
    readers: Sequence[Reader],
    land: Land,
    *,
    clock: Clock,
    state: Path,
    on_hindrance: OnHindrance,
) -> None:
    """Read an order to its end, whatever hinders meanwhile.

    Raises:
        StoreError: Its cursors cannot be read at the start.
    """
    folder = state / order.name
    for reader in readers:
        reading = Reading(reader, Cursor(cursor_file(folder, reader.name)), land)
        await _to_the_end(order, reader, reading, clock, on_hindrance)
    remember(folder / _FILE, msgspec.json.encode(msgspec.structs.replace(order, done=True)))


async def _to_the_end(order: Order, reader: Reader, reading: Reading, clock: Clock, on_hindrance: OnHindrance) -> None:
    failures, started = 0, False
    while True:
        try:
            if not started:
                await reader.start()
                started = True
            kept = oldest(reader.stream, clock)
            first = order.since - OVERLAP
            left = await reading.window(first=first, until=order.until, overlap=OVERLAP, oldest=kept)
        except (RemoteError, OverloadError, StoreError) as error:
            failures += 1
            on_hindrance(str(error))
            await asyncio.sleep(pause(error, failures))
        else:
            failures = 0
            on_hindrance("")
            if not left:
                return


def pause(error: Exception, failures: int) -> float:
    """Seconds until the next try after a failure: what was named, exactly; else longer each time."""
    match error:
        case BusyError(wait=wait):
            return wait
        case UnavailableError(wait=float() as wait):
            return wait
        case OverloadError(retry_after=wait):
            return max(wait, backoff(failures, _random()))
        case _:
            return backoff(failures, _random())
