"""Operators made from operators keep the laws."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.compose import chain, stateless
from watchfloor.operator import Operator
from watchfloor.testing.operators import check_operator


def _increased(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.set_column(0, "n", pc.add(batch.column("n"), 1))


def _even(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.filter(pc.equal(pc.bit_wise_and(batch.column("n"), 1), 0))


@settings(max_examples=20)
@given(st.lists(st.integers(-9, 9), max_size=8))
def test_a_chain_is_an_operator_that_runs_its_parts_in_order(numbers: list[int]) -> None:
    batch = pa.RecordBatch.from_pydict({"n": pa.array(numbers, pa.int64())})
    both = chain(stateless(_increased), chain(stateless(_even)), stateless(_increased))
    assert isinstance(both, Operator)
    check_operator(both, batch)
    assert both.process(batch).column("n").to_pylist() == [n + 2 for n in numbers if n % 2]


def test_a_chain_of_nothing_changes_nothing() -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1]})
    assert chain().process(batch) is batch
