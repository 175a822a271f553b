"""Turns what could not be read into dead letters, not more of them than anybody can use."""

from collections.abc import Callable

from watchfloor.deadletter import DeadLetter
from watchfloor.event import Origin
from watchfloor.ingest.frame import Unreadable


class Letters:
    """The dead letters of one delivery: of each reason the first ones, and one at the end that counts the others."""

    def __init__(self, tenant: str, path: str, most: int, send: Callable[[DeadLetter], None]) -> None:
        self._tenant = tenant
        self._path = path
        self._most = most
        self._send = send
        self._counts: dict[str, int] = {}
        self._next: dict[str, int] = {}
        """By reason, the line of the first that was not sent."""

    def add(self, item: Unreadable) -> None:
        """Send it, or count it."""
        count = self._counts[item.reason] = self._counts.get(item.reason, 0) + 1
        if count <= self._most:
            origin = Origin(self._path, item.line, item.index)
            reason = item.reason + item.detail
            self._send(DeadLetter(self._tenant, origin, "ingest", reason, item.raw, item.size))
        else:
            self._next.setdefault(item.reason, item.line)

    def close(self) -> None:
        """The delivery is over."""
        for reason, line in self._next.items():
            more = self._counts[reason] - self._most
            text = f"{reason} … and {more:,} more like this from here on"
            self._send(DeadLetter(self._tenant, Origin(self._path, line), "ingest", text))

    def __bool__(self) -> bool:
        """Whether there was anything."""
        return bool(self._counts)
