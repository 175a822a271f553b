"""NATS JetStream: a durable pull consumer, which acknowledges each message after it has landed.

The server sends no more than was asked for, in messages and in bytes, and sends again what is not acknowledged in time.
A message's ordinal is made of its sequence and time in the stream: the same whenever it is sent.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchfloor.arrival import Arrival, Intake
from watchfloor.clock import Clock
from watchfloor.errors import InputError
from watchfloor.ingest.inputs.extras import installed
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import origin
from watchfloor.ingest.inputs.tls import client_context
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.secret import Secret

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

_ACK_WAIT = 60.0
_BATCH = 2000
_BATCH_BYTES = 8 << 20
_HEADER_BYTES = 64 << 10
_ASK_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 5
_FLUSH_SECONDS = 2
_LINGER = 0.005
_ALIVE = "100"
_ORDINARY = frozenset({"404", "408"})
"""Nothing is there; the time is over."""
_ANSWERED = frozenset({"Message Size Exceeds MaxBytes", "Batch Completed"})
"""How the server describes that it has sent all that was asked for."""
_TEXT = 200
_TIMES = 1 << 61
_TOKENS = 9
_SEQUENCE, _TIME = 5, 7
"""Which tokens of a reply subject are a message's place in the stream; two more come first if there is a domain."""


class Nats(Transport, frozen=True, kw_only=True, tag="nats"):
    """``{kind: nats, servers: ["tls://nats.example.com:4222"], stream: logs}``.

    Attributes:
        servers: Addresses of one cluster.
        stream: A stream that is there.
        durable: The consumer's name; it is made if it is not there.
        subject: With a consumer that is made: only messages whose subject matches.
        credentials: The content of a ``.creds`` file.
        token: A token,
        user: or a name,
        password: with its password.
        ca: Authorities to trust, in PEM; else the system's.
        certificate: A client certificate in PEM,
        key: and its private key.
    """

    servers: tuple[str, ...]
    stream: str
    durable: str = "watchfloor"
    subject: str | None = None
    credentials: Secret | None = None
    token: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Secret | None = None

    def __post_init__(self) -> None:
        if not self.servers or not all(one.startswith(("nats://", "tls://")) for one in self.servers):
            raise ValueError("servers: one or more addresses, each of which begins with nats:// or tls://")
        if any("@" in one for one in self.servers):
            raise ValueError("servers: no credentials in addresses; use token, user and password, or credentials")
        if (self.certificate is None) != (self.key is None) or (self.user is None) != (self.password is None):
            raise ValueError("certificate and key, user and password: one needs the other")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"nats:{self.stream}"

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        del clock, state
        errors = installed("nats.errors", extra="nats")
        handover = Handover(self.path, intake, stop, on_state)
        options = self._options()
        waits = handover.delays()
        while not stop.is_set():
            connection = _Connection(self, handover)
            try:
                await connection.open(options)
                handover.hindered("", of="server")
                waits = handover.delays()
                await connection.read()
            except (errors.Error, OSError, TimeoutError) as error:
                handover.hindered(f"not connected: {_text(error)}", of="server")
            finally:
                with suppress(errors.Error, OSError, TimeoutError):
                    await connection.close()
            await handover.pause(next(waits))

    def _options(self) -> dict[str, Any]:
        """How to connect.

        Raises:
            InputError: A secret or a certificate is missing.
        """
        options: dict[str, Any] = {"servers": list(self.servers)}
        if self.credentials:
            installed("nkeys", extra="nats")
            options["user_credentials"] = installed("nats.aio.client", extra="nats").RawCredentials(
                self.credentials.read()
            )
        if self.token:
            options["token"] = self.token.read()
        if self.user is not None and self.password:
            options |= {"user": self.user, "password": self.password.read()}
        if self.ca or self.certificate or any(one.startswith("tls://") for one in self.servers):
            options["tls"] = client_context(self.ca, self.certificate, self.key)
        return options


