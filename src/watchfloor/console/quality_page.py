"""The quality of sources as a page: a row for each source and each input, what is wrong first."""

from collections.abc import Sequence
from typing import Any

import msgspec
from markupsafe import Markup

from watchfloor.console.page import page
from watchfloor.console.svg import element, picture
from watchfloor.console.words import clock, count, day, duration, percent
from watchfloor.run.quality import InputQuality, SourceQuality

UNREAD_BAD, UNREAD_ODD = 0.05, 0.001
INCOMPLETE_ODD = 0.2
LATE_ODD = 3_600_000
SHOWN = 500

_WIDTH, _HEIGHT = 150, 34
_GRADES = ("bad", "odd", "good")


class Row(msgspec.Struct, frozen=True):
    """A source or an input: its grade, and what is wrong in words; none of them if nothing is."""

    of: SourceQuality | InputQuality
    grade: str
    words: tuple[str, ...]
    seen: str
    spark: Markup = Markup()


def quality_page(
    sources: Sequence[SourceQuality], inputs: Sequence[InputQuality], refused: Sequence[str] = (), *, now: int
) -> str:
    """The page of what is known at a time (ms, UTC); ``refused`` is what of its content could not be taken over."""
    rows = sorted((_source(one, now) for one in sources), key=_order)
    entries = sorted((_input(one, now) for one in inputs), key=_order)
    return page(
        "quality.html.j2",
        rows=rows[:SHOWN],
        more=max(len(rows) - SHOWN, 0),
        inputs=entries[:SHOWN],
        refused=refused[:SHOWN],
        grades={grade: sum(row.grade == grade for row in rows) for grade in _GRADES},
        events=sum(one.events for one in sources),
        at=f"{day(now)} {clock(now)} UTC",
        share=_share,
        duration=duration,
    )


def _order(row: Row) -> tuple[int, str]:
    return _GRADES.index(row.grade), row.of.source if isinstance(row.of, SourceQuality) else row.of.path


def _source(one: SourceQuality, now: int) -> Row:
    bad, odd = [], []
    if one.silent:
        bad.append(f"silent for {duration(now - one.last_seen)}, usually at most {duration(one.patience // 2)}")
    if one.unread_share >= UNREAD_BAD:
        bad.append(f"{percent(one.unread_share)} of its records cannot be read")
    elif one.unread_share >= UNREAD_ODD:
        odd.append(f"{_share(one.unread_share)} of its records cannot be read")
    if one.volume:
        usual = 0 if one.usual_hour is None else one.usual_hour
        odd.append(f"{one.volume}: {count(one.last_hour, 'event')} in the last hour, usually {count(usual)}")
    if one.incomplete_share >= INCOMPLETE_ODD:
        odd.append(f"{percent(one.incomplete_share)} lack what their class requires")
    if one.latency_p95 >= LATE_ODD:
        odd.append(f"one of twenty comes later than {duration(one.latency_p95)}")
    if one.clocks_ahead:
        odd.append(f"{count(one.clocks_ahead, 'clock')} ahead, by up to {duration(one.worst_clock)}")
    if one.drifts:
        odd.append(f"{count(one.drifts, 'change')} of what its records look like")
    grade = "bad" if bad else "odd" if odd else "good"
    return Row(one, grade, (*bad, *odd), _ago(one.last_seen, now), _spark(one))


def _input(one: InputQuality, now: int) -> Row:
    words = (one.reason,) if one.unread_share else ()
    grade = "bad" if one.unread_share >= UNREAD_BAD else "odd" if one.unread_share >= UNREAD_ODD else "good"
    return Row(one, grade, words, _ago(one.last_seen, now))


def _ago(time: int, now: int) -> str:
    return f"{duration(max(now - time, 0))} ago" if time else "never"


def _share(part: float) -> str:
    return "none" if not part else "under 0.1 %" if part < 0.001 else f"{100 * part:.1f} %"


def _spark(one: SourceQuality) -> Markup:
    """Events by hour of a day, the hour at hand last and paler, with a line where the last full hour usually is."""
    most = max(*one.hours, one.usual_hour or 0, 1)
    step = _WIDTH / len(one.hours)
    last = len(one.hours) - 1
    bars = [
        element(
            "rect",
            x=at * step,
            y=_HEIGHT - height,
            width=step - 1,
            height=height,
            class_="hour now" if at == last else "hour",
        )
        for at, events in enumerate(one.hours)
        if (height := max(_HEIGHT * events / most, 1.5 if events else 0))
    ]
    usual = []
    if one.usual_hour is not None:
        y = max(_HEIGHT - _HEIGHT * one.usual_hour / most, 1)
        usual.append(element("line", x1=0, x2=_WIDTH, y1=y, y2=y, class_="usual"))
    label = f"Events by hour of the last day, at most {count(most)}"
    return picture(*bars, *usual, label=label, width=_WIDTH, height=_HEIGHT)


def as_objects(
    sources: Sequence[SourceQuality], inputs: Sequence[InputQuality], refused: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The same for machines: an object for each source, then for each input, then for what was refused."""
    return [
        *({"kind": "source", **msgspec.to_builtins(one)} for one in sources),
        *({"kind": "input", **msgspec.to_builtins(one)} for one in inputs),
        *({"kind": "refused", "reason": reason} for reason in refused),
    ]
