"""Windows Security events on logon sessions: 4624, 4625, 4634, 4672."""

from watchfloor.simulate.company import Company
from watchfloor.simulate.record import Record, Scene
from watchfloor.simulate.windows import AUDIT_FAILURE, Account, Logon, security, subject

INTERACTIVE, NETWORK, SERVICE, UNLOCK, REMOTE = 2, 3, 5, 7, 10
"""Logon types."""

_PRIVILEGES = (
    "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege\r\n\t\t\t"
    "SeTakeOwnershipPrivilege\r\n\t\t\tSeDebugPrivilege"
)
_NO_GUID = "00000000-0000-0000-0000-000000000000"


def logged_on(
    scene: Scene, time: int, host: str, logon: Logon, kind: int, *, address: str = "-", source: str = "-"
) -> Record:
    """4624: a logon of type ``kind`` from ``address``, the workstation ``source``."""
    package, process_name, program = _HOW[kind]
    data = subject(_machine(scene.company, host)) | {
        "TargetUserSid": logon.account.sid,
        "TargetUserName": logon.account.name,
        "TargetDomainName": logon.account.domain,
        "TargetLogonId": logon.logon_id,
        "LogonType": kind,
        "LogonProcessName": process_name,
        "AuthenticationPackageName": package,
        "WorkstationName": source,
        "LogonGuid": _NO_GUID,
        "TransmittedServices": "-",
        "LmPackageName": "-",
        "KeyLength": 0,
        "ProcessId": "0x0" if program == "-" else f"0x{scene.rng.randrange(0x200, 0xFFF):x}",
        "ProcessName": program,
        "IpAddress": address,
        "IpPort": "-" if address == "-" else str(scene.rng.randrange(49152, 65535)),
        "ImpersonationLevel": "%%1833",
        "RestrictedAdminMode": "-",
        "TargetOutboundUserName": "-",
        "TargetOutboundDomainName": "-",
        "VirtualAccount": "%%1843",
        "TargetLinkedLogonId": "0x0",
        "ElevatedToken": "%%1842" if kind in {SERVICE, REMOTE} else "%%1843",
    }
    return security(scene, time, host, 4624, data)


_HOW = {
    INTERACTIVE: ("Negotiate", "User32 ", "C:\\Windows\\System32\\svchost.exe"),
    NETWORK: ("Kerberos", "Kerberos", "-"),
    SERVICE: ("Negotiate", "Advapi  ", "C:\\Windows\\System32\\services.exe"),
    UNLOCK: ("Negotiate", "User32 ", "C:\\Windows\\System32\\svchost.exe"),
    REMOTE: ("Negotiate", "User32 ", "C:\\Windows\\System32\\svchost.exe"),
}
"""Logon type: authentication package, logon process, program."""


def logon_failed(scene: Scene, time: int, host: str, name: str, *, address: str, source: str, known: bool) -> Record:
    """4625: a network logon that failed; ``known`` tells a wrong password from a name that does not exist."""
    data = subject(Logon(Account("S-1-0-0", "-", "-"), "0x0")) | {
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": name,
        "TargetDomainName": scene.company.netbios,
        "Status": "0xc000006d",
        "FailureReason": "%%2313",
        "SubStatus": "0xc000006a" if known else "0xc0000064",
        "LogonType": NETWORK,
        "LogonProcessName": "NtLmSsp ",
        "AuthenticationPackageName": "NTLM",
        "WorkstationName": source,
        "TransmittedServices": "-",
        "LmPackageName": "-",
        "KeyLength": 0,
        "ProcessId": "0x0",
        "ProcessName": "-",
        "IpAddress": address,
        "IpPort": str(scene.rng.randrange(49152, 65535)),
    }
    return security(scene, time, host, 4625, data, keywords=AUDIT_FAILURE)


def logged_off(scene: Scene, time: int, host: str, logon: Logon, kind: int) -> Record:
    """4634: the end of a logon session."""
    account = logon.account
    data = {
        "TargetUserSid": account.sid,
        "TargetUserName": account.name,
        "TargetDomainName": account.domain,
        "TargetLogonId": logon.logon_id,
        "LogonType": kind,
    }
    return security(scene, time, host, 4634, data)


def privileged(scene: Scene, time: int, host: str, logon: Logon) -> Record:
    """4672: the new session holds administrator privileges."""
    return security(scene, time, host, 4672, subject(logon) | {"PrivilegeList": _PRIVILEGES})


def _machine(company: Company, host: str) -> Logon:
    return Logon(Account("S-1-5-18", host + "$", company.netbios), "0x3e7")
