"""What a correlation measures over the matches of one group, in bounded memory: counts, sums, means, orders.

A measure is told of each match in event-time order and gives its value over those not older than a moment. Measures are
plain data: the state of an operator holds one, and it survives being written and read.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from watchfloor.detect.sigma.correlation import Branch, Correlation
from watchfloor.detect.sigma.matching import number_of

MAX_WEIGHED = 8192
"""How many numbers of one window a sum, mean or percentile keeps; beyond that, neighbours are told as one."""

SHOWN_COUNT = 4096
"""Counts are exact up to this at least."""

LONG_AGO = -(1 << 62)


class Match(msgspec.Struct, frozen=True):
    """One match as a measure reads it. ``unit`` is what counts as one; ``again``: the event was told of before."""

    time: int
    rule: int
    unit: str
    values: tuple[str, ...] = ()
    again: bool = False


class Distinct(msgspec.Struct, tag="distinct"):
    """How many different things: the most recent ``most`` are remembered, and more are not counted."""

    most: int
    of_values: bool
    seen: dict[str, int] = {}

    def add(self, match: Match) -> None:
        """Take a match in."""
        for thing in match.values if self.of_values else (match.unit,):
            self.seen.pop(thing, None)
            self.seen[thing] = match.time
        while len(self.seen) > self.most:
            del self.seen[next(iter(self.seen))]

    def value(self, since: int) -> float | None:
        """How many since then; what is older is forgotten."""
        while self.seen and self.seen[oldest := next(iter(self.seen))] < since:
            del self.seen[oldest]
        return len(self.seen) or None


class Total(msgspec.Struct, tag="total", dict=True):
    """A sum, or a mean.

    Exact for up to :data:`MAX_WEIGHED` numbers; beyond, two neighbours count as one at the time of the later, so that
    the window reaches back a little too far rather than not far enough.
    """

    mean: bool
    numbers: list[tuple[int, int | float, int]] = []

    def __post_init__(self) -> None:
        """Sum up what was read; the sum itself is exact and does not fit into what is written."""
        self._sum = sum((Fraction(number) for _, number, _ in self.numbers), Fraction(0))
        self._count = sum(count for _, _, count in self.numbers)

    def add(self, match: Match) -> None:
        """Take the match's numbers in; text that is none does not count."""
        if match.again:
            return
        for number in numbers_in(match.values):
            self.numbers.append((match.time, number, 1))
            self._sum += Fraction(number)
            self._count += 1
        if len(self.numbers) > MAX_WEIGHED:
            self.numbers = [_joined(self.numbers[at : at + 2]) for at in range(0, len(self.numbers), 2)]
            self.__post_init__()

    def value(self, since: int) -> float | None:
        """The sum or mean since then; what is older is forgotten."""
        old = 0
        while old < len(self.numbers) and self.numbers[old][0] < since:
            self._sum -= Fraction(self.numbers[old][1])
            self._count -= self.numbers[old][2]
            old += 1
        del self.numbers[:old]
        if not self._count:
            return None
        return _float(self._sum / self._count if self.mean else self._sum)


def _joined(neighbours: Sequence[tuple[int, int | float, int]]) -> tuple[int, int | float, int]:
    if len(neighbours) == 1:
        return neighbours[0]
    (_, one, few), (time, other, more) = neighbours
    return time, _float(Fraction(one) + Fraction(other)), few + more


def _float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


class Quantile(msgspec.Struct, tag="quantile"):
    """A percentile of all numbers since the window opened, interpolated between neighbours; 50 is the median.

    Exact for up to :data:`MAX_WEIGHED` numbers; beyond, that of every second, fourth, … of them.
    """

    percent: float
    numbers: list[int | float] = []
    stride: int = 1
    passed: int = 0

    def add(self, match: Match) -> None:
        """Take the match's numbers in; text that is none does not count."""
        if match.again:
            return
        for number in numbers_in(match.values):
            if self.passed % self.stride == 0:
                self.numbers.append(number)
            self.passed += 1
            if len(self.numbers) > MAX_WEIGHED:
                self.numbers = self.numbers[::2]
                self.stride *= 2

    def value(self, _since: int) -> float | None:
        """The percentile."""
        return percentile(self.numbers, self.percent) if self.numbers else None


