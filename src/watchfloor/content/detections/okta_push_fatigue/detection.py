"""Push bombing: the person says no again and again, until one request is approved.

Sources: https://attack.mitre.org/techniques/T1621/, https://developer.okta.com/docs/reference/api/event-types/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, at, bursts, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

PUSH, DENIED, ANSWERED = (
    "system.push.send_factor_verify_push",
    "user.mfa.okta_verify.deny_push",
    "user.authentication.auth_via_mfa",
)
WINDOW = timedelta(minutes=30)
ALONE, BEFORE_APPROVAL, PROVES = 5, 3, 6
"""Requests turned down: with no approval, before one, and so many before one that no slip explains them."""

_SAME_REFUSAL = 15_000

_FALSE_POSITIVES = ("A person who presses the wrong button several times in a row.",)
_RUNBOOK = """\
Call the person: did they try to log in, and why did they approve at last?
If the requests were not theirs, end the sessions, reset password and factors: somebody else knows the password.
Look at what the session did since: new factors, new devices, consents, mailbox rules, AWS.
"""
APPROVED = Rule(
    id="633ffc00-e7a8-4927-a3e4-4f49f3014039",
    title="A login was approved on the phone after several refusals",
    level="high",
    description="Somebody who has the password asked for approval again and again until the person gave in.",
    use_case="mfa_fatigue",
    tactics=("credential-access", "initial-access"),
    techniques=("T1621", "T1078.004"),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
)
WORN_DOWN = Rule(
    id="cd873271-45a9-43b6-a9a0-c9717ff409fb",
    title="A person was worn down by login requests and approved one",
    level="critical",
    description="So many refusals in a row, then an approval: the person knew that the requests were not theirs.",
    use_case="mfa_fatigue",
    tactics=("credential-access", "initial-access"),
    techniques=("T1621", "T1078.004"),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
    decisive=True,
)
REFUSED = Rule(
    id="657d6270-36f4-4992-9a3b-23e5113bb591",
    title="A person turned down one login request after another",
    level="medium",
    description="Somebody has the password and asks for approval again and again.",
    use_case="mfa_fatigue",
    tactics=("credential-access",),
    techniques=("T1621",),
    false_positives=_FALSE_POSITIVES,
    runbook="Call the person. If the requests are not theirs, reset the password now: somebody else knows it.\n",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Requests turned down one after the other, and approvals after them."""
    turned_down, approvals = _answers(rows)
    for burst in bursts(turned_down, least=ALONE, span=WINDOW):
        yield Judgement(
            rule=REFUSED,
            summary=f"{name_of(burst[0]['entity.user'])} turned down {len(burst)} login requests within {length(burst)}"
            f"{_from(burst)}.",
            rows=burst,
            terms=(Term("turned_down", len(burst), f"{len(burst)} requests were refused or left unanswered."),),
            bucket="refused",
            since=burst[0]["time"],
        )
    begin = 0
    for approval in approvals:
        earliest = max(begin, approval["time"] - int(WINDOW.total_seconds() * 1000))
        before = [row for row in turned_down if earliest <= row["time"] <= approval["time"]]
        if len(before) >= BEFORE_APPROVAL:
            yield _approved(before, approval)
        begin = approval["time"]


def _answers(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The requests that were refused or left unanswered, and the approvals."""
    turned_down: list[Row] = []
    approvals: list[Row] = []
    asked: Row | None = None
    for row in rows:
        if row["metadata.event_code"] == PUSH:
            if asked is not None:
                turned_down.append(asked)
            asked = row
        elif row["metadata.event_code"] == ANSWERED and row["status_id"] != FAILURE:
            approvals += [row] if asked is not None else []
            asked = None
        else:
            # One refusal can be told twice: as a denied push and as a failed authentication.
            told = turned_down and row["time"] - turned_down[-1]["time"] <= _SAME_REFUSAL and asked is None
            turned_down += [] if told else [row]
            asked = None
    return turned_down, approvals


def _approved(before: Sequence[Row], approval: Row) -> Judgement:
    rows = [*before, approval]
    count = len(before)
    return Judgement(
        rule=WORN_DOWN if count >= PROVES else APPROVED,
        summary=(
            f"{name_of(approval['entity.user'])} turned down {count} login requests within {length(before)}, then "
            f"approved one at {at(approval['time'])}{_from(rows)}."
        ),
        rows=rows,
        terms=(
            Term("turned_down", count, f"{count} requests were refused or left unanswered before the approval."),
            Term("minutes", round((rows[-1]["time"] - rows[0]["time"]) / 60_000, 1), "From the first to the approval."),
        ),
        bucket=f"approved:{approval['metadata.uid']}",
    )


def _from(rows: Sequence[Row]) -> str:
    addresses, countries = distinct(rows, "src_endpoint.ip"), distinct(rows, "src_endpoint.location.country")
    where = f" ({listed(countries)})" if countries else ""
    return f"; they came from {listed(addresses)}{where}" if addresses else ""


DETECTORS = (
    Sessions(
        name="okta_push_fatigue",
        key="entity.user",
        gap=WINDOW,
        columns=("metadata.event_code", "status_id", "src_endpoint.ip", "src_endpoint.location.country"),
        select=one_of("metadata.event_code", (PUSH, DENIED, ANSWERED)),
        judge=judge,
        max_rows=512,
    ),
)
