"""Kafka: a member of a consumer group, which commits offsets after what is before them has landed.

Partitions may go to another member at any time: what has landed and could not be committed is read again there, and has
the same ordinals, which are made of the topic, the partition, the offset and the time of a message.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from watchfloor.arrival import Arrival, Intake
from watchfloor.clock import Clock
from watchfloor.errors import InputError
from watchfloor.ingest.inputs.extras import installed
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import origin
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.secret import Secret

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message

_T = TypeVar("_T")
_AT_ONCE = 2000
_WAIT_SECONDS = 0.1
_KEEP_SECONDS = 30.0
"""A member that asks for nothing for five minutes is taken its partitions away."""
_PROBE_SECONDS = 5.0
_QUEUED_KIB = 32 << 10
_CRITICAL = 2


class Kafka(Transport, frozen=True, kw_only=True, tag="kafka"):
    """``{kind: kafka, brokers: ["kafka.example.com:9093"], topics: [logs], tls: true}``.

    Attributes:
        brokers: Some brokers of one cluster, each as ``HOST:PORT``.
        topics: Topics to read, from their beginning where the group has no offsets yet; ``^`` begins a pattern.
        group: The consumer group.
        tls: Whether to speak TLS; so it is with any of the next three.
        ca: Authorities to trust, in PEM; else the system's.
        certificate: A client certificate in PEM,
        key: and its private key.
        sasl: How to log in,
        user: as whom,
        password: and with which password.
        session_seconds: After how much silence the group gives the partitions of this member to others.
    """

    brokers: tuple[str, ...]
    topics: tuple[str, ...]
    group: str = "watchfloor"
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Secret | None = None
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    user: str | None = None
    password: Secret | None = None
    session_seconds: int = 45

    def __post_init__(self) -> None:
        if self.session_seconds <= 0:
            raise ValueError("session_seconds: at least 1")
        if not self.brokers or not self.topics:
            raise ValueError("brokers and topics: at least one each")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: one needs the other")
        if len({self.sasl is None, self.user is None, self.password is None}) > 1:
            raise ValueError("sasl, user and password: each needs the others")
        if self.sasl == "PLAIN" and not self._encrypted:
            raise ValueError("sasl: PLAIN would send the password in the open; use tls: true, or SCRAM-SHA-512")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"kafka:{','.join(self.topics)}"

    @property
    def _encrypted(self) -> bool:
        return self.tls or self.ca is not None or self.certificate is not None

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        del clock, state
        kafka = installed("confluent_kafka", extra="kafka")
        handover = Handover(self.path, intake, stop, on_state)
        settings = self._settings()
        waits = handover.delays()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka") as thread:
            while not stop.is_set():
                try:
                    await _Member(self, handover, thread, settings).run()
                except kafka.KafkaException as error:
                    handover.hindered(f"not a member of the group: {_text(error.args[0])}", of="group")
                    await handover.pause(next(waits))

    def _settings(self) -> dict[str, Any]:
        """For librdkafka.

        Raises:
            InputError: A secret is missing.
        """
        settings: dict[str, Any] = {
            "bootstrap.servers": ",".join(self.brokers),
            "group.id": self.group,
            "client.id": "watchfloor",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": self.session_seconds * 1000,
            "queued.max.messages.kbytes": _QUEUED_KIB,
            "log_level": _CRITICAL,
            "security.protocol": ("SASL_" if self.sasl else "") + ("SSL" if self._encrypted else "PLAINTEXT"),
        }
        if self.ca:
            settings["ssl.ca.location"] = str(self.ca)
        if self.certificate and self.key:
            settings |= {"ssl.certificate.location": str(self.certificate), "ssl.key.pem": self.key.read()}
        if self.sasl and self.password:
            settings |= {
                "sasl.mechanism": self.sasl,
                "sasl.username": self.user,
                "sasl.password": self.password.read(),
            }
        return settings


class _Member:
    """One membership in the group.

    Raises:
        InputError: The library refuses the settings.
    """

    def __init__(self, kafka: Kafka, handover: Handover, thread: Executor, settings: dict[str, Any]) -> None:
        self._kafka = kafka
        self._handover = handover
        self._thread = thread
        self._module = installed("confluent_kafka", extra="kafka")
        self._problem = ""
        self._probe_due = 0.0
        self._held: list[Message] = []
        """What came while nothing was asked for."""
        try:
            self._consumer: Consumer = self._module.Consumer(settings | {"error_cb": self._failed})
        except self._module.KafkaException as error:
            raise InputError(f"{kafka.path}: {error.args[0].str()}") from error

    async def run(self) -> None:
        """Read until the end.

        Raises:
            KafkaException: The membership is over.
        """
        try:
            await self._do(self._consumer.subscribe, list(self._kafka.topics))
            while not self._handover.stop.is_set():
                messages = [*self._held, *await self._do(self._consumer.consume, _AT_ONCE, _WAIT_SECONDS)]
                self._held = []
                await self._tell(messages)
                if whole := [message for message in messages if not message.error()]:
                    await self._land(whole)
        finally:
            # Offsets are committed: all this does is to leave the group.
            await self._do(self._consumer.close)

    async def _land(self, messages: Sequence["Message"]) -> None:
        """Land messages, partition by partition, and commit those partitions of which all has landed."""
        parts = [
            (place, list(part)) for place, part in groupby(sorted(messages, key=_partition_offset), key=_partition)
        ]
        results = await asyncio.gather(*(self._land_part(place, part) for place, part in parts))
        done = [
            self._module.TopicPartition(*place, (part[-1].offset() or 0) + 1)
            for (place, part), taken in zip(parts, results, strict=True)
            if taken
        ]
        problem = ""
        try:
            if done:
                await self._do(self._commit, done)
        except self._module.KafkaException as error:
            # Whoever has the partition now reads it again from the last offset that was committed.
            problem = f"offsets are not committed: {_text(error.args[0])}"
        self._handover.hindered(problem, of="commit")

    async def _land_part(self, place: tuple[str, int], messages: Sequence["Message"]) -> bool:
        topic, partition = place
        records = [(value, one) for one in messages if (value := one.value())]
        if not records:
            return True
        arrival = Arrival(
            self._kafka.tenant,
            f"kafka:{topic}/{partition}",
            [value for value, _ in records],
            [(one.offset() or 0) + 1 for _, one in records],
            [origin("kafka", topic, partition, one.offset() or 0, one.timestamp()[1]) for _, one in records],
            self._kafka.source,
        )
        return await self._handover.land_while(arrival, self._stay, every=_KEEP_SECONDS)

    async def _stay(self) -> None:
        """Stay a member although nothing more is asked for."""
        self._held += await self._do(self._poll_paused)

    def _poll_paused(self) -> list["Message"]:
        assigned = self._consumer.assignment()
        self._consumer.pause(assigned)
        message = self._consumer.poll(0)
        self._consumer.resume(self._consumer.assignment())
        return [message] if message else []

    def _commit(self, offsets: list[Any]) -> None:
        self._consumer.commit(offsets=offsets, asynchronous=False)

    async def _tell(self, messages: Sequence["Message"]) -> None:
        """Tell what the brokers, or the messages that stand for errors, say."""
        for message in messages:
            if error := message.error():
                self._failed(error)
        now = asyncio.get_running_loop().time()
        if self._problem and now >= self._probe_due:
            self._handover.hindered(self._problem, of="group")
            self._probe_due = now + _PROBE_SECONDS
            if not any(message.error() for message in messages) and await self._do(self._answers):
                self._problem = ""
        if not self._problem:
            self._handover.hindered("", of="group")

    def _answers(self) -> bool:
        try:
            self._consumer.list_topics(timeout=1)
        except self._module.KafkaException:
            return False
        return True

    def _failed(self, error: "KafkaError") -> None:
        self._problem = f"the brokers: {_text(error)}"

    async def _do(self, function: Callable[..., _T], *args: object) -> _T:
        """What waits for the network, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _partition(message: "Message") -> tuple[str, int]:
    return message.topic() or "", message.partition() or 0


def _partition_offset(message: "Message") -> tuple[str, int, int]:
    return (*_partition(message), message.offset() or 0)


def _text(error: "KafkaError") -> str:
    # The library's word for it, which holds nothing that anybody chose.
    return error.name()
