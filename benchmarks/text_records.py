"""What a line of text costs: the CPU time of one record, from its bytes to fields, and to an event.

The lines are the samples of the sources that read text, one file after the other, with all built-in sources loaded::

    python benchmarks/text_records.py [SOURCE...]
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.sources import raw_batch, sample_records, samples

RECORDS = 2000
REPEATS = 5


def microseconds(work: Callable[[], object]) -> float:
    """The CPU time of one record, the best of some runs."""
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best / RECORDS * 1e6


def main() -> None:
    """Print a line for each sample file."""
    sources, _ = load_sources()
    print(f"{'source':20} {'sample':20} {'bytes':>6} {'fields, µs':>11} {'event, µs':>10}")
    for source in sources:
        if sys.argv[1:] and source.name not in sys.argv[1:]:
            continue
        for path in samples(source):
            records = [raw for raw in sample_records(path) if not raw.startswith(b"{")]
            if not records:
                continue
            normalizer = Normalizer(sources)
            batch = raw_batch((records * (RECORDS // len(records) + 1))[:RECORDS])
            costs = [microseconds(partial(work, batch)) for work in (normalizer.decode, normalizer.process)]
            size = sum(map(len, records)) // len(records)
            print(f"{source.name:20} {path.stem:20} {size:6} {costs[0]:11.1f} {costs[1]:10.1f}")


if __name__ == "__main__":
    main()
