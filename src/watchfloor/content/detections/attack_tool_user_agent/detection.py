"""Programs that attackers bring along, by the name they give themselves.

The list holds names that public reports and the tools' own sources give. Whoever changes the name is not seen here.

Sources: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-iam.html (PenTest findings),
https://github.com/DataDog/stratus-red-team, https://github.com/trufflesecurity/trufflehog,
https://github.com/SpecterOps/AzureHound, https://www.speartip.com/fasthttp-used-in-new-bruteforce-campaign/,
https://permiso.io/blog/s/unmasking-guivil-new-cloud-threat-actor/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, at, distinct, listed, matching, name_of
from watchfloor.session import Judgement, Row, Sessions

TOOLS = {
    "Kali Linux": r"\bkali\b",
    "Parrot OS": r"\bparrot(sec|os)?\b",
    "Pentoo": r"\bpentoo\b",
    "Pacu": r"\bpacu\b",
    "WeirdAAL": r"\bweirdaal\b",
    "Stratus Red Team": r"stratus[-_ ]red[-_ ]team",
    "TruffleHog": r"\btrufflehog\b",
    "CloudFox": r"\bcloudfox\b",
    "AzureHound": r"\bazurehound\b",
    "ROADtools": r"\broad(tools|recon|tx)\b",
    "AADInternals": r"\baadinternals\b",
    "TeamFiltration": r"\bteamfiltration\b",
    "o365spray": r"\bo365spray\b",
    "fasthttp": r"^fasthttp\b",
    "sqlmap": r"\bsqlmap/",
    "Nuclei": r"\bnuclei\b",
}
SURVEYS = {
    "Prowler": r"\bprowler\b",
    "ScoutSuite": r"\bscout ?suite\b",
    "CloudMapper": r"\bcloudmapper\b",
    "S3 Browser": r"\bs3 browser\b",
}
CITED = 20

_FALSE_POSITIVES = ("A test that the company ordered.",)
USED = Rule(
    id="cf6cf6ec-4d3d-4926-af17-820faa6c6d0b",
    title="An attacker's tool was used in the company's cloud",
    level="high",
    description="The program that called says of itself that it is made for attacks, and calls succeeded.",
    use_case="intel_to_rules",
    tactics=("initial-access", "discovery"),
    techniques=("T1078.004", "T1526"),
    false_positives=_FALSE_POSITIVES,
    runbook="""\
Is a test ordered, and from this address? Ask who orders them, not who is in the log.
If not, revoke the identity's sessions and keys now, and look at all it did with this program.
""",
)
TRIED = Rule(
    id="a4fa66aa-9eaf-47c7-bd9c-e3e859a988b4",
    title="An attacker's tool knocked on the company's cloud",
    level="low",
    description="The program that called says of itself that it is made for attacks; nothing it tried succeeded.",
    use_case="intel_to_rules",
    tactics=("reconnaissance",),
    techniques=("T1595",),
    false_positives=_FALSE_POSITIVES,
    runbook="Look for the address in successful logins.\n",
)
SURVEYED = Rule(
    id="45ed6b41-d454-410e-b938-596cfe31d615",
    title="A program that surveys cloud accounts was used",
    level="low",
    description="Auditors use it, and so do intruders who want to know what there is.",
    use_case="intel_to_rules",
    tactics=("discovery",),
    techniques=("T1526", "T1580"),
    false_positives=("An audit, or the company's own posture scan.",),
    runbook="Is it the auditors' identity and address? If not, treat it as an intruder's.\n",
)

_NAMES = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in (TOOLS | SURVEYS).items()}
_ANY = "(?i)" + "|".join((TOOLS | SURVEYS).values())


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """One finding for each tool that an identity used."""
    for name, pattern in _NAMES.items():
        used = [row for row in rows if pattern.search(row["http_request.user_agent"])]
        if not used:
            continue
        worked = [row for row in used if row["status_id"] != FAILURE]
        rule = SURVEYED if name in SURVEYS else USED if worked else TRIED
        places = [name_of(one) for one in distinct(used, "entity.address")] or ["an unknown address"]
        yield Judgement(
            rule=rule,
            summary=(
                f"{name_of(used[0]['entity.actor'])} used {name} from {listed(places)} at {at(used[0]['time'])}; "
                f"{len(worked)} of {len(used)} calls succeeded."
            ),
            rows=used[:CITED],
            terms=(Term("calls", len(used), f"{len(used)} calls with {name}."),),
            bucket=name,
        )


DETECTORS = (
    Sessions(
        name="attack_tool_user_agent",
        key="entity.actor",
        gap=timedelta(hours=24),
        columns=("http_request.user_agent", "status_id"),
        select=matching("http_request.user_agent", _ANY),
        judge=judge,
        max_rows=1024,
    ),
)
