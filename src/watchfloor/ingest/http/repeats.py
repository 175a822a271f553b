"""Tells a request that is sent again from another one that holds the same.

Whoever gets no answer sends a request again; its records must keep their ordinals, so that they keep their uids.
Whoever got one and sends the same once more has seen the same happen again: five equal lines in five requests are five.
"""

from collections.abc import Iterable, Iterator

REMEMBERED = 200_000
"""Records of which it is known that their sender was answered: at least so many, at most twice as many."""


class Repeats:
    """Which records were taken and answered for, by a keyed 64-bit hash: some 100 bytes of memory each.

    What was long ago, or before a restart, is not known: the same bytes count as sent again, then.

    >>> repeats = Repeats()
    >>> repeats.ordinals([b"a", b"a"])
    [0, 1]
    >>> repeats.ordinals([b"a"])  # sent again: there was no answer
    [0]
    >>> repeats.answered([b"a"], [0])
    >>> repeats.ordinals([b"a"])
    [1]
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._most = remembered
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def ordinals(self, raw: Iterable[bytes]) -> list[int]:
        """The ordinals of the records of one request."""
        here: dict[int, int] = {}
        return list(self._count(map(hash, raw), here))

    def _count(self, keys: Iterable[int], here: dict[int, int]) -> Iterator[int]:
        for key in keys:
            ordinal = here.get(key)
            if ordinal is None:
                ordinal = self._young.get(key) or self._old.get(key) or 0
            here[key] = ordinal + 1
            yield ordinal

    def answered(self, raw: Iterable[bytes], ordinals: Iterable[int]) -> None:
        """The sender of these records knows that they were taken."""
        for one, ordinal in zip(raw, ordinals, strict=True):
            key = hash(one)
            self._young[key] = max(ordinal + 1, self._young.get(key, 0))
        if len(self._young) > self._most:
            self._old, self._young = self._young, {}
