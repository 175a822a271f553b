"""What collecting costs: events per CPU second of the process that reads, for each input, with an intake that counts.

Senders and servers are other processes, whose time is not counted. Run ``uv run --group live python
benchmarks/collect.py``; with names of inputs, only those.
"""

import argparse
import asyncio
import contextlib
import gzip
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from watchfloor.arrival import Arrival
from watchfloor.clock import system_clock
from watchfloor.ingest.inputs import Input, input_of

LINE = (
    b"<38>1 2026-03-18T08:00:00.%06dZ ws-17.example.com sshd 4711 - - Failed password for invalid user alice from "
    b"192.0.2.7 port 51234 ssh2: %06d attempts, session 0123456789abcdef, policy lockout-default, zone dmz"
)
PATIENCE = 120.0


class Counting:
    """Takes arrivals and counts them."""

    def __init__(self) -> None:
        self.count = 0
        self.arrivals = 0
        self.dropped = 0

    async def land(self, arrival: Arrival) -> None:
        """See :class:`watchfloor.arrival.Intake`."""
        self.count += len(arrival.raw)
        self.arrivals += 1

    def drop(self, path: str, reason: str, records: int = 1) -> None:
        """See :class:`watchfloor.arrival.Intake`."""
        del path, reason
        self.dropped += records


def lines(count: int) -> list[bytes]:
    """Different messages, of 200 bytes each."""
    return [LINE % (n % 1_000_000, n % 1_000_000) for n in range(count)]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@asynccontextmanager
async def process(code: str, *args: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another Python process; it says a line when it is ready."""
    command = [sys.executable, "-c", code, *map(str, args)]
    pipe = subprocess.PIPE
    made = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


async def measure(one: Input, count: int, state: Path, begin: Callable[[], Awaitable[None]] | None = None) -> str:
    """Run an input until all has arrived."""
    intake = Counting()
    stop = asyncio.Event()
    problems: list[str] = []
    cpu, wall = time.process_time(), time.monotonic()
    task = asyncio.create_task(
        one.run(intake, clock=system_clock, state=state, stop=stop, on_state=lambda _, text: problems.append(text))
    )
    await asyncio.sleep(0.3)
    if begin:
        await begin()
    end = wall + PATIENCE
    while intake.count + intake.dropped < count and time.monotonic() < end and not task.done():  # noqa: ASYNC110 - it is a number
        await asyncio.sleep(0.02)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    stop.set()
    await task
    rate = f"{intake.count / cpu:>12,.0f} events/CPU s {intake.count / wall:>12,.0f} events/s"
    told = f"; it says: {problems[-1]}" if problems and problems[-1] else ""
    return f"{rate} {intake.count:>9,} events in {intake.arrivals:,} arrivals, {intake.dropped:,} dropped{told}"


SEND = """
import socket, ssl, sys, time
kind, port, count, line = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()
message = [line % (n % 1_000_000, n % 1_000_000) for n in range(count)]
print("ready", flush=True)
sys.stdin.readline()
if kind == "udp":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for at in range(0, count, 50):
            for one in message[at : at + 50]:
                sender.sendto(one, ("127.0.0.1", port))
            time.sleep(0.0008)
else:
    sender = socket.create_connection(("127.0.0.1", port))
    if kind == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sender = context.wrap_socket(sender)
    if kind == "octets":
        sender.sendall(b"".join(b"%d %s" % (len(one), one) for one in message))
    else:
        sender.sendall(b"\\n".join(message) + b"\\n")
    sender.close()
time.sleep(60)
"""


async def syslog(kind: str, folder: Path, count: int) -> str:
    """Messages of one sender."""
    port = free_port()
    scheme = "tcp" if kind == "octets" else kind
    settings: dict[str, object] = {"kind": "syslog", "listen": f"{scheme}://127.0.0.1:{port}"}
    if kind == "tls":
        settings |= certificate(folder)
    async with process(SEND, kind, port, count, LINE.decode()) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        await sender.stdout.readline()
        pipe = sender.stdin

        async def begin() -> None:
            pipe.write(b"go\n")

        return await measure(input_of(settings, place="benchmark"), count, folder / kind, begin)


def certificate(folder: Path) -> dict[str, object]:
    """A certificate that nobody need trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"certificate": str(folder / "certificate.pem"), "key": {"file": str(folder / "key.pem")}}


async def tail(folder: Path, count: int) -> str:
    """One log file that is there at once."""
    (folder / "logs").mkdir()

    async def begin() -> None:
        (folder / "logs" / "app.log").write_bytes(b"\n".join(lines(count)) + b"\n")

    settings = {"kind": "tail", "files": [f"{folder}/logs/*.log"]}
    return await measure(input_of(settings, place="benchmark"), count, folder / "tail", begin)


async def drop(folder: Path, count: int) -> str:
    """One compressed file that is moved into a folder."""
    (folder / "drop").mkdir()
    (folder / "app.gz").write_bytes(gzip.compress(b"\n".join(lines(count)) + b"\n", 1))

    async def begin() -> None:
        (folder / "app.gz").rename(folder / "drop" / "app.gz")

    settings = {"kind": "folder", "folder": f"{folder}/drop", "settled_seconds": 0}
    return await measure(input_of(settings, place="benchmark"), count, folder / "folder", begin)


