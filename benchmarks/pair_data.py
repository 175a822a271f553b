"""The pairs: raw records, and what other products made of them, by our log source."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

ELASTIC = {
    "atlassian": ["atlassian_jira.audit", "atlassian_confluence.audit", "atlassian_bitbucket.audit"],
    "auth0": ["auth0.logs"],
    "aws_s3_access": ["aws.s3access"],
    "aws_security_hub": ["aws.securityhub_findings"],
    "aws_vpc_flow": ["aws.vpcflow"],
    "box": ["box_events.events"],
    "cloudflare": ["cloudflare.audit", "cloudflare.logpull", "cloudflare_logpush.*"],
    "linux_auditd": ["auditd.log"],
    "linux_auth": ["system.auth"],
    "netskope": ["netskope.*"],
    "palo_alto": ["panw.panos"],
    "salesforce": ["salesforce.*"],
    "aws_cloudtrail": ["aws.cloudtrail"],
    "aws_guardduty": ["aws.guardduty"],
    "crowdstrike": ["crowdstrike.falcon", "crowdstrike.fdr"],
    "microsoft_defender": [
        "m365_defender.event",
        "m365_defender.incident",
        "m365_defender.log",
        "microsoft_defender_endpoint.log",
    ],
    "onepassword": ["1password.*"],
    "sentinelone": ["sentinel_one.activity", "sentinel_one.alert", "sentinel_one.threat"],
    "azure_monitor": ["azure.activitylogs", "azure.auditlogs", "azure.signinlogs", "azure.identity_protection"],
    "duo": ["cisco_duo.admin", "cisco_duo.auth"],
    "gcp_audit": ["gcp.audit"],
    "github_audit": ["github.audit"],
    "google_workspace": [
        *("google_workspace.admin", "google_workspace.drive", "google_workspace.groups", "google_workspace.login"),
        *("google_workspace.saml", "google_workspace.token", "google_workspace.user_accounts", "google_workspace.gcp"),
        *("google_workspace.rules", "google_workspace.group_enterprise", "google_workspace.access_transparency"),
        "google_workspace.context_aware_access",
    ],
    "m365_unified_audit": ["o365.audit"],
    "okta_system_log": ["okta.system"],
    "slack_audit": ["slack.audit"],
    "suricata_eve": ["suricata.eve"],
    "windows_event_log": [
        *("system.security", "windows.forwarded", "windows.powershell", "windows.powershell_operational"),
        "windows.sysmon_operational",
    ],
    "zeek": ["zeek.*"],
}
"""The streams of Elastic's integrations that hold records of a source; ``*`` stands for any end."""

SEKOIA = {
    "aws_vpc_flow": ["aws-flow-logs"],
    "cef": ["cef"],
    "cisco_asa": ["cisco-secure-firewall"],
    "cloudflare": ["audit_logs", "http_requests", "firewall_events", "gateway_dns", "gateway_http", "gateway_network"],
    "linux_auth": ["openssh"],
    "netskope": ["netskope_events", "netskope-transaction"],
    "ocsf": ["ocsf"],
    "palo_alto": ["paloalto-ngfw"],
    "salesforce": ["salesforce-events"],
    "aws_cloudtrail": ["aws-cloudtrail"],
    "aws_guardduty": ["aws-guardduty"],
    "crowdstrike": ["crowdstrike_falcon", "crowdstrike-telemetry"],
    "microsoft_defender": ["microsoft-365-defender"],
    "microsoft_sentinel": ["microsoft-sentinel"],
    "onepassword": ["1password-epm"],
    "sentinelone": ["sentinelone", "cloud_funnel2.0"],
    "azure_monitor": ["azure-activity-logs", "azure-ad", "azure-key-vault"],
    "duo": ["duo-security"],
    "gcp_audit": ["Google_Cloud_Audit"],
    "github_audit": ["github-audit-logs"],
    "google_workspace": ["google-report"],
    "m365_unified_audit": ["o365"],
    "okta_system_log": ["okta-system-logs"],
    "suricata_eve": ["suricata"],
    "windows_event_log": ["windows", "winlogbeat", "azure-windows", "log-insight-windows"],
}
"""The intakes of Sekoia. Google_Kubernetes_Engine holds events of clusters, which are no audit log, and is not ours."""

