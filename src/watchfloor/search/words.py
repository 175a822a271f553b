r"""A query's text as tokens.

A quoted text ends at the next quote; two quotes in it are one. Backslashes mean themselves, as paths of Windows need
it.
"""

import re
from collections.abc import Iterator
from enum import Enum

import msgspec

from watchfloor.search.syntax import refused

LONGEST = 65_536
"""How many characters a query may have."""


class Kind(Enum):
    """What a token is."""

    FIELD = "a field and its operator"
    WORD = "a word"
    QUOTED = "a quoted text"
    SIGN = "a sign"
    END = "the end"


class Token(msgspec.Struct, frozen=True):
    """A token, and where it begins; of a field, ``operator`` is what follows its name."""

    kind: Kind
    text: str
    at: int
    operator: str = ""


_SPACE = re.compile(r"\s*")
_SIGN = re.compile(r"[()|,]")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_FIELD = re.compile(r"([A-Za-z_][\w.\-@#$/\[\]]*)\s*(:|!=|>=|<=|=|<|>)")
_WORD = re.compile(r'[^\s()|,"]+')


def tokens(query: str) -> Iterator[Token]:
    """The tokens of a query, with one for its end.

    >>> [token.text for token in tokens('user:alice (login OR "log in") | count')]
    ['user', 'alice', '(', 'login', 'OR', 'log in', ')', '|', 'count', '']

    Raises:
        InputError: The query is too long, is not text, or a quote is not closed.
    """
    if len(query) > LONGEST:
        raise refused(LONGEST, f"longer than {LONGEST:,} characters")
    for at, char in enumerate(query):
        if "\ud800" <= char <= "\udfff":
            raise refused(at, "half of a character (a byte that is no UTF-8)")
    at = _end(_SPACE, query, 0)
    value = several = False
    while at < len(query):
        token, at = _next(query, at, value=value or several)
        # What follows an operator is a value, or several between brackets.
        several = (several or value) and token.kind is (Kind.SIGN if value else token.kind) and token.text != ")"
        value = token.kind is Kind.FIELD
        yield token
        at = _end(_SPACE, query, at)
    yield Token(Kind.END, "", len(query))


def _next(query: str, at: int, *, value: bool) -> tuple[Token, int]:
    """The token at a place, and where it ends; what follows an operator is a value, whatever it looks like."""
    if found := _SIGN.match(query, at):
        return Token(Kind.SIGN, found[0], at), found.end()
    if query[at] == '"':
        if found := _QUOTED.match(query, at):
            return Token(Kind.QUOTED, found[1].replace('""', '"'), at), found.end()
        raise refused(at, "the quote is not closed")
    if not value and (found := _FIELD.match(query, at)):
        return Token(Kind.FIELD, found[1], at, found[2]), found.end()
    found = _WORD.match(query, at)
    # Whatever is no space, sign or quote is part of a word.
    text = found[0] if found else query[at]
    return Token(Kind.WORD, text, at), at + len(text)


def _end(pattern: re.Pattern[str], query: str, at: int) -> int:
    found = pattern.match(query, at)
    return found.end() if found else at
