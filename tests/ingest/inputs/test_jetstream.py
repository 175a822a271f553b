"""NATS JetStream from a real server, which is killed and started again."""

import asyncio
import base64
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nats
import nkeys
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError
from tests.ingest.inputs.conftest import Certificates

from watchfloor.errors import InputError, OverloadError, StoreError
from watchfloor.ingest.inputs.jetstream import Nats
from watchfloor.secret import Secret
from watchfloor.testing.inputs import MemoryIntake, check_input, running

pytestmark = pytest.mark.live
Port = Callable[[], int]
_SERVER = shutil.which("nats-server") or "nats-server"


class Server:
    """A server with a store on disk; it can be killed and started again."""

    def __init__(self, folder: Path, port: int, config: str = "") -> None:
        self.port = port
        self._config = folder / "server.conf"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f'listen: "127.0.0.1:{port}"\n'
            f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: always }}\n{config}'
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            _SERVER, "-c", str(self._config), stdout=quiet, stderr=quiet
        )
        for _ in range(200):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the server does not start")

    async def kill(self) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def serving(folder: Path, port: int, config: str = "") -> AsyncIterator[Server]:
    server = Server(folder, port, config)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def connected(port: int, **options: Any) -> Client:
    return await nats.connect(f"nats://127.0.0.1:{port}", **options)


class Publisher:
    """Publishes to a stream, and asks the server what was acknowledged."""

    def __init__(self, client: Client, transport: Nats) -> None:
        self._client = client
        self._stream = client.jetstream()
        self.transport = transport

    async def prepare(self) -> None:
        await self._stream.add_stream(name="logs", subjects=["logs.>"])

    async def send(self, records: Sequence[bytes]) -> None:
        for record in records:
            await self._stream.publish("logs.app", record)

    async def acknowledged(self) -> int | None:
        try:
            info = await self._stream.consumer_info("logs", self.transport.durable)
        except NotFoundError:
            return 0
        assert info.ack_floor
        return int(info.ack_floor.stream_seq)


def reading(port: int, **settings: Any) -> Nats:
    return Nats(servers=(f"nats://127.0.0.1:{port}",), stream="logs", **settings)


