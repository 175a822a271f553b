"""What a platform is measured with: each record of each round is a new event of a product."""

from pathlib import Path

from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.load import MARK, load, witness
from watchfloor.testing.sources import raw_batch


def test_no_record_of_any_round_is_a_duplicate_and_each_is_recognised(tmp_path: Path) -> None:
    made = load(tmp_path, 5000)
    normalizer = Normalizer(load_sources()[0])
    uids: set[str] = set()
    sent = 0
    for number in (1, 2, 73194682):
        for body, count in made.round(number):
            records = body.split(b"\n")
            assert len(records) == count
            normalized = normalizer.process(raw_batch(records))
            assert normalized.dead_letters == []
            uids.update(normalized.events.column("metadata.uid").to_pylist())
            sent += count
    assert sent == len(uids) == 3 * sum(made.mix.values())
    assert all(MARK in record for record in made.records)
    assert set(made.mix) == {"aws_cloudtrail", "m365_unified_audit", "okta_system_log", "windows_event_log"}


def test_witnesses_are_unlike_each_other() -> None:
    normalized = Normalizer(load_sources()[0]).process(raw_batch([witness(1), witness(2)]))
    assert normalized.events.column("metadata.uid").to_pylist() == [
        "okta_system_log:witness-1",
        "okta_system_log:witness-2",
    ]
