r"""Services stopped in bulk: backups, databases and security programs, one after the other, as ransomware does it.

Files that a database keeps open cannot be encrypted, backups could bring them back, and scanners would object. Counted
are the different names that ``net stop``, ``sc``, ``taskkill`` and ``Stop-Service`` are given, not the commands:
``net`` starts ``net1`` with the same words, and both Sysmon and the security log tell of each.

Source: https://attack.mitre.org/techniques/T1489/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import both, bursts, length, listed, matching, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

PROCESS_ACTIVITY, LAUNCH = 1007, 1
STOPPED, GUARDING = 5, 3
"""Different names that were stopped, and how many of them back up, keep or protect data."""
WINDOW = timedelta(minutes=3)

_NAME = r"(\"[^\"]{1,120}\"|'[^']{1,120}'|[^\s\"'/;|&]{1,120})"
_STOPS = (
    re.compile(rf"(?i)\bnet1?(?:\.exe)?\"?\s+stop\s+{_NAME}"),
    re.compile(rf"(?i)\bsc(?:\.exe)?\"?\s+(?:\\\\\S+\s+)?(?:stop|delete)\s+{_NAME}"),
    re.compile(rf"(?i)\bsc(?:\.exe)?\"?\s+(?:\\\\\S+\s+)?config\s+{_NAME}\s.*\bdisabled\b"),
    re.compile(rf"(?i)[/-]im\s+{_NAME}"),
    re.compile(rf"(?i)\bstop-service\s+(?:-(?:force|name|inputobject|confirm:\$false)\s+)*{_NAME}"),
)
_GUARDS = re.compile(
    r"(?i)vss|backup|veeam|acronis|acr\w*sch|arcserve|commvault|gx(?:vss|blr|cvd|fwd|cimgr)|veritas|shadow|sql|oracle|"
    r"postgre|mongo|exchange|msexch|sophos|defend|mcafee|mfe|symantec|kaspersky|kav|avp|sentinel|csfalcon|cylance|eset|"
    r"ekrn|malwarebytes|mbam|tmlisten|ntrtscan|vmms|vmwp|vmware|quickbooks|qbidp|cbdefense|wbengine|sdrsvc"
)

RULE = Rule(
    id="696adb12-324e-4c26-b5bb-aa79b207d579",
    title="Backups, databases and security programs were stopped one after the other",
    level="high",
    description="Somebody makes room for encryption: what could object, and what keeps files open, is stopped first.",
    use_case="ransomware_precursors",
    tactics=("impact", "defense-evasion"),
    techniques=("T1489", "T1562.001"),
    false_positives=(
        "A server that is updated or moved in a maintenance window.",
        "The installer of a backup or database product.",
    ),
    runbook="""\
Isolate the computer now, unless somebody confirms a maintenance window: encryption comes next.
Find the script that the commands come from, and look for it on other computers.
Start the services again once the computer is known to be clean.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Many different names stopped within minutes, enough of them guardians of data."""
    told = [{**row, "target": target} for row in rows for target in _targets(row["process.cmd_line"])]
    for burst in bursts(told, least=STOPPED, span=WINDOW, of=lambda row: row["target"].lower()):
        names = {row["target"].lower(): row["target"] for row in reversed(burst)}
        guards = [name for name in reversed(names.values()) if _GUARDS.search(name)]
        if len(guards) < GUARDING:
            continue
        yield Judgement(
            rule=RULE,
            summary=f"On {name_of(burst[0]['entity.host'])}, {len(names)} services and programs were stopped within "
            f"{length(burst)}, among them {listed([shown(name) for name in guards])}.",
            rows=burst,
            terms=(
                Term("stopped", len(names), f"{len(names)} different services and programs were stopped."),
                Term("guarding", len(guards), f"{len(guards)} of them back up, keep or protect data."),
            ),
            since=burst[0]["time"],
        )


def _targets(line: str | None) -> list[str]:
    text = (line or "")[:4096]
    found = [match.strip("\"'") for pattern in _STOPS for match in pattern.findall(text)]
    return list(dict.fromkeys(found))


DETECTORS = (
    Sessions(
        name="win_services_stopped",
        key="entity.host",
        gap=WINDOW,
        columns=("process.cmd_line",),
        select=both(
            one_of("source", ("windows_event_log",)),
            one_of("class_uid", (PROCESS_ACTIVITY,)),
            one_of("activity_id", (LAUNCH,)),
            matching(
                "process.cmd_line",
                r"(?i)\bnet1?(\.exe)?\"?\s+stop\s|\bsc(\.exe)?\"?\s.*\b(stop|delete|disabled)\b|\btaskkill\b|\bstop-service\b",
            ),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
