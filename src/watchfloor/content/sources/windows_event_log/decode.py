r"""Windows events as collectors write them, unfolded into one flat record.

System fields have the names that Sigma rules use (``EventID``, ``Channel``, ``Computer``, ``Provider_Name``,
``Execution_ProcessID``, …), EventData and UserData fields their own. Where both use a name, System has it and the other
is at ``EventData.NAME``. Unnamed values are the list ``Data``.
"""

import re
from typing import Any

from watchfloor.layout import PLAIN, Layout, form

Record = dict[str, Any]

_BEATS = {
    "activity_id": "Correlation_ActivityID",
    "channel": "Channel",
    "computer_name": "Computer",
    "event_id": "EventID",
    "keywords": "Keywords",
    "level": "Level",
    "opcode": "Opcode",
    "provider_guid": "Provider_Guid",
    "provider_name": "Provider_Name",
    "record_id": "EventRecordID",
    "task": "Task",
    "time_created": "SystemTime",
    "version": "Version",
    "process.pid": "Execution_ProcessID",
    "process.thread.id": "Execution_ThreadID",
    "user.identifier": "Security_UserID",
    "user.name": "Security_UserName",
    "user.domain": "Security_UserDomain",
}
"""winlogbeat and Elastic Agent: names below ``winlog``."""
_ECS = {
    "CommandLine": "process.command_line",
    "CurrentDirectory": "process.working_directory",
    "DestinationHostname": "destination.domain",
    "DestinationIp": "destination.ip",
    "DestinationPort": "destination.port",
    "Details": "registry.data.strings",
    "Image": "process.executable",
    "OriginalFileName": "process.pe.original_file_name",
    "ParentCommandLine": "process.parent.command_line",
    "ParentImage": "process.parent.executable",
    "ParentProcessGuid": "process.parent.entity_id",
    "ParentProcessId": "process.parent.pid",
    "ProcessGuid": "process.entity_id",
    "ProcessId": "process.pid",
    "Protocol": "network.transport",
    "QueryName": "dns.question.name",
    "ScriptBlockId": "powershell.file.script_block_id",
    "ScriptBlockText": "powershell.file.script_block_text",
    "SourceHostname": "source.domain",
    "SourceIp": "source.ip",
    "SourcePort": "source.port",
    "TargetObject": "registry.path",
}
"""Where the Sysmon and PowerShell modules of winlogbeat move fields to."""

_AUDITED_VALUE = 4657
_TEXT = ("#text", "Value")
_ATTRIBUTES_OF = {
    "Provider": ("Name", "Guid", "EventSourceName"),
    "EventID": ("Qualifiers",),
    "TimeCreated": ("SystemTime",),
    "Correlation": ("ActivityID", "RelatedActivityID"),
    "Execution": ("ProcessID", "ThreadID", "ProcessorID", "SessionID", "KernelTime", "UserTime"),
    "Security": ("UserID",),
}
_JOINED = {name: {key: f"{name}_{key}" for key in keys} for name, keys in _ATTRIBUTES_OF.items()}
"""The names of attributes in the schema of events, so that they need not be put together for each record."""
_PLAIN = frozenset({str, int, float, bool})
_ATTRIBUTES = ("#attributes", "_attributes")
_BEATS_DATA = ("event_data.", "user_data.")

_FLAT = {
    "Hostname": "Computer",
    "HOSTNAME": "Computer",
    "SourceName": "Provider_Name",
    "ProviderName": "Provider_Name",
    "EventSourceName": "Provider_Name",
    "ProviderGuid": "Provider_Guid",
    "RecordNumber": "EventRecordID",
    "EventRecordId": "EventRecordID",
    "ProcessID": "Execution_ProcessID",
    "ExecutionProcessID": "Execution_ProcessID",
    "ThreadID": "Execution_ThreadID",
    "UserID": "Security_UserID",
    "ActivityID": "Correlation_ActivityID",
    "OpcodeValue": "Opcode",
    "TimeCreated": "SystemTime",
    "@timestamp": "SystemTime",
    "TimeGenerated": "SystemTime",
    "EventTime": "SystemTime",
    "EventReceivedTime": "SystemTime",
}
"""NXLog, Security-Datasets and Azure tables; of several names for one field the first present counts."""

