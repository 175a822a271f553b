"""Rules see what the agents and clouds of other vendors write, under the names that rules use."""

import pytest

from watchfloor.native import DecodePlan
from watchfloor.normalize import load_sources
from watchfloor.testing.sources import normalize, sample_records

SOURCES = {source.name: source for source in load_sources()[0]}

POWERSHELL = r"\WindowsPowerShell\v1.0\powershell.exe"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run\Updater"

SEEN = [
    (
        "crowdstrike",
        "sensor_windows",
        "windows/process_creation/",
        {
            "Image": POWERSHELL,
            "ParentImage": r"\winword.exe",
            "OriginalFileName": "PowerShell.EXE",
            "IntegrityLevel": "High",
            "Hashes": "MD5=0e9ccd796e251916133392539572a374",
        },
    ),
    (
        "crowdstrike",
        "sensor_windows",
        "windows/dns_query/",
        {"QueryName": "cdn.example.net", "Image": r"\powershell.exe"},
    ),
    (
        "crowdstrike",
        "sensor_windows",
        "windows/network_connection/",
        {"Initiated": "true", "DestinationIp": "203.0.113.80", "DestinationPort": "443"},
    ),
    ("crowdstrike", "sensor_windows", "windows/registry_set/", {"TargetObject": RUN, "Details": "update.exe"}),
    (
        "crowdstrike",
        "sensor_windows",
        "windows/image_load/",
        {"ImageLoaded": r"\samlib.dll", "Image": r"\rundll32.exe"},
    ),
    ("crowdstrike", "sensor_windows", "windows/file_event/", {"TargetFilename": "update.exe"}),
    ("crowdstrike", "sensor_linux", "linux/process_creation/", {"Image": "/usr/bin/curl", "ParentImage": "/nginx"}),
    (
        "microsoft_defender",
        "hunting",
        "windows/process_creation/",
        {"Image": POWERSHELL, "CommandLine": "-enc AAAA", "ParentImage": "winword.exe", "User": r"corp\alice"},
    ),
    (
        "microsoft_defender",
        "hunting",
        "windows/registry_set/",
        {
            "TargetObject": r"HKLM\SYSTEM\ControlSet001\Control\Lsa\LimitBlankPasswordUse",
            "Details": "DWORD (0x00000000)",
        },
    ),
    (
        "microsoft_defender",
        "hunting",
        "windows/network_connection/",
        {"DestinationHostname": "cdn.example.net", "Image": "powershell.exe"},
    ),
    ("microsoft_defender", "hunting", "/antivirus/", {"Signature": "Trojan:Win32/Example.A", "Filename": "update.exe"}),
    (
        "microsoft_defender",
        "hunting",
        "linux/process_creation/",
        {"Image": "/usr/bin/curl", "ParentImage": "/bin/bash"},
    ),
    (
        "sentinelone",
        "deep_visibility",
        "windows/process_creation/",
        {"Image": r"\whoami.exe", "ParentImage": POWERSHELL, "User": r"CORP\alice"},
    ),
    (
        "sentinelone",
        "deep_visibility",
        "windows/network_connection/",
        {"DestinationIp": "203.0.113.80", "Initiated": "true"},
    ),
    ("sentinelone", "deep_visibility", "windows/dns_query/", {"QueryName": "cdn.example.net"}),
    ("sentinelone", "deep_visibility", "windows/ps_script/", {"ScriptBlockText": "Invoke-Mimikatz"}),
    (
        "cloudflare",
        "http_requests",
        "cloudflare/webserver/",
        {"cs-uri-query": "union%20select", "cs-user-agent": "sqlmap", "sc-status": "403"},
    ),
    ("cloudflare", "firewall_events", "cloudflare/webserver/", {"cs-uri-query": "/index.php?id=1%20union%20select"}),
    ("cloudflare", "gateway", "cloudflare/proxy/", {"c-uri": "https://cdn.example.net/update.exe"}),
    ("netskope", "events", "netskope/proxy/", {"c-uri": "https://news.example.org/"}),
    ("ecs", "documents", "windows/process_creation/", {"Image": POWERSHELL, "CommandLine": "powershell.exe -enc AAAA"}),
    ("ecs", "documents", "/webserver/", {"cs-uri-query": "/admin.php?x=1"}),
    ("atlassian", "audit", "bitbucket//audit", {"auditType.action": "Global permission granted"}),
    (
        "azure_monitor",
        "management",
        "azure//activitylogs",
        {"operationName": "Microsoft.Compute/virtualMachines/runCommand/action"},
    ),
    ("azure_monitor", "management", "azure//signinlogs", {"ResultType": "50126"}),
    ("azure_monitor", "risk", "azure//riskdetection", {"riskEventType": "unfamiliarFeatures"}),
    (
        "kubernetes_audit",
        "aks",
        "kubernetes/application/audit",
        {"verb": "create", "objectRef.resource": "pods", "objectRef.subresource": "exec"},
    ),
]


@pytest.mark.parametrize(("source", "sample", "logsource", "fields"), SEEN, ids=[f"{one[0]}-{one[2]}" for one in SEEN])
def test_a_rule_of_the_log_source_reads_these_fields(
    source: str, sample: str, logsource: str, fields: dict[str, str]
) -> None:
    records = sample_records(SOURCES[source].folder / "samples" / f"{sample}.raw")
    rows = normalize(SOURCES[source], records, DecodePlan(frozenset(fields))).events.to_pylist()
    of = [row for row in rows if logsource in row["native.logsource"].split(";")]
    assert of, f"no record of {sample} serves {logsource}"
    read = [{name: str(row[f"native.{name}"]) for name in fields} for row in of]
    assert any(all(fields[name].lower() in one[name].lower() for name in fields) for one in read), read
