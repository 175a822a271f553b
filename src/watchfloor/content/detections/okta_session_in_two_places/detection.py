"""A session cookie used from two machines: it was stolen.

Sources: https://attack.mitre.org/techniques/T1539/, https://attack.mitre.org/techniques/T1550/004/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import at, both, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

PLATFORM = re.compile(r"Mozilla/5\.0 \(([^;)]+)")

RULE = Rule(
    id="d6e69d6f-e949-401b-a73c-65cd2604d8a0",
    title="One login session was used from two networks and two kinds of machine",
    level="high",
    description=(
        "A session belongs to one browser. Here its cookie appears in another operating system and another network: "
        "it was copied, as phishing proxies and malware do."
    ),
    use_case="login_risk",
    tactics=("credential-access", "lateral-movement"),
    techniques=("T1539", "T1550.004"),
    false_positives=("A browser that pretends to be another one, on a mobile network.",),
    runbook="""\
End the session and all others of the person; reset the password.
Look at what was done from the second place, and at the machine or the mail from which the cookie was taken.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """The first use of a session from another network with another platform."""
    own: Row | None = None
    for row in rows:
        platform, network = _platform(row), row["src_endpoint.autonomous_system.number"]
        if platform is None or network is None:
            continue
        if own is None:
            own = row
        elif platform != _platform(own) and network != own["src_endpoint.autonomous_system.number"]:
            yield _judgement(own, row)
            return


def _platform(row: Row) -> str | None:
    match = PLATFORM.match(row["http_request.user_agent"] or "")
    return shown(match[1]) if match else None


def _judgement(own: Row, other: Row) -> Judgement:
    return Judgement(
        rule=RULE,
        summary=(
            f"The session of {name_of(own['entity.actor'])} that {name_of(own['entity.address'])} opened on "
            f"{_platform(own)} was used from {name_of(other['entity.address'])} on {_platform(other)} at "
            f"{at(other['time'])}."
        ),
        rows=[own, other],
        terms=(Term("places", 2, "Another network and another operating system within one session."),),
    )


DETECTORS = (
    Sessions(
        name="okta_session_in_two_places",
        key="actor.session.uid",
        gap=timedelta(hours=12),
        columns=("src_endpoint.autonomous_system.number", "http_request.user_agent"),
        select=both(one_of("source", ("okta_system_log",)), one_of("status_id", (1,))),
        judge=judge,
        max_rows=512,
    ),
)
