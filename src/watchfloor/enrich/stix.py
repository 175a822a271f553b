"""STIX 2.1 objects to indicators, defensively: what cannot be used is counted with the reason, the rest is used.

>>> one = {"type": "indicator", "id": "indicator--00000000-0000-4000-8000-000000000001", "pattern_type": "stix",
...        "pattern": "[domain-name:value = 'evil.example']", "valid_from": "2026-01-01T00:00:00Z", "confidence": 80}
>>> read_objects([one], feed="acme").indicators[0].values
(('domain', 'evil.example'),)
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from watchfloor.enrich.stix_pattern import values_of
from watchfloor.errors import InputError
from watchfloor.indicator import Indicator

MAX_BYTES = 256 << 20
MAX_OBJECTS = 1_000_000

_ID = re.compile(r"indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Intelligence(msgspec.Struct, frozen=True):
    """The indicators of some objects, and how many were refused, by reason; of each id the newest version."""

    indicators: tuple[Indicator, ...]
    refused: Counter[str]


def read_bundle(data: bytes, *, name: str, feed: str, confidence: int | None = None) -> Intelligence:
    """The indicators of a file: a bundle, a list of objects, or one object.

    Raises:
        InputError: It is no JSON, or larger than a file may be.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB; split it")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name}: not JSON: {error}") from error
    if isinstance(document, dict):
        document = document.get("objects", [document])
    if not isinstance(document, list):
        raise InputError(f"{name}: no STIX bundle and no list of objects")
    return read_objects(document, feed=feed, confidence=confidence)


def read_objects(objects: Iterable[Any], *, feed: str, confidence: int | None = None) -> Intelligence:
    """The indicators among STIX objects; ``confidence`` is that of the feed, for those that have none."""
    newest: dict[str, Indicator] = {}
    refused: Counter[str] = Counter()
    for number, one in enumerate(objects):
        if number >= MAX_OBJECTS:
            refused[f"beyond {MAX_OBJECTS:,} objects"] += 1
        elif isinstance(one, dict) and one.get("type") == "indicator":
            try:
                indicator = _indicator(one, feed, confidence)
            except (ValueError, TypeError, OverflowError) as error:
                refused[str(error)[:120]] += 1
                continue
            known = newest.get(indicator.id)
            if known is None or known.modified <= indicator.modified:
                newest[indicator.id] = indicator
    return Intelligence(tuple(newest.values()), refused)


def _indicator(one: Mapping[str, Any], feed: str, confidence: int | None) -> Indicator:
    uid = one.get("id")
    if not isinstance(uid, str) or not _ID.fullmatch(uid):
        raise ValueError("an indicator without an id of STIX 2.1")
    revoked = one.get("revoked") is True
    modified = _moment(one.get("modified")) or _moment(one.get("created")) or 0
    if revoked:
        return Indicator(uid, (), feed, modified=modified, revoked=True)
    if one.get("pattern_type", "stix") != "stix":
        raise ValueError(f"a pattern of type {str(one.get('pattern_type'))[:20]!r}")
    pattern = one.get("pattern")
    if not isinstance(pattern, str):
        raise TypeError("an indicator without a pattern")
    own = one.get("confidence")
    name = one.get("name")
    return Indicator(
        uid,
        values_of(pattern),
        feed,
        name=" ".join(name.split())[:256] if isinstance(name, str) else "",
        confidence=own if isinstance(own, int) and not isinstance(own, bool) and 0 <= own <= 100 else confidence,
        since=_moment(one.get("valid_from")) or 0,
        until=_moment(one.get("valid_until")),
        modified=modified,
    )


def _moment(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError("a time that is none")
    moment = datetime.fromisoformat(value)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