_LEVELS = {"critical": 1, "error": 2, "warning": 3, "information": 4, "info": 4, "verbose": 5}
_SUCCESS, _FAILURE = "0x8020000000000000", "0x8010000000000000"
_OUTCOMES = {"AUDIT_SUCCESS": _SUCCESS, "AUDIT_FAILURE": _FAILURE, "success": _SUCCESS, "failure": _FAILURE}
_OUTCOMES |= {"Audit Success": _SUCCESS, "Audit Failure": _FAILURE}
_NXLOG_TYPES = frozenset({*map(str.upper, _LEVELS), "AUDIT_SUCCESS", "AUDIT_FAILURE", "DEBUG"})
_SYSMON = "Microsoft-Windows-Sysmon/Operational"
_MODULES = (_SYSMON, "Microsoft-Windows-PowerShell/Operational")
_SYSMON_LINE = re.compile(r"^(\w+): ?(.*?)\r?$", re.MULTILINE)
_PROCESS_ID = re.compile(r"\t(?:Creator |Caller )?Process ID:\s+(0x[0-9a-fA-F]+|\d+)")


def _element(*names: str) -> Any:
    """An element that has these attributes alone."""
    return form(("#attributes", form(*((name, PLAIN, None) for name in names)) | None, None))


_SYSTEM = {
    name: _element(*names) | None for name, names in _ATTRIBUTES_OF.items() if name not in {"EventID", "Provider"}
} | dict.fromkeys(("Version", "Level", "Task", "Opcode", "Keywords", "EventRecordID", "Computer"), PLAIN)
_FIELDS = {
    **{
        key if key == "SystemTime" else f"{name}_{key}": f"Event.System.{name}.attributes.{key}"
        for name, keys in _ATTRIBUTES_OF.items()
        if name != "EventID"
        for key in keys
    },
    **{name: f"Event.System.{name}" for name, kind in _SYSTEM.items() if kind is PLAIN},
    "Channel": "Event.System.Channel",
}
_WITH_QUALIFIERS = form(("#attributes", form(("Qualifiers", PLAIN, None)) | None, None), ("#text", int | str))
_TEXTS = form(("#text", PLAIN | list[PLAIN]))


def _layout(event_id: Any, identified_by: Record, part: str, values: Any, plain: Any = None) -> Layout:
    provider = form(("#attributes", form(("Name", str), ("Guid", PLAIN, None), ("EventSourceName", PLAIN, None))))
    system = form(
        ("EventID", event_id),
        ("Channel", str | None),
        ("Provider", provider),
        *((name, kind, None) for name, kind in _SYSTEM.items()),
    )
    event = form(
        ("#attributes", form(("xmlns", PLAIN, None)) | None, None),
        ("System", system),
        (part, dict[str, values] | None, None),
    )
    return Layout(form(("Event", event)), _FIELDS | identified_by, f"Event.{part}", plain)


def _without_elements(data: Record) -> Record:
    return {name: value.text if value.__class__ is _TEXTS else value for name, value in data.items()}


def _of_elements(data: Record) -> Record:
    return {name: value for part in data.values() for name, value in part.items() if name != "#attributes"}


_ID = {"EventID": "Event.System.EventID"}
_QUALIFIED = {
    f"EventID{name}": f"Event.System.EventID.{at}"
    for name, at in (("", "text"), ("_Qualifiers", "attributes.Qualifiers"))
}
_VALUES = PLAIN | list[PLAIN] | _TEXTS
LAYOUTS = (
    _layout(int | str, _ID, "EventData", PLAIN),
    _layout(_WITH_QUALIFIERS, _QUALIFIED, "EventData", _VALUES, _without_elements),
    _layout(int | str, _ID, "EventData", _VALUES, _without_elements),
    _layout(int | str, _ID, "UserData", dict[str, PLAIN | dict[str, PLAIN]], _of_elements),
)


def decode(record: Record) -> Record:
    """The flat record of one event."""
    event = record.get("Event", record)
    if isinstance(event.get("System"), dict):
        flat = _xml(event)
    elif "winlog" in record or "winlog.channel" in record:
        flat = _beats(record)
    else:
        flat = _flat(record)
    flat["EventID"] = _integer(flat.get("EventID"))
    if flat["EventID"] == _AUDITED_VALUE and "ObjectValueName" in flat:
        flat = _as_sysmon_writes_it(flat) | flat
    return flat


