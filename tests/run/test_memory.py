"""A case that cites few but huge events: bounded memory, cut where people look, whole in the pack."""

import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest
from tests.run.cloudtrail import call

from watchfloor.settings import DataFolder

EVENTS, SIZE = 12, 3_000_000
INVESTIGATED = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from watchfloor.run.content import load_content
from watchfloor.run.investigation import investigate
from watchfloor.settings import Settings

content = load_content()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outcome = investigate(
    [sys.argv[1]],
    settings=Settings(data=Path(sys.argv[2])),
    content=content,
    clock=lambda: datetime(2026, 3, 18, tzinfo=UTC),
)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
(case,) = outcome.cases
print(sum("cut here" in one.words for one in outcome.described.values()), len(outcome.described))
"""


def stopped_logging(number: int) -> bytes:
    """CloudTrail was switched off, in a call with an absurd parameter."""
    return call(number, "cloudtrail.amazonaws.com", "StopLogging", {"name": "trail", "pad": "x" * SIZE})


@pytest.mark.slow
def test_huge_events_are_never_all_in_memory(tmp_path: Path) -> None:
    log = tmp_path / "trail.ndjson"
    log.write_bytes(b"\n".join(stopped_logging(number) for number in range(EVENTS)))
    command = [sys.executable, "-c", INVESTIGATED, str(log), str(tmp_path / "out")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    needed, cut = done.stdout.splitlines()
    assert int(needed) < 350, f"{needed} MiB for {EVENTS} events of {SIZE} bytes"
    shown, described = map(int, cut.split())
    assert shown == described > 0
    folder = DataFolder(tmp_path / "out")
    (pack,) = folder.packs.iterdir()
    with zipfile.ZipFile(pack) as archive, archive.open("events.ndjson") as lines:
        raw = [orjson.loads(line)["raw_data"].encode() for line in lines]
    assert raw == log.read_bytes().splitlines()
