"""The whole investigation as one strip: when cases ran, how many findings, how many events, over time."""

import msgspec
from markupsafe import Markup

from watchfloor.case import Case
from watchfloor.console.model import HOUR, Activity
from watchfloor.console.svg import element, group, picture, share
from watchfloor.console.words import count, day, duration, span, when
from watchfloor.finding import LEVELS

BINS = 168
"""At most this many bars."""
SHOWN_CASES = 8
ROW, FINDINGS, EVENTS = 17, 78, 44
"""Heights, in CSS pixels: of a row of cases, of the findings above the line and of the events below it."""
OUTLIERS = 0.005
"""The share of events at either end that may be left out so that the rest can be seen."""
_TAG, _LATE = 0.045, 0.94
_STEPS = (1, 2, 3, 6, 12, 24, 48, 168, 336, 730, 2190, 8760, 43_800, 87_600)


class Strip(msgspec.Struct, frozen=True):
    """The picture, the times under it (a share of the width and words) and what to know to read it."""

    svg: Markup
    ticks: tuple[tuple[str, str], ...]
    note: str


class _Axis(msgspec.Struct, frozen=True):
    start: int
    width: int
    bins: int

    def at(self, time: int) -> float:
        return min(1.0, max(0.0, (time - self.start) / (self.width * self.bins)))


def activity_strip(activity: tuple[Activity, ...], cases: tuple[Case, ...]) -> Strip | None:
    """The strip, or ``None`` where there is nothing to draw. ``cases`` come in the order of their numbers."""
    hours = sorted((one for one in activity if one.events or one.findings), key=lambda one: one.hour)
    if not hours:
        return None
    kept = _without_outliers(hours)
    axis = _axis(kept[0].hour, kept[-1].hour + HOUR)
    bars = _binned(kept, axis)
    rows = _case_rows(cases, axis)
    top = ROW * len(rows) + 8
    drawn = [mark for index, row in enumerate(rows) for mark in _row(row, index * ROW, axis)]
    svg = picture(
        *drawn,
        *_bars(bars, axis, top + FINDINGS),
        element("line", x1=0, x2="100%", y1=top + FINDINGS + 0.5, y2=top + FINDINGS + 0.5, class_="axis"),
        label=_label(kept, axis),
        width="100%",
        height=top + FINDINGS + EVENTS + 1,
    )
    return Strip(svg, _ticks(axis), _note(hours, kept, bars, axis))


def _label(hours: list[Activity], axis: _Axis) -> str:
    events, findings = sum(one.events for one in hours), sum(one.findings for one in hours)
    seen = f"{count(events, 'event')} and {count(findings, 'finding')}"
    return f"{seen} from {when(axis.start)} to {when(hours[-1].hour + HOUR)}"


def _without_outliers(hours: list[Activity]) -> list[Activity]:
    """The hours without stray ends, but only where those would squeeze the rest into a fifth of the width."""
    spare = OUTLIERS * sum(one.events + one.findings for one in hours)
    kept = hours[_stray(hours, spare) : len(hours) - _stray(hours[::-1], spare)]
    if not kept or 5 * (kept[-1].hour + HOUR - kept[0].hour) > hours[-1].hour + HOUR - hours[0].hour:
        return hours
    return kept


def _stray(hours: list[Activity], spare: float) -> int:
    for index, one in enumerate(hours):
        spare -= one.events + one.findings
        if spare < 0:
            return index
    return len(hours)


