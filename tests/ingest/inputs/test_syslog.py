"""Syslog from real sockets, over UDP, TCP and TLS; hostile senders."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.inputs.conftest import Certificates

from watchfloor.errors import InputError, OverloadError
from watchfloor.ingest.inputs.syslog import Syslog
from watchfloor.secret import Secret
from watchfloor.testing.inputs import MemoryIntake, check_input, running

MESSAGE = b"<34>1 2026-03-18T08:00:00Z ws-17.example.com su - ID47 - failed for alice"
Port = Callable[[], int]


class Sender:
    """Sends each record as a message, over a connection of its own each time."""

    def __init__(self, transport: Syslog, *, counted: bool = False, client: ssl.SSLContext | None = None) -> None:
        self.transport = transport
        self.port = int(transport.listen.rpartition(":")[2])
        self._counted = counted
        self._client = client

    async def send(self, records: Sequence[bytes]) -> None:
        if self.transport.listen.startswith("udp"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                await asyncio.sleep(0.1)
                for n, record in enumerate(records):
                    sender.sendto(record, ("127.0.0.1", self.port))
                    if n % 10 == 9:
                        await asyncio.sleep(0)
            return
        _reader, writer = await connect(self.port, self._client)
        for record in records:
            writer.write(b"%d %s" % (len(record), record) if self._counted else record + b"\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def acknowledged(self) -> int | None:
        return None


async def connect(port: int, client: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        with suppress(ConnectionRefusedError):
            name = "localhost" if client else None
            return await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


def over_tls(port: int, files: Certificates, **settings: Any) -> Syslog:
    key = Secret(file=files.key)
    return Syslog(listen=f"tls://127.0.0.1:{port}", certificate=files.certificate, key=key, **settings)


def client(files: Certificates, own: Certificates | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files.ca))
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return context


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_the_laws_of_inputs(scheme: str, free_port: Port, tmp_path: Path) -> None:
    asyncio.run(check_input(Sender(Syslog(listen=f"{scheme}://127.0.0.1:{free_port()}")), tmp_path / "state"))


def test_the_laws_of_inputs_over_tls(certificates: Certificates, free_port: Port, tmp_path: Path) -> None:
    transport = over_tls(free_port(), certificates, client_ca=certificates.ca)
    sender = Sender(transport, client=client(certificates, certificates))
    asyncio.run(check_input(sender, tmp_path / "state"))


def test_counted_octets_keep_line_breaks(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        sender = Sender(
            Syslog(listen=f"tcp://127.0.0.1:{free_port()}", source="linux_auth", tenant="acme"), counted=True
        )
        async with running(sender.transport, intake, tmp_path):
            await sender.send([MESSAGE + b"\nsecond line"] * 2)
            await intake.until(lambda: len(intake.raw) == 2)
        assert intake.raw == [MESSAGE + b"\nsecond line"] * 2
        (arrival,) = intake.arrivals
        assert (arrival.source, arrival.tenant, list(arrival.line)) == ("linux_auth", "acme", [1, 2])
        assert arrival.path == f"syslog+tcp://127.0.0.1:{sender.port}"

    asyncio.run(scenario())


@pytest.mark.skipif(shutil.which("logger") is None, reason="no logger of util-linux")
@pytest.mark.parametrize("options", [["--udp"], ["--tcp"], ["--tcp", "--octet-count"], ["--udp", "--rfc3164"]])
def test_logger_of_util_linux(options: list[str], free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        scheme = "udp" if "--udp" in options else "tcp"
        async with running(Syslog(listen=f"{scheme}://127.0.0.1:{port}"), intake, tmp_path):
            await asyncio.sleep(0.1)
            command = ["--server", "127.0.0.1", "--port", str(port), *options, "--tag", "sshd", "Failed password"]
            process = await asyncio.create_subprocess_exec("logger", *command)
            assert await process.wait() == 0
            await intake.until(lambda: len(intake.raw) == 1)
        assert intake.raw[0].startswith(b"<")
        assert intake.raw[0].endswith(b"Failed password")

    asyncio.run(scenario())


def test_a_client_without_a_trusted_certificate_is_refused(
    certificates: Certificates, strangers: Certificates, free_port: Port, tmp_path: Path
) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        async with running(over_tls(port, certificates, client_ca=certificates.ca), intake, tmp_path):
            for own in (None, strangers):
                with suppress(OSError):
                    reader, writer = await connect(port, client(certificates, own))
                    writer.write(MESSAGE + b"\n")
                    await reader.read()
                    writer.close()
            with pytest.raises(ssl.SSLError):
                await connect(port, client(strangers))
            await Sender(over_tls(port, certificates), client=client(certificates, certificates)).send([b"<1>good"])
            await intake.until(lambda: bool(intake.raw))
        assert intake.raw == [b"<1>good"]
        assert any("handshake" in state for state in intake.states)

    asyncio.run(scenario())


def test_a_sender_over_tls_that_reads_nothing_and_closes_loses_nothing(
    certificates: Certificates, free_port: Port, tmp_path: Path
) -> None:
    messages = [b"<1>%d " % n + b"a" * 1000 for n in range(5000)]

    def send(port: int) -> None:
        context = client(certificates)
        with socket.create_connection(("127.0.0.1", port)) as plain:
            sender = context.wrap_socket(plain, server_hostname="localhost")
            sender.sendall(b"\n".join(messages) + b"\n")
            sender.close()

    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        async with running(over_tls(port, certificates), intake, tmp_path):
            await asyncio.sleep(0.2)
            await asyncio.to_thread(send, port)
            await intake.until(lambda: len(intake.raw) == len(messages))
        assert intake.raw == messages

    asyncio.run(scenario())


def test_settings_that_cannot_work_are_refused_at_the_start(
    certificates: Certificates, strangers: Certificates, free_port: Port, tmp_path: Path
) -> None:
    async def start(transport: Syslog) -> None:
        async with running(transport, MemoryIntake(), tmp_path):
            pass

    listen = f"tls://127.0.0.1:{free_port()}"
    key = Secret(file=certificates.key)
    for transport, reason in [
        (Syslog(listen=listen, certificate=tmp_path / "none", key=key), "none with the key in .*: cannot be used"),
        (Syslog(listen=listen, certificate=certificates.certificate, key=Secret(file=strangers.key)), "cannot be used"),
        (Syslog(listen=listen, certificate=certificates.certificate, key=Secret(file=tmp_path / "none")), "No such"),
        (Syslog(listen=listen, certificate=certificates.certificate, key=key, client_ca=certificates.key), "to trust"),
    ]:
        with pytest.raises(InputError, match=reason):
            asyncio.run(start(transport))


def test_a_taken_address_is_tried_again(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        transport = Syslog(listen=f"tcp://127.0.0.1:{port}")
        other = socket.create_server(("127.0.0.1", port))
        async with running(transport, intake, tmp_path):
            await intake.until(lambda: bool(intake.states))
            assert "Address already in use" in intake.states[0]
            other.close()
            await intake.until(lambda: intake.states[-1] == "")
            await Sender(transport).send([MESSAGE])
            await intake.until(lambda: intake.raw == [MESSAGE])

    asyncio.run(scenario())


def test_hostile_senders_cost_what_is_bounded_and_are_counted(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        transport = Syslog(
            listen=f"tcp://127.0.0.1:{port}", message_bytes=1000, connections=20, message_seconds=0.5, idle_seconds=60
        )
        async with running(transport, intake, tmp_path):
            endless_reader, endless = await connect(port)
            endless.write(b"<1>" + b"a" * (8 << 20))
            garbage_reader, garbage = await connect(port)
            garbage.write(b"6 <1>abcx")
            assert await garbage_reader.read() == b"", "a connection out of step is left open"
            slow_reader, slow = await connect(port)
            slow.write(b"<1>half")
            assert await asyncio.wait_for(slow_reader.read(), 5) == b"", "a slow sender is waited for without end"
            await endless_reader.read()
            half_open = [await connect(port) for _ in range(40)]
            closed = [reader for reader, _ in half_open if reader.at_eof() or await _is_closed(reader)]
            assert len(closed) >= 20
            for _, writer in half_open:
                writer.close()
            await asyncio.sleep(0.2)
            await Sender(transport).send([b"<1>\xff\0\xfe"])
            await intake.until(lambda: b"<1>\xff\0\xfe" in intake.raw)
            for writer in (endless, garbage, slow):
                writer.close()
        assert intake.raw == [b"<1>abc", b"<1>\xff\0\xfe"]
        assert intake.dropped["no count where a message should begin"] == 1
        assert intake.dropped["began and did not end in time"] == 2
        assert any("more than 20 connections" in state for state in intake.states)

    asyncio.run(scenario())


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    with suppress(TimeoutError, ConnectionError):
        return await asyncio.wait_for(reader.read(1), 0.02) == b""
    return False


def test_a_handshake_that_never_comes_ends(certificates: Certificates, free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        transport = over_tls(port, certificates, connections=2)
        async with running(transport, intake, tmp_path):
            silent = [await connect(port) for _ in range(3)]
            silent[0][1].write(b"\x16\x03\x01" + b"no handshake at all")
            await intake.until(lambda: any("handshake" in state for state in intake.states))
            await intake.until(lambda: any("more than 2" in state for state in intake.states))
            for _, writer in silent:
                writer.close()

    asyncio.run(scenario())


def test_senders_wait_while_the_intake_refuses_and_memory_is_bounded(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake(OverloadError("full", retry_after=0.1) for _ in iter(full.is_set, True))  # noqa: FBT003
        port = free_port()
        line = b"<1>" + b"a" * 60_000
        sent = 0
        async with running(Syslog(listen=f"tcp://127.0.0.1:{port}"), intake, tmp_path):
            _, writer = await connect(port)

            async def flood() -> None:
                nonlocal sent
                for _ in range(2000):
                    sent += 1
                    writer.write(line + b"\n")
                    await writer.drain()

            flooding = asyncio.create_task(flood())
            await asyncio.sleep(2)
            reached = sent
            await asyncio.sleep(0.5)
            assert sent == reached < 1500, "the sender is not made to wait"
            full.set()
            await flooding
            writer.close()
            await intake.until(lambda: len(intake.distinct) == 2000)
        assert not intake.dropped
        assert "full" in intake.states

    full = asyncio.Event()
    asyncio.run(scenario())


def test_what_udp_loses_is_counted(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        intake.hold()
        port = free_port()
        async with running(Syslog(listen=f"udp://127.0.0.1:{port}", message_bytes=9000), intake, tmp_path):
            await asyncio.sleep(0.1)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for n in range(8000):
                    sender.sendto(b"<1>" + b"a" * 8000, ("127.0.0.1", port))
                    if n % 20 == 0:
                        await asyncio.sleep(0)
                sender.sendto(b"a" * 9001, ("127.0.0.1", port))
            await asyncio.sleep(1.5)
            intake.release()
            await intake.until(lambda: len(intake.raw) + sum(intake.dropped.values()) == 8001)
        assert len(intake.raw) > 3000
        assert intake.dropped["arrived faster than the intake took it"] > 0

    asyncio.run(scenario())


def test_numbers_are_never_used_again_when_the_clock_is_set_back(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        sender = Sender(Syslog(listen=f"tcp://127.0.0.1:{free_port()}"))
        uids: set[str] = set()
        for year in (2026, 2025, 2026, 2025):
            intake = MemoryIntake()
            async with running(sender.transport, intake, tmp_path, now=datetime(year, 1, 1, tzinfo=UTC)):
                await sender.send([MESSAGE] * 3)
                await intake.until(lambda: len(intake.raw) == 3)  # noqa: B023
            uids |= set(intake.distinct)
        assert len(uids) == 12

    asyncio.run(scenario())


def test_what_was_read_lands_before_the_end(free_port: Port, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        port = free_port()
        async with running(Syslog(listen=f"tcp://127.0.0.1:{port}"), intake, tmp_path):
            _, writer = await connect(port)
            writer.write(b"<1>a\n<1>b\n<1>cut o")
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.close()
        assert intake.raw == [b"<1>a", b"<1>b"]
        assert intake.dropped == {"cut off inside a message": 1}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "settings",
    [
        {"listen": "tls://127.0.0.1:6514"},
        {"listen": "http://127.0.0.1:6514"},
        {"listen": "tcp://127.0.0.1"},
        {"listen": "tcp://127.0.0.1:99999"},
        {"listen": "udp://127.0.0.1:1", "certificate": Path("a")},
        {"listen": "udp://127.0.0.1:1", "message_bytes": 0},
    ],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"syslog|udp|message_bytes"):
        Syslog(**settings)
