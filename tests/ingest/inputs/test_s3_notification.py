"""Messages of a queue, in the shapes that S3, SNS and EventBridge document, and what is none of them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.errors import RecordError
from watchfloor.ingest.inputs.s3_notification import Object, objects


def s3_event(*keys: str, name: str = "ObjectCreated:Put", **more: Any) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventTime": "2026-03-18T08:00:00.000Z",
                "eventName": name,
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
                    "object": {"key": key, "size": 1024, "eTag": "0" * 32, "sequencer": "00A", **more},
                },
            }
            for key in keys
        ]
    }


EVENT_BRIDGE = {
    "version": "0",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {
        "bucket": {"name": "logs"},
        "object": {"key": "a+b%2F c", "size": 5, "etag": "0" * 32, "version-id": "v1"},
        "reason": "PutObject",
    },
}
TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-03-18T08:00:00.000Z", "Bucket": "logs"}


def in_sns(message: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:::t", "Message": json.dumps(message)}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (s3_event("a", "b"), [Object("logs", "a"), Object("logs", "b")]),
        (
            s3_event("2026/03/a+b%2Bc%C3%A9%252F.gz", versionId="v1"),
            [Object("logs", "2026/03/a b+c\u00e9%2F.gz", "v1")],
        ),
        (in_sns(s3_event("a")), [Object("logs", "a")]),
        (in_sns(TEST), []),
        (EVENT_BRIDGE, [Object("logs", "a+b%2F c", "v1")]),
        (in_sns(EVENT_BRIDGE), [Object("logs", "a+b%2F c", "v1")]),
        (EVENT_BRIDGE | {"detail-type": "Object Deleted"}, []),
        (TEST, []),
        (s3_event("a", name="ObjectRemoved:Delete"), []),
        (s3_event("a", name="s3:ObjectCreated:CompleteMultipartUpload"), [Object("logs", "a")]),
        ({"Records": []}, []),
    ],
)
def test_shapes(message: dict[str, Any], expected: list[Object]) -> None:
    assert objects(json.dumps(message)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text",
        "[]",
        "{}",
        '{"Records": 1}',
        '{"Records": [{}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": 1}, "object": {"key": "a"}}}]}',
        '{"source": "aws.s3", "detail-type": "Object Created"}',
        '{"Type": "Notification", "Message": "text"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notification(body: str) -> None:
    with pytest.raises(RecordError, match="not a notification of S3"):
        objects(body)


NAMES = st.sampled_from(["Records", "s3", "bucket", "object", "key", "name", "eventName", "Message", "Type", "detail"])
ANYTHING = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(NAMES, inner) | st.lists(inner)
)


@given(ANYTHING)
def test_anything_is_read_or_refused(message: Any) -> None:
    with suppress(RecordError):
        assert all(isinstance(one, Object) for one in objects(json.dumps(message)))
