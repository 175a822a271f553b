"""How long to wait before the next try."""

from collections.abc import Callable, Iterator
from random import SystemRandom

Random = Callable[[], float]
"""Gives a number from 0 up to 1."""

system_random: Random = SystemRandom().random


def delays(random: Random = system_random, *, first: float = 0.5, most: float = 30.0) -> Iterator[float]:
    """Seconds to wait, without end: twice as long each time, up to ``most``, and each cut by up to a half at random.

    >>> waits = delays(lambda: 0.0, most=3.0)
    >>> [next(waits) for _ in range(4)]
    [0.5, 1.0, 2.0, 3.0]
    """
    while True:
        yield first * (1 - random() / 2)
        first = min(2 * first, most)
