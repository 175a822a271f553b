"""Tokens as a :class:`watchfloor.search.syntax.Query`.

::

    query     = [condition] {"|" pipe}
    condition = all {"OR" all}
    all       = one {["AND"] one}
    one       = "NOT" one | "(" condition ")" | "exists" "(" FIELD ")" | FIELD operator values | text
    values    = value | "(" value {("OR" | ",") value} ")"
    pipe      = "where" condition | "count" ["by" names] | "top" [N] names | "fields" names | "sort" ["-"]name {"," …}
              | "head" [N] | "dedup" names | "timechart" ["span=" LENGTH] ["by" FIELD]
"""

from collections.abc import Callable

from watchfloor.search import moments
from watchfloor.search.syntax import (
    And,
    Condition,
    Count,
    Dedup,
    Exists,
    Fields,
    Head,
    Name,
    Not,
    Or,
    Pipe,
    Query,
    Sort,
    Test,
    Text,
    Timechart,
    Top,
    Value,
    Where,
    refused,
)
from watchfloor.search.words import Kind, Token, tokens

DEEPEST = 50
MOST_TOKENS = 5_000
MOST_ROWS = 1_000_000_000
TOP = 10
HEAD = 10
SPAN = 3_600_000


def parse(query: str) -> Query:
    """Read a query.

    Raises:
        InputError: It is not one; the message says where and why.
    """
    reader = _Reader(query)
    condition = And(()) if reader.at_sign("|") or reader.token.kind is Kind.END else reader.condition()
    pipes = []
    while reader.take_sign("|"):
        pipes.append(reader.pipe())
    if reader.token.kind is not Kind.END:
        raise refused(reader.token.at, f"{reader.token.text!r} is one too many")
    return Query(condition, tuple(pipes))


class _Reader:
    def __init__(self, query: str) -> None:
        self._tokens = list(tokens(query))
        if len(self._tokens) > MOST_TOKENS:
            raise refused(self._tokens[MOST_TOKENS].at, f"more than {MOST_TOKENS:,} words")
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def at_sign(self, sign: str) -> bool:
        return self.token.kind is Kind.SIGN and self.token.text == sign

    def take_sign(self, sign: str) -> bool:
        if found := self.at_sign(sign):
            self._at += 1
        return found

    def _at_word(self, word: str) -> bool:
        return self.token.kind is Kind.WORD and self.token.text.lower() == word

    def _take_word(self, word: str) -> bool:
        if found := self._at_word(word):
            self._at += 1
        return found

    def _next(self) -> Token:
        token = self.token
        self._at += 1
        return token

    def condition(self) -> Condition:
        parts = [self._all()]
        while self._take_word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take_word("and") or self._begins_one():
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _begins_one(self) -> bool:
        if self.token.kind is Kind.SIGN:
            return self.token.text == "("
        return self.token.kind is not Kind.END and not self._at_word("or")

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            raise refused(self.token.at, f"more than {DEEPEST} levels deep")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> Condition:
        if self._take_word("not"):
            return Not(self._one())
        if self.take_sign("("):
            inside = self.condition()
            self._close()
            return inside
        if self._at_word("exists") and self._tokens[self._at + 1].text == "(":
            self._at += 2
            name = self._name()
            self._close()
            return Exists(name)
        if self.token.kind is Kind.FIELD:
            return self._test()
        return Text(self._value("a condition"))

    def _close(self) -> None:
        if not self.take_sign(")"):
            raise refused(self.token.at, "a ) is missing here")

    def _test(self) -> Condition:
        token = self._next()
        name, operator = Name(token.text, token.at), token.operator
        if operator == ":" and self.token.kind is Kind.WORD and self.token.text == "*":
            self._at += 1
            return Exists(name)
        values = self._values() if self.take_sign("(") else (self._value(f"a value for {token.text}"),)
        if len(values) > 1 and operator not in {":", "=", "!="}:
            raise refused(token.at, f"{operator} takes one value")
        return Not(Test(name, "=", values)) if operator == "!=" else Test(name, operator, values)

    def _values(self) -> tuple[Value, ...]:
        values = [self._value("a value")]
        while not self.take_sign(")"):
            if not self.take_sign(","):
                self._take_word("or")
            values.append(self._value("a value, or )"))
        return tuple(values)

    def _value(self, what: str) -> Value:
        token = self.token
        if token.kind is Kind.FIELD:
            raise refused(token.at, f"{what} is missing before {token.text}{token.operator}; quote it if it is text")
        if token.kind not in {Kind.WORD, Kind.QUOTED}:
            raise refused(token.at, f"{what} is missing here")
        self._at += 1
        return Value(token.text, token.kind is Kind.QUOTED, token.at)

    def pipe(self) -> Pipe:
        token = self._next()
        read = _PIPES.get(token.text.lower()) if token.kind is Kind.WORD else None
        if read is None:
            raise refused(token.at, f"{token.text!r} is not one of {', '.join(_PIPES)}")
        return read(self)

    def _name(self) -> Name:
        token = self.token
        if token.kind is not Kind.WORD:
            raise refused(token.at, "the name of a field is missing here")
        self._at += 1
        return Name(token.text, token.at)

    def names(self) -> tuple[Name, ...]:
        names = [self._name()]
        while self.take_sign(","):
            names.append(self._name())
        return tuple(names)

    def count(self) -> Count:
        return Count(self.names() if self._take_word("by") else ())

    def number(self, default: int) -> int:
        token = self.token
        if token.kind is not Kind.WORD or not (token.text.isascii() and token.text.isdigit()):
            return default
        self._at += 1
        if not 0 < int(token.text[:20]) <= MOST_ROWS:
            raise refused(token.at, f"a number from 1 to {MOST_ROWS:,}, not {token.text[:20]}")
        return int(token.text)

    def timechart(self) -> Timechart:
        span = SPAN
        if self.token.kind is Kind.FIELD and (self.token.text.lower(), self.token.operator) == ("span", "="):
            self._at += 1
            value = self._value("a length of time")
            try:
                span = moments.length(value.text)
            except ValueError as error:
                raise refused(value.at, str(error)) from error
        return Timechart(span, self._name() if self._take_word("by") else None)

    def sort(self) -> Sort:
        return Sort(tuple((Name(one.text.lstrip("+-"), one.at), one.text.startswith("-")) for one in self.names()))


_PIPES: dict[str, Callable[[_Reader], Pipe]] = {
    "count": _Reader.count,
    "top": lambda reader: Top(reader.number(TOP), reader.names()),
    "timechart": _Reader.timechart,
    "fields": lambda reader: Fields(reader.names()),
    "sort": _Reader.sort,
    "head": lambda reader: Head(reader.number(HEAD)),
    "dedup": lambda reader: Dedup(reader.names()),
    "where": lambda reader: Where(reader.condition()),
}