def test_the_laws_of_inputs(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            await publisher.prepare()
            await check_input(publisher, tmp_path / "state")
            await client.close()

    asyncio.run(scenario())


def test_the_server_is_killed_and_nothing_is_lost_or_has_two_uids(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        records = [b"%d" % n for n in range(1500)]
        intake = MemoryIntake()
        async with serving(tmp_path / "server", port) as server:
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            await publisher.prepare()
            async with running(publisher.transport, intake, tmp_path):
                for part in range(3):
                    await publisher.send(records[part * 500 : (part + 1) * 500])
                    await server.kill()
                    await intake.until(lambda: "not connected" in "".join(intake.states[-1:]))
                    await server.start()
                    await asyncio.sleep(0.1)
                    await intake.until(lambda: client.is_connected)
                await intake.until(lambda: len(intake.distinct) >= len(records))
                await asyncio.sleep(0.5)
            await client.close()
        assert sorted(intake.distinct.values()) == sorted(records)
        assert intake.states[-1] == ""

    asyncio.run(scenario())


def test_what_is_sent_again_has_the_same_uid_and_a_stream_made_anew_has_others(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            stream = client.jetstream()
            uids = []
            for _ in range(2):
                await stream.add_stream(name="logs", subjects=["logs.>"])
                await stream.add_consumer("logs", ConsumerConfig(durable_name="watchfloor", ack_wait=0.5))
                publisher = Publisher(client, reading(port))
                await publisher.send([b"one", b"two"])
                intake = MemoryIntake([OverloadError("full", retry_after=1.5)])
                async with running(publisher.transport, intake, tmp_path):
                    await intake.until(lambda: len(intake.raw) >= 2)  # noqa: B023
                    await asyncio.sleep(1)
                assert sorted(intake.distinct.values()) == [b"one", b"two"]
                uids.append(set(intake.distinct))
                await stream.delete_stream("logs")
            assert not uids[0] & uids[1]
            await client.close()

    asyncio.run(scenario())


def test_what_looks_like_a_refusal_of_the_server_and_is_a_message_hinders_nothing(
    free_port: Port, tmp_path: Path
) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            await publisher.prepare()
            await client.jetstream().publish("logs.a", b"", headers={"Status": "409", "Description": "by a sender"})
            intake = MemoryIntake()
            async with running(publisher.transport, intake, tmp_path):
                await publisher.send([b"one"])
                await intake.until(lambda: intake.raw == [b"one"])
                await asyncio.sleep(0.2)
            assert await publisher.acknowledged() == 2
            assert "by a sender" not in "".join(intake.states)
            await client.close()

    asyncio.run(scenario())


def test_what_is_refused_until_the_end_is_given_back(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            await publisher.prepare()
            await publisher.send([b"one", b"", b"two"])
            refusing = MemoryIntake(StoreError("read-only") for _ in range(1000))
            async with running(publisher.transport, refusing, tmp_path):
                await refusing.until(lambda: "read-only" in refusing.states)
            assert await publisher.acknowledged() == 0
            intake = MemoryIntake()
            before = time.monotonic()
            async with running(publisher.transport, intake, tmp_path):
                await intake.until(lambda: len(intake.raw) == 2)
            assert time.monotonic() - before < 10, "waits for the acknowledgement's time to be over"
            assert await publisher.acknowledged() == 3
            await client.close()

    asyncio.run(scenario())


def test_large_messages_are_taken_a_few_at_a_time(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            await publisher.prepare()
            await publisher.send([b"%d" % n + bytes(1_000_000) for n in range(60)])
            for n in range(6000):
                await client.publish("logs.app", b"small %d" % n)
            intake = MemoryIntake()
            async with running(publisher.transport, intake, tmp_path):
                await intake.until(lambda: len(intake.distinct) == 6060)
            assert not intake.states, "more than one request takes a connection of its own"
            assert max(sum(map(len, arrival.raw)) for arrival in intake.arrivals) <= 17 << 20
            await client.close()

    asyncio.run(scenario())


def test_tls_and_passwords(
    certificates: Certificates, strangers: Certificates, free_port: Port, tmp_path: Path
) -> None:
    async def scenario() -> None:
        port = free_port()
        files = f'cert_file: "{certificates.certificate}", key_file: "{certificates.key}", ca_file: "{certificates.ca}"'
        config = f'tls {{ {files}, verify: true }}\nauthorization {{ user: "reader", password: "right" }}\n'
        (tmp_path / "password").write_text("right\n")
        (tmp_path / "wrong").write_text("wrong-and-secret\n")
        settings: dict[str, Any] = {
            "servers": (f"tls://localhost:{port}",),
            "stream": "logs",
            "ca": certificates.ca,
            "certificate": certificates.certificate,
            "key": Secret(file=certificates.key),
            "user": "reader",
            "password": Secret(file=tmp_path / "password"),
        }
        async with serving(tmp_path / "server", port, config):
            options = Nats(**settings)._options()
            client = await nats.connect(**options)
            publisher = Publisher(client, Nats(**settings))
            await publisher.prepare()
            await publisher.send([b"one"])
            for change in ({"ca": strangers.ca}, {"password": Secret(file=tmp_path / "wrong")}):
                intake = MemoryIntake()
                async with running(Nats(**settings | change), intake, tmp_path):
                    await intake.until(lambda: bool(intake.states))  # noqa: B023
                assert "not connected" in intake.states[0]
                assert "secret" not in "".join(intake.states)
            intake = MemoryIntake()
            async with running(publisher.transport, intake, tmp_path):
                await intake.until(lambda: intake.raw == [b"one"])
            await client.close()

    asyncio.run(scenario())


PERMISSIONS = """
authorization { users: [
  { user: owner, password: owner }
  { user: reader, password: reader, permissions: {
      publish: ["$JS.API.CONSUMER.INFO.logs.watchfloor", "$JS.API.CONSUMER.MSG.NEXT.logs.watchfloor",
                "$JS.ACK.logs.watchfloor.>", "$JS.API.CONSUMER.DURABLE.CREATE.logs.watchfloor"]
      subscribe: "_INBOX.>" } } ] }
"""


def test_the_permissions_that_are_documented_are_enough(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        (tmp_path / "password").write_text("reader")
        async with serving(tmp_path / "server", port, PERMISSIONS):
            transport = reading(port, user="reader", password=Secret(file=tmp_path / "password"))
            client = await connected(port, user="owner", password="owner")  # noqa: S106
            publisher = Publisher(client, transport)
            await publisher.prepare()
            await publisher.send([b"one"])
            intake = MemoryIntake()
            async with running(transport, intake, tmp_path):
                await intake.until(lambda: intake.raw == [b"one"])
            assert await publisher.acknowledged() == 1
            await client.close()

    asyncio.run(scenario())


def _jwt(signer: nkeys.KeyPair, subject: str, kind: str, **claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = {
        "jti": kind,
        "iat": int(time.time()),
        "iss": signer.public_key.decode(),
        "name": kind,
        "sub": subject,
        "nats": {"type": kind, "version": 2, **claims},
    }
    signed = f"{part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{part(body)}"
    signature = base64.urlsafe_b64encode(signer.sign(signed.encode())).rstrip(b"=").decode()
    return f"{signed}.{signature}"


def _pair(prefix: int) -> nkeys.KeyPair:

    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), prefix))


def test_credentials_of_an_operator(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        operator, account, system, user = (
            _pair(one)
            for one in (
                nkeys.PREFIX_BYTE_OPERATOR,
                nkeys.PREFIX_BYTE_ACCOUNT,
                nkeys.PREFIX_BYTE_ACCOUNT,
                nkeys.PREFIX_BYTE_USER,
            )
        )
        limits = {"subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1,
                  "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1, "wildcards": True}  # fmt: skip
        accounts = {
            one.public_key.decode(): _jwt(operator, one.public_key.decode(), "account", limits=own)
            for one, own in ((account, limits), (system, limits | {"mem_storage": 0, "disk_storage": 0}))
        }
        preloaded = "\n".join(f"{name}: {token}" for name, token in accounts.items())
        config = (
            f"operator: {_jwt(operator, operator.public_key.decode(), 'operator')}\n"
            f"system_account: {system.public_key.decode()}\n"
            f"resolver: MEMORY\nresolver_preload: {{ {preloaded} }}\n"
        )
        token = _jwt(account, user.public_key.decode(), "user", subs=-1, data=-1, payload=-1)
        (tmp_path / "user.creds").write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        async with serving(tmp_path / "server", port, config):
            transport = reading(port, credentials=Secret(file=tmp_path / "user.creds"))
            client = await connected(port, user_credentials=str(tmp_path / "user.creds"))
            publisher = Publisher(client, transport)
            await publisher.prepare()
            await publisher.send([b"one"])
            intake = MemoryIntake()
            async with running(transport, intake, tmp_path):
                await intake.until(lambda: intake.raw == [b"one"])
            await client.close()

    asyncio.run(scenario())


def test_a_missing_stream_is_told_until_it_is_there_and_a_pushing_consumer_is_refused(
    free_port: Port, tmp_path: Path
) -> None:
    async def scenario() -> None:
        port = free_port()
        async with serving(tmp_path / "server", port):
            client = await connected(port)
            publisher = Publisher(client, reading(port))
            intake = MemoryIntake()
            async with running(publisher.transport, intake, tmp_path):
                await intake.until(lambda: "stream not found" in "".join(intake.states))
                await publisher.prepare()
                await publisher.send([b"one"])
                await intake.until(lambda: intake.raw == [b"one"] and intake.states[-1] == "")
                await client.jetstream().delete_consumer("logs", "watchfloor")
                await publisher.send([b"two"])
                await intake.until(lambda: b"two" in intake.raw)
            config = ConsumerConfig(durable_name="pushes", deliver_subject="somewhere")
            await client.jetstream().add_consumer("logs", config)
            with pytest.raises(InputError, match="the consumer pushes must pull"):
                async with running(reading(port, durable="pushes"), intake, tmp_path):
                    await asyncio.sleep(1)
            await client.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "settings",
    [
        {"servers": ()},
        {"servers": ("http://a",)},
        {"servers": ("nats://user:password@a",)},
        {"servers": ("nats://a",), "user": "a"},
        {"servers": ("nats://a",), "certificate": Path("a")},
    ],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"servers|needs"):
        Nats(stream="logs", **settings)
