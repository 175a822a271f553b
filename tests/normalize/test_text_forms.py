"""Forms of text lines that a source declares, and how text goes through normalization."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from watchfloor.catalog import Folder
from watchfloor.errors import ContentError, RecordError
from watchfloor.event import NATIVE, to_ocsf
from watchfloor.native import KEYWORDS, DecodePlan
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.normalize.formats import Text, read_text
from watchfloor.normalize.text_forms import compile_forms
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import INGESTED_AT, raw_batch, sample_records, samples

SYSLOG = {"hostname": "web-1", "app_name": "door"}


def read(forms: Any, message: str) -> Any:
    found = compile_forms(forms)(Text("", message, SYSLOG))
    return found and {name: value for name, value in found.items() if name != "syslog"}


def test_a_line_without_its_program_has_a_form_only_if_it_arrived_as_one_of_the_source() -> None:
    forms = compile_forms(
        [
            {"pattern": r"opened (?P<door>\w+)", "when": {"syslog.app_name": ["door", "doord"]}},
            {"starts": "shut", "when": {"syslog.app_name": {"exists": True}}, "set": {"event": "shut"}},
            {"when": {"syslog.app_name": "lock"}, "set": {"event": "any"}},
        ]
    )
    alone, of_another = Text("", " opened main"), Text("", "opened main", {"app_name": "web"})
    assert forms(alone) is None
    assert forms(alone, told=True) == {"message": "opened main", "door": "main"}
    assert forms(of_another, told=True) is None
    assert forms(Text("", "shut", {"hostname": "a"})) is None
    assert forms(Text("", "shut", {"hostname": "a"}), told=True) is not None
    assert forms(Text("", "what no form tells"), told=True) is None


def test_a_pattern_gives_its_named_groups() -> None:
    forms = [{"pattern": r"opened (?P<door>\w+)(?: by (?P<user>\S+))?", "set": {"event": "open"}}]
    assert read(forms, "opened main by alice") == {
        "message": "opened main by alice",
        "door": "main",
        "user": "alice",
        "event": "open",
    }
    assert read(forms, "opened main") == {"message": "opened main", "door": "main", "event": "open"}
    assert read(forms, "was opened main") is None


def test_columns() -> None:
    form = {"columns": ["a", "b", "c"], "quote": '"', "least": 2, "further": "more"}
    assert read([form], '1,"x, ""y""",3,4,5') == {"a": "1", "b": 'x, "y"', "c": "3", "more": ["4", "5"]}
    assert read([form], "1,2") == {"a": "1", "b": "2"}
    assert read([form], "1") is None
    assert read([{"columns": ["a", "b"], "separator": " "}], "1 2 3") is None
    assert read([form], '"' + "x" * 200_000) is None


def test_the_first_form_that_holds_counts() -> None:
    forms = [
        {"columns": ["kind", "a"], "where": {"kind": "A"}, "set": {"event": 1}},
        {"columns": ["kind", "b"], "where": {"kind": "B*"}, "set": {"event": 2}},
        {"when": {"syslog.app_name": "window"}, "set": {"event": 3}},
        {"when": {"syslog.app_name": "door"}, "starts": ["x", "y"], "set": {"event": 4}},
    ]
    assert read(forms, "A,1")["event"] == 1
    assert read(forms, "B7,1")["event"] == 2
    assert read(forms, "yes") == {"message": "yes", "event": 4}
    assert read(forms, "no") is None


def test_a_field_of_pairs() -> None:
    forms = [{"pattern": r"door: (?P<text>.*)", "pairs": "text"}]
    assert read(forms, 'door: a=1 b="x y" message=forged') == {
        "message": 'door: a=1 b="x y" message=forged',
        "a": "1",
        "b": "x y",
    }


def test_a_pattern_that_takes_too_long_costs_its_line() -> None:
    with pytest.raises(RecordError, match="took longer"):
        read([{"pattern": r"(?P<a>(x+x+)+)y"}], "x" * 5000)


DOORS: dict[str, Any] = {
    "title": "Doors",
    "vendor": "Example",
    "product": "Doors",
    "time": "syslog.timestamp",
    "text": [{"when": {"syslog.app_name": "door"}, "pattern": r"(?P<user>\w+) (?P<what>opened|forced) (?P<door>\w+)"}],
    "common": {"message": "message", "device.hostname": "syslog.hostname"},
    "sigma": {"logsources": [{"product": "doors"}], "fields": {"Account": "user"}},
}


def source(folder: Path, name: str = "doors", **changes: Any) -> Source:
    path = folder / name
    path.mkdir(parents=True)
    path.joinpath("source.yml").write_text(yaml.safe_dump(DOORS | changes), encoding="utf-8")
    return Source(Folder(name, path))


LINE = b"<38>Dec 31 23:00:00 hall door: alice forced main"


def test_a_line_becomes_an_event(tmp_path: Path) -> None:
    plan = DecodePlan(frozenset({"Account", "what", "syslog.app_name", "*"}))
    result = Normalizer([source(tmp_path)], plan).process(raw_batch([LINE, b"<38>Dec 31 23:00:00 hall window: x"]))
    (event,) = to_ocsf(result.events)
    assert not ocsf_errors(event)
    assert event["time"] == 1_767_222_000_000
    assert (event["message"], event["device"]["hostname"]) == ("alice forced main", "hall")
    assert event["unmapped"]["what"] == "forced"
    natives = {name: result.events.column(NATIVE + name).to_pylist() for name in ("Account", "what", "syslog.app_name")}
    assert natives == {"Account": ["alice"], "what": ["forced"], "syslog.app_name": ["door"]}
    assert LINE.decode() in result.events.column(KEYWORDS).to_pylist()[0]
    assert [letter.reason for letter in result.dead_letters] == ["no source recognises this record"]


def test_a_generic_source_is_asked_last(tmp_path: Path) -> None:
    any_syslog = source(tmp_path, "any", text=None, generic=True, recognise={"has": ["syslog.hostname"]})
    normalizer = Normalizer([any_syslog, source(tmp_path)])
    lines = [b"<38>Dec 31 23:00:00 hall window: x", LINE, LINE, b"<38>Dec 31 23:00:00 hall door: x"]
    names = pa.Table.from_batches([normalizer.process(raw_batch(lines)).events]).column("source").to_pylist()
    assert names == ["any", "doors", "doors", "any"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ([{"pattern": "("}], "text 1: .*missing"),
        ([{"name": "x", "pattern": "abc"}], r"text 1 \(x\): a pattern without a named group"),
        ([{"pattern": "(?P<a>.)"}, {"patern": "x"}], "text 2: unknown key 'patern'"),
        ([{"pattern": "(?P<message>.)"}], "may not be named message"),
        ([{"columns": ["a", "a"]}], "different names"),
        ([{"columns": ["a"], "separator": "ab"}], "one character"),
        ([{"columns": ["a"], "least": "x"}], "text 1: invalid literal"),
        ([{"pattern": "(?P<a>.)", "quote": "'"}], "goes with columns"),
        ([{"columns": ["a"], "pattern": "(?P<a>.)"}], "not both"),
        ([{"set": {"a": 1}}], "may not take every line"),
        ([{"pattern": "(?P<a>.)", "when": {"a": {"is": 1}}}], "a condition takes"),
        ({"pattern": "x"}, "text is a list of forms"),
        (["x"], "text 1:"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_with_file_and_entry(tmp_path: Path, text: Any, wrong: str) -> None:
    with pytest.raises(ContentError, match=wrong) as caught:
        source(tmp_path, text=text)
    assert caught.value.path.endswith("doors/source.yml")


WITH_FORMS = [source for source in load_sources()[0] if source.has_forms]
SECONDS = 1.0


@pytest.mark.parametrize("source", WITH_FORMS, ids=lambda source: source.name)
@pytest.mark.parametrize(
    "unit", [b"a", b" ", b"a ", b" from ", b";", b'"', b"\\", b"=", b"a=b ", b",", b"0", b"[", b"\0"]
)
def test_a_long_line_takes_little_time(source: Source, unit: bytes) -> None:
    lines = {raw[:40]: raw for path in samples(source) for raw in sample_records(path)[:3] if not raw.startswith(b"{")}
    for raw in lines.values():
        for at in (len(raw) // 3, 2 * len(raw) // 3, len(raw)):
            begin = time.process_time()
            with suppress(RecordError):
                source.read_text(read_text(raw[:at] + unit * (100_000 // len(unit)) + raw[at:], INGESTED_AT))
            assert time.process_time() - begin < SECONDS, raw
