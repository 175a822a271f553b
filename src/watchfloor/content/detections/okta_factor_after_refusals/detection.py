"""A factor enrolled soon after refused pushes: who wore the person down makes sure of coming back.

Sources: https://attack.mitre.org/techniques/T1098/005/, https://attack.mitre.org/techniques/T1556/006/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, at, lasting, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

DENIED, ENROLLED = "user.mfa.okta_verify.deny_push", "user.mfa.factor.activate"
REFUSALS = 3
WINDOW = timedelta(hours=2)

RULE = Rule(
    id="739db22a-e76c-4e98-971c-897d52a4898f",
    title="A new login factor was enrolled soon after the person had refused login requests",
    level="high",
    description=(
        "The person refused several login requests; within two hours their account has one more way to approve logins."
    ),
    use_case="mfa_fatigue",
    tactics=("persistence", "credential-access"),
    techniques=("T1556.006", "T1098.005", "T1621"),
    false_positives=("A person whose phone makes trouble and who enrols another one.",),
    runbook="""\
Ask the person whether the new factor is theirs; look at the device and the address it was enrolled from.
If it is not theirs, remove it, end all sessions and reset the password.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Enrolments with refusals in the two hours before them."""
    for row in rows:
        if row["metadata.event_code"] != ENROLLED or row["status_id"] != SUCCESS:
            continue
        low = row["time"] - int(WINDOW.total_seconds() * 1000)
        refused = [one for one in rows if one["metadata.event_code"] == DENIED and low <= one["time"] <= row["time"]]
        if len(refused) < REFUSALS:
            continue
        yield Judgement(
            rule=RULE,
            summary=(
                f"A login factor was enrolled for {name_of(row['entity.user'])} at {at(row['time'])}, "
                f"{lasting(row['time'] - refused[-1]['time'])} after the last of {len(refused)} refused requests."
            ),
            rows=[*refused, row],
            terms=(Term("refusals", len(refused), f"{len(refused)} requests were refused before the enrolment."),),
            bucket=row["metadata.uid"],
        )


DETECTORS = (
    Sessions(
        name="okta_factor_after_refusals",
        key="entity.user",
        gap=WINDOW,
        columns=("metadata.event_code", "status_id"),
        select=one_of("metadata.event_code", (DENIED, ENROLLED)),
        judge=judge,
        max_rows=512,
    ),
)
