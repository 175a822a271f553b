"""Entries of a source: errors that name their place, entries that give way, and nothing lost on the way."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from watchfloor.catalog import Folder
from watchfloor.errors import ContentError
from watchfloor.event import to_ocsf
from watchfloor.native import DecodePlan, LogSource
from watchfloor.normalize import Source
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import normalize

DEFINITION: dict[str, Any] = {
    "title": "Door log",
    "vendor": "Example",
    "product": "Doors",
    "recognise": {"has": ["door", "at"]},
    "uid": "id",
    "time": "at",
    "kind": ["action"],
    "common": {"actor.user.name": "who.name", "src_endpoint.ip": "from", "message": "words"},
    "events": [
        {
            "name": "opened",
            "when": {"action": "open"},
            "class": "authentication",
            "activity": 1,
            "map": {"user.name": "who.name", "user.email_addr": "who.mail", "service.name": "door"},
        },
        {
            "name": "any",
            "class": "entity_management",
            "activity": {"from": "action", "table": {"add": 1}},
            "map": {"entity.name": "door", "entity.type": {"value": "door"}},
        },
    ],
}


def source(folder: Path, changes: dict[str, Any] | None = None, files: dict[str, str] | None = None) -> Source:
    folder.mkdir(exist_ok=True)
    (folder / "source.yml").write_text(yaml.safe_dump({**DEFINITION, **(changes or {})}), encoding="utf-8")
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return Source(Folder("doors", folder))


def entry(**changes: Any) -> dict[str, Any]:
    return {"events": [{"name": "broken", "class": "authentication", "map": {}, **changes}]}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (entry(**{"class": "authentification"}), r"event 1 \(broken\).*no class 'authentification'"),
        (entry(map={"user.nmae": "a"}), r"event 1 \(broken\): user.nmae: user has no attribute 'nmae'"),
        (entry(map={"user.name.x": "a"}), r"event 1 \(broken\): user.name.x: .*not a single object"),
        (entry(map={"cloud.provider": "a"}), r"event 1 \(broken\): cloud.provider: .*profiles \['host'\]"),
        (entry(map={"user.name": {"from": "a", "pattren": "x"}}), r"event 1 \(broken\): user.name: .*pattren"),
        (entry(map={"user.name": "a..b"}), r"event 1 \(broken\): user.name: malformed path"),
        (entry(map={"user.name": {"from": "a", "pattern": "("}}), r"event 1 \(broken\): user.name"),
        (entry(entities={"owner": "a"}), r"event 1 \(broken\): .*'owner' is resolved"),
        (entry(whem={}), r"event 1 \(broken\): unknown key 'whem'"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"recognise": {}}, "recognise needs has or when"),
        ({"recognise": {"hass": ["a"]}}, "not 'hass'"),
        ({"common": {"actor.user.nmae": "a"}}, "nmae"),
        (
            {"sigma": {"logsources": [{"product": "x", "when": {"words": "a"}}]}},
            "only the paths under kind, not 'words'",
        ),
        ({"sigma": {"logsources": [{"produkt": "x"}]}}, "unknown key 'produkt'"),
        ({"include": ["more.yml"]}, "more.yml"),
    ],
)
def test_errors_name_the_file_the_entry_and_the_attribute(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ContentError, match=named) as raised:
        source(tmp_path / "doors", changes)
    assert str(tmp_path) in str(raised.value)


def test_a_decoder_that_does_not_import_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"decode.py:1: ModuleNotFoundError"):
        source(tmp_path / "doors", files={"decode.py": "import no_such_module\n"})


def events(doors: Source, *records: dict[str, Any]) -> list[dict[str, Any]]:
    made = list(to_ocsf(normalize(doors, [orjson.dumps(record) for record in records]).events))
    assert not [error for event in made for error in ocsf_errors(event)]
    return made


def test_an_entry_that_the_record_cannot_make_whole_gives_way(tmp_path: Path) -> None:
    doors = source(tmp_path / "doors")
    whole, nameless, bare = events(
        doors,
        {"id": "1", "at": 1773736200, "action": "open", "door": "north", "who": {"name": "alice"}},
        {"id": "2", "at": 1773736200, "action": "open", "door": "north"},
        {"id": "3", "at": 1773736200, "action": "open", "door": {}},
    )
    assert (whole["class_uid"], whole["user"]["name"]) == (3002, "alice")
    assert (nameless["class_uid"], nameless["entity"]["name"]) == (3004, "north")
    assert bare["class_uid"] == 3004


def test_what_nothing_makes_whole_is_a_base_event_of_the_first_entry(tmp_path: Path) -> None:
    doors = source(tmp_path / "doors", {"recognise": {"has": ["at"]}})
    (event,) = events(doors, {"at": 1773736200, "action": "open", "words": "knock", "who": {"mail": "a@example.com"}})
    assert (event["class_uid"], event["activity_id"], event["message"]) == (0, 99, "knock")
    assert event["unmapped"] == {"action": "open", "who": {"mail": "a@example.com"}}


def test_what_no_attribute_took_stays_in_the_vendors_shape(tmp_path: Path) -> None:
    doors = source(tmp_path / "doors")
    (event,) = events(
        doors,
        {
            "id": "1",
            "at": 1773736200,
            "action": "open",
            "door": "north",
            "from": "not an address",
            "who": {"name": "alice", "mail": "no mail", "badge": 7, "empty": {}},
            "nothing": None,
        },
    )
    assert event["unmapped"] == {
        "action": "open",
        "from": "not an address",
        "who": {"mail": "no mail", "badge": 7},
    }


def test_a_records_uid_is_the_vendors_in_its_source_or_its_content(tmp_path: Path) -> None:
    doors = source(tmp_path / "doors")
    one, two, three = events(doors, {"id": "x", "door": 1, "at": 1}, {"door": 1, "at": 1}, {"door": 1, "at": 1})
    assert one["metadata"]["uid"] == "doors:x"
    assert two["metadata"]["uid"] != three["metadata"]["uid"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"door": 1, "at": "soon"}', "no readable time"),
        (b'{"window": 1}', "no source recognises this record"),
        (b"[1]", "no source recognises this record"),
        (b"{", "invalid JSON"),
        (b'{"door": "\xff", "at": 1}', "invalid UTF-8 at byte 10"),
        (b'{"a":' * 200_000, "JSON"),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter(tmp_path: Path, record: bytes, reason: str) -> None:
    result = normalize(source(tmp_path / "doors"), [record, b'{"door": 1, "at": 1}'])
    assert result.events.num_rows == 1
    (letter,) = result.dead_letters
    assert reason in letter.reason
    assert letter.raw == record[: len(letter.raw)]
    assert letter.size == len(record)


def test_a_decoders_failure_is_the_records_dead_letter(tmp_path: Path) -> None:
    decoder = "def decode(record):\n    return {**record, 'door': record['door'].upper()}\n"
    doors = source(tmp_path / "doors", files={"decode.py": decoder})
    result = normalize(doors, [b'{"door": 1, "at": 1}', b'{"door": "north", "at": 1}'])
    assert [letter.reason.partition(":")[0] for letter in result.dead_letters] == ["doors"]
    assert result.events.num_rows == 1


def test_profiles_and_severity_of_the_source_hold_for_its_entries(tmp_path: Path) -> None:
    doors = source(
        tmp_path / "doors",
        {
            "profiles": ["cloud", "host"],
            "severity": {"from": "level", "table": {"bad": 4}, "else": 1},
            "common": {"cloud.provider": {"value": "Example"}},
        },
    )
    loud, quiet = events(doors, {"door": "n", "at": 1, "level": "bad"}, {"door": "n", "at": 1})
    assert (loud["severity_id"], quiet["severity_id"]) == (4, 1)
    assert loud["cloud"] == {"provider": "Example"}


def test_served_log_sources_and_aliases_depend_on_the_kind(tmp_path: Path) -> None:
    doors = source(
        tmp_path / "doors",
        {
            "sigma": {
                "logsources": [
                    {"product": "doors", "when": {"action": "open"}, "fields": {"status": "=in"}},
                    {"product": "doors", "service": "all"},
                ],
                "fields": {"Portal": ["gate", "door"], "status": "state"},
            }
        },
    )
    plan = DecodePlan(frozenset({"Portal", "status", "who.name"}))
    records = [
        orjson.dumps({"at": 1, "door": "north", "action": "open", "who": {"name": "alice"}}),
        orjson.dumps({"at": 1, "door": "south", "action": "shut", "state": "out"}),
    ]
    batch = normalize(doors, records, plan).events
    assert doors.logsources() == {LogSource("doors"), LogSource("doors", "", "all")}
    assert batch.column("native.logsource").to_pylist() == ["doors//;doors//all", "doors//all"]
    assert batch.column("native.Portal").to_pylist() == ["north", "south"]
    assert batch.column("native.status").to_pylist() == ["in", "out"]
    assert batch.column("native.who.name").to_pylist() == ["alice", None]
    flat: list[dict[str, object]] = [
        {"at": 1, "who.name": None, "who": {"name": "alice"}},
        {"at": 1, "who": {"name": "alice"}, "who.name": "bob"},
        {"at": 1, "who": {"name": None}, "who.name": "bob"},
        {"at": 1, "who.name": "bob"},
    ]
    named = normalize(doors, [orjson.dumps({**one, "door": "north"}) for one in flat], plan).events
    assert named.column("native.who.name").to_pylist() == ["alice", "alice", "bob", "bob"]
