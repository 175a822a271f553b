"""The laws of operators, run on each implementation: yours too."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from watchfloor.finding import Finding
from watchfloor.operator import KeyedOperator, Operator, Reference

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def check_operator(operator: Operator, batch: pa.RecordBatch) -> None:
    """The laws of a stateless operator: deterministic, batch-invariant, and the input is left alone.

    Raises:
        AssertionError: A law is broken.
    """
    before = batch.slice(0).to_pydict()
    whole = operator.process(batch).to_pylist()
    assert operator.process(batch).to_pylist() == whole, "not deterministic"
    assert batch.to_pydict() == before, "the input was changed"
    apart = [row for at in range(batch.num_rows) for row in operator.process(batch.slice(at, 1)).to_pylist()]
    assert apart == whole, "the split of the input changes the output"


def check_keyed(operator: KeyedOperator[Any], batch: pa.RecordBatch) -> None:
    """The laws of a keyed operator over a batch in event-time order.

    Any split of the input gives the same findings; keys are isolated; state survives ``dump`` and ``load`` at every
    point; the input is left alone.

    Raises:
        AssertionError: A law is broken.
    """
    before = batch.to_pydict()
    whole = run_keyed(operator, [batch])
    assert run_keyed(operator, [batch]) == whole, "not deterministic"
    assert batch.to_pydict() == before, "the input was changed"
    singles = [batch.slice(at, 1) for at in range(batch.num_rows)]
    assert run_keyed(operator, singles) == whole, "the split of the input changes the findings"
    assert run_keyed(operator, singles, through_bytes=True) == whole, "state does not survive dump and load"
    alone: list[Finding] = []
    for key in _distinct(batch, operator.key):
        alone += run_keyed(operator, [batch.filter(pa.compute.equal(batch.column(operator.key), key))])
    assert _ordered(alone) == _ordered(whole), "keys are not isolated"


def _distinct(batch: pa.RecordBatch, column: str) -> list[Any]:
    return [key for key in batch.column(column).unique().to_pylist() if key is not None]


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.uid, finding.revision))


def run_keyed(
    operator: KeyedOperator[Any], batches: Sequence[pa.RecordBatch], *, through_bytes: bool = False
) -> list[Finding]:
    """All findings of an operator over batches in event-time order, sessions closed at the end; by uid and revision."""
    states: dict[Any, Any] = {}
    findings: list[Finding] = []
    for batch in batches:
        selected = batch.filter(operator.select(batch))
        for key in _distinct(selected, operator.key):
            events = selected.filter(pa.compute.equal(selected.column(operator.key), key))
            state = states.get(key)
            if through_bytes and state is not None:
                state = operator.load(operator.dump(state))
            states[key], found = operator.step(state, events, Reference())
            findings += found
    for state in states.values():
        if state is not None:
            findings += operator.expire(state, END_OF_TIME)[1]
    return _ordered(findings)
