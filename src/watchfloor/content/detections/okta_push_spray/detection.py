"""Push spray: one address makes the phones of several people ring, and several of them say no.

Source: https://attack.mitre.org/techniques/T1621/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, bursts, distinct, length, listed, name_of, of_bystander, one_of
from watchfloor.session import Judgement, Row, Sessions

DENIED, ANSWERED = "user.mfa.okta_verify.deny_push", "user.authentication.auth_via_mfa"
PEOPLE = 4
WINDOW = timedelta(minutes=60)

RULE = Rule(
    id="320f1879-e7fc-4874-b755-0ff9df27d8b5",
    title="Several people refused login requests that came from one address",
    level="high",
    description=(
        "Whoever sits at the address knows the passwords of all these people and tries which of them approves without "
        "thinking."
    ),
    use_case="mfa_fatigue",
    tactics=("credential-access",),
    techniques=("T1621", "T1110.003"),
    false_positives=("An office in which a login page asks for approval without reason.",),
    runbook="""\
Reset the passwords of all who were asked: somebody knows them.
Did anybody approve? End that person's sessions first, and reset their factors.
Block the address, and look for it in the other logs.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Refusals of several people within an hour."""
    refusals = [row for row in rows if row["metadata.event_code"] == DENIED or row["status_id"] == FAILURE]
    for burst in bursts(refusals, least=PEOPLE, span=WINDOW, of=lambda row: row["entity.user"]):
        people = [name_of(one) for one in distinct(burst, "entity.user")]
        approved = {row["entity.user"] for row in rows if row["status_id"] != FAILURE} - {None}
        if len(approved) >= len(people):
            # An office: most people there log in as usual.
            continue
        yield Judgement(
            rule=RULE,
            summary=f"{len(people)} people refused login requests from {name_of(burst[0]['entity.address'])} within "
            f"{length(burst)}: {listed(people)}.",
            rows=[of_bystander(row) for row in burst],
            terms=(Term("people", len(people), f"{len(people)} different people refused."),),
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="okta_push_spray",
        key="entity.address",
        gap=WINDOW,
        columns=("metadata.event_code", "status_id"),
        select=one_of("metadata.event_code", (DENIED, ANSWERED)),
        judge=judge,
        max_rows=2048,
    ),
)
