"""Costs are those of the thread that did the work, added up by stage."""

import threading
import time
from contextlib import suppress

from watchfloor.costs import cost, settled, spent


def work(seconds: float) -> None:
    """Work for so many seconds of CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_what_another_thread_does_meanwhile_is_not_counted() -> None:
    settled()
    other = threading.Thread(target=work, args=(0.1,))
    with cost("waiting"):
        other.start()
        other.join()
    assert spent()["waiting"] < 0.05


def test_threads_add_up_and_what_fails_has_its_cost() -> None:
    settled()

    def fail() -> None:
        with suppress(ZeroDivisionError), cost("work"):
            work(0.02)
            1 / 0  # noqa: B018 - it fails

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.08 <= spent()["work"] < 0.12


def test_settled_costs_begin_again() -> None:
    settled()
    with cost("work"):
        work(0.01)
    assert settled()["work"] >= 0.01
    assert spent() == {}
