"""A new account that becomes an administrator at once: a way back that somebody builds for themselves.

A 4720 names the new account by its SID; so does the 4728, 4732 or 4756 that puts it into a group. Both are written on
the computer that holds the account.

Sources: https://attack.mitre.org/techniques/T1136/, https://attack.mitre.org/techniques/T1098/007/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import at, both, lasting, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

CREATED = "4720"
JOINED = ("4728", "4732", "4756")
SOON = timedelta(minutes=30)

_ADMINISTRATORS = re.compile(
    r"(?i)\\(administrators|administratoren|administrateurs|administradores|amministratori|administratorzy|"
    r"administratörer|administratorer|beheerders|správci|rendszergazdák|"
    r"(domain|enterprise|schema)[ -]admins|dom[äa]nen-admins|organisations-admins|schema-admins|"
    r"admins du domaine|administrateurs de l.entreprise|admins\. del dominio|domain-admins)$"
)

RULE = Rule(
    id="a6d054c7-b815-4634-a8a6-7f4748c17b3d",
    title="A new account was made an administrator right away",
    level="high",
    description="Somebody created an account and gave it full control within minutes: a way back that survives a reset "
    "of the passwords they stole.",
    use_case="privilege_escalation",
    tactics=("persistence", "privilege-escalation"),
    techniques=("T1136", "T1098.007"),
    false_positives=("A technician who sets up a computer, or an account for administration, with a ticket.",),
    runbook="""\
Is there a ticket for the account? If not, disable it now, then take it out of the group.
What else did the account that created it do in the same hour, and from where did it log on?
Look for logons with the new account on every computer.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Accounts that were created and put into a group of administrators soon after."""
    created: dict[str, Row] = {}
    for row in rows:
        account = row["user.uid"]
        if not account:
            continue
        if row["metadata.event_code"] == CREATED:
            created[account] = row
        elif account in created and _ADMINISTRATORS.search(row["entity.resource"] or ""):
            yield from _soon(created[account], row)


def _soon(born: Row, joined: Row) -> Iterator[Judgement]:
    taken = joined["time"] - born["time"]
    if taken > SOON.total_seconds() * 1000:
        return
    group = name_of(joined["entity.resource"]).rpartition("\\")[2]
    name = shown(born["user.name"] or born["user.uid"])
    yield Judgement(
        rule=RULE,
        summary=f"On {name_of(born['entity.host'])}, the account {name} was created at {at(born['time'])} and put into "
        f"{group} {lasting(taken)} later.",
        rows=[born, joined],
        terms=(Term("minutes", round(taken / 60_000, 1), "From the creation to the membership."),),
        bucket=joined["metadata.uid"],
    )


DETECTORS = (
    Sessions(
        name="win_new_account_made_admin",
        key="entity.host",
        gap=SOON,
        columns=("metadata.event_code", "user.uid", "user.name"),
        select=both(one_of("source", ("windows_event_log",)), one_of("metadata.event_code", (CREATED, *JOINED))),
        judge=judge,
        max_rows=1024,
    ),
)
