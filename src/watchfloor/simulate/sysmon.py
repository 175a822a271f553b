"""Sysmon events, as an EVTX file reads in JSON.

Fields: https://learn.microsoft.com/sysinternals/downloads/sysmon (schema 4.90).
"""

import hashlib
import ntpath

from watchfloor.simulate.record import Json, Record, Scene, Stream, moment
from watchfloor.simulate.windows import SYSTEM, Logon, Process, frame

_PROVIDER = {"Name": "Microsoft-Windows-Sysmon", "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9"}
_VERSIONS = {1: 5, 3: 5, 10: 3, 11: 2, 13: 2, 22: 5}


def process(scene: Scene, image: str, command_line: str, logon: Logon) -> Process:
    """A new process."""
    return Process(image, command_line, scene.rng.randrange(1000, 20000, 4), _guid(scene), logon)


def created(
    scene: Scene, time: int, host: str, child: Process, parent: Process, *, original: str = "", directory: str = ""
) -> Record:
    """Event 1: a process. ``original`` is the name it was built under, if its file was renamed."""
    account = child.logon.account
    system = account is SYSTEM
    data = {
        "FileVersion": "10.0.20348.2849 (WinBuild.160101.0800)" if _is_windows(child.image) else "-",
        "Description": "-",
        "Product": "Microsoft® Windows® Operating System" if _is_windows(child.image) else "-",
        "Company": "Microsoft Corporation" if _is_windows(child.image) else "-",
        "OriginalFileName": original or ntpath.basename(child.image),
        "CommandLine": child.command_line,
        "CurrentDirectory": directory or ("C:\\Windows\\system32\\" if system else f"C:\\Users\\{account.name}\\"),
        "User": f"{account.domain}\\{account.name}",
        "LogonGuid": _guid(scene),
        "LogonId": child.logon.logon_id,
        "TerminalSessionId": 0 if system else 1,
        "IntegrityLevel": child.logon.integrity,
        "Hashes": _hashes(original or child.image),
        "ParentProcessGuid": parent.guid,
        "ParentProcessId": parent.pid,
        "ParentImage": parent.image,
        "ParentCommandLine": parent.command_line,
        "ParentUser": f"{parent.logon.account.domain}\\{parent.logon.account.name}",
    }
    return _event(scene, time, host, 1, _who(child) | data)


def connected(
    scene: Scene, time: int, host: str, by: Process, *, source: str, address: str, port: int, name: str = "-"
) -> Record:
    """Event 3: a TCP connection from the host's address ``source`` to ``address:port``."""
    data = _who(by) | {
        "User": f"{by.logon.account.domain}\\{by.logon.account.name}",
        "Protocol": "tcp",
        "Initiated": True,
        "SourceIsIpv6": ":" in source,
        "SourceIp": source,
        "SourceHostname": scene.company.fqdn(host),
        "SourcePort": scene.rng.randrange(49152, 65535),
        "SourcePortName": "-",
        "DestinationIsIpv6": ":" in address,
        "DestinationIp": address,
        "DestinationHostname": name,
        "DestinationPort": port,
        "DestinationPortName": {443: "https", 80: "http", 445: "microsoft-ds"}.get(port, "-"),
    }
    return _event(scene, time, host, 3, data)


def accessed(scene: Scene, time: int, host: str, by: Process, target: Process, *, access: str, trace: str) -> Record:
    """Event 10: a process opened another one with the rights ``access``."""
    data = {
        "SourceProcessGUID": by.guid,
        "SourceProcessId": by.pid,
        "SourceThreadId": scene.rng.randrange(1000, 9000, 4),
        "SourceImage": by.image,
        "TargetProcessGUID": target.guid,
        "TargetProcessId": target.pid,
        "TargetImage": target.image,
        "GrantedAccess": access,
        "CallTrace": trace,
        "SourceUser": f"{by.logon.account.domain}\\{by.logon.account.name}",
        "TargetUser": f"{target.logon.account.domain}\\{target.logon.account.name}",
    }
    return _event(scene, time, host, 10, data)


def file_created(scene: Scene, time: int, host: str, by: Process, path: str) -> Record:
    """Event 11: a file was created or overwritten."""
    data = _who(by) | {"TargetFilename": path, "CreationUtcTime": _utc(time), "User": _user(by)}
    return _event(scene, time, host, 11, data)


def registry_set(scene: Scene, time: int, host: str, by: Process, *, key: str, value: str) -> Record:
    """Event 13: a registry value was set."""
    data = {"EventType": "SetValue"} | _who(by) | {"TargetObject": key, "Details": value, "User": _user(by)}
    return _event(scene, time, host, 13, data)


def resolved(scene: Scene, time: int, host: str, by: Process, *, name: str, address: str) -> Record:
    """Event 22: a DNS query and its answer."""
    answer = address + ";" if ":" in address else f"::ffff:{address};"
    data = _who(by) | {"QueryName": name, "QueryStatus": "0", "QueryResults": answer, "User": _user(by)}
    return _event(scene, time, host, 22, data)


def _event(scene: Scene, time: int, host: str, event_id: int, data: Json) -> Record:
    system = frame(
        scene,
        time,
        host,
        provider=_PROVIDER,
        event_id=event_id,
        channel="Microsoft-Windows-Sysmon/Operational",
        version=_VERSIONS[event_id],
        task=event_id,
        sid=SYSTEM.sid,
    )
    namespace = {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}
    body = {"#attributes": namespace, "System": system, "EventData": {"RuleName": "-", "UtcTime": _utc(time), **data}}
    return Record(time, Stream.SYSMON, {"Event": body})


def _guid(scene: Scene) -> str:
    return scene.uuid().upper()


def _who(by: Process) -> Json:
    return {"ProcessGuid": by.guid, "ProcessId": by.pid, "Image": by.image}


def _user(by: Process) -> str:
    return f"{by.logon.account.domain}\\{by.logon.account.name}"


def _utc(time: int) -> str:
    return moment(time, "%Y-%m-%d %H:%M:%S.") + f"{time % 1000:03d}"


def _is_windows(image: str) -> bool:
    return image.lower().startswith("c:\\windows\\")


def _hashes(image: str) -> str:
    digest = hashlib.sha512(image.lower().encode()).hexdigest().upper()
    return f"SHA1={digest[:40]},MD5={digest[40:72]},SHA256={digest[64:]},IMPHASH={digest[8:40]}"
