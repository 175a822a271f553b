"""Measures a live platform as it runs: what an event costs, and where, how fast it is, how soon it finds."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

from watchfloor.store.findings import FindingStore
from watchfloor.testing.load import MARK, Load, Sender, witness
from watchfloor.testing.platform import Platform

_THREADS = 4
_POLL_SECONDS = 0.005
_ASK_SECONDS = 0.5
"""How often the platform is asked how far it is: to answer costs it some of what is measured."""
_AHEAD = 100_000
"""How many events may have landed and wait to be worked on, so that a long run does not fill the disk."""
_MEMORY_SECONDS = 2.0
_MOST_SHOWN = 200
_OTHER = "other"

Figures = dict[str, Any]


def measure(
    folder: Path,
    load: Load,
    rules: Sequence[Path],
    *,
    events: int,
    workers: int,
    on_stage: Callable[[str], None],
    warm: int = 20_000,
    minutes: float | None = None,
    seconds: float = 20.0,
    settings: str = "{}",
) -> Figures:
    """Warm up, then as many events as fast as they are taken, then half of that rate, timed until they are found.

    Args:
        folder: Where the platform has its data.
        load: What is sent, over and over.
        rules: Beside those that are built in.
        events: How many to send as fast as they are taken.
        workers: How many the platform has.
        on_stage: Told what is done now.
        warm: How many events to warm up with.
        minutes: For how long at most to send them.
        seconds: For how long half of the rate is sent.
        settings: The platform's ``serve.yml``.
    """
    with Platform(folder, rules=rules, workers=workers, settings=settings) as platform:
        platform.wait()
        sender = Sender(platform.port, platform.token)
        bodies = (body for number in count() for body in load.round(number))
        on_stage("warming up")
        sent = _sent(sender, bodies, lambda sent: sent < warm)
        _until(lambda: platform.committed() >= sent)
        on_stage("as fast as it goes")
        fast = _fast(platform, sender, bodies, events, minutes)
        on_stage("at half the rate")
        half = _half(platform, sender, load, fast["events_per_second"] / 2, seconds)
        platform.stop()
    return {"mix": load.mix, "workers": workers, **fast, "at_half_the_rate": half}


def _sent(sender: Sender, bodies: Iterator[tuple[bytes, int]], more: Callable[[int], bool]) -> int:
    """Send as long as more are wanted, by how many were sent; gives how many it were."""
    sent = 0

    def some() -> Iterator[tuple[bytes, int]]:
        nonlocal sent
        while more(sent):
            body = next(bodies)
            sent += body[1]
            yield body

    sender.send_all(some(), threads=_THREADS)
    return sent


def _fast(
    platform: Platform, sender: Sender, bodies: Iterator[tuple[bytes, int]], events: int, minutes: float | None
) -> Figures:
    before, stages, done, began = platform.cpu(), platform.costs(), platform.worked(), time.monotonic()
    last = began + minutes * 60 if minutes else math.inf
    known = done

    def more(sent: int) -> bool:
        nonlocal known
        while done + sent - known > _AHEAD and (known := platform.worked()) < done + sent - _AHEAD:
            time.sleep(_ASK_SECONDS)
        return sent < events and time.monotonic() < last

    with _watching(platform) as memory:
        sent = _sent(sender, bodies, more)
        accepted = time.monotonic() - began
        _until(lambda: platform.worked() >= done + sent)
        took = time.monotonic() - began
    _until(lambda: platform.committed() >= done + sent)
    after, priced = platform.cpu(), platform.costs()
    spent = {name: after[name] - before[name] for name in after}
    return {
        "events": sent,
        "events_per_second": round(sent / took),
        "accepted_per_second": round(sent / accepted),
        "told_to_wait": sender.busy,
        "cpu_seconds_per_million": {
            **{name: round(seconds / sent * 1e6, 1) for name, seconds in spent.items()},
            "all": round(sum(spent.values()) / sent * 1e6, 1),
        },
        "microseconds_by_stage": {
            name: _stages(stages[name], priced[name], whole=seconds, events=sent) for name, seconds in spent.items()
        },
        "memory": _memory(memory),
    }


def _stages(before: Mapping[str, float], after: Mapping[str, float], *, whole: float, events: int) -> Figures:
    """CPU microseconds an event by stage, the dearest first; what no stage measured is ``other``."""
    seconds = {stage: after[stage] - before.get(stage, 0.0) for stage in after if stage != _OTHER}
    seconds[_OTHER] = whole - sum(seconds.values())
    return {stage: round(spent / events * 1e6, 2) for stage, spent in sorted(seconds.items(), key=lambda one: -one[1])}


def _memory(seen: Sequence[Mapping[str, float]]) -> Figures:
    """The most of each quarter of the time, and what it was at some moments."""
    quarters = [seen[len(seen) * at // 4 : max(len(seen) * (at + 1) // 4, 1)] or seen[-1:] for at in range(4)]
    return {
        "most_mib_by_quarter": [max(one["main_mib"] + one["workers_mib"] for one in quarter) for quarter in quarters],
        "seen": seen[:: len(seen) // _MOST_SHOWN + 1],
    }


def _half(platform: Platform, sender: Sender, load: Load, rate: float, seconds: float) -> Figures:
    """Bodies of 50 records, the last one a witness whose finding is waited for."""
    bodies = []
    records = (record.replace(MARK, b"99999999") for record in load.records)
    for number in range(int(seconds * rate / 50)):
        part = list(islice(records, 49))
        if not part:
            break
        bodies.append((b"\n".join([*part, witness(number)]), len(part) + 1))
    store = FindingStore(platform.data.database)
    last = max((one.number for one in store.after(0)), default=0)
    found: dict[int, float] = {}
    stop = threading.Event()

    def look() -> None:
        number = last
        while not stop.is_set():
            now = time.monotonic()
            for one in store.after(number):
                number = one.number
                uid = one.finding.event_uids[0].rpartition(":witness-")[2]
                if uid.isdecimal():
                    found.setdefault(int(uid), now)
            time.sleep(_POLL_SECONDS)

    looking = threading.Thread(target=look)
    looking.start()
    began = time.monotonic()
    due = [began + sum(one[1] for one in bodies[:at]) / rate for at in range(len(bodies))]
    answered = sender.send_at(rate, bodies, threads=8)
    _until(lambda: len(found) >= len(bodies), seconds=60)
    stop.set()
    looking.join()
    store.close()
    finding = [found[number] - due[number] for number in found]
    return {
        "events_per_second": round(rate),
        "milliseconds_until_answered": _percentiles(answered),
        "milliseconds_until_found": _percentiles(finding),
        "found": len(finding),
        "of": len(bodies),
    }


def _percentiles(seconds: Sequence[float]) -> Figures:
    ordered = sorted(seconds)
    return {
        f"p{part}": round(ordered[min(len(ordered) * part // 100, len(ordered) - 1)] * 1000) for part in (50, 95, 99)
    }


@contextmanager
def _watching(platform: Platform) -> Iterator[list[dict[str, float]]]:
    """The memory of a platform and the files that it has open, by time and by how far it is."""
    seen: list[dict[str, float]] = []
    began, stop = time.monotonic(), threading.Event()

    def look() -> None:
        while True:
            mib = {f"{name}_mib": size >> 20 for name, size in platform.memory().items()}
            at = {"seconds": round(time.monotonic() - began, 1), "records": platform.worked()}
            seen.append({**at, **mib, "open_files": platform.open_files()})
            if stop.wait(_MEMORY_SECONDS):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        stop.set()
        looking.join()


def _until(holds: Callable[[], bool], *, seconds: float = 3600) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(_ASK_SECONDS)
