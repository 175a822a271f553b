"""Windows events: what the golden samples cannot say about shapes, Sigma names and log sources."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from watchfloor.event import to_ocsf
from watchfloor.native import DecodePlan, LogSource, decode_logsources
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import normalize, raw_batch

SYSMON = "Microsoft-Windows-Sysmon/Operational"
DATA = Path(__file__).parents[3] / "shared/data/sigma"


@pytest.fixture(scope="module")
def windows() -> Source:
    return next(source for source in load_sources()[0] if source.name == "windows_event_log")


def event(channel: str | None, event_id: Any, data: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    system = {
        "Provider": {"#attributes": {"Name": other.pop("provider", "Example")}},
        "EventID": event_id,
        "Level": other.pop("level", 4),
        "Keywords": other.pop("keywords", "0x8020000000000000"),
        "TimeCreated": {"#attributes": {"SystemTime": "2026-03-17T08:30:00.000000Z"}},
        "EventRecordID": 7,
        "Execution": {"#attributes": {"ProcessID": 700, "ThreadID": 812}},
        "Channel": channel,
        "Computer": "ws-17.corp.example.com",
        "Security": None,
    }
    return {"Event": {"System": system, "EventData": data, **other}}


def ocsf(source: Source, record: dict[str, Any]) -> dict[str, Any]:
    result = normalize(source, [orjson.dumps(record)])
    assert not result.dead_letters
    [made] = to_ocsf(result.events)
    assert not ocsf_errors(made)
    return made


def native(source: Source, record: dict[str, Any], *fields: str) -> dict[str, Any]:
    batch = normalize(source, [orjson.dumps(record)], DecodePlan(frozenset(fields))).events
    return {
        name: batch.column(f"native.{name}")[0].as_py() for name in fields if f"native.{name}" in batch.schema.names
    }


def served(source: Source, record: dict[str, Any]) -> frozenset[str]:
    text = normalize(source, [orjson.dumps(record)]).events.column("native.logsource")[0].as_py()
    return frozenset(one.category or one.service for one in decode_logsources(text))


class TestDecode:
    def test_a_field_of_the_event_never_hides_one_of_the_system(self, windows: Source) -> None:
        record = windows.decode(event("System", 104, {"Channel": "Application", "Level": "x", "Own": 1}))
        assert (record["Channel"], record["Level"], record["Own"]) == ("System", 4, 1)
        assert record["EventData"] == {"Channel": "Application", "Level": "x"}

    def test_qualifiers_and_text_are_unfolded(self, windows: Source) -> None:
        record = windows.decode(event("System", {"#text": "7036", "#attributes": {"Qualifiers": 16384}}))
        assert (record["EventID"], record["EventID_Qualifiers"]) == (7036, 16384)

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            ({"Data": {"#text": ["a", "b"]}}, ["a", "b"]),
            ({"Data": {"#text": "a"}}, "a"),
            ({"Data": "a"}, "a"),
            ({"Data": ["a", "b"]}, ["a", "b"]),
        ],
    )
    def test_unnamed_values_are_the_field_data(self, windows: Source, data: dict[str, Any], expected: Any) -> None:
        assert windows.decode(event("Application", 1, data))["Data"] == expected

    def test_named_data_elements_are_fields(self, windows: Source) -> None:
        elements = [{"#attributes": {"Name": "A"}, "#text": "1"}, {"#attributes": {"Name": "B"}}, {"#text": "2"}]
        record = windows.decode(event("Application", 1, {"Data": elements}))
        assert (record["A"], record["Data"], "B" in record) == ("1", "2", False)

    def test_user_data_is_flattened_and_what_repeats_is_a_list(self, windows: Source) -> None:
        body = {
            "EventXML": {"#attributes": {"xmlns": "x"}, "User": "CORP\\alice", "In": {"App": "a"}, "Out": {"App": "b"}}
        }
        record = windows.decode(event("Example/Operational", 1, UserData=body))
        assert (record["User"], record["App"], "xmlns" in record) == ("CORP\\alice", ["a", "b"], False)

    def test_a_boolean_is_the_text_that_rules_compare(self, windows: Source) -> None:
        assert native(windows, event(SYSMON, 3, {"Initiated": True}), "Initiated") == {"Initiated": "true"}

    def test_nxlog_hides_no_field_of_sysmon(self, windows: Source) -> None:
        message = (
            "Registry object added or deleted:\r\nEventType: DeleteKey\r\nProcessId: 5120\r\nTargetObject: HKLM\\A"
        )
        record = {
            "EventTime": "2026-03-17 09:30:00",
            "Hostname": "ws-17",
            "Keywords": -9223372036854775808,
            "EventType": "INFO",
            "EventID": 12,
            "ProcessID": 3128,
            "Channel": SYSMON,
            "SourceName": "Microsoft-Windows-Sysmon",
            "SourceModuleType": "im_msvistalog",
            "Message": message,
        }
        flat = windows.decode(record)
        assert (flat["EventType"], flat["ProcessId"], flat["Execution_ProcessID"]) == ("DeleteKey", "5120", 3128)
        assert (flat["Keywords"], flat["Level"]) == ("0x8000000000000000", 4)
        assert "registry_delete" in served(windows, record)

    @pytest.mark.parametrize(
        "record",
        [
            {"winlog": {"channel": "Security", "event_id": "4634", "event_data": {"TargetUserName": "alice"}}},
            {"winlog.channel": "Security", "winlog.event_id": 4634, "winlog.event_data.TargetUserName": "alice"},
            {"EventID": 4634, "Channel": "Security", "Computer": "dc01", "TargetUserName": "alice"},
            {"System": {"EventID": {"Value": 4634}, "Channel": "Security"}, "EventData": {"TargetUserName": "alice"}},
        ],
    )
    def test_collectors_agree(self, windows: Source, record: dict[str, Any]) -> None:
        assert windows.recognises(record)
        flat = windows.decode(record)
        assert (flat["EventID"], flat["Channel"], flat["TargetUserName"]) == (4634, "Security", "alice")


class TestSigma:
    @pytest.mark.parametrize(
        ("event_type", "categories"),
        [
            ("CreateKey", {"registry_event", "registry_add"}),
            ("DeleteKey", {"registry_event", "registry_delete"}),
            ("DeleteValue", {"registry_event", "registry_delete"}),
        ],
    )
    def test_a_registry_event_serves_what_happened(
        self, windows: Source, event_type: str, categories: set[str]
    ) -> None:
        record = event(SYSMON, 12, {"EventType": event_type, "TargetObject": "HKLM\\A"})
        assert {one for one in served(windows, record) if one.startswith("registry")} == categories

    def test_an_audited_process_has_the_names_of_sysmon(self, windows: Source) -> None:
        record = event(
            "Security",
            4688,
            {
                "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
                "ParentProcessName": "C:\\Windows\\explorer.exe",
                "CommandLine": "cmd /c whoami",
                "ProcessId": "0xbcc",
                "SubjectUserName": "alice",
                "MandatoryLabel": "S-1-16-12288",
            },
        )
        assert {"process_creation", "security"} <= served(windows, record)
        assert native(windows, record, "Image", "ParentImage", "CommandLine", "User", "IntegrityLevel") == {
            "Image": "C:\\Windows\\System32\\cmd.exe",
            "ParentImage": "C:\\Windows\\explorer.exe",
            "CommandLine": "cmd /c whoami",
            "User": "alice",
            "IntegrityLevel": "S-1-16-12288",
        }

    def test_an_audited_registry_value_reads_as_in_sysmon(self, windows: Source) -> None:
        data = {
            "ObjectName": "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control\\Lsa",
            "ObjectValueName": "RunAsPPL",
            "OperationType": "%%1905",
            "NewValueType": "%%1876",
            "NewValue": "0",
            "ProcessName": "C:\\Windows\\regedit.exe",
        }
        record = event("Security", 4657, data)
        assert {"registry_set", "registry_event"} <= served(windows, record)
        assert "registry_delete" not in served(windows, record)
        assert native(windows, record, "TargetObject", "Details", "Image", "EventType") == {
            "TargetObject": "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\RunAsPPL",
            "Details": "DWORD (0x00000000)",
            "Image": "C:\\Windows\\regedit.exe",
            "EventType": "SetValue",
        }

    @pytest.mark.parametrize(("direction", "initiated"), [("%%14593", "true"), ("%%14592", "false")])
    def test_an_audited_connection_knows_who_began(self, windows: Source, direction: str, initiated: str) -> None:
        record = event("Security", 5156, {"Direction": direction, "DestAddress": "203.0.113.8", "DestPort": "443"})
        assert "network_connection" in served(windows, record)
        found = native(windows, record, "Initiated", "DestinationIp", "DestinationPort")
        assert found == {"Initiated": initiated, "DestinationIp": "203.0.113.8", "DestinationPort": "443"}

    def test_rules_on_cleared_logs_read_which_log_was_cleared(self, windows: Source) -> None:
        cleared = {"LogFileCleared": {"SubjectUserName": "alice", "Channel": "Windows PowerShell"}}
        record = event("System", 104, provider="Microsoft-Windows-Eventlog", UserData=cleared)
        assert native(windows, record, "Channel") == {"Channel": "Windows PowerShell"}
        assert "system" in served(windows, record)
        assert ocsf(windows, record)["metadata"]["log_name"] == "System"

    def test_defender_fields_lose_their_spaces(self, windows: Source) -> None:
        channel = "Microsoft-Windows-Windows Defender/Operational"
        record = event(channel, 1116, {"Threat Name": "Example", "Source Name": "AMSI", "Path": "file:_C:\\a"})
        found = native(windows, record, "ThreatName", "SourceName", "Signature", "Filename")
        assert found == {
            "ThreatName": "Example",
            "SourceName": "AMSI",
            "Signature": "Example",
            "Filename": "file:_C:\\a",
        }
        assert LogSource(category="antivirus").served_by(LogSource("windows", "antivirus", "windefend"))

    def test_an_event_without_a_channel_is_still_windows(self, windows: Source) -> None:
        text = normalize(windows, [orjson.dumps(event(None, 6))]).events.column("native.logsource")[0].as_py()
        assert decode_logsources(text) == (LogSource("windows"),)


class TestIdentity:
    def test_the_machine_and_the_system_are_no_persons(self, windows: Source) -> None:
        actor = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "DC01$", "SubjectDomainName": "CORP"}
        made = ocsf(
            windows, event("Security", 4720, actor | {"TargetUserName": "carol", "TargetSid": "S-1-5-21-1-2-3-1120"})
        )
        assert made["actor"]["user"]["type_id"] == 3
        assert made["user"] == {"name": "carol", "uid": "S-1-5-21-1-2-3-1120", "type_id": 1}

    def test_nobody_is_absent(self, windows: Source) -> None:
        subject = {
            "SubjectUserSid": "S-1-0-0",
            "SubjectUserName": "-",
            "SubjectDomainName": "-",
            "SubjectLogonId": "0x0",
        }
        made = ocsf(
            windows, event("Security", 4624, subject | {"TargetUserName": "alice", "IpAddress": "-", "LogonType": 3})
        )
        assert "actor" not in made
        assert "src_endpoint" not in made

    def test_a_failed_logon_without_a_name_still_counts(self, windows: Source) -> None:
        data = {"TargetUserName": "-", "TargetUserSid": "S-1-0-0", "IpAddress": "198.51.100.23", "Status": "0xC000006D"}
        made = ocsf(windows, event("Security", 4625, data, keywords="0x8010000000000000"))
        assert (made["class_uid"], made["status_id"], made["src_endpoint"]["ip"]) == (3002, 2, "198.51.100.23")
        assert made["status_detail"] == "wrong user name or password"

    def test_a_zero_guid_links_nothing(self, windows: Source) -> None:
        data = {
            "ProcessId": 4,
            "ProcessGuid": "{00000000-0000-0000-0000-000000000000}",
            "Image": "C:\\a.exe",
            "User": "a",
        }
        made = ocsf(windows, event(SYSMON, 1, data))
        assert made["process"]["pid"] == 4
        assert "uid" not in made["process"]

    def test_sysmon_says_when_it_happened(self, windows: Source) -> None:
        made = ocsf(
            windows, event(SYSMON, 5, {"UtcTime": "2026-03-17 08:29:58.250", "ProcessId": 4, "User": "CORP\\a"})
        )
        assert made["time"] == 1773736198250


def test_every_windows_log_source_of_sigma_is_served(windows: Source) -> None:
    named = {one.category for one in windows.logsources()} | {one.service for one in windows.logsources()}
    wanted = """
        process_creation process_access process_termination process_tampering image_load driver_load file_event
        file_change file_delete file_delete_detected file_rename file_access file_block_executable file_block_shredding
        file_executable_detected create_remote_thread create_stream_hash raw_access_thread registry_add registry_delete
        registry_set registry_rename registry_event network_connection dns_query pipe_created wmi_event ps_module
        ps_script ps_classic_start ps_classic_provider_start ps_classic_script clipboard_capture sysmon_status
        sysmon_error antivirus security system application sysmon powershell powershell-classic taskscheduler wmi
        dns-server dns-client driver-framework windefend applocker bits-client codeintegrity-operational firewall-as
        msexchange-management ntlm smbclient-security smbclient-connectivity smbserver-connectivity
        terminalservices-localsessionmanager printservice-admin printservice-operational appxdeployment-server
        appmodel-runtime appxpackaging-om capi2 certificateservicesclient-lifecycle-system diagnosis-scripted
        hyper-v-worker iis-configuration kernel-event-tracing kernel-shimengine ldap ldap_debug lsa-server
        microsoft-servicebus-client openssh security-mitigations sense shell-core vhdmp
    """
    assert not set(wanted.split()) - named


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.exists(), reason="the evaluation data is not here")
def test_real_events_all_become_valid_events(windows: Source) -> None:
    normalizer = Normalizer([windows])
    for batch in _batches(DATA / "windows-attack.dev.native.jsonl.zst"):
        result = normalizer.process(batch)
        assert not result.dead_letters
        for made in to_ocsf(result.events):
            assert not ocsf_errors(made)


def _batches(path: Path, rows: int = 2000) -> Iterator[Any]:
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        lines: list[bytes] = []
        for line in io.BufferedReader(stream):
            lines.append(line.rstrip(b"\n"))
            if len(lines) == rows:
                yield raw_batch(lines)
                lines = []
        if lines:
            yield raw_batch(lines)
