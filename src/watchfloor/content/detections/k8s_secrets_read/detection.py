"""Many secrets of a cluster read in little time, or all of them at once: somebody collects what opens other doors.

Sources: https://attack.mitre.org/techniques/T1552/007/,
https://microsoft.github.io/Threat-Matrix-for-Kubernetes/techniques/List%20K8S%20secrets/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, but_not, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

READS = ("get secrets", "list secrets", "watch secrets")
SYSTEM, SERVICE = 3, 4
"""``actor.user.type_id``: parts of the cluster, and programs in it."""
EVERYTHING = "resource:secrets:*"
FEW, MANY = 6, 30
WINDOW = timedelta(minutes=10)

_RUNBOOK = """\
Ask the owner of the account. If it was not them, revoke its access now.
Change what the secrets hold: passwords, keys and tokens, those for systems outside the cluster first.
Look for the use of those passwords and keys since.
"""
ALL_AT_ONCE = Rule(
    id="6f5f99cd-bc57-40f7-b100-c824dd74b2bd",
    title="A person read all secrets of the cluster at once",
    level="high",
    description="One request for the secrets of every namespace was answered. No work of a person needs that.",
    use_case="data_exfiltration",
    tactics=("credential-access",),
    techniques=("T1552.007",),
    false_positives=("An administrator who makes a backup of the cluster by hand.",),
    runbook=_RUNBOOK,
)
ONE_BY_ONE = Rule(
    id="80f544db-f1fb-4436-8b56-28f6374de1b2",
    title="An account read one secret of the cluster after another",
    level="medium",
    description="Programs read the few secrets that are theirs. Here an account read many within minutes.",
    use_case="data_exfiltration",
    tactics=("credential-access",),
    techniques=("T1552.007",),
    false_positives=("A deployment that renews many secrets. Exempt its account.",),
    runbook=_RUNBOOK,
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Requests for everything by people, and bursts of different secrets."""
    program = rows[0]["actor.user.type_id"] == SERVICE
    who = name_of(rows[0]["entity.actor"])
    everything = [row for row in rows if row["entity.resource"] == EVERYTHING]
    if everything and not program:
        yield Judgement(
            rule=ALL_AT_ONCE,
            summary=f"{who} read the secrets of all namespaces of the cluster.",
            rows=everything,
            terms=(Term("requests", len(everything), f"{len(everything)} requests for all secrets."),),
            bucket=ALL_AT_ONCE.id,
            since=everything[0]["time"],
        )
    for burst in bursts(rows, least=MANY if program else FEW, span=WINDOW, of=lambda row: row["entity.resource"]):
        names = [name_of(one) for one in distinct(burst, "entity.resource")]
        yield Judgement(
            rule=ONE_BY_ONE,
            summary=f"{who} read {len(names)} secrets of the cluster within {length(burst)}: {listed(names)}.",
            rows=burst,
            terms=(Term("secrets", len(names), f"{len(names)} different secrets within {length(burst)}."),),
            bucket=ONE_BY_ONE.id,
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="k8s_secrets_read",
        key="entity.actor",
        gap=WINDOW,
        columns=("actor.user.type_id",),
        select=but_not(
            both(
                one_of("source", ("kubernetes_audit",)),
                one_of("metadata.event_code", READS),
                one_of("status_id", (SUCCESS,)),
            ),
            one_of("actor.user.type_id", (SYSTEM,)),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
