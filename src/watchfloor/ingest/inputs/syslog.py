"""Syslog (RFC 5424 and RFC 3164) over UDP, TCP and TLS: each message is a record, as it came.

Nobody is told that a message arrived: what is not on disk when the machine fails is lost, whatever the transport. Over
TCP and TLS the input stops reading while the intake refuses, so that senders wait; over UDP it drops and counts, what
the system's own receive buffer drops included.
"""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

from watchfloor.arrival import Intake
from watchfloor.clock import Clock
from watchfloor.ingest.inputs.datagrams import receive
from watchfloor.ingest.inputs.gathering import Gathering
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import Fresh
from watchfloor.ingest.inputs.streams import Bounds, Streams
from watchfloor.ingest.inputs.tls import server_context
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.secret import Secret

_NUMBERS = "next-number"
_BACKLOG = 1024
_RECEIVE_BYTES = 8 << 20


class Syslog(Transport, frozen=True, kw_only=True, tag="syslog"):
    """``{kind: syslog, listen: "udp://0.0.0.0:5514"}``.

    Attributes:
        listen: ``udp://``, ``tcp://`` or ``tls://``, an address and a port.
        certificate: The certificate with its chain, in PEM, for TLS.
        key: Its private key, in PEM.
        client_ca: Who may connect over TLS: those with a certificate of one of these authorities. Everybody, without.
        message_bytes: The longest message; longer ones are dropped and counted.
        connections: How many may be open at once; more are closed at once.
        idle_seconds: After how long without a message a connection is closed. What is sent into a closed connection
            is lost, so it is long; that the other end is gone is found out by probes long before.
        message_seconds: How long a message that has begun may take to end.
    """

    listen: str
    certificate: Path | None = None
    key: Secret | None = None
    client_ca: Path | None = None
    message_bytes: int = 64 << 10
    connections: int = 512
    idle_seconds: float = 6 * 3600
    message_seconds: float = 60

    def __post_init__(self) -> None:
        scheme, _, _ = self._address()
        if scheme == "tls" and (self.certificate is None or self.key is None):
            raise ValueError("syslog over tls:// needs a certificate and its key")
        if scheme != "tls" and (self.certificate, self.key, self.client_ca) != (None, None, None):
            raise ValueError("certificate, key and client_ca are for syslog over tls:// alone")
        if min(self.message_bytes, self.connections, self.idle_seconds, self.message_seconds) <= 0:
            raise ValueError("message_bytes, connections, idle_seconds and message_seconds are larger than 0")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"syslog+{self.listen}"

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        handover = Handover(self.path, intake, stop, on_state)
        numbers = Fresh(state / _NUMBERS, clock, of=self.path)
        scheme, _, _ = self._address()
        context = None
        if scheme == "tls" and self.certificate and self.key:
            context = server_context(self.certificate, self.key, self.client_ca)
        listener = await self._bound(handover)
        if listener is None:
            return
        gathering = Gathering(handover, numbers, tenant=self.tenant, source=self.source)
        landing = asyncio.create_task(gathering.land())
        with listener:
            if scheme == "udp":
                await receive(listener, gathering, handover, most=self.message_bytes)
            else:
                bounds = Bounds(self.message_bytes, self.connections, self.idle_seconds, self.message_seconds)
                await Streams(gathering, handover, bounds, context).serve(listener)
        gathering.close()
        await landing

    async def _bound(self, handover: Handover) -> socket.socket | None:
        """A socket at the address, as soon as it is free; None if the end comes first."""
        scheme, host, port = self._address()
        for wait in handover.delays():
            try:
                listener = _socket(scheme, host, port)
            except OSError as error:
                handover.hindered(f"cannot listen: {error.strerror or error}", of="address")
                if not await handover.pause(wait):
                    return None
            else:
                handover.hindered("", of="address")
                return listener
        return None

    def _address(self) -> tuple[str, str, int]:
        try:
            parts = urlsplit(self.listen)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme not in {"udp", "tcp", "tls"} or not host or port is None or parts.path:
            raise ValueError(f"{self.listen!r}: not udp://, tcp:// or tls://, an address and a port")
        return scheme, host, port


def _socket(scheme: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if scheme != "udp":
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setblocking(False)  # noqa: FBT003
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
