"""Objects of S3 told of by SQS, from a server that speaks as AWS does (moto)."""

import asyncio
import gzip
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx
import msgspec
import pytest
from moto.server import ThreadedMotoServer

from watchfloor.errors import StoreError
from watchfloor.ingest.inputs import s3 as module
from watchfloor.ingest.inputs.s3 import S3
from watchfloor.secret import Secret
from watchfloor.testing.inputs import MemoryIntake, check_input, running

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
REGION = "eu-central-1"


class Bucket:
    """A bucket that tells a queue of its objects; the queue has a dead-letter queue."""

    def __init__(self, endpoint: str, folder: Path, **settings: Any) -> None:
        (folder / "id").write_text("AKIAEXAMPLE")
        (folder / "secret").write_text("wJalrEXAMPLE")
        options = {
            "region_name": REGION,
            "endpoint_url": endpoint,
            "aws_access_key_id": "AKIAEXAMPLE",
            "aws_secret_access_key": "wJalrEXAMPLE",
        }
        self.s3, self.sqs = boto3.client("s3", **options), boto3.client("sqs", **options)
        self.s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": 3}
        self.queue = self.sqs.create_queue(QueueName="new", Attributes={"RedrivePolicy": json.dumps(redrive)})[
            "QueueUrl"
        ]
        told = {"QueueArn": self._arn(self.queue), "Events": ["s3:ObjectCreated:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket="logs", NotificationConfiguration={"QueueConfigurations": [told]}
        )
        self.transport = S3(
            queue=self.queue,
            region=REGION,
            buckets=("logs",),
            access_key_id=Secret(file=folder / "id"),
            secret_access_key=Secret(file=folder / "secret"),
            endpoint=endpoint,
            **settings,
        )
        self._sent: list[int] = []

    def _arn(self, queue: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket="logs", Key=key, Body=data)

    async def send(self, records: Sequence[bytes]) -> None:
        self._sent.append(len(records))
        data = b"".join(record + b"\n" for record in records)
        await asyncio.to_thread(self.put, f"2026/03/{len(self._sent)} +.ndjson", data)

    async def acknowledged(self) -> int | None:
        left = self.waiting(self.queue)
        return sum(self._sent) - sum(self._sent[len(self._sent) - left :])

    def waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def tell(self, body: object) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body if isinstance(body, str) else json.dumps(body))


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 1)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        # What another server of this process holds, this one holds, too.
        httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
        yield Bucket(f"http://{host}:{port}", tmp_path)
    finally:
        server.stop()


def test_the_laws_of_inputs(bucket: Bucket, tmp_path: Path) -> None:
    asyncio.run(check_input(bucket, tmp_path / "state"))


