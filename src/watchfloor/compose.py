"""Operators made from operators."""

from collections.abc import Callable, Sequence

import msgspec
import pyarrow as pa

from watchfloor.costs import cost
from watchfloor.operator import Operator


class Stateless(msgspec.Struct, frozen=True):
    """A function on batches, as an operator."""

    function: Callable[[pa.RecordBatch], pa.RecordBatch]

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Apply the function."""
        return self.function(batch)


class Priced(msgspec.Struct, frozen=True):
    """An operator whose cost is noted."""

    stage: str
    operator: Operator

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Run the batch through the operator."""
        with cost(self.stage):
            return self.operator.process(batch)


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


def priced(stage: str, operator: Operator) -> Operator:
    """The operator; :func:`watchfloor.costs.spent` says what it costs."""
    return Priced(stage, operator)


def chain(*operators: Operator) -> Operator:
    """An operator that runs ``operators`` in order.

    >>> empty = pa.RecordBatch.from_pylist([], schema=pa.schema([("n", pa.int64())]))
    >>> chain(stateless(lambda b: b), stateless(lambda b: b)).process(empty) is empty
    True
    """
    return Chain(operators)
