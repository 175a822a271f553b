"""Objects in S3 buckets, as a queue of SQS tells of them.

A message is deleted after all records of its objects have landed. One that is no notification, or whose object cannot
be read, is counted and left in the queue: SQS shows it again, and moves it to the dead-letter queue of the redrive
policy in the end. An object that is read again has the same ordinals: they count from a number that its bucket, key and
version, or the hash of its content, give.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from watchfloor.arrival import Intake
from watchfloor.clock import Clock
from watchfloor.errors import RecordError
from watchfloor.ingest.files import place as printable
from watchfloor.ingest.inputs.extras import installed
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import origin
from watchfloor.ingest.inputs.s3_notification import Object, objects
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.ingest.inputs.whole import Whole
from watchfloor.ingest.limits import Limits, size_text
from watchfloor.ingest.stream import CHUNK_BYTES, Stream
from watchfloor.secret import Secret

_T = TypeVar("_T")
_WAIT_SECONDS = 5
_MOST_MESSAGES = 10
_VISIBLE_SECONDS = 120
_EXTEND_SECONDS = 40.0
_TIMEOUT_SECONDS = 30


class S3(Transport, frozen=True, kw_only=True, tag="s3"):
    """``{kind: s3, queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/logs", region: eu-central-1}``.

    Attributes:
        queue: The URL of the queue that S3 (or SNS, or EventBridge) tells.
        region: Its region.
        buckets: Those that objects are read from; what a message says of others is no notification.
        access_key_id: Credentials,
        secret_access_key: if not those of the environment, the instance or the pod.
        endpoint: Where S3 and SQS are, if not at AWS.
        at_once: How many objects are read at the same time.
        object_bytes: The largest object, as it lies there.
    """

    queue: str
    region: str
    buckets: tuple[str, ...]
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    endpoint: str | None = None
    at_once: int = 4
    object_bytes: int = 16 << 30

    def __post_init__(self) -> None:
        if urlsplit(self.queue).scheme not in {"https", "http"}:
            raise ValueError("queue: the URL of a queue")
        if not self.buckets:
            raise ValueError("buckets: at least one; a message could have any other read")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key: one needs the other")
        if not 0 < self.at_once <= 64 or self.object_bytes <= 0:
            raise ValueError("at_once is from 1 to 64, and object_bytes above 0")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"s3:{self.queue}"

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        del clock, state
        handover = Handover(self.path, intake, stop, on_state)
        sqs, s3 = self._client("sqs"), self._client("s3")
        with ThreadPoolExecutor(2 * self.at_once + 1, "s3") as threads, closing(sqs), closing(s3):
            await _Queue(self, handover, threads, sqs, s3).run()

    def _client(self, service: str) -> Any:
        boto3, config = installed("boto3", extra="s3"), installed("botocore.config", extra="s3")
        credentials: dict[str, str] = {}
        if self.access_key_id and self.secret_access_key:
            credentials = {
                "aws_access_key_id": self.access_key_id.read(),
                "aws_secret_access_key": self.secret_access_key.read(),
            }
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=config.Config(
                connect_timeout=_TIMEOUT_SECONDS,
                read_timeout=_TIMEOUT_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 3},
                max_pool_connections=2 * self.at_once + 1,
            ),
            **credentials,
        )


class _Queue:
    def __init__(self, settings: S3, handover: Handover, threads: Executor, sqs: Any, s3: Any) -> None:
        self._settings = settings
        self._handover = handover
        self._threads = threads
        self._sqs = sqs
        self._s3 = s3
        exceptions = installed("botocore.exceptions", extra="s3")
        self._errors: tuple[type[Exception], ...] = (exceptions.BotoCoreError, exceptions.ClientError)
        self._free = asyncio.Semaphore(settings.at_once)

    async def run(self) -> None:
        waits = self._handover.delays()
        async with asyncio.TaskGroup() as group:
            while not self._handover.stop.is_set():
                await self._free.acquire()
                self._free.release()
                try:
                    messages = await self._received()
                except self._errors as error:
                    self._handover.hindered(f"the queue: {_kind(error)}", of="queue")
                    await self._handover.pause(next(waits))
                else:
                    self._handover.hindered("", of="queue")
                    waits = self._handover.delays()
                    for message in messages:
                        await self._free.acquire()
                        group.create_task(self._work(message))

    async def _received(self) -> list[dict[str, Any]]:
        answer = await self._do(
            lambda: self._sqs.receive_message(
                QueueUrl=self._settings.queue,
                MaxNumberOfMessages=min(self._settings.at_once, _MOST_MESSAGES),
                WaitTimeSeconds=_WAIT_SECONDS,
                VisibilityTimeout=_VISIBLE_SECONDS,
            )
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def _work(self, message: dict[str, Any]) -> None:
        """Read what a message tells of, and delete it; hidden from others meanwhile."""
        handle = message["ReceiptHandle"]
        hiding = asyncio.create_task(self._hide(handle))
        try:
            if await self._landed(message.get("Body", "")):
                await self._do(lambda: self._sqs.delete_message(QueueUrl=self._settings.queue, ReceiptHandle=handle))
            elif self._handover.stop.is_set():
                await self._show(handle, after=0)
        except RecordError as error:
            self._handover.drop(f"left in the queue: {error}")
        except self._errors as error:
            self._handover.drop(f"left in the queue: {_kind(error)}")
        finally:
            hiding.cancel()
            self._free.release()

    async def _hide(self, handle: str) -> None:
        """Keep a message hidden for as long as it is worked on."""
        while True:
            await asyncio.sleep(_EXTEND_SECONDS)
            try:
                await self._show(handle, after=_VISIBLE_SECONDS)
            except self._errors as error:
                # Somebody else may get it, too: its records have the same ordinals.
                self._handover.hindered(f"a message cannot be kept hidden: {_kind(error)}", of="hiding")
            else:
                self._handover.hindered("", of="hiding")

    async def _show(self, handle: str, *, after: int) -> None:
        await self._do(
            lambda: self._sqs.change_message_visibility(
                QueueUrl=self._settings.queue, ReceiptHandle=handle, VisibilityTimeout=after
            )
        )

    async def _landed(self, body: str) -> bool:
        """Whether all records of a message's objects have landed.

        Raises:
            RecordError: It is no notification, or its object is refused.
        """
        made = objects(body)
        if any(one.bucket not in self._settings.buckets for one in made):
            raise RecordError("a bucket that the settings do not name")
        for one in made:
            if not await self._land(one):
                return False
        return True

    async def _land(self, made: Object) -> bool:
        version = {"VersionId": made.version} if made.version else {}
        answer = await self._do(lambda: self._s3.get_object(Bucket=made.bucket, Key=made.key, **version))
        with closing(answer["Body"]) as body:
            if answer["ContentLength"] > self._settings.object_bytes:
                raise RecordError(f"an object larger than {size_text(self._settings.object_bytes)}")
            whole = Whole(
                origin("s3", made.bucket, made.key, answer.get("VersionId") or answer["ETag"]),
                tenant=self._settings.tenant,
                source=self._settings.source,
                limits=Limits(),
                on_drop=self._handover.drop,
            )
            stream = Stream(iter(lambda: body.read(CHUNK_BYTES), b""))
            arrivals = whole.arrivals(stream, printable(f"s3://{made.bucket}/{made.key}"))
            while (arrival := await self._do(lambda: next(arrivals, None))) is not None:
                if not await self._handover.land(arrival) or self._handover.stop.is_set():
                    return False
        return True

    async def _do(self, function: Callable[[], _T]) -> _T:
        """What waits for the network."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _kind(error: Exception) -> str:
    """The code that the service gives, or the library's name for it; both are fixed words."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return code if code.isidentifier() or code.replace(".", "").isalnum() else type(error).__name__
