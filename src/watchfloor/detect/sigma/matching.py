"""Tests on a value, as functions: the part of the kernel that knows what a modifier means."""

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from operator import eq, ge, gt, le, lt

import regex

from watchfloor.detect.sigma.condition import Cidr, Compare, Comparison, Exists, Glob, Reference, Regex, Relation, Test
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import TextMatcher, glob_matcher
from watchfloor.detect.sigma.moments import moment, part_of
from watchfloor.detect.sigma.regex_size import unrolled_length

REGEX_SECONDS = 0.05
"""CPU time that one search of a regular expression may take."""

MAX_TIMEOUTS = 20
"""A regular expression that ran out of time this often is not searched for any more."""

MAX_REGEX = 32_768
"""The longest regular expression, in characters, with what is repeated counted as often as it must be there.

Compiling one takes time and memory in proportion. The regular expressions of one rule are together no longer.
"""


class RegexMatcher:
    """Searches for a regular expression under a time limit.

    A search that runs out of time counts as no match and in ``timeouts``; after :data:`MAX_TIMEOUTS` of them the
    expression is given up, so that one rule cannot stall the others.
    """

    def __init__(self, test: Regex) -> None:
        self.test = test
        self.timeouts = 0

    @cached_property
    def _pattern(self) -> regex.Pattern[str]:
        # Compiled when a value comes this far, which most expressions never see.
        return compile_regex(self.test.pattern, self.test.flags)

    @property
    def given_up(self) -> bool:
        """Whether the expression is searched for no more."""
        return self.timeouts >= MAX_TIMEOUTS

    def __call__(self, text: str) -> bool:
        """Whether the expression occurs in the text."""
        if self.given_up:
            return False
        try:
            return self._pattern.search(text, timeout=REGEX_SECONDS) is not None
        except TimeoutError:
            self.timeouts += 1
            return False


def compile_regex(pattern: str, flags: str = "") -> regex.Pattern[str]:
    """A regular expression in the dialect of Sigma rules: that of PCRE and Python.

    Raises:
        regex.error: It is not one, or it is longer than :data:`MAX_REGEX`.
    """
    if unrolled_length(pattern) > MAX_REGEX:
        raise regex.error(f"longer than {MAX_REGEX} characters, with what it repeats")
    letters = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}
    options = regex.VERSION0
    for letter in flags:
        options |= letters[letter]
    return regex.compile(pattern, options)


def matcher(test: Test) -> TextMatcher:
    """The test as a function of a value as it is.

    Raises:
        TypeError: A ``Reference`` needs the event, not a value.
    """
    match test:
        case Glob(_, cased):
            matches = glob_matcher(test)
            return matches if cased else (lambda text: matches(fold(text)))
        case Regex():
            return RegexMatcher(test)
        case Cidr(network):
            return _cidr(network)
        case Compare():
            return _compare(test)
        case Exists():
            return lambda _text: True
        case Reference():
            raise TypeError("a field reference is matched on the event")


def _cidr(text: str) -> TextMatcher:
    network = ip_network(text)
    version, first, last = network.version, int(network.network_address), int(network.broadcast_address)
    return lambda value: any(one == version and first <= number <= last for one, number in _addresses(value))


@lru_cache(maxsize=4096)
def _addresses(text: str) -> tuple[tuple[int, int], ...]:
    """The address that a text is, as its version and its number, in each form that it has."""
    try:
        address = ip_address(text.strip()) if len(text) < 64 else None
    except ValueError:
        return ()
    # Windows writes IPv4 peers of dual-stack sockets as ::ffff:192.0.2.1; they are in the IPv4 network all the same.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return tuple((one.version, int(one)) for one in (address, mapped) if one is not None)


_COMPARISONS: dict[Comparison, Callable[[int | float, int | float], bool]] = {
    "eq": eq,
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
}


def _compare(test: Compare) -> TextMatcher:
    holds, bound, part = _COMPARISONS[test.comparison], test.number, test.part
    if part is not None:

        def matches_part(value: str) -> bool:
            time = moment(value)
            return time is not None and holds(part_of(time, part), bound)

        return matches_part

    def matches(value: str) -> bool:
        number = number_of(value)
        return number is not None and holds(number, bound)

    return matches


_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{0,300})?([eE][+-]?[0-9]{1,3})?")


def number_of(text: str) -> int | float | None:
    """The decimal number a text is, or ``None``.

    >>> number_of("-12"), number_of("1.5e3"), number_of("0x10")
    (-12, 1500.0, None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    return int(found[0]) if found[1] is None and found[2] is None else float(found[0])


def related(relation: Relation, text: str, other: str, *, cased: bool) -> bool:
    """Whether a value equals, starts with, ends with or contains another, both as they are."""
    return relates(relation, text, other) if cased else relates(relation, fold(text), fold(other))


def relates(relation: Relation, text: str, part: str) -> bool:
    """Whether ``text`` equals, starts with, ends with or contains ``part``."""
    match relation:
        case "equals":
            return text == part
        case "startswith":
            return text.startswith(part)
        case "endswith":
            return text.endswith(part)
        case "contains":
            return part in text