TENZIR = {
    "aws_vpc_flow": ["amazon/tests/vpc_flow/"],
    "microsoft_defender": ["microsoft/tests/graph/ocsf/defender"],
    "okta_system_log": ["okta/"],
    "suricata_eve": ["suricata/"],
    "windows_event_log": ["microsoft/tests/ocsf/"],
    "zeek": ["zeek/"],
}
"""The beginnings of the paths of Tenzir's tests."""


ALSO = {"cef": frozenset({"palo_alto", "fortinet_fortigate", "zscaler"})}
"""Sources that records of a generic one may be recognised as, too: those of their products."""


_BOX_USER = {"type": "user", "id": "1", "name": "Alice", "login": "alice@example.com"}
COMPLETIONS: dict[str, dict[str, Any]] = {
    "box": {
        "type": "event",
        "event_id": "1",
        "created_at": "2026-01-01T00:00:00Z",
        "created_by": _BOX_USER,
        "accessible_by": _BOX_USER,
        "ip_address": "192.0.2.1",
        "source": _BOX_USER | {"item_type": "file", "item_id": "2", "item_name": "plan.txt", "group_name": "staff"},
    }
}
"""What each record of a source has, and fragments in another product's tests have not: those hold but one name."""


class Pair(msgspec.Struct, frozen=True):
    """A raw record, where its pair comes from, and what the pair says: of ECS or of OCSF."""

    raw: bytes
    origin: str
    expected: dict[str, Any]
    is_ocsf: bool
    is_completed: bool = False


def products() -> list[str]:
    """The log sources that have pairs."""
    return sorted({*ELASTIC, *SEKOIA, *TENZIR})


def pairs(logs: Path, product: str, half: str) -> list[Pair]:
    """The pairs of a log source that are in one half, or in ``all``; of the same raw record and origin one."""
    found = {(one.raw, one.origin, one.is_ocsf): one for one in _pairs(logs, product)}
    return [_completed(product, one) for one in found.values() if half in {"all", half_of(one.raw)}]


def _completed(product: str, pair: Pair) -> Pair:
    """A pair whose record is a fragment, with a whole one."""
    if product not in COMPLETIONS or len(record := orjson.loads(pair.raw)) > 1:
        return pair
    return msgspec.structs.replace(pair, raw=orjson.dumps(COMPLETIONS[product] | record), is_completed=True)


def half_of(raw: bytes) -> str:
    """The half that a raw record is in, by its hash: whatever else is done, it stays there."""
    return "tune" if hashlib.blake2b(raw, digest_size=1).digest()[0] % 2 else "held-out"


def _pairs(logs: Path, product: str) -> Iterator[Pair]:
    for folder, streams in (("elastic", ELASTIC), ("sekoia", SEKOIA)):
        for stream in streams.get(product, ()):
            for labels in sorted((logs / "ecs_pairs" / folder).glob(f"{stream}.labels.jsonl")):
                name = labels.name.removesuffix(".labels.jsonl")
                for raw, label in _lines(labels):
                    yield Pair(raw, f"{folder} {name}", label["expected_ecs"], is_ocsf=False)
    paths = tuple(TENZIR.get(product, ()))
    for raw, label in _lines(logs / "ocsf_pairs" / "tenzir" / "pairs.labels.jsonl") if paths else ():
        if label["path"].startswith(paths):
            yield Pair(raw, "tenzir", label["expected_ocsf"], is_ocsf=True)


def _lines(labels: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    stem = labels.name.removesuffix(".labels.jsonl")
    (native,) = (path for end in ("jsonl", "log") if (path := labels.with_name(f"{stem}.native.{end}")).exists())
    for raw, label in zip(native.read_bytes().split(b"\n"), labels.read_bytes().splitlines(), strict=False):
        yield raw, orjson.loads(label)
