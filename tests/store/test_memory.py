"""What a lake needs in memory, measured in a process of its own, does not grow with what it holds."""

import subprocess
import sys
from pathlib import Path

MEASURED = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.lake import Lake
from watchfloor.testing.events import batch_of

def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

ROWS = 4096
words = {f"{name}.name": name * 20 for name in ("actor.user", "user", "group", "process.file", "api.service")}
row = batch_of({"raw": bytes(1000), "unmapped": '{"a": "%s"}' % ("x" * 1000), "message": "m" * 300, **{
    name: value for name, value in words.items() if name in EVENT_SCHEMA.names}})
wide = row.take(pa.array([0] * ROWS, pa.int64()))

def column(batch: pa.RecordBatch, name: str, values: list[object]) -> pa.RecordBatch:
    field = EVENT_SCHEMA.field(name)
    return batch.set_column(batch.schema.get_field_index(name), field, pa.array(values, field.type))

before = peak()
lake = Lake(Path(sys.argv[1]))
with lake.writer() as writer:
    for number in range(int(sys.argv[2])):
        # Each batch spans all of the time, as the files of many hosts do.
        batch = column(wide, "time", [at * 7919 % ROWS * 1000 + number for at in range(ROWS)])
        writer.append(column(batch, "metadata.uid", [f"event-{number}-{at}" for at in range(ROWS)]))
light = [name for name in EVENT_SCHEMA.names if name not in {"raw", "rest", "unmapped"}]
seen = sum(batch.num_rows for batch in lake.in_order("default", light))
assert seen == ROWS * int(sys.argv[2]), seen
found = sum(1 for _ in lake.by_uid("default", (f"event-{number}-9" for number in range(int(sys.argv[2])))))
assert found == int(sys.argv[2]), found
print(peak() - before)
"""


def test_writing_and_reading_a_lake_need_little_memory(tmp_path: Path) -> None:
    def needed(batches: int) -> int:
        """MiB at the peak, beyond what the process had before."""
        command = [sys.executable, "-c", MEASURED, str(tmp_path / str(batches)), str(batches)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own

    little, much = needed(15), needed(60)
    assert much < 400
    assert much - little < 150
