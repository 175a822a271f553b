"""String patterns with ``*`` and ``?``: how they are written down, and how they match in time linear in the value."""

import re
from collections.abc import Callable, Iterable
from enum import Enum

from watchfloor.detect.sigma.condition import Glob
from watchfloor.detect.sigma.folding import fold

TextMatcher = Callable[[str], bool]


class Wildcard(Enum):
    """What a pattern holds besides text."""

    MANY = "*"
    ONE = "?"


def glob(parts: Iterable[str | Wildcard], *, cased: bool = False, anywhere: bool = False) -> Glob:
    """The pattern made of these parts; ``anywhere`` lets it match inside a value, as keywords do.

    >>> glob(["C:", Wildcard.MANY, ".EXE"]).segments
    (('c:',), ('.exe',))
    >>> glob(["reg"], anywhere=True).segments
    (('',), ('reg',), ('',))
    """
    segments = [[""]]
    for part in (Wildcard.MANY, *parts, Wildcard.MANY) if anywhere else parts:
        if part is Wildcard.MANY:
            segments.append([""])
        elif part is Wildcard.ONE:
            segments[-1].append("")
        else:
            segments[-1][-1] += part if cased else fold(part)
    first, *rest = map(tuple, segments)
    if not rest:
        return Glob((first,), cased)
    *middle, last = rest
    return Glob((first, *(segment for segment in middle if segment != ("",)), last), cased)


class Shape(Enum):
    """The patterns that need no search for wildcards, and the rest."""

    EQUALS = "equals"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"
    CONTAINS = "contains"
    ANYTHING = "anything"
    LIKE = "like"


def shape(pattern: Glob) -> tuple[Shape, str]:
    """The kind of pattern, and its text where it has just one.

    >>> shape(glob(["a"], anywhere=True))
    (<Shape.CONTAINS: 'contains'>, 'a')
    """
    match pattern.segments:
        case ((text,),):
            return Shape.EQUALS, text
        case (("",), ("",)):
            return Shape.ANYTHING, ""
        case ((text,), ("",)):
            return Shape.STARTSWITH, text
        case (("",), (text,)):
            return Shape.ENDSWITH, text
        case (("",), (text,), ("",)):
            return Shape.CONTAINS, text
    return Shape.LIKE, ""


def literals(pattern: Glob) -> tuple[str, ...]:
    """The texts of a pattern, longest first."""
    texts = (text for segment in pattern.segments for text in segment if text)
    return tuple(sorted(texts, key=len, reverse=True))


def glob_matcher(pattern: Glob) -> TextMatcher:
    """Whether a text matches the pattern; the text is folded already, unless the pattern is cased.

    The parts between the ``*`` are found from left to right, each at its first place, which is enough: no pattern
    makes it go back.
    """
    kind, text = shape(pattern)
    match kind:
        case Shape.EQUALS:
            return text.__eq__
        case Shape.CONTAINS:
            return lambda value: text in value
        case Shape.STARTSWITH:
            return lambda value: value.startswith(text)
        case Shape.ENDSWITH:
            return lambda value: value.endswith(text)
        case Shape.ANYTHING:
            return lambda _value: True
    return _like(pattern)


def _like(pattern: Glob) -> TextMatcher:
    expressions = [re.compile(".".join(map(re.escape, segment)), re.DOTALL) for segment in pattern.segments]
    widths = [sum(map(len, segment)) + len(segment) - 1 for segment in pattern.segments]
    if len(expressions) == 1:
        return lambda value: expressions[0].fullmatch(value) is not None
    head, *middle, tail = expressions
    shortest = sum(widths)
    longest = next(iter(literals(pattern)), "")

    def matches(value: str) -> bool:
        if longest not in value:
            # So it is of most values, and this is much quicker than an expression.
            return False
        end = len(value) - widths[-1]
        if len(value) < shortest or head.match(value) is None or tail.match(value, end) is None:
            return False
        at = widths[0]
        for expression in middle:
            found = expression.search(value, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return matches
