"""What is noise is dropped, counted and sampled; what anybody looks at is not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.conftest import Investigate

from watchfloor.detect.noise import NoiseFilter
from watchfloor.detect.sigma.condition import CompiledRule, Leaf, Predicate
from watchfloor.detect.sigma.globs import glob
from watchfloor.finding import Rule
from watchfloor.native import LogSource
from watchfloor.run.noise import Noise
from watchfloor.session import Sessions
from watchfloor.testing.events import batch_of


def noise_filter(keep_one_in: int = 1000, event_type: str = "system.heartbeat") -> NoiseFilter:
    condition = Leaf(Predicate("native.eventType", glob([event_type])))
    rule = CompiledRule(Rule("filter", "Heartbeats"), LogSource("okta", "", "okta"), condition)
    return NoiseFilter("heartbeats", rule, "me", "noise", keep_one_in, Path("filters/heartbeats"))


def lines(events: pa.RecordBatch) -> list[int]:
    found: list[int] = events.column("origin.line").to_pylist()
    return found


def test_noise_goes_and_the_rest_stays_in_its_order() -> None:
    noise = Noise([noise_filter()])
    batch = batch_of(*[{} for _ in range(5)])
    assert lines(noise.process(batch, {0: 0, 3: 0})) == [2, 3, 5]
    assert noise.dropped == {"heartbeats": 2}
    assert noise.process(batch, {}) is batch


def test_one_of_some_is_kept_and_always_the_same() -> None:
    rows = [{"metadata.uid": f"u{number}"} for number in range(3000)]
    noisy = dict.fromkeys(range(len(rows)), 0)
    whole, parts = Noise([noise_filter(10)]), Noise([noise_filter(10)])
    kept = whole.process(batch_of(*rows), noisy)
    apart = [uid for row in rows for uid in parts.process(batch_of(row), {0: 0}).column("metadata.uid").to_pylist()]
    assert kept.column("metadata.uid").to_pylist() == apart
    assert 200 < kept.num_rows < 400
    assert whole.sampled["heartbeats"] + whole.dropped["heartbeats"] == len(rows)
    assert set(map(tuple, kept.column("tags").to_pylist())) == {("filter.sample=heartbeats",)}
    assert Noise([noise_filter(1)]).process(batch_of(*rows), noisy).num_rows == len(rows)


def test_what_a_detection_an_alert_or_a_sighting_is_about_stays() -> None:
    logins = Sessions(
        name="logins",
        key="entity.actor",
        gap=timedelta(minutes=1),
        columns=(),
        select=lambda batch: pc.equal(batch.column("class_uid"), 3002),
        judge=lambda _rows, _count: (),
    )
    noise = Noise([noise_filter()], [logins])
    rows: list[dict[str, Any]] = [
        {"class_uid": 3002, "entity.actor": "user:a"},
        {"class_uid": 2004},
        {"tags": ["indicator.src_endpoint.ip=acme:x"]},
        {"tags": ["host.criticality=low"]},
        # Nobody sees a login without the key that logins are kept by.
        {"class_uid": 3002},
    ]
    assert lines(noise.process(batch_of(*rows), dict.fromkeys(range(5), 0))) == [1, 2, 3]
    assert noise.spared == {"heartbeats": 3}


@pytest.mark.parametrize("event_type", ["system.heartbeat", "user.account.privilege.grant"])
def test_an_investigation_drops_noise_and_nothing_that_a_rule_finds(
    investigating: Investigate, tmp_path: Path, event_type: str
) -> None:
    logs = tmp_path / "okta.ndjson"
    event = {
        "published": "2026-03-17T08:00:00Z",
        "eventType": event_type,
        "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
        "outcome": {"result": "SUCCESS"},
        "debugContext": {"debugData": {"privilegeGranted": "Super administrator"}},
    }
    logs.write_bytes(b"\n".join(orjson.dumps({**event, "uuid": str(number)}) for number in range(20)))
    plain = investigating(tmp_path / "plain", logs)
    filtered = investigating(tmp_path / "out", logs, filters=[noise_filter(10**6, event_type)])
    assert filtered.findings == plain.findings
    dropped, sampled = filtered.outcome.observed.filtered["heartbeats"]
    if event_type == "system.heartbeat":
        assert (dropped, sampled, filtered.outcome.observed.sources.total()) == (20, 0, 0)
    else:
        assert plain.findings
        assert (dropped, sampled) == (0, 0)
