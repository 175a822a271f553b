"""A machine that calls the same unknown address again and again, evenly: a program that asks its master for work.

Source: https://attack.mitre.org/techniques/T1071/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median

from watchfloor.finding import Rule, Term
from watchfloor.judging import both, distinct, lasting, length, name_of, on_internet, one_of
from watchfloor.session import Judgement, Row, Sessions

CALLS = 40
LASTS = 60 * 60_000
FASTEST = 5_000
EVEN, TOLERANCE = 0.85, 0.25
"""This share of the intervals is within this share of the median: masters let them vary a little."""
CALLERS = 2
"""What more machines call is a service of the network: time, updates, monitoring."""
GAP = timedelta(hours=2)

RULE = Rule(
    id="e04fd5a9-79f6-52b3-ab41-005ec2168346",
    title="A machine calls the same address again and again, evenly",
    level="low",
    description=(
        "Forty connections or more within an hour or longer, at even intervals, to an address of the internet that at "
        "most two machines call. Programs that are steered from outside do that, and so do some updaters and devices."
    ),
    use_case="intel_to_rules",
    tactics=("command-and-control",),
    techniques=("T1071", "T1573"),
    false_positives=("Monitoring, chat and update programs that few machines have. Exempt the address.",),
    runbook="""\
Which program on the machine calls, since when, and is it known? Who owns the address?
With a second sign on the same machine (a new program, a self-signed certificate, an odd port), isolate it.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Even calls of each machine, unless many machines call."""
    callers = distinct(rows, "entity.address")
    if len(callers) > CALLERS:
        return
    for caller in callers:
        calls = [row for row in rows if row["entity.address"] == caller]
        if len(calls) < CALLS or calls[-1]["time"] - calls[0]["time"] < LASTS:
            continue
        waits = [after["time"] - before["time"] for before, after in pairwise(calls)]
        usual = median(waits)
        even = sum(abs(wait - usual) <= TOLERANCE * usual for wait in waits)
        if usual < FASTEST or even < EVEN * len(waits):
            continue
        yield Judgement(
            rule=RULE,
            summary=f"{name_of(caller)} called {name_of(calls[0]['entity.peer'])} {len(calls)} times within "
            f"{length(calls)}, about every {lasting(usual)}.",
            rows=calls,
            terms=(
                Term("calls", len(calls), f"{len(calls)} connections to one address."),
                Term("even", even / len(waits), f"{100 * even // len(waits)} % of the intervals are alike."),
            ),
            bucket=caller,
            since=calls[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="net_beacon",
        key="entity.peer",
        gap=GAP,
        columns=(),
        select=both(one_of("metadata.log_name", ("zeek.conn",)), on_internet("dst_endpoint.ip")),
        judge=judge,
        # What is called more often than this before it shows is no even beat, or already was found.
        max_rows=512,
    ),
)
