"""Password guessing: many wrong passwords for one account, then the right one.

Source: https://attack.mitre.org/techniques/T1110/001/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, SUCCESS, at, both, bursts, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

AUTHENTICATION, LOGON = 3002, 1
GUESSES = 10
WINDOW = timedelta(minutes=30)

_WRONG_PASSWORD = ("InvalidUserNameOrPassword", "IdsLocked", "InvalidPassword")
GUESSED = Rule(
    id="8611c440-9ae1-4e0f-a972-b4752b272d9f",
    title="Many wrong passwords for one person, then a login",
    level="high",
    description="The address that guessed got in: it may have found the password.",
    use_case="login_risk",
    tactics=("credential-access", "initial-access"),
    techniques=("T1110.001", "T1078.004"),
    false_positives=("A person who forgot the password and remembered it.", "A program with an old password."),
    runbook="""\
Ask the person whether it was them. If not, end the sessions and reset the password.
Look at what the session did.
""",
)
TRIED = Rule(
    id="7f34e1c8-546b-4660-8fc5-13c8504b7017",
    title="Many wrong passwords for one person",
    level="low",
    description="Somebody guesses, or a program uses an old password. Common on the internet.",
    use_case="login_risk",
    tactics=("credential-access",),
    techniques=("T1110.001",),
    false_positives=("A program with an old password.",),
    runbook="Nothing by itself. Does the account have a second factor?\n",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of wrong passwords, and a success from one of their addresses soon after."""
    wrong = [row for row in rows if row["status_id"] == FAILURE and _is_wrong(row)]
    for burst in bursts(wrong, least=GUESSES, span=WINDOW):
        addresses = distinct(burst, "entity.address")
        low, high = burst[GUESSES - 1]["time"], burst[-1]["time"] + int(WINDOW.total_seconds() * 1000)
        entered = next(
            (
                row
                for row in rows
                if row["status_id"] == SUCCESS and low <= row["time"] <= high and row["entity.address"] in addresses
            ),
            None,
        )
        yield _judgement(burst, addresses, entered)


def _judgement(burst: Sequence[Row], addresses: Sequence[str], entered: Row | None) -> Judgement:
    who, where = name_of(burst[0]["entity.user"]), listed([name_of(one) for one in addresses])
    then = f", then logged in at {at(entered['time'])}" if entered else ""
    return Judgement(
        rule=GUESSED if entered else TRIED,
        summary=f"{where} gave {len(burst)} wrong passwords for {who} within {length(burst)}{then}.",
        rows=[*burst, entered] if entered else burst,
        terms=(Term("guesses", len(burst), f"{len(burst)} passwords were wrong."),),
        since=burst[0]["time"],
    )


def _is_wrong(row: Row) -> bool:
    detail = row["status_detail"]
    return not row["source"].startswith("m365") or (detail is not None and detail.startswith(_WRONG_PASSWORD))


DETECTORS = (
    Sessions(
        name="login_guessing",
        key="entity.user",
        gap=WINDOW,
        columns=("status_id", "status_detail"),
        select=both(
            one_of("class_uid", (AUTHENTICATION,)),
            one_of("activity_id", (LOGON,)),
            one_of("status_id", (SUCCESS, FAILURE)),
            one_of("source", ("okta_system_log", "m365_unified_audit", "aws_cloudtrail")),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
