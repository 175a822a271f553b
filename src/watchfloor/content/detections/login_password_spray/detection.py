"""Password spraying: one address tries a few passwords on many accounts, so that none is locked.

Source: https://attack.mitre.org/techniques/T1110/003/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import (
    FAILURE,
    SUCCESS,
    at,
    both,
    bursts,
    distinct,
    length,
    listed,
    name_of,
    of_bystander,
    one_of,
)
from watchfloor.session import Judgement, Row, Sessions

AUTHENTICATION, LOGON = 3002, 1
PEOPLE = 10
WINDOW = timedelta(minutes=60)
FAILING_TO_WORKING = 3
"""An office has few people who fail and many who work; a spray has it the other way round."""

_WRONG_PASSWORD = ("InvalidUserNameOrPassword", "IdsLocked", "UserAccountNotFound", "InvalidPassword")
_FALSE_POSITIVES = (
    "A login page that an office reaches through one address on the day everybody's password expires.",
    "A test by the company's own scanner.",
)
TRIED = Rule(
    id="f114020b-fc0b-4f23-b619-bbc2d9a207da",
    title="One address tried to log in as many people",
    level="medium",
    description="Password spraying: a few passwords on many accounts. No login of the address is known to have worked.",
    use_case="login_risk",
    tactics=("credential-access",),
    techniques=("T1110.003",),
    false_positives=_FALSE_POSITIVES,
    runbook="""\
Block the address. Look for successful logins from it, and from its network, in all logs.
Accounts without a second factor are what such attacks look for: list them.
""",
)
FOUND = Rule(
    id="5c32df88-39d9-4877-9fff-a1b9504941a1",
    title="An address that tried to log in as many people got in as one of them",
    level="high",
    description="Password spraying that found a password that works.",
    use_case="login_risk",
    tactics=("credential-access", "initial-access"),
    techniques=("T1110.003", "T1078.004"),
    false_positives=_FALSE_POSITIVES,
    runbook="""\
Reset the password of the account that let the address in, end its sessions, and give it a second factor.
Look at what the session did. Then block the address and look for it in the other logs.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Many people who fail from one address, and those who get in after that."""
    wrong = [row for row in rows if _is_wrong(row)]
    for burst in bursts(wrong, least=PEOPLE, span=WINDOW, of=lambda row: row["entity.user"]):
        people = distinct(burst, "entity.user")
        worked = [row for row in rows if row["status_id"] == SUCCESS]
        if len(people) < FAILING_TO_WORKING * len(distinct(worked, "entity.user")):
            continue
        yield _tried(burst, people)
        yield from _found(burst, people, worked)


def _is_wrong(row: Row) -> bool:
    if row["status_id"] != FAILURE:
        return False
    # Microsoft also calls it a failed login when it asks for a second factor or for consent.
    microsoft = row["source"].startswith("m365") and row["status_detail"] is not None
    return not microsoft or row["status_detail"].startswith(_WRONG_PASSWORD)


def _tried(burst: Sequence[Row], people: Sequence[str]) -> Judgement:
    return Judgement(
        rule=TRIED,
        summary=f"{name_of(burst[0]['entity.address'])} failed to log in as {len(people)} people within "
        f"{length(burst)}: {listed([name_of(one) for one in people])}.",
        rows=[of_bystander(row) for row in burst],
        terms=(
            Term("people", len(people), f"{len(people)} accounts were tried."),
            Term("attempts", len(burst), f"{len(burst)} attempts failed."),
        ),
        since=burst[0]["time"],
    )


def _found(burst: Sequence[Row], people: Sequence[str], worked: Sequence[Row]) -> Iterator[Judgement]:
    before = {row["entity.user"] for row in worked if row["time"] < burst[0]["time"]}
    latest = burst[-1]["time"] + int(WINDOW.total_seconds() * 1000)
    hits = [row for row in worked if burst[0]["time"] <= row["time"] <= latest and row["entity.user"] not in before]
    for user in distinct(hits, "entity.user"):
        entries = [row for row in hits if row["entity.user"] == user]
        yield Judgement(
            rule=FOUND,
            summary=(
                f"{name_of(burst[0]['entity.address'])} logged in as {name_of(user)} at {at(entries[0]['time'])}, amid "
                f"{len(burst)} failed attempts on {len(people)} people."
            ),
            rows=[*entries, *(row if row["entity.user"] == user else of_bystander(row) for row in burst)],
            terms=(Term("people", len(people), f"{len(people)} accounts were tried from the same address."),),
            bucket=f"entered:{user}",
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="login_password_spray",
        key="entity.address",
        gap=WINDOW,
        columns=("status_id", "status_detail"),
        select=both(
            one_of("class_uid", (AUTHENTICATION,)),
            one_of("activity_id", (LOGON,)),
            one_of("status_id", (SUCCESS, FAILURE)),
        ),
        judge=judge,
    ),
)
