"""Looking back finds by the needle indexes what it finds without them, and reads little of the lake."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchfloor.enrich.indicators import Indicators, indicator_tables
from watchfloor.indicator import Indicator, Value, address, digest, domain, mail, network, url
from watchfloor.operator import Reference
from watchfloor.run.looking_back import Looked, look_back, needles_of_all
from watchfloor.run.sightings import sighted
from watchfloor.store.compaction import compact_all
from watchfloor.store.hours import HOUR
from watchfloor.store.lake import Lake
from watchfloor.store.needles import needles_of
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000 // HOUR * HOUR
EVER = timedelta(days=36_500)
NAMES = (
    "evil.example",
    "a.evil.example",
    "Evil.Example.",
    "bücher.example",
    "İevil.example",
    "203.0.113.7",
    "2001:db8:5::7",
    "2001:DB8:5:0::7",
    "::ffff:203.0.113.7",
    "fe80::1%eth0",
    "mallory@evil.example",
    "Mallory@A.EVIL.example",
    "ΣΑΣ@bücher.example",
    "ab" * 16,
    "AB" * 32,
    "http://evil.example/a?b",
    "HTTPS://user@Evil.Example:8443/x",
    "http://[2001:db8:5::7]:80/",
    "http://localhost/x",
)
AROUND = ("", " ", '"', "<", ",", "\u00a0", "é", "x", "-", "@", "://", "\\", "}", ".", ":", "0")
COLUMNS = (
    "src_endpoint.ip",
    "dst_endpoint.ip",
    "device.ip",
    "query.hostname",
    "dst_endpoint.hostname",
    "src_endpoint.hostname",
    "email.from",
    "actor.user.email_addr",
    "user.email_addr",
    "rest",
    "unmapped",
)


def values(text: str) -> list[Value]:
    """What a text is as an indicator, of each kind that it can be."""
    found = [("address", address(text)), ("domain", domain(text)), ("url", url(text))]
    found += [("mail", mail(text)), ("hash", digest(text))]
    kinds: list[Any] = [(kind, value) for kind, value in found if value is not None]
    if (one := address(text)) is not None:
        kinds += [network(f"{one}/{bits}") for bits in ((9, 23, 24, 27) if "." in one else (33, 48, 63, 120))]
    return kinds


BESIDE = st.lists(st.sampled_from(AROUND), max_size=3).map("".join)
TEXTS = st.builds("{}{}{}".format, BESIDE, st.sampled_from(NAMES), BESIDE)


@settings(max_examples=300)
@given(st.sampled_from(NAMES), st.sampled_from(COLUMNS), TEXTS | TEXTS.map(lambda text: orjson.dumps([text]).decode()))
@example("evil.example", "rest", "http://evil.example/a?b\u00a0x")
@example("evil.example", "rest", "http://evil.example\u00a0x")
def test_whatever_is_a_sighting_has_a_needle_of_its_indicator(known: str, column: str, text: str) -> None:
    event = batch_of({column: text})
    for value in values(known):
        one = Indicator("indicator--1", (value,), "acme")
        numbers = needles_of_all([one])
        tagged = sighted(Indicators(Reference(1, indicator_tables([one]))).process(event))
        if tagged.num_rows and numbers is not None:
            assert numbers & set(needles_of(pa.Table.from_batches([event])).to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Six hours: addresses, each in one of them, and one event that came twice."""
    made = Lake(tmp_path)
    for hour in range(6):
        with made.writer() as writer:
            rows = [
                {
                    "metadata.uid": f"u{hour}-{at}",
                    "time": NOW + hour * HOUR + at,
                    "ingested_at": NOW + hour * HOUR,
                    "src_endpoint.ip": f"203.0.{hour}.{at}",
                    "unmapped": orjson.dumps({"url": f"http://h{at}.d{hour}.example/x"}).decode(),
                }
                for at in range(40)
            ]
            writer.append(batch_of(*rows))
            writer.append(batch_of({**rows[3], "ingested_at": NOW + 9 * HOUR, "origin.path": "again"}))
    compact_all(made, now=NOW + 9 * HOUR)
    return made


def indicator(number: int, *values: Value, **more: Any) -> Indicator:
    return Indicator(f"indicator--{number}", values, "acme", **more)


def seen(looked: Looked) -> list[tuple[str, str]]:
    return [(one.event_uids[0], one.origins[0].path) for one in looked.found]


def test_what_may_have_an_indicator_is_read_and_nothing_else(lake: Lake) -> None:
    known = [indicator(1, ("address", "203.0.1.3")), indicator(2, ("domain", "d4.example"), ("hash", "ab" * 32))]
    looked = look_back(lake, "default", known, back=EVER)
    assert seen(looked) == [("u1-3", "test.ndjson"), *((f"u4-{at}", "test.ndjson") for at in range(40))]
    assert (looked.read, looked.total) == (2, len(lake.files()))
    for path in lake.folder.rglob("*.needles"):
        path.unlink()
    all_of_it = look_back(lake, "default", known, back=EVER)
    assert all_of_it.found == looked.found
    assert all_of_it.read == all_of_it.total


def test_networks_are_looked_for_by_what_they_are_in(lake: Lake) -> None:
    looked = look_back(lake, "default", [indicator(1, ("network", "203.0.2.0/30"))], back=EVER)
    assert sorted(uid for uid, _ in seen(looked)) == ["u2-0", "u2-1", "u2-2", "u2-3"]
    assert looked.read == 1
    wide = look_back(lake, "default", [indicator(1, ("network", "2000::/16"))], back=EVER)
    assert (seen(wide), wide.read) == ([], wide.total)


def test_files_of_other_times_are_not_read(lake: Lake) -> None:
    known = [indicator(1, ("network", "203.0.0.0/16"), since=NOW + 5 * HOUR)]
    assert look_back(lake, "default", known, back=timedelta(hours=1)).read == 2
    ended = [indicator(1, ("network", "203.0.0.0/16"), since=NOW, until=NOW + 10)]
    assert len(look_back(lake, "default", ended, back=timedelta(0)).found) == 10
    assert look_back(lake, "default", [], back=EVER).read == 0
    assert look_back(Lake(lake.folder / "none"), "default", known, back=EVER).total == 0
