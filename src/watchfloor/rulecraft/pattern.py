r"""A test in the words of a rule's author: ``Image endswith \cmd.exe``."""

from watchfloor.detect.sigma.columns import field_of
from watchfloor.detect.sigma.condition import Cidr, Compare, Exists, Glob, Predicate, Reference, Regex, Test
from watchfloor.detect.sigma.globs import Shape, shape

_SIGNS = {"eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_WORDS = {Shape.EQUALS: "is", Shape.STARTSWITH: "startswith", Shape.ENDSWITH: "endswith", Shape.CONTAINS: "contains"}


def pattern(predicate: Predicate) -> str:
    r"""A predicate as text: the field, how it is compared, and with what.

    >>> from watchfloor.detect.sigma.globs import Wildcard, glob
    >>> pattern(Predicate("native.Image", glob([Wildcard.MANY, "\\cmd.exe"])))
    'Image endswith \\cmd.exe'
    """
    name = field_of(predicate.column) or "any value"
    relation, text = relation_of(predicate.test)
    return f"{name} {relation} {text}".rstrip()


def relation_of(test: Test) -> tuple[str, str]:
    """How a test compares, and with what.

    >>> relation_of(Compare("gte", 10))
    ('>=', '10')
    """
    match test:
        case Glob(_, cased):
            relation, text = _glob(test)
            return f"{relation} (cased)" if cased else relation, text
        case Regex(expression, flags):
            return f"matches ({flags})" if flags else "matches", expression
        case Cidr(network):
            return "in", network
        case Compare(comparison, number, part):
            sign = _SIGNS[comparison]
            return f"{part} {sign}" if part else sign, str(number)
        case Exists():
            return "exists", ""
        case Reference(column, relation, cased):
            words = "is" if relation == "equals" else relation
            return f"{words} (cased)" if cased else words, f"the field {field_of(column)}"


def _glob(test: Glob) -> tuple[str, str]:
    kind, text = shape(test)
    if kind is Shape.EQUALS and not text:
        return "is empty", ""
    if kind in _WORDS:
        return _WORDS[kind], text
    return "like", "*".join("?".join(segment) for segment in test.segments)
