"""Windows Security, System and PowerShell events, as an EVTX file reads in JSON.

Fields: https://learn.microsoft.com/windows/security/threat-protection/auditing/ (one page an event id).
"""

import base64
from collections.abc import Iterable
from typing import NamedTuple

from watchfloor.simulate.company import Company, Person
from watchfloor.simulate.record import Json, Record, Scene, Stream, moment

_SECURITY = ("Microsoft-Windows-Security-Auditing", "54849625-5478-4994-A5BA-3E3B0328C30D")
AUDIT_SUCCESS, AUDIT_FAILURE = "0x8020000000000000", "0x8010000000000000"
_TASKS = {
    4624: (2, 12544),
    4625: (0, 12544),
    4634: (0, 12545),
    4672: (0, 12548),
    4688: (2, 13312),
    4698: (1, 12804),
    4720: (0, 13824),
    4732: (0, 13826),
    4738: (0, 13824),
}
"""Event id: its version and its task."""


class Account(NamedTuple):
    """An account as Windows names it."""

    sid: str
    name: str
    domain: str


SYSTEM = Account("S-1-5-18", "SYSTEM", "NT AUTHORITY")


def account_of(company: Company, person: Person) -> Account:
    """The domain account of a person."""
    return Account(person.sid, person.account, company.netbios)


class Logon(NamedTuple):
    """A logon session on a host: who, the id that ties its events together, whether it is an administrator's."""

    account: Account
    logon_id: str
    elevated: bool = False

    @property
    def integrity(self) -> str:
        """The mandatory integrity level of its processes."""
        if self.account is SYSTEM:
            return "System"
        return "High" if self.elevated else "Medium"


def session(scene: Scene, account: Account, *, elevated: bool = False) -> Logon:
    """A new logon session."""
    logon_id = "0x3e7" if account is SYSTEM else f"0x{scene.rng.randrange(0x10000, 0xFFFFFFF):x}"
    return Logon(account, logon_id, elevated)


_LABELS = {"System": "S-1-16-16384", "High": "S-1-16-12288", "Medium": "S-1-16-8192"}
_TOKENS = {"System": "%%1936", "High": "%%1937", "Medium": "%%1938"}


class Process(NamedTuple):
    """A running process: the ids and texts that its own and its children's events carry."""

    image: str
    command_line: str
    pid: int
    guid: str
    logon: Logon


def process_created(scene: Scene, time: int, host: str, process: Process, parent: Process) -> Record:
    """4688: a process, with its command line."""
    integrity = process.logon.integrity
    data = subject(process.logon) | {
        "NewProcessId": f"0x{process.pid:x}",
        "NewProcessName": process.image,
        "TokenElevationType": _TOKENS[integrity],
        "ProcessId": f"0x{parent.pid:x}",
        "CommandLine": process.command_line,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": parent.image,
        "MandatoryLabel": _LABELS[integrity],
    }
    return security(scene, time, host, 4688, data)


def task_created(scene: Scene, time: int, host: str, by: Logon, name: str, *, command: str, arguments: str) -> Record:
    """4698: a scheduled task, with its definition."""
    content = (
        '<?xml version="1.0" encoding="UTF-16"?>\r\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\r\n'
        f"  <RegistrationInfo>\r\n    <Author>{by.account.domain}\\{by.account.name}</Author>\r\n"
        f"    <URI>{name}</URI>\r\n  </RegistrationInfo>\r\n"
        "  <Triggers>\r\n    <BootTrigger>\r\n      <Enabled>true</Enabled>\r\n    </BootTrigger>\r\n  </Triggers>\r\n"
        '  <Principals>\r\n    <Principal id="Author">\r\n      <UserId>S-1-5-18</UserId>\r\n'
        "      <RunLevel>HighestAvailable</RunLevel>\r\n    </Principal>\r\n  </Principals>\r\n"
        f'  <Actions Context="Author">\r\n    <Exec>\r\n      <Command>{command}</Command>\r\n'
        f"      <Arguments>{arguments}</Arguments>\r\n    </Exec>\r\n  </Actions>\r\n</Task>"
    )
    data = subject(by) | {
        "TaskName": name,
        "TaskContent": content,
        "ClientProcessStartKey": str(scene.rng.randrange(10**15)),
        "ClientProcessId": str(scene.rng.randrange(1000, 9000)),
        "ParentProcessId": str(scene.rng.randrange(1000, 9000)),
        "RpcCallClientLocality": "0",
        "FQDN": scene.company.fqdn(host),
    }
    return security(scene, time, host, 4698, data)


