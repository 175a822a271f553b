"""Kerberoasting and mapping of a domain: one account asks for tickets to many services within a minute.

People ask for a handful of tickets when they log on, then for one now and then. Tools that go through the list of all
services ask for all of them at once.

Sources: https://attack.mitre.org/techniques/T1558/003/, https://attack.mitre.org/techniques/T1018/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, but_not, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

SERVICE_TICKET = "4769"
MACHINE = 3
"""``user.type_id`` of accounts of computers."""
TICKETS = 20
WINDOW = timedelta(minutes=1)

RULE = Rule(
    id="ce859a71-d73a-4d24-8c6f-48b76ed397be",
    title="One account asked for tickets to many services at once",
    level="medium",
    description="A tool goes through the services of the domain: to guess their passwords offline, or to find the way "
    "to more rights.",
    use_case="privilege_escalation",
    tactics=("credential-access", "discovery"),
    techniques=("T1558.003", "T1018"),
    false_positives=(
        "A monitoring, inventory or backup product that visits every server.",
        "A terminal server on which a person opens many shares at once.",
    ),
    runbook="""\
Whose account is it, and which computer has the address? Is a product at work that visits every server?
If not, isolate that computer. Give the services that were asked for new, long passwords.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of tickets that the domain controller gave."""
    for burst in bursts(rows, least=TICKETS, span=WINDOW):
        addresses = [name_of(one) for one in distinct(burst, "entity.address")]
        place = f" from {listed(addresses)}" if addresses else ""
        yield Judgement(
            rule=RULE,
            summary=f"{name_of(burst[0]['entity.user'])} got {len(burst)} service tickets within {length(burst)}"
            f"{place}.",
            rows=burst,
            terms=(Term("tickets", len(burst), f"{len(burst)} tickets, where a person needs a handful."),),
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="win_service_ticket_burst",
        key="entity.user",
        gap=WINDOW,
        columns=(),
        select=but_not(
            both(
                one_of("source", ("windows_event_log",)),
                one_of("metadata.event_code", (SERVICE_TICKET,)),
                one_of("status_id", (SUCCESS,)),
            ),
            one_of("user.type_id", (MACHINE,)),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
