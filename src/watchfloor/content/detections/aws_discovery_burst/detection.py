"""Somebody looks around in AWS: many different questions to many services, or many that are refused.

Sources: https://attack.mitre.org/techniques/T1580/, https://attack.mitre.org/techniques/T1526/
"""

from collections.abc import Hashable, Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import both, bursts, but_not, distinct, either, known, length, listed, matching, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

QUESTIONS, SERVICES, REFUSED = 12, 5, 10
WINDOW = timedelta(minutes=10)
PEOPLE = (1, 2)

# The console and infrastructure as code ask for everything; what they are used for shows in what they change.
_PAGES = r"(?i)^\[?mozilla/|console|aws[- ]internal|\.amazonaws\.com|terraform|pulumi|cloudformation|s3console"
_FALSE_POSITIVES = ("An engineer new to the account.", "A posture scanner that runs with a person's key.")
LOOKED_AROUND = Rule(
    id="20979018-c636-4183-8a3f-5799085916f3",
    title="Somebody looked around in AWS from the command line",
    level="medium",
    description="Many different questions to many services within minutes, as intruders ask them first.",
    use_case="privilege_escalation",
    tactics=("discovery",),
    techniques=("T1580", "T1526", "T1087.004"),
    false_positives=_FALSE_POSITIVES,
    runbook="""\
Does the person know the account and do such work? Is the address theirs?
If not, revoke the session or key, and look for what changed after it: users, keys, policies, trails.
""",
)
TRIED_DOORS = Rule(
    id="41468c0c-be44-4bf4-9689-a8075f92b3ff",
    title="Somebody tried in AWS what they are not allowed to do",
    level="medium",
    description="Many different calls were refused within minutes: somebody finds out what their rights are good for.",
    use_case="privilege_escalation",
    tactics=("discovery",),
    techniques=("T1580", "T1526"),
    false_positives=("A new program whose role is not finished.",),
    runbook="""\
Is the identity new or changed today? Then it may be unfinished work: ask its owner.
If not, revoke the session or key, and look at what it did where it was allowed.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of different questions over several services, and of refused calls."""
    if rows[0]["actor.user.type_id"] in PEOPLE:
        asked = [row for row in rows if (row["metadata.event_code"] or "").startswith(("List", "Describe", "Get"))]
        for burst in bursts(asked, least=QUESTIONS, span=WINDOW, of=_operation):
            if len(distinct(burst, "api.service.name")) >= SERVICES:
                yield _judgement(LOOKED_AROUND, "put {} different questions to", burst)
    refused = [row for row in rows if _is_refused(row)]
    for burst in bursts(refused, least=REFUSED, span=WINDOW, of=_operation):
        yield _judgement(TRIED_DOORS, "was refused {} different calls to", burst)


def _operation(row: Row) -> Hashable:
    return row["api.service.name"], row["metadata.event_code"]


def _is_refused(row: Row) -> bool:
    return (row["api.response.error"] or "").endswith(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    )


def _judgement(rule: Rule, what: str, burst: Sequence[Row]) -> Judgement:
    operations = len({_operation(row) for row in burst})
    services = [one.removesuffix(".amazonaws.com") for one in distinct(burst, "api.service.name")]
    refused = sum(_is_refused(row) for row in burst)
    return Judgement(
        rule=rule,
        summary=(
            f"{name_of(burst[0]['entity.actor'])} {what.format(operations)} {len(services)} services "
            f"({listed(services)}) within {length(burst)}."
        ),
        rows=burst,
        terms=(
            Term("operations", operations, f"{operations} different operations in {len(burst)} calls."),
            Term("services", len(services), f"{len(services)} services."),
            Term("refused", refused, f"{refused} calls were refused."),
        ),
        bucket=rule.id,
        since=burst[0]["time"],
    )


DETECTORS = (
    Sessions(
        name="aws_discovery_burst",
        key="entity.actor",
        gap=WINDOW,
        columns=("metadata.event_code", "api.service.name", "api.response.error", "actor.user.type_id"),
        select=both(
            one_of("source", ("aws_cloudtrail",)),
            one_of("actor.user.type_id", (1, 2, 4, 99)),
            but_not(
                either(matching("metadata.event_code", "^(List|Describe|Get)"), known("api.response.error")),
                matching("http_request.user_agent", _PAGES),
            ),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
