"""Which JSON objects are only the wrapping of an array of records.

An object is a wrapper if it has an array of records under one of these names, and nothing before that array but the
envelope of an interface's answer: counters, links to the next page and the like. (An audit record that happens to have
an array ``events`` tells who did it before; it stays one record.)

=================  ===========================================================
``Records``        CloudTrail files, S3 notifications
``records``        Azure diagnostic settings
``value``          Microsoft Graph and Azure answers
``Events``         ``aws cloudtrail lookup-events``
``events``         CloudWatch Logs and others
``logs``           Auth0
``items``          Google and Kubernetes lists
``results``        many
``entries``        Slack
``hits`` (nested)  Elasticsearch: ``{"hits": {"hits": [...]}}``
=================  ===========================================================
"""

import re
from typing import Any

import orjson

RECORD_ARRAYS = frozenset({"Records", "records", "value", "Events", "events", "logs", "items", "results", "entries"})
NESTED = "hits"

ENVELOPE = frozenset(
    {
        "@odata.context",
        "@odata.count",
        "@odata.deltaLink",
        "@odata.nextLink",
        "ResponseMetadata",
        "NextToken",
        "nextToken",
        "nextPageToken",
        "nextLink",
        "next",
        "next_cursor",
        "response_metadata",
        "_scroll_id",
        "_shards",
        "took",
        "timed_out",
        "max_score",
        "total",
        "count",
        "start",
        "limit",
        "length",
        "kind",
        "apiVersion",
        "metadata",
        "etag",
    }
)

MAX_ENVELOPE_BYTES = 64 << 10
"""What comes before the array may not be larger."""


def _names(names: frozenset[str]) -> bytes:
    return b"|".join(re.escape(name.encode()) for name in sorted(names))


_FIRST_KEY = re.compile(rb'\s*\{\s*"(?:' + _names(RECORD_ARRAYS | ENVELOPE | {NESTED}) + rb')"\s*:')
_ORDINARY = re.compile(rb'\{\s?"(?!(?:' + _names(RECORD_ARRAYS | ENVELOPE | {NESTED}) + rb')")')
HEAD_BYTES = len('{ ""') + max(map(len, RECORD_ARRAYS | ENVELOPE))
"""How much of an object :func:`is_ordinary` looks at."""
_ARRAY_KEY = (
    re.compile(rb'"(?:' + _names(RECORD_ARRAYS) + rb')"\s*:\s*\Z'),
    re.compile(rb'"' + NESTED.encode() + rb'"\s*:\s*\Z'),
)


def may_be_wrapper(text: bytes) -> bool:
    """Whether an object's first key, which must be at hand, is one that a wrapper begins with.

    >>> may_be_wrapper(b'{"Records": [{'), may_be_wrapper(b'{"eventVersion": 1')
    (True, False)
    """
    return _FIRST_KEY.match(text) is not None


def is_ordinary(head: bytes) -> bool:
    """Whether an object with this head is no wrapper, at first sight: False may only mean that its layout is unusual.

    >>> is_ordinary(b'{"eventVersion": 1'), is_ordinary(b'{"Records": [{'), is_ordinary(b"{}")
    (True, False, False)
    """
    return _ORDINARY.match(head) is not None


def has_array_name(before: bytes, depth: int) -> bool:
    """Whether an array that follows ``before``, ``depth`` (1 or 2) objects deep, is named as an array of records."""
    return _ARRAY_KEY[depth - 1].search(before) is not None


def is_wrapper(before: bytes, depth: int) -> bool:
    """Whether ``before``, an object up to its array's bracket, holds nothing but an envelope.

    >>> is_wrapper(b'{"@odata.context": "x", "value": ', 1), is_wrapper(b'{"actor": "alice", "events": ', 1)
    (True, False)
    """
    if len(before) > MAX_ENVELOPE_BYTES:
        return False
    members = _members(before + b"null" + b"}" * depth)
    return members is not None and not left_aside(members)


def left_aside(members: dict[str, Any]) -> list[str]:
    """The members of a wrapper that are neither its array nor its envelope.

    >>> left_aside({"Records": None, "took": 3, "user": "alice"})
    ['user']
    """
    nested = members.get(NESTED)
    known = RECORD_ARRAYS | ENVELOPE
    if not isinstance(nested, dict):
        return [key for key in members if key not in known]
    beside = [key for key in members if key not in known | {NESTED}]
    return beside + [f"{NESTED}.{key}" for key in nested if key not in known | {NESTED}]


def wrapping(text: bytes) -> list[str] | None:
    """What a wrapper, its array left out, says beside its envelope; None if it is not an object."""
    members = _members(text)
    return None if members is None else left_aside(members)


def _members(text: bytes) -> dict[str, Any] | None:
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return members if isinstance(members, dict) else None
