"""Password guessing on Windows: many failed logons from one address, then one that works.

The account that gets in must be one that failed in the burst, and must not have logged on from the same address before
it: a program with an old password fails beside its owner who works at the same desk.

Sources: https://attack.mitre.org/techniques/T1110/001/, https://attack.mitre.org/techniques/T1110/003/
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
    shown,
)
from watchfloor.session import Judgement, Row, Sessions

LOGON, LOGON_FAILED, PREAUTHENTICATION_FAILED = "4624", "4625", "4771"
MACHINE = 3
"""``user.type_id`` of accounts of computers."""
GUESSES = 10
WINDOW = timedelta(minutes=10)
AFTER = timedelta(minutes=60)

GUESSED = Rule(
    id="15f8e9c8-b844-4fd1-a234-8a02ddd1e508",
    title="Many failed logons from one address, then one that worked",
    level="high",
    description="The address that guessed got in: it found a password.",
    use_case="login_risk",
    tactics=("credential-access", "initial-access"),
    techniques=("T1110.001", "T1078"),
    false_positives=("A person who forgot the password and remembered it after many attempts.",),
    runbook="""\
Ask the person whether it was them. If not, log the session off, reset the password and block the address.
Look at what the session did, and at other computers that the address logged on to.
""",
)
TRIED = Rule(
    id="7811ff31-1443-4b03-b58b-7357f31d2117",
    title="Many failed logons from one address",
    level="low",
    description="Somebody or something tries passwords. None is known to have worked.",
    use_case="login_risk",
    tactics=("credential-access",),
    techniques=("T1110",),
    false_positives=("A vulnerability scanner that tries default accounts.", "A program with an old password."),
    runbook="Whose is the address? A scanner's is known; a person's computer that does this is not in order.\n",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of failures, and for each account that failed in one, its first logon after it."""
    failed = [row for row in rows if row["status_id"] == FAILURE and row["metadata.event_code"] != LOGON]
    worked = [row for row in rows if row["status_id"] == SUCCESS and row["metadata.event_code"] == LOGON]
    for burst in bursts(failed, least=GUESSES, span=WINDOW):
        if not _is_one_computer(burst):
            yield _tried(burst)
        yield from _guessed(burst, worked)


def _is_one_computer(burst: Sequence[Row]) -> bool:
    """Whether a single account of a computer failed: it lost its trust with the domain, as happens."""
    return len(set(map(_account, burst))) == 1 and burst[0]["user.type_id"] == MACHINE


def _tried(burst: Sequence[Row]) -> Judgement:
    accounts = distinct(burst, "user.name")
    return Judgement(
        rule=TRIED,
        summary=f"{name_of(burst[0]['entity.address'])} failed to log on {len(burst)} times within {length(burst)} as "
        f"{listed(accounts)}.",
        rows=[of_bystander(row) for row in burst],
        terms=(Term("attempts", len(burst), f"{len(burst)} logons failed."),),
        bucket="tried",
        since=burst[0]["time"],
    )


def _guessed(burst: Sequence[Row], worked: Sequence[Row]) -> Iterator[Judgement]:
    before = {_account(row) for row in worked if row["time"] < burst[0]["time"]}
    earliest = burst[GUESSES - 1]["time"]
    latest = burst[-1]["time"] + int(AFTER.total_seconds() * 1000)
    entries: dict[str, Row] = {}
    for row in worked:
        if earliest <= row["time"] <= latest:
            entries.setdefault(_account(row), row)
    for account in dict.fromkeys(map(_account, burst)):
        if account and account in entries and account not in before:
            entry = entries[account]
            yield Judgement(
                rule=GUESSED,
                summary=f"{name_of(burst[0]['entity.address'])} failed to log on {len(burst)} times within "
                f"{length(burst)}, then logged on as {shown(entry['user.name'])} at {at(entry['time'])}.",
                rows=[*(row if _account(row) == account else of_bystander(row) for row in burst), entry],
                terms=(Term("attempts", len(burst), f"{len(burst)} logons failed before one worked."),),
                bucket=f"guessed:{account}",
                since=burst[0]["time"],
            )


def _account(row: Row) -> str:
    return (row["user.name"] or "").lower()


DETECTORS = (
    Sessions(
        name="win_login_guessing",
        key="entity.address",
        gap=AFTER,
        columns=("metadata.event_code", "status_id", "user.name", "user.type_id"),
        select=both(
            one_of("source", ("windows_event_log",)),
            one_of("metadata.event_code", (LOGON, LOGON_FAILED, PREAUTHENTICATION_FAILED)),
        ),
        judge=judge,
    ),
)