def service_installed(scene: Scene, time: int, host: str, name: str, image: str, *, by: Account = SYSTEM) -> Record:
    """7045: a service was installed (System log)."""
    provider = {
        "Name": "Service Control Manager",
        "Guid": "{555908d1-a6d7-4695-8e1e-26931d2012f4}",
        "EventSourceName": "Service Control Manager",
    }
    data = {
        "ServiceName": name,
        "ImagePath": image,
        "ServiceType": "user mode service",
        "StartType": "auto start",
        "AccountName": "LocalSystem",
    }
    event_id = {"#attributes": {"Qualifiers": 16384}, "#text": 7045}
    keywords = "0x8080000000000000"
    system = frame(
        scene, time, host, provider=provider, event_id=event_id, channel="System", keywords=keywords, sid=by.sid
    )
    return Record(time, Stream.SYSTEM, _event(system, data))


def script_block(
    scene: Scene, time: int, host: str, by: Account, text: str, *, path: str = "", suspicious: bool = False
) -> Record:
    """4104: a PowerShell script block; PowerShell itself marks suspicious ones with level 3."""
    provider = {"Name": "Microsoft-Windows-PowerShell", "Guid": "A0C1853B-5C40-4B15-8766-3CF1C58F985A"}
    system = frame(
        scene,
        time,
        host,
        provider=provider,
        event_id=4104,
        channel="Microsoft-Windows-PowerShell/Operational",
        version=1,
        level=3 if suspicious else 5,
        task=2,
        opcode=15,
        keywords="0x0",
        sid=by.sid,
    )
    data = {"MessageNumber": 1, "MessageTotal": 1, "ScriptBlockText": text, "ScriptBlockId": scene.uuid(), "Path": path}
    return Record(time, Stream.POWERSHELL, _event(system, data))


def encoded(script: str) -> str:
    """A script as ``powershell -EncodedCommand`` takes it."""
    return base64.b64encode(script.encode("utf-16-le")).decode()


def frame(
    scene: Scene,
    time: int,
    host: str,
    *,
    provider: Json,
    event_id: int | Json,
    channel: str,
    version: int = 0,
    level: int = 4,
    task: int = 0,
    opcode: int = 0,
    keywords: str = "0x8000000000000000",
    sid: str | None = None,
) -> Json:
    """The ``System`` part of an event. ``EventRecordID`` is 0 until :func:`number` counts it."""
    return {
        "Provider": {"#attributes": provider},
        "EventID": event_id,
        "Version": version,
        "Level": level,
        "Task": task,
        "Opcode": opcode,
        "Keywords": keywords,
        "TimeCreated": {"#attributes": {"SystemTime": instant(scene, time)}},
        "EventRecordID": 0,
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": scene.rng.randrange(100, 9000, 4)}},
        "Channel": channel,
        "Computer": scene.company.fqdn(host),
        "Security": {"#attributes": {"UserID": sid}} if sid else None,
    }


def instant(scene: Scene, time: int) -> str:
    """The time as Windows events carry it, with microseconds."""
    return moment(time, "%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}{scene.rng.randrange(1000):03d}Z"


def number(records: Iterable[Record], counters: dict[tuple[str, str], int]) -> None:
    """Give each event its ``EventRecordID``: counted up for each log of each computer, in the order given."""
    for record in records:
        system = record.body["Event"]["System"]
        log = (system["Computer"], system["Channel"])
        counters[log] = system["EventRecordID"] = counters.get(log, 40_000) + 1


def security(scene: Scene, time: int, host: str, event_id: int, data: Json, *, keywords: str = AUDIT_SUCCESS) -> Record:
    """An event of the Security log."""
    version, task = _TASKS[event_id]
    system = frame(
        scene,
        time,
        host,
        provider={"Name": _SECURITY[0], "Guid": _SECURITY[1]},
        event_id=event_id,
        channel="Security",
        version=version,
        level=0,
        task=task,
        keywords=keywords,
    )
    return Record(time, Stream.SECURITY, _event(system, data))


def _event(system: Json, data: Json) -> Json:
    namespace = {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}
    return {"Event": {"#attributes": namespace, "System": system, "EventData": data}}


def subject(logon: Logon) -> Json:
    """The fields that say who did it."""
    account = logon.account
    return {
        "SubjectUserSid": account.sid,
        "SubjectUserName": account.name,
        "SubjectDomainName": account.domain,
        "SubjectLogonId": logon.logon_id,
    }
