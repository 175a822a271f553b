"""Many secrets asked for in little time: somebody collects what opens other doors.

Sources: https://attack.mitre.org/techniques/T1555/006/, https://attack.mitre.org/techniques/T1552/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import bursts, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

SECRETS = ("GetSecretValue", "BatchGetSecretValue", "GetParameter", "GetParameters", "GetParametersByPath")
PASSWORD = "GetPasswordData"  # noqa: S105 - an operation's name
PEOPLE = (1, 2)
FEW, MANY, PASSWORDS = 5, 20, 3
WINDOW = timedelta(minutes=10)

_RUNBOOK = """\
Ask the owner of the account. If it was not them, revoke the session or key now.
Change every secret that was read, and look for its use: databases, servers, other companies' services.
"""
BY_PERSON = Rule(
    id="85edce3d-2afe-4c34-b62b-6802aa97efc2",
    title="A person's account read one secret after another in AWS",
    level="medium",
    description="Programs read the few secrets that are theirs. Here a person or a user's key read several in minutes.",
    use_case="data_exfiltration",
    tactics=("credential-access",),
    techniques=("T1555.006",),
    false_positives=("An administrator who moves or renews secrets.",),
    runbook=_RUNBOOK,
)
BY_PROGRAM = Rule(
    id="cd3372b1-ea34-4cac-b909-e2ac75a95a1c",
    title="A program read very many secrets in AWS",
    level="low",
    description="A workload's session read twenty different secrets or more within ten minutes.",
    use_case="data_exfiltration",
    tactics=("credential-access",),
    techniques=("T1555.006",),
    false_positives=("A deployment that copies all secrets into a cluster.",),
    runbook=_RUNBOOK,
)
WINDOWS_PASSWORDS = Rule(
    id="5dc8d576-cf5c-46c0-a48a-f8e361cd62b8",
    title="The administrator passwords of several Windows machines were asked for in AWS",
    level="high",
    description="The first administrator password of a Windows machine is asked for once, by whoever sets it up.",
    use_case="data_exfiltration",
    tactics=("credential-access",),
    techniques=("T1552.005", "T1552"),
    false_positives=("The set-up of several Windows machines at once.",),
    runbook=_RUNBOOK,
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of different secrets, and of Windows passwords; refused requests count."""
    person = rows[0]["actor.user.type_id"] in PEOPLE
    secrets = [row for row in rows if row["metadata.event_code"] in SECRETS]
    for burst in bursts(secrets, least=FEW if person else MANY, span=WINDOW, of=_secret):
        names = [name_of(one) for one in distinct(burst, "entity.resource")]
        count = len({_secret(row) for row in burst})
        what = f"asked for {count} secrets" + (f" ({listed(names)})" if names else "")
        yield _judgement(BY_PERSON if person else BY_PROGRAM, what, burst)
    for burst in bursts([row for row in rows if row["metadata.event_code"] == PASSWORD], least=PASSWORDS, span=WINDOW):
        yield _judgement(
            WINDOWS_PASSWORDS, f"asked for first administrator passwords ({PASSWORD}) {len(burst)} times", burst
        )


def _secret(row: Row) -> str:
    # A parameter's name is in no column: each request counts as one.
    resource: str = row["entity.resource"] or ""
    return resource if resource.startswith("resource:secret:") else str(row["metadata.uid"])


def _judgement(rule: Rule, what: str, burst: Sequence[Row]) -> Judgement:
    refused = sum(row["api.response.error"] is not None for row in burst)
    terms = [Term("requests", len(burst), f"{len(burst)} requests within {length(burst)}.")]
    if refused:
        terms.append(Term("refused", refused, f"{refused} of them were refused."))
    return Judgement(
        rule=rule,
        summary=f"{name_of(burst[0]['entity.actor'])} {what} within {length(burst)}"
        f"{f'; {refused} requests were refused' if refused else ''}.",
        rows=burst,
        terms=tuple(terms),
        bucket=rule.id,
        since=burst[0]["time"],
    )


DETECTORS = (
    Sessions(
        name="aws_secrets_burst",
        key="entity.actor",
        gap=WINDOW,
        columns=("metadata.event_code", "actor.user.type_id", "api.response.error"),
        select=one_of("metadata.event_code", (*SECRETS, PASSWORD)),
        judge=judge,
        max_rows=1024,
    ),
)
