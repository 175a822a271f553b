"""Kafka from a cluster that librdkafka plays: real connections, groups and offsets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watchfloor.errors import InputError, OverloadError, StoreError
from watchfloor.ingest.inputs import kafka as module
from watchfloor.ingest.inputs.kafka import Kafka
from watchfloor.secret import Secret
from watchfloor.testing.inputs import MemoryIntake, check_input, running

pytestmark = pytest.mark.live


class Cluster:
    """Three brokers, a topic, and a producer."""

    def __init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 3, "log_level": 0})
        brokers = self._producer.list_topics(timeout=10).brokers.values()
        self.brokers = tuple(f"{one.host}:{one.port}" for one in brokers)
        # The cluster waits for a session to end before it makes a group of new members.
        self.transport = Kafka(brokers=self.brokers, topics=("logs",), session_seconds=6)

    async def send(self, records: Sequence[bytes | None]) -> None:
        for n, record in enumerate(records):
            self._producer.produce("logs", record, partition=n % 3)
            self._producer.poll(0)
        await asyncio.to_thread(self._producer.flush)

    async def acknowledged(self) -> int | None:
        return await asyncio.to_thread(self._committed)

    def _committed(self) -> int:
        consumer = Consumer({"bootstrap.servers": ",".join(self.brokers), "group.id": "watchfloor", "log_level": 0})
        try:
            places = consumer.committed([TopicPartition("logs", partition) for partition in range(3)], timeout=10)
            return sum(max(place.offset, 0) for place in places)
        finally:
            consumer.close()


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    made = await asyncio.to_thread(Cluster)
    yield made


def test_the_laws_of_inputs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster() as peer:
            await check_input(peer, tmp_path)

    asyncio.run(scenario())


def test_members_that_come_and_go_lose_nothing_and_give_nothing_two_uids(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster() as peer:
            intake = MemoryIntake()
            records = [b"%d" % n for n in range(6000)]
            async with running(peer.transport, intake, tmp_path):
                await peer.send(records[:2000])
                await intake.until(lambda: bool(intake.raw))
                async with running(peer.transport, intake, tmp_path):
                    await peer.send(records[2000:3000])
                    await asyncio.sleep(4)
                    await peer.send(records[3000:4000])
                    await intake.until(lambda: len(intake.distinct) >= 4000)
                await peer.send(records[4000:])
                await intake.until(lambda: len(intake.distinct) >= 6000)
                await asyncio.sleep(0.5)
            assert sorted(intake.distinct.values()) == sorted(records)
            assert await peer.acknowledged() == 6000
            places = {
                (arrival.path, line): raw
                for arrival in intake.arrivals
                for raw, line in zip(arrival.raw, arrival.line, strict=True)
            }
            assert places["kafka:logs/1", 2] == b"4"

    asyncio.run(scenario())


def test_a_member_that_cannot_land_stays_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEEP_SECONDS", 0.2)

    async def scenario() -> None:
        async with cluster() as peer:
            intake = MemoryIntake()
            intake.hold()
            records: list[bytes | None] = [b"%d" % n for n in range(100)]
            async with running(peer.transport, intake, tmp_path):
                await peer.send(records)
                await intake.until(lambda: intake.waiting > 0)
                await peer.send([b"later", None, b""])
                await asyncio.sleep(2)
                intake.release()
                await intake.until(lambda: len(intake.distinct) >= 101)
                await asyncio.sleep(0.5)
            assert len(intake.raw) == 101
            assert await peer.acknowledged() == 103

    asyncio.run(scenario())


def test_what_is_refused_until_the_end_is_not_committed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster() as peer:
            refusing = MemoryIntake(StoreError("read-only") for _ in range(1000))
            async with running(peer.transport, refusing, tmp_path):
                await peer.send([b"one", b"two"])
                await refusing.until(lambda: "read-only" in refusing.states)
            assert await peer.acknowledged() == 0
            intake = MemoryIntake([OverloadError("full", retry_after=0.1)])
            async with running(peer.transport, intake, tmp_path):
                await intake.until(lambda: len(intake.raw) == 2)
            assert await peer.acknowledged() == 2

    asyncio.run(scenario())


def test_brokers_that_are_not_there_are_told_and_waited_for(free_port: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        transport = Kafka(brokers=(f"127.0.0.1:{free_port()}",), topics=("logs",))
        async with running(transport, intake, tmp_path):
            await intake.until(lambda: "brokers" in "".join(intake.states))
        assert intake.states == ["the brokers: _TRANSPORT"] or "_ALL_BROKERS_DOWN" in "".join(intake.states)

    asyncio.run(scenario())


def test_settings_of_librdkafka_are_taken_and_secrets_are_in_no_error(certificates: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("very-secret")
    transport = Kafka(
        brokers=("127.0.0.1:1",),
        topics=("logs",),
        ca=certificates.ca,
        certificate=certificates.certificate,
        key=Secret(file=certificates.key),
        sasl="SCRAM-SHA-512",
        user="reader",
        password=Secret(file=tmp_path / "password"),
    )

    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(transport, intake, tmp_path):
            await asyncio.sleep(1)
        assert "secret" not in "".join(intake.states)

    asyncio.run(scenario())
    certificates.ca.with_name("none.pem").touch()
    transport = msgspec.structs.replace(transport, ca=certificates.ca.with_name("none.pem"))
    with pytest.raises(InputError, match=r"kafka:logs: .*ca.location") as told:
        asyncio.run(scenario())
    assert "secret" not in str(told.value)
    assert "very-secret" not in repr(transport)
    (tmp_path / "password").unlink()
    with pytest.raises(InputError, match="No such file"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    "settings",
    [
        {"brokers": ()},
        {"topics": ()},
        {"session_seconds": 0},
        {"certificate": Path("a")},
        {"sasl": "SCRAM-SHA-256"},
        {"sasl": "PLAIN", "user": "a", "password": Secret(env="B")},
    ],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"brokers|needs|PLAIN|session"):
        Kafka(**{"brokers": ("a:1",), "topics": ("b",)} | settings)
