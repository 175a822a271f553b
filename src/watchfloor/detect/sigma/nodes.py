"""Linked conditions: each holds of a row or not, and can say which predicates made it hold."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from watchfloor.detect.sigma.condition import Reference
from watchfloor.detect.sigma.matching import Matcher, related
from watchfloor.detect.sigma.scan import Ids
from watchfloor.detect.sigma.view import View


class Node(Protocol):
    """A condition of a linked program; predicates are numbers."""

    def __call__(self, view: View, row: int) -> bool:
        """Whether it holds of the row."""
        ...

    def witnesses(self, view: View, row: int) -> Iterator[int]:
        """The predicates that are true of the row and count towards it, given that it holds; none that are negated."""
        ...


class Scanned:
    """Predicates of one column that are looked for in all its values: all of them (``every``) or one."""

    def __init__(self, column: str, numbers: Ids, *, every: bool) -> None:
        self._column = column
        self._numbers = numbers
        self._every = every

    def __call__(self, view: View, row: int) -> bool:
        """Whether the row satisfies them."""
        found = view[self._column].predicates(row)
        return self._numbers <= found if self._every else not self._numbers.isdisjoint(found)

    def witnesses(self, view: View, row: int) -> Iterator[int]:
        """Those of them that the row satisfies."""
        yield from sorted(self._numbers & view[self._column].predicates(row))


class OnDemand:
    """A predicate that is looked at only for rows that come this far."""

    def __init__(self, column: str, number: int, matches: Matcher) -> None:
        self._column = column
        self._number = number
        self._matches = matches

    def __call__(self, view: View, row: int) -> bool:
        """Whether a value of the row satisfies it."""
        return view[self._column].satisfies(row, self._number, self._matches)

    def witnesses(self, view: View, row: int) -> Iterator[int]:
        """The predicate, if it is true."""
        if self(view, row):
            yield self._number


class Related:
    """A predicate on two columns."""

    def __init__(self, column: str, number: int, test: Reference) -> None:
        self._column = column
        self._number = number
        self._test = test

    def __call__(self, view: View, row: int) -> bool:
        """Whether a value of the one is so related to a value of the other."""
        relation, cased = self._test.relation, self._test.cased
        return any(
            related(relation, value, other, cased=cased)
            for value in view[self._column].values(row)
            for other in view[self._test.column].values(row)
        )

    def witnesses(self, view: View, row: int) -> Iterator[int]:
        """The predicate, if it is true."""
        if self(view, row):
            yield self._number


class Negation:
    """Not its part."""

    def __init__(self, part: Node) -> None:
        self._part = part

    def __call__(self, view: View, row: int) -> bool:
        """Whether the part does not hold."""
        return not self._part(view, row)

    def witnesses(self, view: View, row: int) -> Iterator[int]:  # noqa: ARG002 - a Node's signature
        """None: nothing in a row proves an absence."""
        return iter(())


class _Parts:
    def __init__(self, parts: Sequence[Node]) -> None:
        self._parts = tuple(parts)

    def __call__(self, view: View, row: int) -> bool:
        raise NotImplementedError

    def witnesses(self, view: View, row: int) -> Iterator[int]:
        for part in self._parts:
            if part(view, row):
                yield from part.witnesses(view, row)


class AllOf(_Parts):
    """All of its parts."""

    def __call__(self, view: View, row: int) -> bool:
        """Whether all parts hold."""
        for part in self._parts:  # noqa: SIM110 - the generator of all() costs more than the parts
            if not part(view, row):
                return False
        return True


class OneOf(_Parts):
    """One of its parts."""

    def __call__(self, view: View, row: int) -> bool:
        """Whether a part holds."""
        for part in self._parts:  # noqa: SIM110 - the generator of any() costs more than the parts
            if part(view, row):
                return True
        return False


class SomeOf(_Parts):
    """At least ``count`` of its parts."""

    def __init__(self, count: int, parts: Sequence[Node]) -> None:
        super().__init__(parts)
        self._count = count

    def __call__(self, view: View, row: int) -> bool:
        """Whether enough parts hold."""
        return sum(part(view, row) for part in self._parts) >= self._count
