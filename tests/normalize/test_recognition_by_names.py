"""Which source is asked for a record is found by the record's names; the answer is that of asking all of them."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.errors import RecordError
from watchfloor.normalize import load_sources
from watchfloor.normalize.json_record import decode_json
from watchfloor.normalize.recognition import Recognition
from watchfloor.testing.sources import INGESTED_AT, sample_records, samples

SOURCES = load_sources()[0]
RECORDS = [
    (source.name, raw)
    for source in SOURCES
    for path in samples(source)
    for raw in sample_records(path)
    if raw.startswith(b"{")
]


def test_each_sample_is_recognised_as_its_source_in_any_order() -> None:
    recognition, backwards = Recognition(SOURCES), Recognition(SOURCES[::-1])
    for name, raw in [*RECORDS, *RECORDS[::-1], *RECORDS[::7]]:
        assert recognition.read(raw, INGESTED_AT).source.name == name
        assert backwards.read(raw, INGESTED_AT).source.name == name


def test_few_sources_are_asked_for_a_record() -> None:
    assert all(names for source in SOURCES for names in source.tells), "a source is asked for every record"


def test_a_source_tells_the_names_that_its_records_must_have_and_no_others() -> None:
    tells = {source.name: source.tells for source in SOURCES}
    assert tells["elastic_endpoint"] == (frozenset({"agent"}), frozenset({"_source"}))
    assert tells["falco"] == (frozenset({"output", "priority", "rule", "time", "output_fields"}),)


NAMES = sorted({name for source in SOURCES for names in source.tells for name in names})


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["x", 1, None, {"name": "x"}, []]), max_size=6))
def test_a_record_of_any_names_is_known_by_the_one_that_asking_all_finds(record: dict[str, Any]) -> None:
    naive = {source.name for source in SOURCES if source.recognises(record)}
    products = {source.name for source in SOURCES if source.name in naive and not source.generic}
    try:
        found = Recognition(SOURCES).read(orjson.dumps(record), INGESTED_AT).source.name
    except RecordError:
        assert not naive
    else:
        # Besides, a part of it may be the whole of another record.
        assert found in (products or naive) or not products


@pytest.mark.parametrize("raw", [b"{}", b'{"a":1}'])
def test_what_nobody_knows_is_refused(raw: bytes) -> None:
    assert decode_json(raw) is not None
    with pytest.raises(RecordError, match="no source recognises"):
        Recognition(SOURCES).read(raw, INGESTED_AT)