def keeps_texts(record: Record) -> bool:
    """XML as JSON is unfolded and not rewritten, but for registry values that Security audits."""
    event = record.get("Event", record)
    system = event.get("System") if isinstance(event, dict) else None
    number = system.get("EventID") if isinstance(system, dict) else None
    if isinstance(number, dict):
        number = number.get("#text")
    number = _integer(number)
    # A number that is not written as such (``04657``) becomes another text.
    return isinstance(number, int) and number != _AUDITED_VALUE


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else value


def _xml(event: Record) -> Record:
    """The XML of an event as JSON: attributes under ``#attributes`` (or ``NAME_attributes``), text under ``#text``."""
    system: Record = {}
    for name, value in event["System"].items():
        if value.__class__ is dict:
            _with_attributes(system, name, value)
        elif value is not None:
            system[name] = value
    if "TimeCreated_SystemTime" in system:
        system["SystemTime"] = system.pop("TimeCreated_SystemTime")
    data: Record = {}
    for name, value in event.items():
        if name == "RenderingInfo" and isinstance(value, dict):
            system.setdefault("Message", value.get("Message"))
        elif name != "System" and not name.endswith(_ATTRIBUTES):
            _add(data, "Data" if name == "EventData" else name, value)
    template = event.get("EventData")
    if isinstance(template, dict) and (name := _name_of(template)):
        data["EventData_Name"] = name
    return _joined(data, system)


def _with_attributes(system: Record, name: str, value: Record) -> None:
    if name.endswith("_attributes"):
        name = name.removesuffix("_attributes")
    joined = _JOINED.get(name, {})
    attributes = value.get("#attributes", value)
    for key, item in attributes.items():
        if key in joined:
            system[joined[key]] = item
        elif key not in _TEXT:
            system[f"{name}_{key}"] = item
    if len(value) > 1 or attributes is value:
        for key in _TEXT:
            if key in value:
                system[name] = value[key]


def _add(data: Record, name: str, value: Any) -> None:
    """Add a value under its own name; an element's children go by their own names."""
    if value is None:
        return
    if isinstance(value, dict) and "#text" not in value:
        _add_children(data, value)
    elif isinstance(value, dict):
        _add(data, _name_of(value) or name, value["#text"])
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            _add(data, name, item)
    elif name not in data:
        data[name] = value
    else:
        known = data[name] if isinstance(data[name], list) else [data[name]]
        data[name] = known + (value if isinstance(value, list) else [value])


def _add_children(data: Record, element: Record) -> None:
    if not data and _PLAIN.issuperset(map(type, element.values())):
        # So are most, and this is much quicker than one after the other.
        data.update(element)
        return
    for key, item in element.items():
        if type(item) in _PLAIN and key not in data:
            data[key] = item
        elif not key.endswith(_ATTRIBUTES):
            _add(data, key, item)


def _name_of(element: Record) -> Any:
    attributes = element.get("#attributes")
    return attributes.get("Name") if isinstance(attributes, dict) else None


def _joined(data: Record, system: Record) -> Record:
    flat = data | system
    if len(flat) < len(data) + len(system):
        flat["EventData"] = {name: data[name] for name in sorted(data.keys() & system.keys())}
    return flat


def _beats(record: Record) -> Record:
    winlog: Record = {}
    for name, value in record.items():
        if name == "winlog" or name.startswith("winlog."):
            _add_dotted(winlog, name.removeprefix("winlog").lstrip("."), value)
    system = {ours: winlog.pop(theirs) for theirs, ours in _BEATS.items() if theirs in winlog}
    data = {name.rpartition("_data.")[2]: winlog.pop(name) for name in list(winlog) if name.startswith(_BEATS_DATA)}
    numbers = [number for number in range(1, 10) if f"param{number}" in data]
    if numbers and "Data" not in data:
        # An empty text has no param, but its place.
        data["Data"] = [data.get(f"param{number}", "") for number in range(1, numbers[-1] + 1)]
    if system.get("Channel") in _MODULES:
        _restore(data, record, system.get("EventID"))
    rest = {name: value for name, value in record.items() if not name.startswith("winlog")}
    system.setdefault("SystemTime", rest.pop("@timestamp", None))
    if "message" in rest:
        system["Message"] = rest.pop("message")
    event = rest.get("event")
    outcome = event.get("outcome") if isinstance(event, dict) else rest.get("event.outcome")
    _write_as_xml(system, winlog.get("outcome") or outcome)
    return rest | ({"winlog": winlog} if winlog else {}) | _joined(data, system)


