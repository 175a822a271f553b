"""What each part of enrichment costs an event: CPU time on a simulated day of a company, in batches of 2,000.

Each part runs over the same events as it would in a pipeline, after those before it. The tables are as large as those
of a company may be: 50,000 people with five names each, 5,000 assets, 100,000 indicators, nearly all of which no event
names.
"""

import gc
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.enrich.assets import ASSETS, Assets, asset_table
from watchfloor.enrich.clocks import CLOCKS, Clocks
from watchfloor.enrich.duplicates import Duplicates
from watchfloor.enrich.indicators import Indicators, indicator_tables
from watchfloor.enrich.ordering import Ordering
from watchfloor.identity import Person, Term
from watchfloor.indicator import Indicator, Value
from watchfloor.ingest import read
from watchfloor.inventory import Asset
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.operator import Reference
from watchfloor.simulate import write_day

ROWS = 2_000
Part = Callable[[pa.RecordBatch], Any]


def events() -> list[pa.RecordBatch]:
    """A day of a simulated company, normalized."""
    normalizer = Normalizer(load_sources()[0])
    with TemporaryDirectory() as folder:
        logs = write_day(Path(folder), seed=7, day=date(2026, 3, 17)).logs
        now = datetime(2026, 3, 18, tzinfo=UTC)
        raw = read([str(logs)], tenant="default", clock=lambda: now, on_dead_letter=lambda _letter: None)
        batches = [normalizer.process(one).events for one in raw]
    whole = pa.Table.from_batches(batches).combine_chunks()
    return list(whole.to_batches(max_chunksize=ROWS))


def people(count: int) -> list[Person]:
    """A directory."""
    return [
        Person(
            str(number),
            terms=tuple(
                Term(f"user:{alias}")
                for alias in (
                    f"person{number}@example.com",
                    f"p{number}@example.org",
                    f"corp\\person{number}",
                    f"okta:00u{number:08}",
                    f"sid:S-1-5-21-1-2-3-{number}",
                )
            ),
        )
        for number in range(count)
    ]


def indicators(count: int) -> list[Indicator]:
    """A feed: a fifth each of addresses, networks, domains, URLs and hashes."""
    kinds: tuple[Callable[[int], Value], ...] = (
        lambda n: ("address", f"2001:db8::{n:x}"),
        lambda n: ("network", f"2001:db8:{n % 65536:x}::/{44 + n % 5}"),
        lambda n: ("domain", f"n{n}.example"),
        lambda n: ("url", f"http://n{n}.example/"),
        lambda n: ("hash", f"{n:064x}"),
    )
    return [Indicator(f"indicator--{n}", (kinds[n % len(kinds)](n),), "acme") for n in range(count)]


def microseconds(part: Part, batches: list[pa.RecordBatch]) -> float:
    """CPU time of an event."""
    gc.collect()
    began = time.process_time()
    for batch in batches:
        part(batch)
    count: int = sum(batch.num_rows for batch in batches)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    """Measure and print."""
    batches = events()
    graph = IdentityGraph(people(50_000))
    began = time.process_time()
    published = graph.publish()
    publishing = time.process_time() - began
    assets = [Asset(f"host:h{number}", criticality="high") for number in range(5_000)]
    clocks = Clocks()
    reference = Reference(
        1, {**published.tables, ASSETS: asset_table(assets), **indicator_tables(indicators(100_000)), CLOCKS: {}}
    )
    enricher = Enricher(reference)
    tagged = [enricher.process(batch) for batch in batches]
    parts: list[tuple[str, Part, list[pa.RecordBatch]]] = [
        ("who is who: learning names", lambda batch: learn(graph, batch), batches),
        ("who is who: resolving", enricher.process, batches),
        ("assets", Assets(reference).process, tagged),
        ("clocks: learning", clocks.learn, tagged),
        ("clocks: ordering", Ordering(reference).process, tagged),
        ("indicators", Indicators(reference).process, tagged),
        ("duplicates", Duplicates().process, tagged),
    ]
    print(f"{sum(batch.num_rows for batch in batches):,} events")
    for name, part, given in parts:
        part(given[0])
        print(f"{name:30} {microseconds(part, given):6.2f} µs an event")
    print(f"{'publishing 250,000 names':30} {publishing:6.2f} s")


if __name__ == "__main__":
    main()
