"""Spreading: one account logs on to many computers within minutes, over the network or by remote desktop.

People use a file server, a mail server and now and then one more. Who moves through a network, or spreads something
through it, logs on to one computer after the other.

Sources: https://attack.mitre.org/techniques/T1021/, https://attack.mitre.org/techniques/T1570/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, but_not, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

LOGON = "4624"
NETWORK, REMOTE = 3, 10
"""``logon_type_id``."""
MACHINE, SERVICE = 3, 4
"""``user.type_id``."""
HOSTS = 8
WINDOW = timedelta(minutes=10)

RULE = Rule(
    id="3324136a-2d90-436a-a361-b15be2f7a3e7",
    title="One account logged on to many computers within minutes",
    level="medium",
    description="Nobody works on so many computers at once: something goes through the network under this account.",
    use_case="ransomware_precursors",
    tactics=("lateral-movement",),
    techniques=("T1021",),
    false_positives=(
        "An account for inventory, software distribution, backup or scans. Exempt it by name.",
        "An administrator's script that visits every server.",
    ),
    runbook="""\
Whose account is it, and what is it for? Does a scan or a distribution run right now?
If not, disable the account and isolate the computer that the logons come from.
What was started on the computers that it reached?
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of logons to different computers."""
    for burst in bursts(rows, least=HOSTS, span=WINDOW, of=lambda row: row["entity.host"]):
        hosts = distinct(burst, "entity.host")
        addresses = [name_of(one) for one in distinct(burst, "entity.address")]
        place = f" from {listed(addresses)}" if addresses else ""
        yield Judgement(
            rule=RULE,
            summary=f"{name_of(burst[0]['entity.user'])} logged on to {len(hosts)} computers within {length(burst)}"
            f"{place}: {listed([name_of(one) for one in hosts])}.",
            rows=burst,
            terms=(Term("computers", len(hosts), f"{len(hosts)} different computers."),),
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="win_one_account_many_hosts",
        key="entity.user",
        gap=WINDOW,
        columns=(),
        select=but_not(
            both(
                one_of("source", ("windows_event_log",)),
                one_of("metadata.event_code", (LOGON,)),
                one_of("status_id", (SUCCESS,)),
                one_of("logon_type_id", (NETWORK, REMOTE)),
            ),
            one_of("user.type_id", (MACHINE, SERVICE)),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
