"""Worker processes give what one process gives, whatever happens to them."""

import math
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from tests.run.services import record

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.normalize import load_sources
from watchfloor.run.chain import Chained
from watchfloor.run.workers import Recipe, Workers
from watchfloor.testing.sources import raw_batch

RULE = {
    "title": "A service stopped",
    "id": "6a1c0000-0000-4000-8000-000000000021",
    "logsource": {"product": "windows"},
    "detection": {"s": {"param2": "stopped"}, "condition": "s"},
}
BATCHES = 7


def batches() -> Iterator[pa.RecordBatch]:
    for number in range(BATCHES):
        yield raw_batch([record(number), b"not JSON", b"\xff"])


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    path = tmp_path_factory.mktemp("rules") / "rule.yml"
    path.write_text(yaml.safe_dump(RULE))
    return load_rules([path])


def workers(rules: RuleSet, *, alone: float) -> Workers:
    return Workers(Recipe(rules), load_sources()[0], SigmaDetector(rules), alone=alone)


def told(results: list[Chained]) -> list[object]:
    return [
        (
            one.events.to_pylist(),
            one.findings,
            one.matches.num_rows,
            one.dead_letters,
            [slow.pattern for slow in one.slow],
        )
        for one in results
    ]


def test_workers_give_what_one_process_gives_in_the_same_order(rules: RuleSet) -> None:
    alone = told(list(workers(rules, alone=math.inf).run(batches())))
    # Without rules here, only the workers can find anything.
    elsewhere = Workers(Recipe(rules), load_sources()[0], SigmaDetector(RuleSet()), alone=0)
    assert told(list(elsewhere.run(batches()))) == alone
    assert len(alone) == BATCHES
    assert any(result.findings for result in workers(rules, alone=math.inf).run(batches()))


def test_workers_say_what_stages_cost_them(rules: RuleSet) -> None:
    costly = workers(rules, alone=0)
    assert not costly.costs
    list(costly.run(batches()))
    assert costly.costs["decode and normalize"] > 0
    assert {"identity", "match", "tell findings", "hand over"} <= costly.costs.keys()


def test_a_worker_that_dies_takes_nothing_with_it(rules: RuleSet) -> None:
    alone = told(list(workers(rules, alone=math.inf).run(batches())))
    found = []
    for result in workers(rules, alone=0).run(batches()):
        found.append(result)
        for child in multiprocessing.active_children():
            child.kill()
    assert told(found) == alone


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(yaml.safe_dump(RULE))
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS)
    parent = subprocess.Popen([sys.executable, str(program), str(rule)], stdout=subprocess.PIPE)  # noqa: S603 - ours
    assert parent.stdout is not None
    children = [int(one) for one in parent.stdout.readline().split()]
    assert children
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(map(lives, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [one for one in children if lives(one)]


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A process that nobody waits for is dead all the same.
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


ENDLESS = """
import itertools, multiprocessing, sys, time
from pathlib import Path
from watchfloor.catalog import BUILT_IN
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.normalize import load_sources
from watchfloor.run.workers import Recipe, Workers
from watchfloor.testing.sources import raw_batch

if __name__ == "__main__":
    rules = load_rules([Path(sys.argv[1])])
    workers = Workers(Recipe(rules), load_sources()[0], SigmaDetector(rules), alone=0)
    for _ in workers.run(raw_batch([b"{}"]) for _ in itertools.count()):
        print(*(one.pid for one in multiprocessing.active_children()), flush=True)
        time.sleep(60)
"""