def _add_dotted(found: Record, name: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _add_dotted(found, f"{name}.{key}" if name else key, item)
    elif value is not None:
        found[name] = value


def _restore(data: Record, record: Record, event_id: Any) -> None:
    """Sysmon's own names for what a module of winlogbeat moved to the Elastic Common Schema."""
    paths = _ECS | {"ImageLoaded" if str(event_id) in {"6", "7"} else "TargetFilename": "file.path"}
    for name, path in paths.items():
        if name not in data and (value := _at(record, path)) is not None:
            data[name] = value
    user = [_at(record, "user.domain"), _at(record, "user.name")]
    if "User" not in data and user[1]:
        data["User"] = "\\".join(part for part in user if isinstance(part, str))
    hashes = _at(record, "process.hash") or _at(record, "file.hash")
    if "Hashes" not in data and isinstance(hashes, dict):
        data["Hashes"] = ",".join(f"{name.upper()}={value}" for name, value in hashes.items())


def _at(record: Record, path: str) -> Any:
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    value = record.get(path) if value is None else value
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _flat(record: Record) -> Record:
    flat = dict(record)
    data: Record = {}
    for part in ("EventData", "UserData"):
        if isinstance(flat.get(part), dict):
            _add(data, part, flat.pop(part))
    for theirs, ours in _FLAT.items():
        if theirs in flat and ours not in flat:
            flat[ours] = flat.pop(theirs)
    kind = flat.get("EventType")
    if isinstance(kind, str) and kind in _NXLOG_TYPES:
        # NXLog's own field hides the one of the same name in Sysmon's registry and pipe events.
        flat["Level"] = flat.get("Level", kind)
        del flat["EventType"]
    _write_as_xml(flat, kind)
    if "AccountType" in flat:
        for theirs, ours in (("AccountName", "Security_UserName"), ("Domain", "Security_UserDomain")):
            flat[ours] = flat.pop(theirs, None)
    flat = _joined(data, flat)
    if "ProcessId" not in flat and isinstance(flat.get("Message"), str):
        _read_message(flat, flat["Message"])
    return flat


def _read_message(flat: Record, message: str) -> None:
    """NXLog's names ignore case, so that its own ProcessID hides the ProcessId of an event; the message has both."""
    if flat.get("Channel") == _SYSMON:
        for name, value in _SYSMON_LINE.findall(message):
            flat.setdefault(name, value)
    elif match := _PROCESS_ID.search(message):
        flat["ProcessId"] = match[1]


def _write_as_xml(system: Record, outcome: Any) -> None:
    """Level and keywords as an event's XML has them, where a collector wrote words or a signed number."""
    level, keywords = system.get("Level"), system.get("Keywords")
    if isinstance(level, str):
        system["Level"] = _LEVELS.get(level.lower(), _integer(level))
    for word in [outcome, *(keywords if isinstance(keywords, list) else [keywords])]:
        if isinstance(word, str) and word in _OUTCOMES:
            system["Keywords"] = _OUTCOMES[word]
            return
    if isinstance(keywords, int) and not isinstance(keywords, bool):
        system["Keywords"] = f"0x{keywords & (1 << 64) - 1:x}"


_HIVES = (("\\REGISTRY\\MACHINE\\", "HKLM\\"), ("\\REGISTRY\\USER\\", "HKU\\"))
_CONTROL_SET = re.compile(r"^(HKLM\\SYSTEM\\)ControlSet\d{3}\\", re.IGNORECASE)
_VALUE_EVENTS = {"%%1904": "SetValue", "%%1905": "SetValue", "%%1906": "DeleteValue"}


def _as_sysmon_writes_it(flat: Record) -> Record:
    """Sysmon's names for an audited registry value (4657), which registry rules are written against."""
    key = str(flat.get("ObjectName"))
    for audited, short in _HIVES:
        if key.upper().startswith(audited):
            key = short + key[len(audited) :]
    value = str(flat.get("NewValue"))
    if flat.get("NewValueType") == "%%1876" and value.isdigit():
        value = f"DWORD (0x{int(value):08x})"
    key = _CONTROL_SET.sub(lambda match: f"{match[1]}CurrentControlSet\\", key)
    return {
        "TargetObject": f"{key}\\{flat['ObjectValueName']}",
        "Details": value,
        "EventType": _VALUE_EVENTS.get(str(flat.get("OperationType")), "SetValue"),
    }
