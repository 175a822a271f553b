"""The credentials of a machine used elsewhere: they were read from its metadata service and carried away.

Sources: https://attack.mitre.org/techniques/T1552/005/,
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-iam.html
"""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import at, both, matching, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

WORKLOAD = 4
CITED = 20

RULE = Rule(
    id="18a6958f-159d-4858-b516-72f26d2e7ae5",
    title="The credentials of an AWS machine were used from somewhere else",
    level="high",
    description=(
        "A machine's temporary key belongs to that machine. Here it appears at another address with another program: "
        "it was stolen from the machine."
    ),
    use_case="data_exfiltration",
    tactics=("credential-access", "initial-access"),
    techniques=("T1552.005", "T1078.004"),
    false_positives=("A machine that changes its public address while it runs.",),
    runbook="""\
Revoke the role's sessions (a policy that denies what was issued before now), and isolate the machine.
How was the key read: a hole in a web application, a shell? Demand version 2 of the metadata service.
Look at what was done with the key from the other address.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """The first public address is the machine's own; another one with another program is not."""
    public = [row for row in rows if _is_public(row["src_endpoint.ip"])]
    if not public:
        return
    home = public[0]["src_endpoint.ip"]
    programs = {row["http_request.user_agent"] for row in public if row["src_endpoint.ip"] == home}
    away = [row for row in public if row["src_endpoint.ip"] != home and row["http_request.user_agent"] not in programs]
    if not away:
        return
    first = away[0]
    yield Judgement(
        rule=RULE,
        summary=(
            f"The key of {name_of(first['entity.actor'])}, which {home} uses, was used from {first['src_endpoint.ip']} "
            f"with {_program(first)} at {at(first['time'])}."
        ),
        rows=[public[0], *away][:CITED],
        terms=(Term("calls", len(away), f"{len(away)} calls from elsewhere."),),
    )


def _program(row: Row) -> str:
    words = (row["http_request.user_agent"] or "").split()
    return shown(words[0]) if words else "another program"


def _is_public(text: str | None) -> bool:
    try:
        return text is not None and not any(ipaddress.ip_address(text) in one for one in _PRIVATE)
    except ValueError:
        return False


_PRIVATE = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]


DETECTORS = (
    Sessions(
        name="aws_instance_credentials_outside",
        key="actor.user.credential_uid",
        gap=timedelta(hours=12),
        columns=("src_endpoint.ip", "http_request.user_agent"),
        select=both(
            one_of("source", ("aws_cloudtrail",)),
            one_of("actor.user.type_id", (WORKLOAD,)),
            # A machine's session is named by the machine's id.
            matching("actor.user.name", "^i-"),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
