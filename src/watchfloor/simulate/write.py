"""Writes simulated days: the logs as the products deliver them, and the truth apart.

``logs/okta/system_log.ndjson``, ``logs/m365/audit_*.ndjson`` and ``audit_sharepoint_export.csv`` (the portal's export,
whose ``AuditData`` column is JSON in a string), ``logs/aws/AWSLogs/ACCOUNT/CloudTrail/REGION/Y/M/D/*.json.gz``,
``logs/windows/*.jsonl.zst``, and ``truth.ndjson``. The same arguments give the same bytes.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson

from watchfloor.clock import iso
from watchfloor.errors import storing
from watchfloor.event import Origin
from watchfloor.simulate.benign import people_at_work
from watchfloor.simulate.company import Company
from watchfloor.simulate.company import company as found
from watchfloor.simulate.delivery import Delivery
from watchfloor.simulate.machines import MACHINES
from watchfloor.simulate.record import Episode, Record, Scenario, Work, stage
from watchfloor.simulate.story import ATTACKS
from watchfloor.simulate.twins import TWINS

WORK: tuple[Work, ...] = (people_at_work, *MACHINES)
"""What happens every day."""

SCENARIOS: tuple[Scenario, ...] = (*ATTACKS, *TWINS)
"""What happens once, on the last day."""

Progress = Callable[[int, int], None]
"""Called after each day with the days written and the days asked for."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: where, how many records of each log, how many attacks and twins the truth holds."""

    logs: Path
    truth: Path
    company: str
    records: dict[str, int]
    attacks: int
    twins: int

    @property
    def total(self) -> int:
        """The number of records of all logs."""
        return sum(self.records.values())


def write_day(out: Path, *, seed: int, day: date, days: int = 1, on_progress: Progress | None = None) -> Summary:
    """Simulate ``days`` days that end with ``day`` and write them under ``out``.

    Every day has its ordinary work; the attacks and their benign twins happen on the last one. ``out/logs`` is meant to
    be new: files of the same name are replaced, others stay.

    Raises:
        StoreError: A file cannot be written.
    """
    with storing(out):
        return _write(out, seed, day, days, on_progress or (lambda _done, _asked: None))


def _write(out: Path, seed: int, day: date, days: int, on_progress: Progress) -> Summary:
    company = found(seed)
    counts: Counter[str] = Counter()
    lines: list[bytes] = []
    kinds: Counter[str] = Counter()
    with Delivery(out, company.aws_account) as delivery:
        for number in range(1, days + 1):
            today = day - timedelta(days=days - number)
            episodes = _episodes(company, seed, today) if today == day else []
            records = _records(company, seed, today, episodes)
            places = delivery.put(records)
            counts.update(record.stream.value for record in records)
            kinds.update(episode.kind for episode in episodes)
            lines += [orjson.dumps(_truth(episode, places)) + b"\n" for episode in episodes]
            on_progress(number, days)
    truth = out / "truth.ndjson"
    truth.write_bytes(b"".join(lines))
    return Summary(
        logs=out / "logs",
        truth=truth,
        company=company.name,
        records=dict(sorted(counts.items())),
        attacks=kinds["attack"],
        twins=kinds["twin"],
    )


def _episodes(company: Company, seed: int, day: date) -> list[Episode]:
    return [
        episode
        for scenario in SCENARIOS
        for episode in scenario(stage(company, seed=seed, day=day, name=scenario.__name__))
    ]


def _records(company: Company, seed: int, day: date, episodes: list[Episode]) -> list[Record]:
    """Everything that happens on a day, in time order; a record that episodes share is there once."""
    everything = dict.fromkeys(record for episode in episodes for record in episode.records)
    for work in WORK:
        everything.update(dict.fromkeys(work(stage(company, seed=seed, day=day, name=work.__name__))))
    return sorted(everything, key=lambda record: record.time)


def _truth(episode: Episode, places: Mapping[Record, Origin]) -> dict[str, Any]:
    """The line of ``truth.ndjson`` that section 12 of the design describes."""
    times = [record.time for record in episode.records]
    events = sorted((places[record] for record in episode.records), key=lambda at: (at.path, at.line, at.index or 0))
    return {
        "id": episode.id,
        "kind": episode.kind,
        "use_case": episode.use_case,
        "variant": episode.variant,
        "campaign": episode.campaign,
        "start": iso(min(times)),
        "end": iso(max(times)),
        "decisive": iso(episode.decisive),
        "entities": msgspec.to_builtins(episode.entities),
        "events": msgspec.to_builtins(events),
    }
