"""What a message says of new objects, in the shapes in which S3's notifications come through a queue."""

from typing import Any
from urllib.parse import unquote_plus

import msgspec

from watchfloor.errors import RecordError

_NO_NOTIFICATION = "not a notification of S3"
_TEST = "s3:TestEvent"
_CREATED = "ObjectCreated:"
_CREATED_DETAIL = "Object Created"


class Object(msgspec.Struct, frozen=True):
    """An object that was made; ``version`` is that of a bucket with versions."""

    bucket: str
    key: str
    version: str | None = None


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Made(msgspec.Struct, frozen=True):
    key: str
    version: str | None = msgspec.field(default=None, name="versionId")


class _S3(msgspec.Struct, frozen=True):
    bucket: _Named
    made: _Made = msgspec.field(name="object")


class _Record(msgspec.Struct, frozen=True):
    event: str = msgspec.field(name="eventName")
    s3: _S3


class _Detailed(msgspec.Struct, frozen=True):
    key: str
    version: str | None = msgspec.field(default=None, name="version-id")


class _Detail(msgspec.Struct, frozen=True):
    bucket: _Named
    made: _Detailed = msgspec.field(name="object")


def objects(body: str) -> list[Object]:
    """The objects that a message says were made: none for a test, or if others were deleted.

    S3's own shape, wrapped by SNS or not, and EventBridge's. Keys are URL-encoded in S3's shape alone.

    >>> made = '{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "logs"}, "object": {"key": "a+b%2Fc"}}}'
    >>> objects('{"Records": [' + made + "]}")
    [Object(bucket='logs', key='a b/c', version=None)]

    Raises:
        RecordError: It is no notification of S3.
    """
    message = _decoded(body)
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        message = _decoded(message["Message"])
    if message.get("Event") == _TEST:
        return []
    try:
        if "Records" in message:
            records = msgspec.convert(message["Records"], list[_Record])
            return [
                _of_record(record.s3) for record in records if record.event.removeprefix("s3:").startswith(_CREATED)
            ]
        if message.get("source") == "aws.s3":
            if message.get("detail-type") != _CREATED_DETAIL:
                return []
            detail = msgspec.convert(message.get("detail"), _Detail)
            return [Object(detail.bucket.name, detail.made.key, detail.made.version)]
    except msgspec.ValidationError:
        raise RecordError(_NO_NOTIFICATION) from None
    raise RecordError(_NO_NOTIFICATION)


def _of_record(s3: _S3) -> Object:
    return Object(s3.bucket.name, unquote_plus(s3.made.key), s3.made.version)


def _decoded(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise RecordError(_NO_NOTIFICATION) from None
