"""What can be told of a regular expression from its text, so that it is searched for where it may match, only.

Only what is sure counts: of a construct that is not known here nothing is said, and the expression is then looked for
in every value. How much was understood changes the cost, never the answer.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.telling import telling

Texts = frozenset[str]
"""Folded texts of which a match contains at least one."""

MAX_TEXTS = 64
"""Of more alternatives, nothing is said."""

FEWEST = 3
"""So many characters must tell something of a text, or else it is only as good as it is long."""

_INLINE_I = re.compile(r"\(\?[a-zA-Z]*i")
_GROUP = re.compile(r"\?(?:[ims]*:|P?<[A-Za-z_]\w*>|>)")
_LOOK = re.compile(r"\?<?[=!]")
_FLAGS = re.compile(r"\?[ims]+\)")
_REPEAT = re.compile(r"(?:([*+?])|\{(?=\d|,\d)(\d*)(,?)(\d*)\})[?+]?")
_PLAIN_SET = re.compile(r"\[\^?\]?(?:[^\]\\\[]|\\[dDwWsStnrf]|\\[^\w\s])*\]")
_SET = re.compile(r"\[\^?\]?(?:[^\]\\\[]|\\.|\[:\^?\w+:\]|\[(?!:))*\]", re.DOTALL)
_HEX = re.compile(r"x([0-9a-fA-F]{2})")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_NO_TEXT = re.compile(r"[dDwWsSbBAZ]")
_REPEATS = frozenset("*+?{")
_BACK = re.compile(r"[1-9][0-9]*")
_MAX_SIZE = 4096


def regex_texts(pattern: str, flags: str = "") -> Texts | None:
    r"""The texts, or ``None`` if none are sure.

    >>> sorted(regex_texts(r"net\s+(stop|start) Sup[ae]r+"))
    [' sup']
    >>> sorted(regex_texts(r"(?:copy|move) .*"))
    ['copy', 'move']
    >>> regex_texts(r"[0-9]{4}") is None
    True
    """
    return _read(pattern, flags).texts


def is_common(pattern: str, flags: str = "") -> bool:
    r"""Whether the expression means the same in all dialects as long as it is searched for in ASCII text.

    >>> is_common(r"\s[0-9a-f]{64}$"), is_common(r"(?<!a)b"), is_common("a{,3}")
    (True, False, False)
    """
    return _read(pattern, flags).is_common


class _Reading(NamedTuple):
    texts: Texts | None
    is_common: bool


@lru_cache(maxsize=1024)
def _read(pattern: str, flags: str) -> _Reading:
    reader = _Reader(pattern, caseless="i" in flags or _INLINE_I.search(pattern) is not None)
    try:
        texts = reader.whole()
    except _UnknownError:
        return _Reading(None, is_common=False)
    return _Reading(texts, reader.is_common and reader.size <= _MAX_SIZE and pattern.isascii())


class _UnknownError(Exception):
    """A construct that is not known here."""


class _Reader:
    def __init__(self, pattern: str, *, caseless: bool) -> None:
        self._pattern = pattern
        self._caseless = caseless
        self._at = 0
        self.is_common = True
        self.size = 0
        """How much there is to match, with what is repeated counted as often as it may be."""

    def whole(self) -> Texts | None:
        found = self._alternatives()
        if self._at < len(self._pattern):
            raise _UnknownError
        return found

    def _alternatives(self) -> Texts | None:
        branches = [self._sequence()]
        while self._next() == "|":
            self._at += 1
            branches.append(self._sequence())
        sure = [one for one in branches if one is not None]
        texts = frozenset().union(*sure)
        return texts if len(sure) == len(branches) and len(texts) <= MAX_TEXTS else None

    def _sequence(self) -> Texts | None:
        found: list[Texts] = []
        run = ""
        while (self._next() or ")") not in "|)":
            before = self.size
            item = self._item()
            least, once = self._repeat(before)
            if isinstance(item, str) and least:
                run += item
                if once:
                    continue
            elif isinstance(item, frozenset) and least:
                found.append(item)
            found += [frozenset({fold(run)})] if run else []
            run = ""
        found += [frozenset({fold(run)})] if run else []
        return max(found, key=_worth, default=None)

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._pattern, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _item(self) -> str | Texts | None:
        """One character that is sure, a group's texts, or nothing that is sure."""
        character = self._next()
        self.size += 1
        if character == "[":
            if not self._take(_PLAIN_SET):
                self.is_common = False
                if not self._take(_SET):
                    raise _UnknownError
            return None
        self._at += 1
        match character:
            case "(":
                return self._group()
            case "\\":
                return self._escape()
            case "." | "^" | "$":
                return None
            case "{" | "*" | "+" | "?":
                # Repeats nothing that was read before, or is one of the fuzzy matches of the regex package.
                raise _UnknownError
        return self._sure(character)

    def _sure(self, character: str) -> str | None:
        # Without case, the regex package also takes i for the Turkish letters that are not i to Sigma's comparison.
        if self._caseless and (character in "iI" or not character.isascii()):
            return None
        return character

    def _group(self) -> Texts | None:
        starts = self._at == 1
        if self._take(_FLAGS):
            if self._next() in _REPEATS:
                # Repeats what stands before the flags.
                raise _UnknownError
            self.is_common &= starts
            return None
        look = self._take(_LOOK)
        if look is None and self._next() in {"?", "*"}:
            group = self._take(_GROUP)
            if group is None:
                raise _UnknownError
            self.is_common &= group[0] != "?>"
        self.is_common &= look is None
        found = self._alternatives()
        if self._next() != ")":
            raise _UnknownError
        self._at += 1
        return None if look else found

    def _escape(self) -> str | None:
        if self._take(_NO_TEXT):
            return None
        if self._take(_BACK):
            self.is_common = False
            return None
        if (byte := self._take(_HEX)) is not None:
            return self._sure(chr(int(byte[1], 16)))
        character = self._next()
        self._at += 1
        if character in _CONTROLS:
            self.is_common &= character != "v"
            return _CONTROLS[character]
        if not character or character.isalnum():
            raise _UnknownError
        return self._sure(character)

    def _repeat(self, before: int) -> tuple[bool, bool]:
        """Whether the item is there at least once, and whether it is there just once."""
        found = self._take(_REPEAT)
        if found is None:
            return True, True
        sign, least, _, most = found.groups()
        if self._next() in _REPEATS:
            raise _UnknownError
        self.is_common &= not found[0].endswith("+") or found[0] == "+"
        if sign:
            return sign == "+", False
        self.is_common &= bool(least)
        self.size = before + (self.size - before) * max(int(least or 0), int(most or 0), 1)
        return int(least or 0) > 0, False


def _worth(texts: Texts) -> tuple[int, int, int]:
    least = min(map(telling, texts))
    return (least if least >= FEWEST else 0), min(map(len, texts)), -len(texts)
