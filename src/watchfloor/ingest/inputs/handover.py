"""Hands records over to the intake, and tries again as long as it refuses them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from watchfloor.arrival import Arrival, Intake
from watchfloor.errors import OverloadError, StoreError
from watchfloor.ingest.inputs.backoff import Random, delays, system_random
from watchfloor.ingest.inputs.transport import OnState

_LAST_TRIES = 5
_LAST_PAUSE = 0.2


class Handover:
    """What one run of an input needs of the outside: where records go, what is told, when it ends.

    Args:
        path: The input's.
    """

    def __init__(
        self, path: str, intake: Intake, stop: asyncio.Event, on_state: OnState, *, random: Random = system_random
    ) -> None:
        self.path = path
        self.stop = stop
        self._intake = intake
        self._on_state = on_state
        self._random = random
        self._hindrances: dict[str, str] = {}

    def hindered(self, by: str, *, of: str) -> None:
        """Tell what hinders a part ``of`` the input, if that is news; nothing does if it is empty."""
        if by != self._hindrances.get(of, ""):
            self._hindrances[of] = by
            self._on_state(self.path, "; ".join(filter(None, self._hindrances.values())))

    def drop(self, reason: str, records: int = 1) -> None:
        """Count records that will never arrive."""
        self._intake.drop(self.path, reason, records)

    def delays(self) -> Iterator[float]:
        """The waits between tries."""
        return delays(self._random)

    async def pause(self, seconds: float) -> bool:
        """Wait so long, or until the end; whether to go on."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
        return not self.stop.is_set()

    async def land_while(self, arrival: Arrival, keep: Callable[[], Awaitable[None]], *, every: float) -> bool:
        """As :meth:`land`; ``keep`` tells the sender again and again that the records are still being worked on."""
        landing = asyncio.ensure_future(self.land(arrival))
        try:
            while not (await asyncio.wait({landing}, timeout=every))[0]:
                await keep()
        finally:
            if not landing.done():
                landing.cancel()
        return landing.result()

    async def land(self, arrival: Arrival) -> bool:
        """Land records, in as many tries as it takes; False if the end came and they are still refused.

        Refused for the disk's sake, they may be there all the same, and will be recognised by their ordinals.
        """
        waits = self.delays()
        last_tries = _LAST_TRIES
        while True:
            try:
                await self._intake.land(arrival)
            except OverloadError as error:
                self.hindered(str(error), of="intake")
                wait = error.retry_after
            except StoreError as error:
                self.hindered(str(error), of="intake")
                wait = next(waits)
            else:
                self.hindered("", of="intake")
                return True
            if not await self.pause(wait):
                last_tries -= 1
                if last_tries < 0:
                    return False
                await asyncio.sleep(_LAST_PAUSE)
