"""What one test says of another: a value that passes the first passes the second, or no value passes both.

Sound, not complete: an answer of ``True`` is a proof, ``False`` means that none was found.
"""

from ipaddress import ip_network
from math import inf

from watchfloor.detect.sigma.condition import Cidr, Compare, Exists, Glob, Test
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import Shape, shape
from watchfloor.detect.sigma.matching import matcher

Segments = tuple[tuple[str, ...], ...]


def implies(first: Test, second: Test) -> bool:
    r"""Whether every value that passes the first test passes the second.

    >>> from watchfloor.detect.sigma.globs import Wildcard, glob
    >>> implies(glob([Wildcard.MANY, "\\cmd.exe"]), glob(["exe"], anywhere=True))
    True
    >>> implies(glob(["exe"], anywhere=True), glob([Wildcard.MANY, "exe"]))
    False
    """
    if first == second or isinstance(second, Exists):
        return True
    match first, second:
        case Glob(), Glob():
            return _glob_implies(first, second)
        case Glob(), Cidr() | Compare(part=None) if (text := _only_text(first)) is not None:
            return matcher(second)(text)
        case Cidr(), Cidr():
            return _within(first, second)
        case Compare(), Compare():
            return first.part == second.part and _span(first).within(_span(second))
    return False


def excludes(first: Test, second: Test) -> bool:
    """Whether no value passes both tests.

    >>> from watchfloor.detect.sigma.globs import Wildcard, glob
    >>> excludes(glob(["4624"]), glob(["4625"]))
    True
    >>> excludes(glob([Wildcard.MANY, "cmd.exe"]), glob([Wildcard.MANY, "exe"]))
    False
    """
    match first, second:
        case Glob(), Glob():
            return _globs_exclude(first, second)
        case (Glob() as glob, (Cidr() | Compare(part=None)) as other) | (
            (Cidr() | Compare(part=None)) as other,
            Glob() as glob,
        ):
            text = _only_text(glob)
            return text is not None and not matcher(other)(text)
        case Compare(), Compare():
            return first.part == second.part and _span(first).apart(_span(second))
        case Cidr(), Cidr():
            return _apart(first, second)
    return False


def _only_text(pattern: Glob) -> str | None:
    """The one text that a pattern takes, up to case; folding changes no digit, dot or colon."""
    kind, text = shape(pattern)
    return text if kind is Shape.EQUALS else None


def _folded(segments: Segments) -> Segments:
    return tuple(tuple(map(fold, segment)) for segment in segments)


def _glob_implies(first: Glob, second: Glob) -> bool:
    if second.cased and not first.cased:
        return False
    given = first.segments if second.cased else _folded(first.segments)
    if (only := _plain(given)) is not None:
        return matcher(second)(only)
    kind, text = shape(second)
    match kind:
        case Shape.CONTAINS:
            holds = any(text in piece for segment in given for piece in segment)
        case Shape.STARTSWITH:
            holds = given[0][0].startswith(text)
        case Shape.ENDSWITH:
            holds = given[-1][-1].endswith(text)
        case _:
            holds = kind is Shape.ANYTHING or given == second.segments
    return holds


def _plain(segments: Segments) -> str | None:
    match segments:
        case ((text,),):
            return text
    return None


def _globs_exclude(first: Glob, second: Glob) -> bool:
    # What two patterns take is disjoint if it is without case: each takes at most what its folded form takes.
    one, other = (
        (first.segments, second.segments)
        if first.cased and second.cased
        else (_folded(first.segments), _folded(second.segments))
    )
    cased = first.cased and second.cased
    for given, pattern in ((one, other), (other, one)):
        if (only := _plain(given)) is not None:
            return not matcher(Glob(pattern, cased))(only)
    return _clash(one[0][0], other[0][0]) or _clash(one[-1][-1][::-1], other[-1][-1][::-1])


def _clash(one: str, other: str) -> bool:
    """Whether no text starts with both."""
    return not (one.startswith(other) or other.startswith(one))


class _Span:
    """The numbers that a comparison takes."""

    def __init__(self, low: float, high: float, *, low_open: bool = False, high_open: bool = False) -> None:
        self.low = (low, low_open)
        self.high = (high, not high_open)

    def within(self, other: "_Span") -> bool:
        return self.low >= other.low and self.high <= other.high

    def apart(self, other: "_Span") -> bool:
        return _before(self, other) or _before(other, self)


def _before(first: _Span, second: _Span) -> bool:
    end, closed = first.high
    start, opened = second.low
    return end < start or (end == start and (not closed or opened))


def _span(test: Compare) -> _Span:
    number = test.number
    match test.comparison:
        case "eq":
            return _Span(number, number)
        case "lt":
            return _Span(-inf, number, high_open=True)
        case "lte":
            return _Span(-inf, number)
        case "gt":
            return _Span(number, inf, low_open=True)
        case "gte":
            return _Span(number, inf)


def _within(first: Cidr, second: Cidr) -> bool:
    inner, outer = ip_network(first.network), ip_network(second.network)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # one version


def _apart(first: Cidr, second: Cidr) -> bool:
    # An IPv4-mapped address is in networks of both versions, so only equal versions can be told apart; and two IPv6
    # networks take no IPv4 address that is written as such.
    one, other = ip_network(first.network), ip_network(second.network)
    return one.version == other.version and not one.overlaps(other)
