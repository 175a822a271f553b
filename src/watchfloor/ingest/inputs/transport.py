"""What every input is: settings that can run."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from watchfloor.arrival import Intake
from watchfloor.clock import Clock
from watchfloor.settings import DEFAULT_TENANT

OnState = Callable[[str, str], None]
"""Told an input's path, and what hinders it now; an empty text once nothing does. Never holds what a sender chose."""


class Transport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One input as it stands in the settings.

    Attributes:
        tenant: Whose records these are.
        source: The log source that all of them are of; else each is recognised.
    """

    tenant: str = DEFAULT_TENANT
    source: str | None = None

    @property
    def path(self) -> str:
        """Where from, for people."""
        raise NotImplementedError

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """Read until ``stop`` is set, then finish what was read; what hinders it is told, and tried again.

        ``state`` is a folder of this input alone, which need not be there yet.

        Raises:
            InputError: The settings cannot work: a certificate, a secret or a library is missing.
            StoreError: The state cannot be read or written at the start.
        """
        raise NotImplementedError
