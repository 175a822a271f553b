"""The condition language of Sigma: ``not``, ``and``, ``or``, parentheses, ``1 of``, ``N of``, ``all of``, ``them``."""

import re
from collections.abc import Callable, Sequence

from watchfloor.detect.sigma.condition import AtLeast, Condition, Glob, conjunction, disjunction, negation
from watchfloor.detect.sigma.globs import glob_matcher

MAX_DEPTH = 100
"""How deep parentheses and negations may nest."""

_TOKEN = re.compile(r"[()]|[^\s()]+")
_RESERVED = {"and", "or", "not", "(", ")"}

Resolve = Callable[[str], Condition]
"""Gives the condition of a search identifier."""


def parse_condition(text: str, names: Sequence[str], resolve: Resolve) -> Condition:
    """The tree of a condition over the search identifiers ``names``.

    ``not`` binds tighter than ``and``, and that tighter than ``or``. ``them`` and patterns leave out the identifiers
    that start with an underscore, unless the pattern does too.

    Raises:
        ValueError: The text is not a condition, or names what is not there; the message says which.

    >>> from watchfloor.detect.sigma.condition import Exists, Leaf, Predicate
    >>> def leaf(name: str) -> Condition:
    ...     return Leaf(Predicate(name, Exists()))
    >>> parse_condition("a and not 1 of b*", ["a", "b1"], leaf) == conjunction((leaf("a"), negation(leaf("b1"))))
    True
    """
    if "|" in text:
        raise ValueError("an aggregation after '|' is not part of Sigma 2; write a correlation rule")
    parser = _Parser(_TOKEN.findall(text), names, resolve)
    tree = parser.disjunction(0)
    if (rest := parser.peek()) is not None:
        raise ValueError(f"unexpected {rest!r} in the condition")
    return tree


class _Parser:
    def __init__(self, tokens: Sequence[str], names: Sequence[str], resolve: Resolve) -> None:
        self._tokens = tokens
        self._at = 0
        self._names = names
        self._known = frozenset(names)
        self._resolve = resolve

    def peek(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def disjunction(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self._took("or"):
            parts.append(self._conjunction(depth))
        return disjunction(tuple(parts))

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._negation(depth)]
        while self._took("and"):
            parts.append(self._negation(depth))
        return conjunction(tuple(parts))

    def _negation(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise ValueError(f"the condition nests deeper than {MAX_DEPTH}")
        if self._took("not"):
            return negation(self._negation(depth + 1))
        if self._took("("):
            inner = self.disjunction(depth + 1)
            if not self._took(")"):
                raise ValueError("a parenthesis of the condition is not closed")
            return inner
        return self._operand()

    def _operand(self) -> Condition:
        token = self.peek()
        if token is None:
            raise ValueError("the condition ends where a search identifier is expected")
        if self._is_reserved(token):
            raise ValueError(f"unexpected {token!r} in the condition")
        self._at += 1
        if self.peek() == "of" and token not in self._known:
            self._at += 1
            return self._selector(token)
        if token not in self._known:
            raise ValueError(f"the condition names {token!r}, which the detection does not define")
        return self._resolve(token)

    def _selector(self, quantifier: str) -> Condition:
        pattern = self.peek()
        if pattern is None or pattern in {"(", ")"}:
            raise ValueError(f"'{quantifier} of' is not followed by a pattern")
        self._at += 1
        chosen = tuple(self._resolve(name) for name in self._matching(pattern))
        if not chosen:
            raise ValueError(f"'{quantifier} of {pattern}' matches no search identifier")
        if quantifier == "all":
            return conjunction(chosen)
        if quantifier in {"1", "any"}:
            return disjunction(chosen)
        if not (quantifier.isascii() and quantifier.isdigit()) or len(quantifier) > 6:
            raise ValueError(f"{quantifier!r} is not a quantity: expected a number, 'any' or 'all'")
        if not 0 < int(quantifier) <= len(chosen):
            raise ValueError(f"'{quantifier} of {pattern}' asks for {quantifier} of {len(chosen)}")
        return AtLeast(int(quantifier), chosen)

    def _matching(self, pattern: str) -> list[str]:
        parts = ("*" if pattern == "them" else pattern).split("*")
        matches = glob_matcher(Glob(tuple((part,) for part in parts), cased=True))
        shown = "" if pattern.startswith("_") else "_"
        # Sigma 1 kept the time span of an aggregation under "timeframe"; it is not a search.
        return [
            name
            for name in self._names
            if name != "timeframe" and not (shown and name.startswith(shown)) and matches(name)
        ]

    def _is_reserved(self, token: str) -> bool:
        return token in _RESERVED or (token.lower() in _RESERVED and token not in self._known)

    def _took(self, token: str) -> bool:
        seen = self.peek()
        if seen is None or not (seen == token or (seen.lower() == token and seen not in self._known)):
            return False
        self._at += 1
        return True
