from collections.abc import Callable
from typing import Any

import orjson
import pytest

from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.sources import raw_batch

Tag = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def tag() -> Tag:
    """Vendors' records in, events out with the entities that all of them together show."""
    normalizer = Normalizer(load_sources()[0])

    def tagged(*records: dict[str, Any]) -> list[dict[str, Any]]:
        normalized = normalizer.process(raw_batch([orjson.dumps(record) for record in records]))
        assert not [letter.reason for letter in normalized.dead_letters]
        graph = IdentityGraph()
        learn(graph, normalized.events)
        rows: list[dict[str, Any]] = Enricher(graph.publish()).process(normalized.events).to_pylist()
        return rows

    return tagged
