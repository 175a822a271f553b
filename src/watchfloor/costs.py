"""What stages cost this process: CPU seconds of the threads that do them.

The clock of a thread is read twice a stage and batch, some microseconds in all, so that to measure costs next to
nothing. Stages do not contain each other. What several threads do of one stage is added up.

>>> with cost("counting to ten"):
...     total = sum(range(10))
>>> spent()["counting to ten"] > 0
True
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

Costs = Mapping[str, float]
"""CPU seconds by stage."""

_spent: defaultdict[str, float] = defaultdict(float)
_lock = threading.Lock()


@contextmanager
def cost(stage: str) -> Iterator[None]:
    """Add what the block takes of the CPU, in this thread, to the cost of a stage."""
    began = time.thread_time()
    try:
        yield
    finally:
        seconds = time.thread_time() - began
        with _lock:
            _spent[stage] += seconds


def spent() -> dict[str, float]:
    """The costs of all stages so far."""
    with _lock:
        return dict(_spent)


def settled() -> dict[str, float]:
    """The costs of all stages since this was last asked for: for a process that tells another one of them."""
    with _lock:
        costs = dict(_spent)
        _spent.clear()
        return costs
