r"""STIX patterns to values, where a pattern is a choice of values.

Of STIX 2.1 patterning that is ``=``, ``IN`` and ``ISSUBSET``, joined by ``OR``: any of the values is a sighting. A
pattern that asks for more (``AND``, ``FOLLOWEDBY``, ``NOT``, ``LIKE``, ``MATCHES``, qualifiers) is refused: to match a
part of it would be to claim what its author does not.

>>> values_of("[domain-name:value = 'evil.example' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']")
(('domain', 'evil.example'), ('network', '198.51.100.0/24'))
>>> values_of("[domain-name:value = 'evil.example' AND url:value = 'http://evil.example/']")
Traceback (most recent call last):
ValueError: 'AND' is not understood there
"""

import re
from collections.abc import Callable, Iterator

from watchfloor.indicator import MAX_VALUE, Value, digest, domain, mail, network, url

MAX_PATTERN = 256 << 10
MAX_VALUES = 10_000
MAX_DEPTH = 100

_SHAPES = {"[": "[", "]": "]", "(": "(", ")": ")", "OR": "|"}
_CHOICE = re.compile(r"([co])(?:\|\1)+")
_PARENTHESES = re.compile(r"\(([co])\)")

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\['\\])*')
    |(?P<path>[a-z0-9-]+:(?:[\w-]+|'[^']*'|"[^"]*")(?:\.(?:[\w-]+|'[^']*'|"[^"]*")|\[[^\]]*\])*)
    |(?P<mark>[\[\](),=])
    |(?P<word>[A-Za-z!<>]\S*|\S)
    )""",
    re.VERBOSE,
)
_HASHES = re.compile(r"(?:[\w-]+:|.*\.)hashes\.(?:[\w-]+|'[^']*'|\"[^\"]*\")")

Token = tuple[str, str]


def values_of(pattern: str) -> tuple[Value, ...]:
    """The values of a pattern, each once.

    Raises:
        ValueError: It asks for more than one of some values, is too long, or is no pattern.
    """
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a pattern of more than {MAX_PATTERN >> 10} KiB")
    tokens = _tokens(pattern)
    found: dict[Value, None] = {}
    shape = []
    for kind, text in tokens:
        if kind == "path":
            found.update(dict.fromkeys(_compared(text, tokens)))
            shape.append("c")
        elif text in _SHAPES:
            shape.append(_SHAPES[text])
        else:
            raise ValueError(f"{text[:40]!r} is not understood there")
        if len(found) > MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES:,} values")
    if not _is_whole("".join(shape)):
        raise ValueError("no whole pattern")
    return tuple(found)


def _is_whole(shape: str) -> bool:
    """Whether comparisons (``c``) in brackets are observations, joined and nested as they may be."""
    if shape.count("(") > MAX_DEPTH:
        return False
    before = ""
    while shape != before:
        before = shape
        shape = _CHOICE.sub(r"\1", _PARENTHESES.sub(r"\1", shape)).replace("[c]", "o")
    return shape == "o"


def _tokens(pattern: str) -> Iterator[Token]:
    at, end = 0, len(pattern.rstrip())
    while at < end:
        found = _TOKEN.match(pattern, at)
        assert found is not None  # noqa: S101 - the last alternative takes any character
        at = found.end()
        kind = str(found.lastgroup)
        yield kind, found[kind]


def _compared(path: str, tokens: Iterator[Token]) -> Iterator[Value]:
    _, operator = next(tokens, ("", ""))
    if operator in {"=", "ISSUBSET"}:
        yield _value(path, next(tokens, ("", "")))
    elif operator == "IN" and next(tokens, None) == ("mark", "("):
        while True:
            yield _value(path, next(tokens, ("", "")))
            following = next(tokens, None)
            if following == ("mark", ")"):
                return
            if following != ("mark", ","):
                raise ValueError("a set without its end")
    else:
        raise ValueError(f"the comparison {operator[:20]!r} is not understood")


def _value(path: str, token: Token) -> Value:
    kind, quoted = token
    if kind != "string" or len(quoted) > MAX_VALUE:
        raise ValueError(f"{path[:60]} is not compared with a text")
    text = quoted[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    value = _reading(path)(text)
    if value is None:
        raise ValueError(f"{text[:60]!r} is no value of {path[:60]}")
    return value


def _reading(path: str) -> Callable[[str], Value | None]:
    readings: dict[str, Callable[[str], Value | None]] = {
        "ipv4-addr:value": network,
        "ipv6-addr:value": network,
        "domain-name:value": lambda text: _as("domain", domain(text)),
        "url:value": lambda text: _as("url", url(text)),
        "email-addr:value": lambda text: _as("mail", mail(text)),
        "email-message:from_ref.value": lambda text: _as("mail", mail(text)),
        "email-message:sender_ref.value": lambda text: _as("mail", mail(text)),
        "network-traffic:dst_ref.value": _end,
        "network-traffic:src_ref.value": _end,
    }
    if path in readings:
        return readings[path]
    if _HASHES.fullmatch(path):
        return lambda text: _as("hash", digest(text))
    raise ValueError(f"{path[:60]} is not matched")


def _end(text: str) -> Value | None:
    return network(text) or _as("domain", domain(text))


def _as(kind: str, text: str | None) -> Value | None:
    return None if text is None else (kind, text)  # type: ignore[return-value]  # the kinds of the table above
