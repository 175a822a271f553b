"""Records that are OCSF already pass through: what the version spoken here allows stays, the rest is not lost."""

from typing import Any

import orjson
import pytest

from watchfloor.event import OCSF_VERSION, to_ocsf
from watchfloor.native import DecodePlan
from watchfloor.normalize import Source, load_sources
from watchfloor.normalize.json_record import decode_json
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import golden, normalize, sample_records, samples

SOURCES = load_sources()[0]
OCSF = next(source for source in SOURCES if source.name == "ocsf")

LOGON: dict[str, Any] = {
    "class_uid": 3002,
    "category_uid": 3,
    "activity_id": 1,
    "type_uid": 300201,
    "severity_id": 1,
    "time": 1_773_736_200_000,
    "metadata": {"version": "1.1.0", "uid": "u-1", "product": {"name": "Portal", "vendor_name": "Acme"}},
    "user": {"name": "alice", "type_id": 1},
    "service": {"name": "portal"},
}


def passed(record: dict[str, Any]) -> dict[str, Any]:
    (event,) = to_ocsf(normalize(OCSF, [orjson.dumps(record)]).events)
    assert not ocsf_errors(event)
    return event


def everything() -> list[tuple[Source, bytes]]:
    return [(source, raw) for source in SOURCES for path in samples(source) for raw in sample_records(path)]


def test_what_we_write_of_any_source_comes_back_as_it_was() -> None:
    for source, raw in everything():
        (event,) = to_ocsf(normalize(source, [raw]).events)
        again = passed(event)
        made, told = golden(again), golden(event)
        made["metadata"].pop("uid")
        told["metadata"].pop("uid")
        told.pop("unmapped", None), made.pop("unmapped", None)
        assert made == told, f"{source.name}: {raw[:200]!r}"


def test_only_ocsf_is_recognised_as_ocsf() -> None:
    objects = ((source, raw) for source, raw in everything() if raw.startswith(b"{"))
    takers = {source.name for source, raw in objects if OCSF.recognises(decode_json(raw))}
    assert takers == {"ocsf"}


def test_the_product_that_saw_it_stays_and_the_version_is_ours() -> None:
    event = passed(LOGON)
    assert event["metadata"]["product"] == {"name": "Portal", "vendor_name": "Acme"}
    assert event["metadata"]["version"] == OCSF_VERSION


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"activity_id": 77}, {}),
        ({"logon_type_id": 77}, {"logon_type_id": 77}),
        ({"invented": {"a": [1]}}, {"invented": {"a": [1]}}),
        ({"user": {"name": "alice", "invented": 1}}, {"user": {"invented": 1}}),
        ({"src_endpoint": {"ip": "not an address"}}, {"src_endpoint": {"ip": "not an address"}}),
        ({"unmapped": {"vendor": "x"}}, {"vendor": "x"}),
        ({"unmapped": "text"}, {}),
        ({"message": None}, {}),
    ],
)
def test_what_does_not_fit_is_kept_apart(change: dict[str, Any], lost: dict[str, Any]) -> None:
    event = passed({**LOGON, **change})
    assert event["class_uid"] == 3002
    assert event.get("unmapped", {}) == lost


@pytest.mark.parametrize("class_uid", [0, 3002, 3005, 987654, -1, "3002", "x", True, [], 2**62])
@pytest.mark.parametrize("profiles", [None, "cloud", ["cloud"], ["host", 7], ["invented"], {}])
def test_a_record_of_any_class_and_profiles_is_valid(class_uid: Any, profiles: Any) -> None:
    record = {**LOGON, "class_uid": class_uid, "metadata": {**LOGON["metadata"], "profiles": profiles}}
    assert passed(record)["class_uid"] in {0, 3002}


def test_a_profile_that_attributes_need_is_added() -> None:
    event = passed({**LOGON, "device": {"hostname": "WS-17", "type_id": 1}})
    assert event["device"]["hostname"] == "WS-17"
    assert event["metadata"]["profiles"] == ["host"]


def test_rules_on_programs_see_their_start() -> None:
    (path,) = (path for path in samples(OCSF) if path.stem == "versions")
    plan = DecodePlan(frozenset({"Image", "CommandLine", "ParentImage"}))
    rows = normalize(OCSF, sample_records(path), plan).events.to_pylist()
    (row,) = [row for row in rows if row["class_uid"] == 1007]
    assert row["native.logsource"] == "windows/process_creation/"
    assert row["native.Image"] == r"C:\Windows\System32\powershell.exe"
    assert row["native.ParentImage"] == r"C:\Program Files\winword.exe"
