"""Measures a live platform as a process of its own: what an event costs it, how fast it is, how soon it finds."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

from watchfloor.store.findings import FindingStore
from watchfloor.testing.load import MARK, Load, Sender, witness
from watchfloor.testing.platform import Platform

_THREADS = 4
_WARM = 20_000
_POLL_SECONDS = 0.005

Figures = dict[str, Any]


def measure(
    folder: Path, load: Load, rules: Sequence[Path], *, events: int, workers: int, on_stage: Callable[[str], None]
) -> Figures:
    """Warm up, then as many events as fast as they are taken, then half of that rate, timed until they are found."""
    with Platform(folder, rules=rules, workers=workers) as platform:
        platform.wait()
        sender = Sender(platform.port, platform.token)
        bodies = (body for number in count() for body in load.round(number))
        on_stage("warming up")
        sent = _sent(sender, bodies, _WARM)
        _until(lambda: platform.worked() >= sent)
        on_stage("as fast as it goes")
        fast = _fast(platform, sender, bodies, events)
        on_stage("at half the rate")
        half = _half(platform, sender, load, fast["events_per_second"] / 2)
        platform.stop()
    return {"mix": load.mix, "workers": workers, **fast, "at_half_the_rate": half}


def _sent(sender: Sender, bodies: Iterator[tuple[bytes, int]], events: int) -> int:
    """Send at least so many; gives how many it were."""
    sent = 0

    def some() -> Iterator[tuple[bytes, int]]:
        nonlocal sent
        while sent < events:
            body = next(bodies)
            sent += body[1]
            yield body

    sender.send_all(some(), threads=_THREADS)
    return sent


def _fast(platform: Platform, sender: Sender, bodies: Iterator[tuple[bytes, int]], events: int) -> Figures:
    before, done, began = platform.cpu(), platform.worked(), time.monotonic()
    with _watching(platform) as memory:
        sent = _sent(sender, bodies, events)
        accepted = time.monotonic() - began
        _until(lambda: platform.worked() >= done + sent)
        took = time.monotonic() - began
    after = platform.cpu()
    spent = {name: after[name] - before[name] for name in after}
    quarter = max(len(memory) // 4, 1)
    return {
        "events": sent,
        "events_per_second": round(sent / took),
        "accepted_per_second": round(sent / accepted),
        "told_to_wait": sender.busy,
        "cpu_seconds_per_million": {
            **{name: round(seconds / sent * 1e6, 1) for name, seconds in spent.items()},
            "all": round(sum(spent.values()) / sent * 1e6, 1),
        },
        "mib": {
            "first_quarter": max(memory[:quarter]) >> 20,
            "last_quarter": max(memory[-quarter:]) >> 20,
        },
    }


def _half(platform: Platform, sender: Sender, load: Load, rate: float) -> Figures:
    """Bodies of 50 records, the last one a witness whose finding is waited for."""
    bodies = []
    records = (record.replace(MARK, b"99999999") for record in load.records)
    for number in range(int(20 * rate / 50)):
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
def _watching(platform: Platform) -> Iterator[list[int]]:
    """The memory of a platform, each second."""
    seen = [platform.resident()]
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1):
            seen.append(platform.resident())

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
        time.sleep(0.05)
