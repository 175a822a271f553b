"""Receives datagrams: each is a record."""

import asyncio
import socket
import struct
from contextlib import suppress

from watchfloor.ingest.inputs.gathering import Gathering
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.limits import size_text

_AT_ONCE = 256
_TRAILER = b"\r\n\0"
_MEMINFO = 55
_MEMINFO_LAYOUT = "9I"
_DROPS = 8
"""``SO_MEMINFO`` of Linux: its ninth number counts what found the receive buffer full."""
_CHECK_SECONDS = 1.0
_LAST_SECONDS = 0.1


async def receive(listener: socket.socket, gathering: Gathering, handover: Handover, *, most: int) -> None:
    """Receive until the end; datagrams longer than ``most`` bytes, and those for which there is no room, are counted.

    At the end, what has been received by the system already is taken, as far as that goes at once.
    """
    loop = asyncio.get_running_loop()
    reading = _Reading(listener, gathering, handover, most)
    lost = _lost(listener)
    loop.add_reader(listener, reading.read)
    try:
        while await handover.pause(_CHECK_SECONDS):
            lost = _count_lost(listener, handover, lost)
    finally:
        loop.remove_reader(listener)
    end = loop.time() + _LAST_SECONDS
    while reading.read() and loop.time() < end:
        pass
    _count_lost(listener, handover, lost)


class _Reading:
    def __init__(self, listener: socket.socket, gathering: Gathering, handover: Handover, most: int) -> None:
        self._listener = listener
        self._gathering = gathering
        self._handover = handover
        self._most = most

    def read(self) -> bool:
        """Take some of what is there; whether there may be more."""
        received: list[bytes] = []
        # Where an address is unreachable, its answer to nothing of ours is an error of the socket.
        receive, size = self._listener.recv, self._most + len(_TRAILER) + 1
        with suppress(OSError):
            received.extend(receive(size) for _ in range(_AT_ONCE))
        messages = [message for one in received if (message := one.rstrip(_TRAILER))]
        kept = messages
        if messages and max(map(len, messages)) > self._most:
            kept = [message for message in messages if len(message) <= self._most]
            self._handover.drop(f"longer than {size_text(self._most)}", len(messages) - len(kept))
        if kept and not self._gathering.put_now(kept):
            self._handover.drop("arrived faster than the intake took it", len(kept))
        return len(received) == _AT_ONCE


def _lost(listener: socket.socket) -> int:
    try:
        data = listener.getsockopt(socket.SOL_SOCKET, _MEMINFO, struct.calcsize(_MEMINFO_LAYOUT))
        return int(struct.unpack(_MEMINFO_LAYOUT, data)[_DROPS])
    except (OSError, struct.error):
        return 0


def _count_lost(listener: socket.socket, handover: Handover, before: int) -> int:
    lost = _lost(listener)
    if lost != before:
        handover.drop("the system's receive buffer was full", (lost - before) % (1 << 32))
    return lost
