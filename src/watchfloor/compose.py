"""Operators made from operators."""

from collections.abc import Callable, Sequence

import msgspec
import pyarrow as pa

from watchfloor.operator import Operator


class Stateless(msgspec.Struct, frozen=True):
    """A function on batches, as an operator."""

    function: Callable[[pa.RecordBatch], pa.RecordBatch]

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Apply the function."""
        return self.function(batch)


class Chain(msgspec.Struct, frozen=True):
    """Operators one after the other; a chain is an operator."""

    operators: Sequence[Operator]

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Run the batch through all of them."""
        for operator in self.operators:
            batch = operator.process(batch)
        return batch


def stateless(function: Callable[[pa.RecordBatch], pa.RecordBatch]) -> Operator:
    """An operator that applies ``function`` to each batch."""
    return Stateless(function)


def chain(*operators: Operator) -> Operator:
    """An operator that runs ``operators`` in order.

    >>> empty = pa.RecordBatch.from_pylist([], schema=pa.schema([("n", pa.int64())]))
    >>> chain(stateless(lambda b: b), stateless(lambda b: b)).process(empty) is empty
    True
    """
    return Chain(operators)