class _Connection:
    """One connection to a server; when it is lost, another one is made."""

    def __init__(self, settings: Nats, handover: Handover) -> None:
        self._settings = settings
        self._handover = handover
        self._client: Client = installed("nats.aio.client", extra="nats").Client()
        self._inbox: asyncio.Queue[Msg | None] = asyncio.Queue()
        """What comes; None wakes whoever waits for it, at the end and when the connection is lost."""
        self._left: list[Msg] = []
        """What was received and is refused until the end."""
        self._subscription: Subscription | None = None
        self._reply = ""
        self._asked = 0
        """How many messages of the last request have not come."""
        self._refusal = ""
        """Why the server refuses to send any more."""
        self._origin = origin("nats", settings.stream)
        self._ack_wait = _ACK_WAIT
        self._waking = asyncio.ensure_future(handover.stop.wait())
        self._waking.add_done_callback(lambda _: self._inbox.put_nowait(None))

    async def open(self, options: dict[str, Any]) -> None:
        """Connect, and find or make the consumer."""

        async def lost() -> None:
            await self._inbox.put(None)

        await self._client.connect(
            **options,
            name="watchfloor",
            allow_reconnect=False,
            connect_timeout=_CONNECT_SECONDS,
            closed_cb=lost,
            error_cb=_ignore,
        )
        self._ack_wait = await self._consumer()
        self._reply = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._reply, cb=self._inbox.put)

    async def read(self) -> None:
        """Land messages until the end, or until the connection is lost."""
        while not self._handover.stop.is_set():
            if messages := await self._messages():
                await self._land(messages)
            if self._client.is_closed or self._refusal:
                raise ConnectionError(self._refusal or "the connection is lost")

    async def close(self) -> None:
        """What was received and has not landed is given back."""
        self._waking.cancel()
        if self._client.is_closed:
            return
        if self._subscription and self._client.is_connected:
            # What is given back while messages are still asked for would come back at once.
            await self._subscription.unsubscribe()
            await self._client.flush(_FLUSH_SECONDS)
            while not self._inbox.empty():
                self._receive(self._left, self._inbox.get_nowait())
            for message in self._left:
                await message.nak()
            await self._client.flush(_FLUSH_SECONDS)
        # After a handshake that failed, the library waits for an end that never comes.
        async with asyncio.timeout(_FLUSH_SECONDS):
            await self._client.close()

    async def _consumer(self) -> float:
        """The time that the consumer allows before it sends a message again."""
        settings = self._settings
        stream = self._client.jetstream()
        api = installed("nats.js.api", extra="nats")
        try:
            found = await stream.consumer_info(settings.stream, settings.durable)
        except installed("nats.js.errors", extra="nats").NotFoundError:
            config = api.ConsumerConfig(
                durable_name=settings.durable,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=_ACK_WAIT,
                max_ack_pending=2 * _BATCH,
                filter_subject=settings.subject,
            )
            found = await stream.add_consumer(settings.stream, config)
        if found.config.ack_policy != api.AckPolicy.EXPLICIT or found.config.deliver_subject:
            raise InputError(f"{self._handover.path}: the consumer {settings.durable} must pull, with explicit acks")
        return float(found.config.ack_wait or _ACK_WAIT)

    async def _messages(self) -> list["Msg"]:
        """Messages that have come, or that come within some seconds."""
        if self._asked <= 0:
            await self._ask()
        received: list[Msg] = []
        try:
            async with asyncio.timeout(_ASK_SECONDS + _ANSWER_SECONDS):
                self._receive(received, await self._inbox.get())
        except TimeoutError:
            # The request or its answer was lost.
            self._asked = 0
        if received:
            await asyncio.sleep(_LINGER)
        while not self._inbox.empty():
            self._receive(received, self._inbox.get_nowait())
        return received

    async def _ask(self) -> None:
        """Ask for messages; they may be as many and as large, together, as fit into memory."""
        most = max(_BATCH_BYTES, self._client.max_payload + _HEADER_BYTES)
        request = {"batch": _BATCH, "max_bytes": most, "expires": int(_ASK_SECONDS * 1e9)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._settings.stream}.{self._settings.durable}"
        await self._client.publish(subject, json.dumps(request).encode(), reply=self._reply)
        self._asked = _BATCH

    def _receive(self, received: list["Msg"], message: "Msg | None") -> None:
        if message is None:
            return
        status = _status(message)
        if not status:
            self._asked -= 1
            received.append(message)
        elif status != _ALIVE:
            self._asked = 0
            description = (message.headers or {}).get("Description", "")
            if status not in _ORDINARY and description not in _ANSWERED:
                self._refusal = f"{status} {description}"

    async def _land(self, messages: Sequence["Msg"]) -> None:
        async def in_progress() -> None:
            for message in messages:
                await message.in_progress()

        arrival = self._arrival([message for message in messages if message.data])
        taken = not arrival.raw or await self._handover.land_while(arrival, in_progress, every=self._ack_wait / 3)
        if not taken:
            self._left += messages
            return
        for message in messages:
            await message.ack()

    def _arrival(self, messages: Sequence["Msg"]) -> Arrival:
        places = [_place(message.reply) for message in messages]
        return Arrival(
            self._settings.tenant,
            self._handover.path,
            [message.data for message in messages],
            [sequence for sequence, _ in places],
            [self._origin + (time + sequence) % _TIMES for sequence, time in places],
            self._settings.source,
        )


def _place(reply: str) -> tuple[int, int]:
    """A message's sequence and time (ns) in the stream, out of the subject that acknowledges it.

    >>> _place("$JS.ACK.logs.watchfloor.1.42.7.1773820800000000000.3")
    (42, 1773820800000000000)
    """
    tokens = reply.split(".")
    shift = 2 if len(tokens) > _TOKENS else 0
    return int(tokens[_SEQUENCE + shift]), int(tokens[_TIME + shift])


def _status(message: "Msg") -> str:
    """What the server says; empty for a message of the stream, whose headers its sender chose: that has a reply."""
    return (message.headers or {}).get("Status", "") if not message.data and not message.reply else ""


def _text(error: BaseException) -> str:
    text = str(error).removeprefix("nats: ") or type(error).__name__
    return "".join(char for char in text[:_TEXT] if char.isprintable())


async def _ignore(_: Exception) -> None:
    # What matters of it closes the connection, or ends a call.
    return
