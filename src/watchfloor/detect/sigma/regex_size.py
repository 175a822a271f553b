"""How long a regular expression is when what it repeats is written out: so much is compiled, and kept."""

import math
import re

_MOST_DIGITS = 9
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)|(?P<bracket>[()])|\{(?P<least>[0-9]+)(?:,[0-9]*)?\}|.", re.DOTALL
)
_LEAST = re.compile(r"\{([0-9]+)")
_OTHER_SYNTAX = re.compile(r"\(\?[a-zA-Z0-9-]*[xV]")
"""Flags under which comments or sets may hide brackets."""


def unrolled_length(pattern: str) -> int:
    """The length in characters, with what is repeated counted as often as it must be there.

    Never less than what compiling writes out; more where brackets cannot be told from text.

    >>> unrolled_length("(a{10}b){100}"), unrolled_length("a{,10}[0-9]+")
    (1705, 12)
    """
    if _OTHER_SYNTAX.search(pattern):
        return len(pattern) * math.prod(max(1, _count(found)) for found in _LEAST.findall(pattern))
    opened = [0]
    last = 0
    for token in _TOKEN.finditer(pattern):
        if token["bracket"] == "(":
            opened.append(0)
        elif token["bracket"] and len(opened) > 1:
            last = opened.pop() + 2
            opened[-1] += last
        elif token["least"]:
            written = len(token[0])
            times = max(1, _count(token["least"]))
            opened[-1] += last * (times - 1) + written
            last = last * times + written
        else:
            last = len(token[0])
            opened[-1] += last
    return sum(opened)


def _count(digits: str) -> int:
    return int(digits[:_MOST_DIGITS]) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS
