"""ATT&CK crossed with rules and telemetry: what is covered, blind, dark and unseen, and why."""

from collections import Counter
from pathlib import Path

import pytest
from tests.cli.test_rules_check import MANY, RULE
from tests.cli.test_rules_explain import EVENT

from watchfloor.catalog import BUILT_IN, Folder
from watchfloor.clock import system_clock
from watchfloor.detect.sigma.load import load_rules
from watchfloor.finding import Rule
from watchfloor.native import LogSource
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.rulecraft.attack import Log, Technique, techniques
from watchfloor.rulecraft.coverage import Coverage, coverage
from watchfloor.rulecraft.coverage_page import columns, coverage_page
from watchfloor.rulecraft.navigator import layer
from watchfloor.rulecraft.needs import Need, needs_of_folders, needs_of_rules
from watchfloor.rulecraft.telemetry import Kind, Telemetry, telemetry_of_files, telemetry_of_lake
from watchfloor.store.lake import Lake
from watchfloor.testing.sources import raw_batch

SYSMON = Kind(
    "windows_event_log", 1007, "microsoft-windows-sysmon/operational", "1", "windows//;windows/process_creation/sysmon"
)
OKTA = Kind("okta_system_log", 3002, "okta.system_log", "user.session.start", "okta//okta")
PROCESSES, LOGINS, FLOWS = LogSource("windows", "process_creation"), LogSource("okta"), LogSource("zeek", "", "conn")


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return load_sources()[0]


def needing(*logsources: LogSource, techniques: tuple[str, ...] = ("T1059",), **more: object) -> Need:
    name = "-".join(one.product for one in logsources) or "stateful"
    return Need(Rule(name, f"<b>{name}", techniques=techniques), logsources, **more)  # type: ignore[arg-type]


def technique(uid: str, *logs: Log) -> Technique:
    return Technique(uid, f"Technique {uid}", ("execution", "discovery"), logs)


def matrix(*needs: Need, kinds: tuple[Kind, ...] = (SYSMON,), logs: tuple[Log, ...] = ()) -> Coverage:
    known = {one.uid: one for one in (technique("T1059", *logs), technique("T1059.001"), technique("T1082", *logs))}
    return coverage(needs, Telemetry(Counter(dict.fromkeys(kinds, 2))), known)


def states(made: Coverage) -> list[str]:
    return [spot.state for spot in made.spots]


def test_covered_blind_dark_and_unseen() -> None:
    seen = (Log("WinEventLog:Sysmon", ("1", "3")),)
    assert states(matrix(needing(PROCESSES))) == ["covered", "unseen", "unseen"]
    assert states(matrix(needing(LOGINS))) == ["blind", "unseen", "unseen"]
    assert states(matrix(needing(LOGINS), needing(PROCESSES))) == ["covered", "unseen", "unseen"]
    assert states(matrix(needing(PROCESSES), logs=seen)) == ["covered", "unseen", "dark"]
    assert states(matrix(logs=(Log("WinEventLog:Sysmon", ("10",)), Log("Internet Scan")))) == ["unseen"] * 3
    assert states(matrix(kinds=(), logs=seen)) == ["unseen"] * 3


def test_what_stands_beside_the_matrix() -> None:
    made = matrix(
        needing(PROCESSES, techniques=()), needing(FLOWS), needing(FLOWS, techniques=("T9999",)), kinds=(SYSMON, OKTA)
    )
    assert (made.events, made.rules, made.untagged) == (4, 3, 1)
    assert made.blind == {"product zeek, service conn": 2}
    assert made.idle == {"okta.system_log": 2}
    assert made.unknown == {"T9999": 1}


def test_a_rule_that_joins_log_sources_needs_them_all() -> None:
    joined = needing(PROCESSES, LOGINS, every=True)
    either = needing(PROCESSES, LOGINS)
    assert [one.events(Telemetry(Counter({SYSMON: 2}))) for one in (joined, either)] == [0, 2]
    assert joined.events(Telemetry(Counter({SYSMON: 2, OKTA: 3}))) == 5


def test_ocsf_rules_need_a_class_and_stateful_detections_their_kinds() -> None:
    telemetry = Telemetry(Counter({SYSMON: 2, OKTA: 3}))
    assert needing(LogSource("ocsf", "authentication")).events(telemetry) == 3
    assert needing(LogSource("ocsf")).events(telemetry) == 5
    assert needing(kinds=frozenset({("okta_system_log", 3002)})).events(telemetry) == 3
    assert needing(kinds=frozenset({("okta_system_log", 3005)})).events(telemetry) == 0
    assert needing().events(telemetry) == 0


def test_a_correlation_needs_what_its_rules_need(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(f"{RULE}---\n{MANY}")
    (many,) = needs_of_rules(load_rules([tmp_path / "rules.yml"]))
    assert (many.rule.title, many.logsources, many.every) == ("Many shells", (PROCESSES,), False)
    ordered = MANY.replace("event_count", "temporal").replace("gte: 2", "gte: 1")
    (tmp_path / "rules.yml").write_text(f"{RULE}---\n{ordered}")
    assert [one.every for one in needs_of_rules(load_rules([tmp_path / "rules.yml"]))] == [True]


def test_a_detection_that_keeps_state_needs_what_its_hits_are(sources: tuple[Source, ...]) -> None:
    folder = BUILT_IN / "detections" / "impossible_travel"
    needs = list(needs_of_folders([Folder(folder.name, folder)], sources))
    assert {one.rule.use_case for one in needs} == {"impossible_travel"}
    assert all(class_uid == 3002 for need in needs for _, class_uid in need.kinds)
    assert needs[0].words


def test_a_lake_tells_what_its_files_told(tmp_path: Path, sources: tuple[Source, ...]) -> None:
    log = tmp_path / "log.ndjson"
    other = EVENT.replace("cmd", "calc").replace('"EventID": 1', '"EventID": 3')
    log.write_text(EVENT * 5 + other + "{no}\n")
    files = telemetry_of_files([log], sources, clock=system_clock)
    with Lake(tmp_path / "lake").writer() as writer:
        events = Normalizer(sources).process(raw_batch([EVENT.encode()] * 5 + [other.encode()])).events
        writer.append(events.slice(0, 2))
        writer.flush()
        writer.append(events.slice(2))
    assert telemetry_of_lake(Lake(tmp_path / "lake"), sources) == files
    assert sorted(files.kinds.values()) == [1, 5]
    assert files.logs == {("microsoft-windows-sysmon/operational", "1"), ("microsoft-windows-sysmon/operational", "3")}
    unknown = telemetry_of_lake(Lake(tmp_path / "lake"), ())
    assert (unknown.events, {kind.logsources for kind in unknown.kinds}) == (6, {""})


@pytest.mark.parametrize(
    ("log", "ours", "there"),
    [
        (Log("WinEventLog:Security", ("4624",)), ("security", "4624"), True),
        (Log("WinEventLog:Security", ("4624",)), ("security", "4625"), False),
        (Log("WinEventLog:Security"), ("security", "1"), True),
        (Log("WinEventLog:Microsoft-Windows-VSS"), ("microsoft-windows-vss/operational", "1"), True),
        (Log("WinEventLog:PowerShell", ("4104",)), ("microsoft-windows-powershell/operational", "4104"), True),
        (Log("auditd:SYSCALL"), ("linux.audit", "execve"), True),
        (Log("linux:osquery"), ("osquery.process_events", "x"), True),
        (Log("AWS:CloudTrail"), ("aws.cloudtrail", "runinstances"), True),
        (Log("saas:zoom"), ("aws.cloudtrail", "runinstances"), False),
        (Log(""), ("", ""), False),
    ],
)
def test_the_logs_of_attack_are_ours(log: Log, ours: tuple[str, str], there: object) -> None:
    assert log.is_in([ours]) is there


def test_the_enterprise_techniques() -> None:
    known = techniques()
    spray = known["T1110.003"]
    assert (spray.tactics, spray.parent) == (("credential-access",), "T1110")
    assert Log("WinEventLog:Security", ("4625", "4771", "4648")) in spray.logs
    assert all(one.parent in known for one in known.values() if one.parent)


def test_a_layer_of_the_navigator() -> None:
    made = layer(matrix(needing(PROCESSES), logs=(Log("WinEventLog:Sysmon"),)))
    assert made["versions"] == {"attack": "18", "navigator": "5.2.0", "layer": "4.5"}
    assert made["domain"] == "enterprise-attack"
    assert [(one["techniqueID"], one["score"]) for one in made["techniques"]] == [("T1059", 1), ("T1082", 0)]
    assert made["gradient"]["maxValue"] > made["gradient"]["minValue"]
    assert all(value["name"] and value["value"] for one in made["techniques"] for value in one["metadata"])


def test_the_page_has_each_technique_under_its_tactics_and_nothing_that_runs() -> None:
    made = matrix(needing(PROCESSES, techniques=("T1059.001",)), logs=(Log("WinEventLog:Sysmon"), Log("x")))
    cells = {column.name: column.cells for column in columns(made)}
    assert [cell.state for cell in cells["Execution"]] == [cell.state for cell in cells["Discovery"]]
    assert [(cell.state, cell.words) for cell in cells["Execution"]] == [
        ("covered", "1 rule, 1 of 1 parts"),
        ("dark", "no rule, 1 of 2 logs"),
    ]
    assert not cells["Impact"]
    page = coverage_page(made, "<script>")
    assert "<script" not in page
    assert "&lt;b&gt;windows" in page
    assert "http" not in page.partition("</style>")[2]
