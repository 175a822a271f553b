"""Many objects read from storage in little time: data on its way out.

Source: https://attack.mitre.org/techniques/T1530/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, distinct, length, listed, name_of, newcomers, one_of
from watchfloor.session import Judgement, Row, Sessions

PEOPLE = (1, 2)
"""``actor.user.type_id`` of users and of root; workloads read much as a matter of course."""

READS = 100
READS_OF_WORKLOADS = 1000
VERY_MANY = 500
WINDOW = timedelta(minutes=60)
FRESH, SETTLED = timedelta(hours=3), timedelta(hours=1)

_FALSE_POSITIVES = ("A data export or a migration that somebody announced.", "A backup that runs with a user's key.")
_RUNBOOK = """\
Ask the owner of the account or key whether the reads are theirs, and what they are for.
If not, deactivate the key or revoke the session now; the bucket's policy can deny the identity meanwhile.
List what was read (requestParameters.key): it decides who must be told.
"""
BULK = Rule(
    id="fda4384f-9221-4543-a69e-d4975eb23172",
    title="Somebody read many objects from AWS storage in a short time",
    level="medium",
    description="One identity fetched a hundred objects or more within an hour.",
    use_case="data_exfiltration",
    tactics=("collection", "exfiltration"),
    techniques=("T1530", "T1537"),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
)
SWEPT = Rule(
    id="ae6972f8-e92d-446a-9b79-dfe2f45c0681",
    title="Data was taken out of AWS storage in bulk",
    level="high",
    description=(
        "One identity fetched hundreds of objects within an hour, or a hundred from an address that it had not read "
        "from before that day."
    ),
    use_case="data_exfiltration",
    tactics=("collection", "exfiltration"),
    techniques=("T1530", "T1537"),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
)
WORKLOAD = Rule(
    id="624b846a-479b-47d0-b58e-ada3eeeddac9",
    title="A program read very many objects from AWS storage",
    level="low",
    description="A role's session that is no person's fetched a thousand objects or more within an hour.",
    use_case="data_exfiltration",
    tactics=("collection",),
    techniques=("T1530",),
    false_positives=("Most analytics and backups.",),
    runbook="Is it the program's work? If its session was used from elsewhere, see that finding.\n",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of reads, those from an address new to the identity apart."""
    person = rows[0]["actor.user.type_id"] in PEOPLE
    new = newcomers(rows, lambda row: row["entity.address"], within=FRESH, settled=SETTLED)
    for away in (True, False) if person else (False,):
        chosen = [row for row, one in zip(rows, new, strict=True) if one is away or not person]
        for burst in bursts(chosen, least=READS if person else READS_OF_WORKLOADS, span=WINDOW):
            strong = SWEPT if away or len(burst) >= VERY_MANY else BULK
            yield _judgement(strong if person else WORKLOAD, burst, away=away)


def _judgement(rule: Rule, burst: Sequence[Row], *, away: bool) -> Judgement:
    places = [name_of(one) for one in distinct(burst, "entity.address")]
    buckets = [name_of(one) for one in distinct(burst, "entity.resource")]
    terms = [Term("objects", len(burst), f"{len(burst)} reads within {length(burst)}.")]
    if away:
        terms.append(Term("new_addresses", len(places), "This identity had not read from there before that day."))
    return Judgement(
        rule=rule,
        summary=(
            f"{name_of(burst[0]['entity.actor'])} read {len(burst)} objects from {listed(buckets)} within "
            f"{length(burst)}, from {listed(places)}{', an address new to it that day' if away else ''}."
        ),
        rows=burst,
        terms=tuple(terms),
        bucket="away" if away else "home",
        since=burst[0]["time"],
    )


DETECTORS = (
    Sessions(
        name="aws_bulk_object_reads",
        key="entity.actor",
        gap=timedelta(hours=12),
        columns=("actor.user.type_id",),
        select=both(
            one_of("metadata.event_code", ("GetObject", "SelectObjectContent")),
            one_of("status_id", (SUCCESS,)),
            one_of("actor.user.type_id", (1, 2, 4, 99)),
        ),
        judge=judge,
    ),
)