def _axis(start: int, end: int) -> _Axis:
    hours = (end - start) // HOUR
    step = next((step for step in _STEPS if hours <= step * BINS), -(-hours // BINS))
    width = step * HOUR
    aligned = start // width * width
    return _Axis(aligned, width, max(1, -(-(end - aligned) // width)))


def _binned(hours: list[Activity], axis: _Axis) -> dict[int, Activity]:
    bins: dict[int, Activity] = {}
    for one in hours:
        index = (one.hour - axis.start) // axis.width
        now = bins.get(index, Activity(axis.start + index * axis.width, 0))
        a, b = now.levels, one.levels
        levels = (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])
        bins[index] = Activity(now.hour, now.events + one.events, levels)
    return bins


def _bars(bins: dict[int, Activity], axis: _Axis, base: int) -> list[Markup]:
    most_findings = max((one.findings for one in bins.values()), default=0) or 1
    most_events = max((one.events for one in bins.values()), default=0) or 1
    gap = 0.86 if axis.bins > 1 else 1
    drawn = []
    for index, one in sorted(bins.items()):
        place = {"x": share(index / axis.bins), "width": share(gap / axis.bins)}
        marks = [element("title", _bar_words(one, axis))]
        if one.events:
            height = max(1.5, EVENTS * one.events / most_events)
            marks.append(element("rect", y=base + 1, height=height, class_="events", **place))
        top = float(base)
        for level, number in reversed(list(zip(LEVELS, one.levels, strict=True))):
            if number:
                height = max(2.5, (FINDINGS - 8) * number / most_findings)
                top -= height
                marks.append(element("rect", y=max(0.0, top), height=height, class_=f"f-{level}", **place))
        drawn.append(group(*marks))
    return drawn


def _bar_words(one: Activity, axis: _Axis) -> str:
    levels = [f"{number} {level}" for level, number in zip(LEVELS, one.levels, strict=True) if number]
    found = f", {count(one.findings, 'finding')} ({', '.join(reversed(levels))})" if levels else ""
    return f"{span(one.hour, one.hour + axis.width)}: {count(one.events, 'event')}{found}"


def _case_rows(cases: tuple[Case, ...], axis: _Axis) -> list[list[tuple[int, Case]]]:
    """The first cases, packed into rows so that none lies over another or over another's number."""
    rows: list[list[tuple[int, Case]]] = []
    taken: list[list[tuple[float, float]]] = []
    for rank, case in enumerate(cases[:SHOWN_CASES], start=1):
        start, end = axis.at(case.start), axis.at(case.end)
        reach = (start - _TAG if end > _LATE else start, end + 0.01 if end > _LATE else end + _TAG)
        free = next((row for row, spans in enumerate(taken) if all(_apart(reach, span) for span in spans)), len(rows))
        if free == len(rows):
            rows.append([])
            taken.append([])
        rows[free].append((rank, case))
        taken[free].append(reach)
    return rows


def _apart(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[1] < b[0] or b[1] < a[0]


def _row(row: list[tuple[int, Case]], top: int, axis: _Axis) -> list[Markup]:
    marks = []
    for rank, case in row:
        start, end = axis.at(case.start), axis.at(case.end)
        after = end <= _LATE
        marks.append(
            element(
                "a",
                element("title", f"Case {rank}: {case.title}"),
                element(
                    "rect",
                    x=share(start),
                    y=top + 5,
                    width=share(max(0.004, end - start)),
                    height=6,
                    rx=3,
                    class_=f"f-{case.level}",
                ),
                element(
                    "text",
                    f"#{rank}",
                    x=share(max(end, start + 0.004) if after else start),
                    y=top + 12,
                    dx=5 if after else -5,
                    text_anchor=None if after else "end",
                    class_="tag",
                ),
                href=f"#case-{rank}",
            )
        )
    return marks


def _ticks(axis: _Axis) -> tuple[tuple[str, str], ...]:
    length = axis.width * axis.bins
    by_day = length > 5 * 24 * HOUR
    return tuple(
        (share(part / 4), day(at) if by_day else when(at)[:-3])
        for part in range(5)
        for at in [axis.start + length * part // 4]
    )


def _note(hours: list[Activity], kept: list[Activity], bins: dict[int, Activity], axis: _Axis) -> str:
    most_findings = max((one.findings for one in bins.values()), default=0)
    most_events = max((one.events for one in bins.values()), default=0)
    note = (
        f"One bar is {duration(axis.width)}. The tallest stands for {count(most_findings, 'finding')} above the line "
        f"and {count(most_events, 'event')} below it."
    )
    left_out = sum(one.events for one in hours) - sum(one.events for one in kept)
    if len(kept) < len(hours):
        note += (
            f" {count(left_out, 'event')} at stray times between {day(hours[0].hour)} and {day(hours[-1].hour)} "
            f"{'is' if left_out == 1 else 'are'} not drawn."
        )
    return note