def percentile(numbers: Sequence[int | float], percent: float) -> float:
    """The percentile of numbers, interpolated linearly between the two nearest.

    >>> percentile([1, 2, 3, 10], 50), percentile([1, 2, 3, 10], 100)
    (2.5, 10.0)
    """
    ordered = sorted(numbers)
    place = Fraction(percent) / 100 * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    low, high = Fraction(ordered[below]), Fraction(ordered[above])
    return _float(low + (high - low) * (place - below))


def numbers_in(texts: Iterable[str]) -> list[int | float]:
    """The numbers among texts; whole ones of more than 64 bits as floats, and none that is infinite.

    >>> numbers_in(["12", "x", "1.5", "9" * 30, "1e999"])
    [12, 1.5, 1e+30]
    """
    found: list[int | float] = []
    for text in texts:
        number = number_of(text)
        if isinstance(number, int) and abs(number) >= 1 << 63:
            number = _float(Fraction(number))
        if number is not None and math.isfinite(number):
            found.append(number)
    return found


class Order(msgspec.Struct, tag="order"):
    """How many of some rules occurred in their order; what happens in one moment counts as in order.

    ``latest[r][n]`` is the latest start of n + 1 rules in order of which rule ``r`` is the last; those of the current
    moment are worked out from what was before it.
    """

    rules: tuple[int, ...]
    latest: list[list[int]] = []
    now: int = LONG_AGO
    present: list[int] = []
    current: list[list[int]] = []

    def add(self, time: int, rule: int) -> None:
        """Take a match of a rule in, if it is one of these."""
        if rule not in self.rules:
            return
        if time > self.now or not self.latest:
            self.latest = self.current or [[LONG_AGO] * len(self.rules) for _ in self.rules]
            self.now, self.present = time, []
        place = self.rules.index(rule)
        if place in self.present:
            return
        self.present = sorted([*self.present, place])
        self.current = [list(row) for row in self.latest]
        for one in self.present:
            self.current[one] = self._reached(one, time)

    def _reached(self, place: int, time: int) -> list[int]:
        before = self.current[:place]
        longer = [max((row[size] for row in before), default=LONG_AGO) for size in range(len(self.rules) - 1)]
        return [max(old, new) for old, new in zip(self.current[place], [time, *longer], strict=True)]

    def longest(self, since: int) -> int:
        """How many occurred in order since then."""
        return max((size + 1 for row in self.current for size, start in enumerate(row) if start >= since), default=0)


class Occurrence(msgspec.Struct, tag="occurrence"):
    """Which rules occurred; where order counts, ``orders`` has the one asked for, or one for each branch."""

    last: dict[int, int] = {}
    orders: list[Order] = []
    in_order: bool = False

    def add(self, match: Match) -> None:
        """Take a match in."""
        self.last[match.rule] = match.time
        for order in self.orders:
            order.add(match.time, match.rule)

    def value(self, since: int) -> float | None:
        """How many rules occurred since then, in order if that counts."""
        return (self.orders[0].longest(since) if self.in_order else len(self.occurred(since))) or None

    def occurred(self, since: int) -> set[int]:
        """The rules that occurred since then."""
        return {rule for rule, time in self.last.items() if time >= since}

    def fulfils(self, branch: Branch, place: int, since: int) -> bool:
        """Whether a branch, the one at ``place``, is true of what occurred since then."""
        occurred = self.occurred(since)
        if not occurred.issuperset(branch.present) or not occurred.isdisjoint(branch.absent):
            return False
        return not self.in_order or self.orders[place].longest(since) == len(branch.present)


Measure = Distinct | Total | Quantile | Occurrence


def measure_of(correlation: Correlation) -> Measure:
    """What a correlation measures, of nothing yet."""
    match correlation.kind:
        case "event_count" | "value_count":
            # One more than the highest number asked for tells that it is exceeded.
            most = 2 + max(int(one.number) for one in correlation.criteria)
            return Distinct(max(most, SHOWN_COUNT), of_values=correlation.kind == "value_count")
        case "value_sum" | "value_avg":
            return Total(mean=correlation.kind == "value_avg")
        case "value_percentile" | "value_median":
            return Quantile(correlation.percentile)
        case "temporal":
            return Occurrence()
        case "temporal_ordered":
            asked = [one.present for one in correlation.branches] or [tuple(range(len(correlation.references)))]
            return Occurrence(orders=[Order(one) for one in asked], in_order=True)
