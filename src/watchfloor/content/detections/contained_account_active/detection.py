"""An account that was suspended or disabled logs in all the same: the containment has a hole.

Source: https://attack.mitre.org/techniques/T1078/004/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, at, both, distinct, either, lasting, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

CONTAINED = ("user.lifecycle.suspend", "user.lifecycle.deactivate", "Disable account.", "Delete user.")
RELEASED = (
    *("user.lifecycle.unsuspend", "user.lifecycle.activate", "user.lifecycle.reactivate", "user.lifecycle.create"),
    *("Enable account.", "Restore user.", "Add user."),
)
AUTHENTICATION, LOGON = 3002, 1
GRACE = 2 * 60_000
CITED = 20

RULE = Rule(
    id="ad6c57af-fc72-44db-ab70-6d04d95976e4",
    title="A suspended account is still in use",
    level="high",
    description=(
        "The account was suspended, disabled or deleted in one system, and a login with it succeeded afterwards, there "
        "or in another system: a session or a second way in was left."
    ),
    use_case="containment",
    tactics=("persistence", "initial-access"),
    techniques=("T1078.004",),
    false_positives=("A person who was moved from one system to another.",),
    runbook="""\
Disable the account in the system where it still logs in, and end its sessions there.
Which other ways are open: application passwords, API tokens, access keys, consents, a second account?
Tell whoever contained the account that it was not enough.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Logins after a containment that nobody took back."""
    contained: Row | None = None
    used: dict[str, list[Row]] = {}
    for row in rows:
        code = row["metadata.event_code"]
        if code in CONTAINED:
            contained = contained or row
        elif code in RELEASED:
            contained = None
        elif contained is not None and row["time"] - contained["time"] > GRACE:
            used.setdefault(contained["metadata.uid"], [contained]).append(row)
    for uid, (containment, *logins) in used.items():
        systems = [one.split("_")[0] for one in distinct(logins, "source")]
        yield Judgement(
            rule=RULE,
            summary=(
                f"{name_of(containment['entity.user'])} was contained at {at(containment['time'])} and logged in "
                f"{lasting(logins[0]['time'] - containment['time'])} later ({listed(systems)})."
            ),
            rows=[containment, *logins][:CITED],
            terms=(Term("logins", len(logins), f"{len(logins)} logins succeeded after the containment."),),
            bucket=uid,
        )


DETECTORS = (
    Sessions(
        name="contained_account_active",
        key="entity.user",
        gap=timedelta(hours=24),
        columns=("metadata.event_code",),
        select=both(
            one_of("status_id", (SUCCESS,)),
            either(
                one_of("metadata.event_code", (*CONTAINED, *RELEASED)),
                both(one_of("class_uid", (AUTHENTICATION,)), one_of("activity_id", (LOGON,))),
            ),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
