"""Unfolds a risk into its terms, and says on which scale they add up, if they do."""

from collections.abc import Mapping
from math import exp

import msgspec

from watchfloor.case import Risk
from watchfloor.console.words import percent
from watchfloor.finding import Term

_CLOSE = 0.006
_CAPPED = 0.95
SMALL = 0.05
"""Terms below this, in size, are told together: on their own each would look like nothing."""


class TermBar(msgspec.Struct, frozen=True):
    """A term: its name, its signed value, its words and its bar's length as a share of the longest."""

    name: str
    value: str
    words: str
    share: float
    lowers: bool


class RiskView(msgspec.Struct, frozen=True):
    """A risk's terms, largest effect first, and the sentence that says how they make the number."""

    bars: tuple[TermBar, ...]
    note: str


def unfold(risk: Risk, titles: Mapping[str, str]) -> RiskView:
    """The view of a risk; ``titles`` are what to call terms whose names are for machines. Small terms make one bar.

    The scale is found out, not assumed: terms whose sum has the risk as its logistic are log-odds, terms whose sum is
    the risk are shares of it, and otherwise no sum is claimed.
    """
    largest = max((abs(term.value) for term in risk.terms), default=0.0) or 1.0
    terms = sorted(risk.terms, key=lambda term: -abs(term.value))
    small = [term for term in terms if abs(term.value) < SMALL]
    if len(small) > 1:
        words = f"Each changes the sum by less than {SMALL}, most because what is stronger already counts."
        together = Term(f"{len(small)} small terms together", sum(term.value for term in small), words)
        terms = [*terms[: len(terms) - len(small)], together]
    return RiskView(tuple(_bar(term, largest, titles) for term in terms), _note(risk))


def _bar(term: Term, largest: float, titles: Mapping[str, str]) -> TermBar:
    name = titles.get(term.name) or term.name[:1].upper() + term.name[1:]
    value = f"{term.value:+.2f}".replace("-", "\N{MINUS SIGN}")
    # A rule's words begin with its title, which stands above them.
    return TermBar(name, value, term.words.removeprefix(f"{name} "), abs(term.value) / largest, term.value < 0)


def _note(risk: Risk) -> str:
    if not risk.terms:
        return "No terms were recorded for this number."
    total = sum(term.value for term in risk.terms)
    if abs(_logistic(total) - risk.value) < _CLOSE:
        return f"The terms add up to {total:+.2f} log-odds, which is a probability of {percent(risk.value)}."
    if abs(total - risk.value) < _CLOSE:
        return f"The terms add up to the probability of {percent(risk.value)}."
    if _logistic(total) > risk.value > _CAPPED:
        return f"The terms add up to {total:+.2f} log-odds; more than {percent(risk.value)} is not claimed."
    return f"The terms that led to {percent(risk.value)}, the strongest first."


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-min(500.0, max(-500.0, value))))
