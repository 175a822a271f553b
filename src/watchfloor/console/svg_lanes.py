"""A case over time, one lane a tactic: where the attack began and how it moved on."""

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from watchfloor.case import TACTICS, TimelineEntry
from watchfloor.console.svg import element, group, picture, share
from watchfloor.console.words import clock, count, day, tactic_name, when
from watchfloor.finding import LEVELS

HEIGHT = 24
SLOTS = 120
"""Places for dots along a lane; entries that share one are one dot."""
_EDGE = 0.012


class Lane(msgspec.Struct, frozen=True):
    """A tactic's name, its picture and how many observations it holds."""

    name: str
    svg: Markup
    entries: int


class Lanes(msgspec.Struct, frozen=True):
    """All lanes, with the times under them."""

    lanes: tuple[Lane, ...]
    ticks: tuple[str, ...]


def lanes(timeline: Sequence[TimelineEntry]) -> Lanes | None:
    """The lanes of a timeline, in ATT&CK's order; ``None`` unless it holds two moments to tell apart."""
    if len(timeline) < 2 or len({entry.time for entry in timeline}) == 1:
        return None
    start = min(entry.time for entry in timeline)
    end = max(max(entry.time, entry.end) for entry in timeline)
    by_tactic: dict[str | None, list[TimelineEntry]] = {}
    for entry in timeline:
        by_tactic.setdefault(entry.tactic, []).append(entry)
    return Lanes(
        tuple(_lane(tactic, by_tactic[tactic], start, end) for tactic in sorted(by_tactic, key=tactic_order)),
        _ticks(start, end),
    )


def tactic_order(tactic: str | None) -> tuple[int, str]:
    """Sorts tactics in ATT&CK's order, unknown ones after them and none last."""
    if tactic is None:
        return len(TACTICS) + 1, ""
    return (TACTICS.index(tactic), "") if tactic in TACTICS else (len(TACTICS), tactic)


def _lane(tactic: str | None, entries: list[TimelineEntry], start: int, end: int) -> Lane:
    middle = HEIGHT / 2
    slots: dict[int, list[TimelineEntry]] = {}
    for entry in entries:
        slots.setdefault(round(SLOTS * (entry.time - start) / (end - start)), []).append(entry)
    first, last = min(slots) / SLOTS, max(slots) / SLOTS
    marks = [
        element("line", x1=0, x2="100%", y1=middle, y2=middle, class_="rail"),
        element("line", x1=_place(first), x2=_place(last), y1=middle, y2=middle, class_="reach"),
        *(_dot(slots[slot], _place(slot / SLOTS)) for slot in sorted(slots)),
    ]
    name = tactic_name(tactic) if tactic else "No tactic"
    seen = sum(entry.count for entry in entries)
    label = f"{name}: {count(seen, 'observation')} between {when(entries[0].time)} and {when(entries[-1].time)}"
    return Lane(name, picture(*marks, label=label, width="100%", height=HEIGHT), seen)


def _dot(entries: list[TimelineEntry], x: str) -> Markup:
    worst = max(entries, key=lambda entry: LEVELS.index(entry.level))
    many = sum(entry.count for entry in entries)
    radius = 4.5 if many == 1 else 5.5 if many < 10 else 6.5 if many < 100 else 7.5
    words = f"{when(worst.time)}: {worst.text}"
    others = f" and {count(len(entries) - 1, 'more entry', 'more entries')}" if len(entries) > 1 else ""
    return group(
        element("title", words + others),
        element("circle", cx=x, cy=HEIGHT / 2, r=radius, class_=f"dot f-{worst.level}"),
    )


def _place(part: float) -> str:
    return share(_EDGE + part * (1 - 2 * _EDGE))


def _ticks(start: int, end: int) -> tuple[str, ...]:
    times = [start + (end - start) * part // 4 for part in range(5)]
    if day(start) == day(end):
        return tuple(clock(time, seconds=end - start < 600_000) for time in times)
    return tuple(when(time)[:-3] for time in times)
