"""Records that are mapped together become what each becomes alone, and one that cannot be mapped hurts no other."""

from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.normalize.test_hostile_records import SOURCES, raws, records, spoilt
from tests.normalize.test_mapping import source

from watchfloor.event import EVENT_SCHEMA
from watchfloor.native import DecodePlan
from watchfloor.normalize import Normalized, Normalizer, Source
from watchfloor.normalize.groups import MAX_ROWS
from watchfloor.normalize.words import FUNCTIONS
from watchfloor.testing.sources import normalize, raw_batch


def one_by_one(normalizer: Normalizer, batch: pa.RecordBatch) -> list[Normalized]:
    return [normalizer.process(batch.slice(row, 1)) for row in range(batch.num_rows)]


def agrees(normalizer: Normalizer, batch: pa.RecordBatch) -> None:
    together, alone = normalizer.process(batch), one_by_one(normalizer, batch)
    # What a dictionary of log sources looks like depends on the batch.
    events = [pa.Table.from_batches([one.events]).select(EVENT_SCHEMA.names) for one in [together, *alone]]
    assert events[0].equals(pa.concat_tables(events[1:]))
    assert together.dead_letters == [letter for one in alone for letter in one.dead_letters]


def test_all_samples_together_become_what_each_becomes_alone() -> None:
    every = [raw for one in SOURCES for raw in raws(one)]
    # Those of one source come apart.
    agrees(Normalizer(SOURCES), raw_batch([raw for start in range(7) for raw in every[start::7]]))


@pytest.mark.parametrize("of", list(filter(records, SOURCES)), ids=lambda one: one.name)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_spoilt_records_together_become_what_each_becomes_alone(of: Source, data: st.DataObject) -> None:
    some = data.draw(st.lists(spoilt(of), min_size=2, max_size=6))
    agrees(Normalizer([of]), raw_batch([orjson.dumps(one) for one in [*some, *some]]))


def test_a_record_that_cannot_be_mapped_is_its_own_dead_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def brittle(value: str) -> str:
        if value == "glass":
            raise ValueError("it broke")
        return value

    monkeypatch.setitem(FUNCTIONS, "brittle", brittle)
    doors = source(tmp_path / "doors", {"common": {"message": {"from": "words", "apply": "brittle"}}})
    words = ["glass" if number % 100 == 7 else f"word {number}" for number in range(2 * MAX_ROWS + 50)]
    some = [orjson.dumps({"id": str(at), "door": "n", "at": 1, "words": one}) for at, one in enumerate(words)]
    plan = DecodePlan(frozenset({"words"}))
    result = normalize(doors, [b"{", *some], plan)
    kept = [one for one in words if one != "glass"]
    assert result.events.column("message").to_pylist() == kept
    assert result.events.column("native.words").to_pylist() == kept
    first, *broken = result.dead_letters
    assert "invalid JSON" in first.reason
    assert {letter.reason for letter in broken} == {"doors: ValueError: it broke"}
    assert [letter.raw for letter in broken] == [one for one in some if b"glass" in one]


def test_what_was_chosen_comes_in_the_order_it_was_chosen_in(tmp_path: Path) -> None:
    doors = source(tmp_path / "doors")
    normalizer = Normalizer([doors], DecodePlan(frozenset({"words"})))
    some = [{"id": "1", "door": "n", "at": 1}, {"id": "2", "words": "a", "door": "n", "at": 1}]
    some += [{**some[0], "id": "3"}]
    decoded = normalizer.decode(raw_batch([orjson.dumps(one) for one in some]))
    wanted = [f"doors:{some[row]['id']}" for row in decoded.rows]
    for write in (normalizer.map, normalizer.identify):
        places, result = write(decoded, [0, 1, 2])
        assert places == [0, 1, 2]
        assert result.events.column("metadata.uid").to_pylist() == wanted
        assert result.events.column("origin.line").to_pylist() == [row + 1 for row in decoded.rows]
