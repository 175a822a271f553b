"""What each rule is worth: how much it says, how often that was right, how old it is, what it costs; and what to do.

The advice is a rule of thumb with its thresholds written down here, and comes with its reason. A rule for a rare attack
says nothing for years, and is kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec
import pyarrow.compute as pc

from watchfloor.case import Disposition
from watchfloor.console.words import count, percent
from watchfloor.finding import Level, Rule
from watchfloor.learn import Label, precision, votes
from watchfloor.metrics import Share, sampled_share
from watchfloor.rulecraft.authored import Texts
from watchfloor.rulecraft.backtest import RuleHistory
from watchfloor.rulecraft.replay import Replayed

Advice = Literal["keep", "tune", "retire"]
ADVICE: tuple[Advice, ...] = ("retire", "tune", "keep")

HOPELESS = 0.25
"""A rule that was never right is to be retired once at most this share of its findings can be, at 95 % confidence."""

POOR = 0.5
"""A rule is to be tuned once at most this share of its findings can be right, at 95 % confidence."""

BUSY = 10.0
"""From how many findings a day on a rule is to be tuned, if some were wrong or none has been judged."""

COSTLY = 5.0
"""From how many microseconds of CPU an event on a rule is to be tuned."""

DAY = 86_400_000
_RIGHT: frozenset[Disposition] = frozenset({"true-positive", "benign-true-positive"})


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. ``right`` is the share of judged findings that were right, with its Wilson interval.

    ``estimate`` is the precision that risk is reckoned with: that share drawn towards what all rules show. ``age`` is
    in days since the rule was last touched, ``cpu_us`` in microseconds an event, where they are known.
    """

    id: str
    title: str
    level: Level
    matches: int
    a_day: float
    hidden: int
    right: Share
    estimate: float | None
    age: int | None
    cpu_us: float | None
    advice: Advice
    reason: str


class Watched:
    """Passes a replay on, and remembers when it was and which findings of it have a label."""

    def __init__(self, labels: Mapping[str, Label]) -> None:
        self._labels = labels
        self._first: int | None = None
        self._last: int | None = None
        self._labelled: list[tuple[str, str]] = []

    def __call__(self, history: Iterable[Replayed]) -> Iterator[Replayed]:
        """The same batches."""
        for batch in history:
            if batch.events is not None and batch.events.num_rows:
                low, high = (value.as_py() for value in pc.min_max(batch.events.column("time")).values())
                self._first = low if self._first is None else min(self._first, low)
                self._last = high if self._last is None else max(self._last, high)
            self._labelled += ((one.rule.id, one.uid) for one in batch.findings if one.uid in self._labels)
            yield batch

    @property
    def days(self) -> int:
        """How many UTC days the history spans, at least one."""
        if self._first is None or self._last is None:
            return 1
        return self._last // DAY - self._first // DAY + 1

    @property
    def votes(self) -> list[tuple[str, Disposition]]:
        """What the labels say of the rules."""
        return votes(self._labels, self._labelled)


def scorecard(
    histories: Iterable[RuleHistory], watched: Watched, rules: Mapping[str, Rule], texts: Texts, today: date
) -> tuple[Card, ...]:
    """The rules of a backtest, those that need something done first."""
    judged: dict[str, list[Disposition]] = defaultdict(list)
    for rule, disposition in watched.votes:
        if disposition != "inconclusive":
            judged[rule].append(disposition)
    estimates = precision(watched.votes)
    cards = []
    for one in histories:
        verdicts = judged[one.id]
        right = sampled_share(sum(verdict in _RIGHT for verdict in verdicts), len(verdicts))
        a_day = one.matches / watched.days
        advice, reason = advise(right, matches=one.matches, a_day=a_day, cpu_us=one.cpu_us)
        age = _age(rules.get(one.id), texts, today)
        cards.append(
            Card(
                id=one.id,
                title=one.title,
                level=one.level,
                matches=one.matches,
                a_day=a_day,
                hidden=one.hidden,
                right=right,
                estimate=estimates.get(one.id),
                age=age,
                cpu_us=one.cpu_us,
                advice=advice,
                reason=reason,
            )
        )
    return tuple(sorted(cards, key=lambda card: (ADVICE.index(card.advice), -card.matches, card.title, card.id)))


def _age(rule: Rule | None, texts: Texts, today: date) -> int | None:
    if rule is None:
        return None
    text = texts.of(rule)
    touched = text.day("modified") or text.day("date")
    return None if touched is None else max(0, (today - touched).days)


def advise(right: Share, *, matches: int, a_day: float, cpu_us: float | None) -> tuple[Advice, str]:
    """What to do with a rule, and why.

    >>> advise(sampled_share(0, 12), matches=40, a_day=2.0, cpu_us=None)
    ('retire', 'none of 12 judged findings was right; at most 24% can be')
    >>> advise(sampled_share(0, 0), matches=0, a_day=0.0, cpu_us=None)
    ('keep', 'it found nothing here, which says nothing against it')
    """
    high = 1.0 if right.high is None else right.high
    wrong = right.of - right.hits
    of = f"{count(right.of)} judged findings"
    ways: tuple[tuple[bool, Advice, str], ...] = (
        (not right.hits and high <= HOPELESS, "retire", f"none of {of} was right; at most {percent(high)} can be"),
        (high < POOR, "tune", f"{count(right.hits)} of {of} were right; at most {percent(high)} are"),
        (wrong > 0 and a_day >= BUSY, "tune", f"{count(wrong)} of {of} were wrong, and it says {a_day:,.0f} a day"),
        (not right.of and a_day >= BUSY, "tune", f"it says {a_day:,.0f} a day, and nobody has judged any"),
        ((cpu_us or 0.0) >= COSTLY, "tune", f"it takes {cpu_us or 0.0:.1f} µs of CPU an event"),
        (not matches, "keep", "it found nothing here, which says nothing against it"),
        (not right.of, "keep", "it says little, and nobody has judged it"),
        (True, "keep", f"{count(right.hits)} of {of} were right"),
    )
    return next((advice, reason) for holds, advice, reason in ways if holds)