NATS = """
import asyncio, sys, nats
async def main():
    client = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    stream = client.jetstream()
    await stream.add_stream(name="logs", subjects=["logs.>"])
    count, line = int(sys.argv[2]), sys.argv[3].encode()
    for n in range(count):
        await client.publish("logs.app", line % (n % 1_000_000, n % 1_000_000))
    await client.flush(60)
    while (await stream.stream_info("logs")).state.messages < count:
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    await client.close()
asyncio.run(main())
"""


async def nats(folder: Path, count: int) -> str:
    """A stream that holds all messages."""
    port = free_port()
    config = folder / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}/nats" }}\n')
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec("nats-server", "-c", str(config), stdout=quiet, stderr=quiet)
    try:
        await asyncio.sleep(1)
        async with process(NATS, port, count, LINE.decode()) as sender:
            assert sender.stdout is not None
            await sender.stdout.readline()
            settings = {"kind": "nats", "servers": [f"nats://127.0.0.1:{port}"], "stream": "logs"}
            return await measure(input_of(settings, place="benchmark"), count, folder / "state")
    finally:
        server.kill()
        await server.wait()


KAFKA = """
import sys, time
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0, "linger.ms": 50})
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
line = sys.argv[2].encode()
for n in range(int(sys.argv[1])):
    producer.produce("logs", line % (n % 1_000_000, n % 1_000_000), partition=n % 4)
    if n % 10_000 == 0:
        producer.flush()
producer.flush()
print(f"{broker.host}:{broker.port}", flush=True)
time.sleep(600)
"""


async def kafka(folder: Path, count: int) -> str:
    """Four partitions that hold all messages; the cluster that librdkafka plays holds no more than 5 MiB in each."""
    count = min(count, 80_000)
    async with process(KAFKA, count, LINE.decode()) as cluster:
        assert cluster.stdout is not None
        broker = (await cluster.stdout.readline()).decode().strip()
        settings = {"kind": "kafka", "brokers": [broker], "topics": ["logs"]}
        return await measure(input_of(settings, place="benchmark"), count, folder / "state")


S3 = """
import gzip, sys, time, boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
options = {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-central-1"}
s3, sqs = boto3.client("s3", **options), boto3.client("sqs", **options)
s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
queue = sqs.create_queue(QueueName="new")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
s3.put_bucket_notification_configuration(Bucket="logs", NotificationConfiguration=told)
count, line = int(sys.argv[1]), sys.argv[2].encode()
for part in range(20):
    data = b"".join(line % (n, part) + b"\\n" for n in range(count // 20))
    s3.put_object(Bucket="logs", Key=f"{part}.gz", Body=gzip.compress(data, 1))
print(options["endpoint_url"], queue, flush=True)
time.sleep(600)
"""


async def s3(folder: Path, count: int) -> str:
    """Twenty compressed objects."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "example", "AWS_SECRET_ACCESS_KEY": "example"}
    async with process(S3, count, LINE.decode()) as server:
        assert server.stdout is not None
        endpoint, queue = (await server.stdout.readline()).decode().split()
        settings = {"kind": "s3", "queue": queue, "region": "eu-central-1", "buckets": ["logs"], "endpoint": endpoint}
        return await measure(input_of(settings, place="benchmark"), count, folder / "state")


async def idle(folder: Path, count: int) -> str:
    """A thousand log files that do not grow, however many events are asked for."""
    del count
    (folder / "logs").mkdir()
    for n in range(1000):
        (folder / "logs" / f"{n}.log").write_bytes(LINE % (n, n) + b"\n")
    intake, stop = Counting(), asyncio.Event()
    one = input_of({"kind": "tail", "files": [f"{folder}/logs/*.log"]}, place="benchmark")
    run = one.run(intake, clock=system_clock, state=folder / "state", stop=stop, on_state=lambda _, __: None)
    task = asyncio.create_task(run)
    while intake.count < 1000:  # noqa: ASYNC110 - it is a number
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    cpu = time.process_time()
    await asyncio.sleep(10)
    cpu = time.process_time() - cpu
    stop.set()
    await task
    return f"{cpu / 10:>12.2%} of a core"


MEASURED: dict[str, Callable[[Path, int], Coroutine[None, None, str]]] = {
    "udp": lambda folder, count: syslog("udp", folder, count),
    "tcp": lambda folder, count: syslog("tcp", folder, count),
    "octets": lambda folder, count: syslog("octets", folder, count),
    "tls": lambda folder, count: syslog("tls", folder, count),
    "tail": tail,
    "folder": drop,
    "nats": nats,
    "kafka": kafka,
    "s3": s3,
    "idle": idle,
}


def main() -> None:
    """Measure each input that is named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help=f"of {', '.join(MEASURED)}")
    parser.add_argument("--count", type=int, default=400_000, help="events")
    asked = parser.parse_args()
    for name in asked.inputs or MEASURED:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:8} {asyncio.run(MEASURED[name](Path(folder), asked.count))}", flush=True)


if __name__ == "__main__":
    main()
