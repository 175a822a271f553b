"""What is wrong in the other products' expected events, and by whose word.

An entry is added for what contradicts the documentation of the vendor or of ECS, never for a difference alone.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import orjson

from watchfloor.normalize.coerce import timestamp

Stated = dict[str, Any]
"""The facts of a pair, as :func:`pair_facts.facts` gives them."""

CATEGORIES = "https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category"
TYPES = "https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-type"
WINDOWS_SECURITY = "https://learn.microsoft.com/windows/win32/wes/eventschema-securitytype-complextype"
CLOUDTRAIL_USER = (
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"
)
WORKSPACE_LOGIN = "https://developers.google.com/workspace/admin/reports/v1/appendix/activity/login"
KEY_VAULT = "https://learn.microsoft.com/azure/key-vault/general/logging"
FALCON = "https://docs.panther.com/data-onboarding/supported-logs/crowdstrike/falcon-data-replicator"
AUDIT = "https://man7.org/linux/man-pages/man3/audit_getloginuid.3.html"
FTD = "https://www.cisco.com/c/en/us/td/docs/security/firepower/Syslogs/b_fptd_syslog_guide.html"
BOX = "https://developer.box.com/reference/resources/event/"
PAN_OS = "https://docs.paloaltonetworks.com/ngfw/administration/monitoring/use-syslog-for-monitoring/syslog-field-descriptions"
STRATA_CEF = "https://docs.paloaltonetworks.com/strata-logging-service/log-reference/log-formats/cef"
M365_DLP = "https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema"


class Wrong(msgspec.Struct, frozen=True):
    """What pairs of a log source state wrongly.

    ``mended`` gives the facts without what is wrong in them, or ``None`` if nothing is; it gets the facts and the raw
    record. ``origin`` is where such pairs come from, ``what`` the fact.
    """

    product: str
    origin: str
    what: str
    mended: Callable[[Stated, str], Stated | None]
    reason: str


def _category(*names: str) -> Callable[[Stated, str], Stated | None]:
    """These categories are wrong: of *what* only the action is left."""

    def mended(stated: Stated, _raw: str) -> Stated | None:
        what = stated.get("what", {})
        if what.get("category") != list(names):
            return None
        kept = {"what": {"action": what["action"]}} if "action" in what else {}
        return {name: value for name, value in stated.items() if name != "what"} | kept

    return mended


def _besides(*names: str) -> Callable[[Stated, str], Stated | None]:
    """These categories are wrong: of *what* the others and the action are left."""

    def mended(stated: Stated, _raw: str) -> Stated | None:
        what = stated.get("what", {})
        right = [one for one in what.get("category", ()) if one not in names]
        if right == what.get("category", []):
            return None
        kept = {name: value for name, value in what.items() if name == "action" or (right and name == "type")}
        kept |= {"category": right} if right else {}
        return {name: value for name, value in stated.items() if name != "what"} | ({"what": kept} if kept else {})

    return mended


def _who(wrong: Callable[[str, str], bool]) -> Callable[[Stated, str], Stated | None]:
    """These names of somebody are wrong; the others stay."""

    def mended(stated: Stated, raw: str) -> Stated | None:
        names = stated.get("who", [])
        right = [name for name in names if not wrong(name, raw)]
        if right == names:
            return None
        kept = {"who": right} if right else {}
        return {name: value for name, value in stated.items() if name != "who"} | kept

    return mended


def _is_sysmons_writer(name: str, raw: str) -> bool:
    if "Microsoft-Windows-Sysmon" not in raw:
        return False
    if name.startswith("s-1-"):
        return True
    # NXLog's AccountName, which is the name of that account.
    account = re.search(r'"AccountName": "([^"]*)"', raw)
    return account is not None and account[1].casefold() == name and re.search(r'"(?:Source|)User": ', raw) is None


def _passed_challenge(stated: Stated, raw: str) -> bool:
    return stated["outcome"] == "failure" and "Challenge Passed" in raw


def _concerns_no_threat(stated: Stated, raw: str) -> Stated | None:
    concerns = re.search(r'"threatId": "[^"]|"primaryDescription": "Alert created', raw)
    return None if concerns else _category("intrusion_detection")(stated, raw)


def _without(fact: str, holds: Callable[[Stated, str], object]) -> Callable[[Stated, str], Stated | None]:
    """This fact is wrong where ``holds`` does."""

    def mended(stated: Stated, raw: str) -> Stated | None:
        if fact not in stated or not holds(stated, raw):
            return None
        return {name: value for name, value in stated.items() if name != fact}

    return mended


def _has_no_year(_stated: Stated, raw: str) -> bool:
    return re.match(r"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:", raw) is not None


def _has_no_zone(_stated: Stated, raw: str) -> bool:
    # Since PAN-OS 10 there is a second time in the line, with its zone.
    zoned = re.search(r",20\d\d-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d", raw)
    return re.search(r",\d{4}/\d\d/\d\d \d\d:\d\d:\d\d,", raw) is not None and zoned is None


_PORTAL = re.compile(r",GLOBALPROTECT,.*,(?:portal|gateway)-(?:auth|login|prelogin|logout|connected|register),")
_ADDRESSED = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|::|(?:[0-9a-f]{1,4}:){3}|subject name")


def _was_taken_later(stated: Stated, raw: str) -> bool:
    happened = re.search(r'"ContextTimeStamp": "(\d+(?:\.\d+)?)"', raw)
    return happened is not None and abs(stated["when"] - float(happened[1]) * 1000) > 1000


def _is_not_created(stated: Stated, raw: str) -> bool:
    return bool(stated["when"] != timestamp(orjson.loads(raw)["created_at"]))


_ALERT_OR_ACTIVITY = re.compile(r'"alert": "yes"|"object_type": "File"|"activity": "(?:Down|Up)load"')


def _is_receipt(_stated: Stated, raw: str) -> bool:
    times = [re.search(rf" {name}=(\w{{3}} \d\d \d{{4}} [\d:]{{8}})", raw) for name in ("rt", "start")]
    return None not in times and len({found[1] for found in times if found}) == 2


def _was_refused(stated: Stated, raw: str) -> bool:
    return stated["outcome"] == "success" and re.search(r'"httpStatusCode": [45]\d\d', raw) is not None


def _is_log_service(stated: Stated, raw: str) -> Stated | None:
    return _category("iam")(stated, raw) if re.search(r'"event_id": "?(?:1100|1102|1104|1105)"?[,}]', raw) else None


def _ended_nothing(stated: Stated, _raw: str) -> Stated | None:
    """A failed sign-in is no end: of *what*, action and category are left."""
    what = stated.get("what", {})
    if stated.get("outcome") != "failure" or what.get("type") != ["end"] or "authentication" not in what["category"]:
        return None
    return stated | {"what": {name: value for name, value in what.items() if name != "type"}}


def _without_type_of_logout(stated: Stated, raw: str) -> Stated | None:
    what = stated.get("what", {})
    if "Logout" not in raw or "start" not in what.get("type", ()):
        return None
    return stated | {"what": {name: value for name, value in what.items() if name != "type"}}


def _is_account_number(name: str, raw: str) -> bool:
    return f'"accountId": "{name}"' in raw and f'"principalId": "{name}"' not in raw


WRONG: tuple[Wrong, ...] = (
    Wrong(
        "m365_unified_audit",
        "elastic o365.audit",
        "what",
        _category("web"),
        f"web, access to web servers ({CATEGORIES}), is what the pipeline gives each operation that it does not know",
    ),
    Wrong(
        "m365_unified_audit",
        "sekoia o365",
        "what",
        _category("network"),
        f"network, connections and packets ({CATEGORIES}), is what the parser gives each operation it does not know",
    ),
    Wrong(
        "m365_unified_audit",
        "elastic o365.audit",
        "who",
        _who(lambda name, _raw: name in {"dlpagent", "unknown"} or name.startswith("dlppolicy")),
        f"each DLP event names DlpAgent or the policy's assistant, a sign-in that found nobody Unknown ({M365_DLP})",
    ),
    Wrong(
        "windows_event_log",
        "",
        "who",
        _who(_is_sysmons_writer),
        f"the account that wrote the event ({WINDOWS_SECURITY}) is Sysmon's own, no party of what it saw",
    ),
    Wrong(
        "aws_cloudtrail",
        "sekoia aws-cloudtrail",
        "what",
        _category("network"),
        f"network, connections and packets ({CATEGORIES}), is what the parser gives each call but signing in",
    ),
    Wrong(
        "google_workspace",
        "elastic google_workspace.login",
        "outcome",
        _without("outcome", _passed_challenge),
        f"a challenge with the status Challenge Passed is a failure there ({WORKSPACE_LOGIN})",
    ),
    Wrong(
        "linux_auth",
        "elastic system.auth",
        "when",
        _without("when", _has_no_year),
        "a record without a year (RFC 3164, 4.1.2) has the one in which the other product's test was run",
    ),
    Wrong(
        "linux_auth",
        "sekoia openssh",
        "what",
        _ended_nothing,
        f"a sign-in that was refused has the type end, for what has ended ({TYPES})",
    ),
    Wrong(
        "palo_alto",
        "",
        "when",
        _without("when", _has_no_zone),
        f"a firewall writes its local time without its zone ({PAN_OS}); each product's test sets one of its own",
    ),
    Wrong(
        "palo_alto",
        "elastic panw.panos",
        "what",
        lambda stated, raw: _category("network")(stated, raw) if ",CORRELATION," in raw else None,
        f"network, connections and packets ({CATEGORIES}), for an event of the correlation engine, which found a host",
    ),
    Wrong(
        "palo_alto",
        "elastic panw.panos",
        "what",
        lambda stated, raw: _category("network")(stated, raw) if _PORTAL.search(raw) else None,
        f"network, connections and packets ({CATEGORIES}), for signing in to GlobalProtect",
    ),
    Wrong(
        "palo_alto",
        "sekoia paloalto-ngfw",
        "when",
        _without("when", _is_receipt),
        f"@timestamp is rt, when the log service took the record, not start, when it was generated ({STRATA_CEF})",
    ),
    Wrong(
        "netskope",
        "sekoia netskope_events",
        "what",
        lambda stated, raw: _category("network")(stated, raw) if _ALERT_OR_ACTIVITY.search(raw) else None,
        f"network, connections and packets ({CATEGORIES}), is what the parser gives alerts, and work on files, too",
    ),
    Wrong(
        "linux_auditd",
        "elastic auditd.log",
        "what",
        lambda stated, raw: _category("process")(stated, raw) if raw.startswith("type=CRYPTO_") else None,
        f"process, of processes ({CATEGORIES}), for the keys of a connection, with the addresses of both ends",
    ),
    Wrong(
        "linux_auditd",
        "elastic auditd.log",
        "who",
        _who(lambda name, _raw: name in {"4294967295", "-1", "unset"}),
        f"4294967295 is the number of no account: nobody logged in ({AUDIT})",
    ),
    Wrong(
        "cisco_asa",
        "sekoia cisco-secure-firewall",
        "who",
        _who(lambda name, _raw: name in {"no authentication required", "not found", "unknown"}),
        f"what the firewall writes where it knows no user ({FTD})",
    ),
    Wrong(
        "cisco_asa",
        "sekoia cisco-secure-firewall",
        "what",
        lambda stated, raw: None if _ADDRESSED.search(raw) else _category("network")(stated, raw),
        f"network, connections and packets ({CATEGORIES}), of messages of the device about itself, with no address",
    ),
    *(
        Wrong(
            "cloudflare",
            origin,
            "what",
            _category("network"),
            f"network, connections and packets ({CATEGORIES}), for {what}",
        )
        for origin, what in (
            ("sekoia audit_logs", "what administrators changed"),
            ("sekoia access_requests", "signing in"),
            ("elastic cloudflare_logpush.casb", "findings in the settings of cloud applications"),
        )
    ),
    Wrong(
        "cloudflare",
        "sekoia gateway_http",
        "what",
        lambda stated, raw: _category("network")(stated, raw) if '"AppUUID"' in raw else None,
        f"network, connections and packets ({CATEGORIES}), for signing in to an application behind Access",
    ),
    Wrong(
        "m365_unified_audit",
        "elastic o365.audit",
        "what",
        _without_type_of_logout,
        "start, for what has begun, is given to a request to sign out (RequestType OAuth2:Logout), "
        f"which has the operation UserLoggedIn, too ({TYPES})",
    ),
    Wrong(
        "crowdstrike",
        "sekoia crowdstrike-telemetry",
        "when",
        _without("when", _was_taken_later),
        f"@timestamp is when the cloud took the event, not ContextTimeStamp, when the sensor saw it happen ({FALCON})",
    ),
    Wrong(
        "crowdstrike",
        "sekoia crowdstrike-telemetry",
        "what",
        lambda stated, raw: _category("intrusion_detection")(stated, raw) if "BatchHeader" in raw else None,
        f"intrusion_detection, alerts ({CATEGORIES}), for the header of a batch of what was scanned",
    ),
    Wrong(
        "microsoft_defender",
        "sekoia microsoft-365-defender",
        "what",
        lambda stated, raw: _category("process")(stated, raw) if '"RegistryKey": "' in raw else None,
        f"process, of processes ({CATEGORIES}), for changes of the registry, which have a category of their own",
    ),
    Wrong(
        "box",
        "elastic box_events.events",
        "what",
        _besides("process", "database"),
        f"process, of operating systems, and database, of stores of data ({CATEGORIES}), for what people share",
    ),
    Wrong(
        "box",
        "elastic box_events.events",
        "when",
        _without("when", _is_not_created),
        f"@timestamp is midnight of a day, or when an alert's period began, not when the event was created ({BOX})",
    ),
    Wrong(
        "azure_monitor",
        "sekoia azure-key-vault",
        "outcome",
        _without("outcome", _was_refused),
        f"a call that the vault answered with 4xx did not succeed ({KEY_VAULT})",
    ),
    Wrong(
        "sentinelone",
        "sekoia sentinelone",
        "what",
        _concerns_no_threat,
        f"intrusion_detection, alerts ({CATEGORIES}), is given to each activity, also to those with no threat",
    ),
    Wrong(
        "windows_event_log",
        "",
        "what",
        _is_log_service,
        f"that the event log is full, archived or shut down is not iam, users, groups and rights ({CATEGORIES})",
    ),
    Wrong(
        "aws_cloudtrail",
        "sekoia aws-cloudtrail",
        "who",
        _who(_is_account_number),
        f"accountId is the AWS account that owns the entity, not who called ({CLOUDTRAIL_USER})",
    ),
)


ANOTHER_RECORD = "an OCSF event with a connection that is not the record's: Tenzir's tests sort, the pairs go by index"


def is_of_another_record(expected: Stated, raw: bytes) -> bool:
    """Whether an OCSF event names a connection that its record does not have."""
    uid = expected.get("connection_info", {}).get("uid")
    return uid is not None and str(uid).encode() not in raw


def errors_of(product: str, origin: str, stated: Stated, raw: str) -> Iterator[Wrong]:
    """What is wrong in what a pair states, as far as we know; takes it out of ``stated``."""
    for wrong in WRONG:
        if wrong.product == product and wrong.origin in {"", origin}:
            mended = wrong.mended(stated, raw)
            if mended is not None:
                stated.clear()
                stated.update(mended)
                yield wrong