def test_any_compression_and_hostile_keys_and_tests_are_left_out(bucket: Bucket, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        bucket.tell({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"})
        bucket.put("a b+%2F\u202e/trail.json.gz", gzip.compress(b'{"Records": [{"n": 1}, {"n": 2}]}'))
        bucket.put("../../etc/passwd", b"name,user\n3,alice\n")
        async with running(bucket.transport, intake, tmp_path):
            await intake.until(lambda: len(intake.raw) == 3)
            await intake.until(lambda: bucket.waiting(bucket.queue) == 0)
        assert sorted(intake.raw) == [b'{"n": 1}', b'{"n": 2}', b'{"name":"3","user":"alice"}']
        assert {arrival.path for arrival in intake.arrivals} == {
            "s3://logs/a b+%2F\\u202e/trail.json.gz",
            "s3://logs/../../etc/passwd",
        }

    asyncio.run(scenario())


def test_what_cannot_be_read_is_counted_and_left_to_the_redrive_policy(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_VISIBLE_SECONDS", 1)

    def told(bucket: str, key: str) -> dict[str, Any]:
        return {
            "Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]
        }

    async def scenario() -> None:
        intake = MemoryIntake()
        bucket.tell("poison")
        bucket.tell(told("logs", "missing"))
        bucket.tell(told("payroll", "salaries.csv"))
        bucket.put("good", b'{"n": 1}\n')
        async with running(bucket.transport, intake, tmp_path):
            await intake.until(lambda: bucket.waiting(bucket.dead) == 3)
            await intake.until(lambda: bucket.waiting(bucket.queue) == 0)
        assert intake.raw == [b'{"n": 1}']
        assert intake.dropped == {
            "left in the queue: not a notification of S3": 3,
            "left in the queue: NoSuchKey": 3,
            "left in the queue: a bucket that the settings do not name": 3,
        }

    asyncio.run(scenario())


def test_a_message_that_comes_twice_has_the_same_uids_and_a_new_version_has_others(
    bucket: Bucket, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uids = []
        bucket.s3.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
        for again in (False, True, False):
            intake = MemoryIntake()
            if again:
                bucket.tell(
                    {"source": "aws.s3", "detail-type": "Object Created",
                     "detail": {"bucket": {"name": "logs"}, "object": {"key": "a b"}}}
                )  # fmt: skip
            else:
                bucket.put("a b", b'{"n": 1}\n{"n": 1}\n')
            async with running(bucket.transport, intake, tmp_path):
                await intake.until(lambda: len(intake.raw) == 2)  # noqa: B023
            assert len(intake.distinct) == 2
            uids.append(set(intake.distinct))
        assert uids[0] == uids[1]
        assert not uids[0] & uids[2]

    asyncio.run(scenario())


def test_a_message_stays_hidden_as_long_as_its_object_is_read(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_VISIBLE_SECONDS", 2)
    monkeypatch.setattr(module, "_EXTEND_SECONDS", 0.5)

    async def scenario() -> None:
        intake = MemoryIntake()
        intake.hold()
        bucket.put("slow", b'{"n": 1}\n')
        async with running(bucket.transport, intake, tmp_path):
            await intake.until(lambda: intake.waiting > 0)
            await asyncio.sleep(5)
            intake.release()
            await intake.until(lambda: bucket.waiting(bucket.queue) == 0)
        assert len(intake.arrivals) == 1, "it was shown to somebody else"
        assert not intake.dropped

    asyncio.run(scenario())


def test_what_is_refused_until_the_end_is_shown_again_at_once(bucket: Bucket, tmp_path: Path) -> None:
    async def scenario() -> None:
        bucket.put("a", b'{"n": 1}\n')
        refusing = MemoryIntake(StoreError("read-only") for _ in range(1000))
        async with running(bucket.transport, refusing, tmp_path):
            await refusing.until(lambda: "read-only" in refusing.states)
        intake = MemoryIntake()
        before = time.monotonic()
        async with running(bucket.transport, intake, tmp_path):
            await intake.until(lambda: intake.raw == [b'{"n": 1}'])
        assert time.monotonic() - before < 20

    asyncio.run(scenario())


def test_large_objects_are_read_in_pieces_and_too_large_ones_are_left(bucket: Bucket, tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        lines = [b'{"n": %d, "pad": "%s"}' % (n, b"a" * 500) for n in range(40_000)]
        bucket.put("large.gz", gzip.compress(b"\n".join(lines), 1))
        bucket.put("larger", bytes(6 << 20))
        transport = msgspec.structs.replace(bucket.transport, object_bytes=5 << 20)
        async with running(transport, intake, tmp_path):
            await intake.until(lambda: len(intake.raw) == len(lines) and bool(intake.dropped))
        assert intake.raw == lines
        assert max(sum(map(len, arrival.raw)) for arrival in intake.arrivals) < 17 << 20
        assert intake.dropped == {"left in the queue: an object larger than 5 MiB": 1}

    asyncio.run(scenario())


def test_a_queue_that_is_not_there_is_told(bucket: Bucket, tmp_path: Path, free_port: Any) -> None:
    async def scenario() -> None:
        for change in ({"queue": bucket.queue + "none"}, {"endpoint": f"http://127.0.0.1:{free_port()}"}):
            intake = MemoryIntake()
            async with running(msgspec.structs.replace(bucket.transport, **change), intake, tmp_path):
                await intake.until(lambda: bool(intake.states))  # noqa: B023
            assert intake.states[0].startswith("the queue: ")
            assert "EXAMPLE" not in "".join(intake.states)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "settings",
    [{"queue": "logs"}, {"buckets": ()}, {"access_key_id": Secret(env="A")}, {"at_once": 0}, {"object_bytes": 0}],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"queue|buckets|needs|at_once"):
        S3(**{"queue": "https://sqs.example.com/1/logs", "region": REGION, "buckets": ("logs",)} | settings)
