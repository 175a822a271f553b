"""Data in the names that a machine asks for: a tunnel through the resolver, which every network lets out.

Sources: https://attack.mitre.org/techniques/T1071/004/, https://attack.mitre.org/techniques/T1048/
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import both, bursts, but_not, length, matching, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

DNS = 4003
NAMES = 40
"""Different long names below one domain: a content network has few, each asked for often."""
BITS = 3.3
"""Entropy of a name's characters: words have about 3 bits, base32 and hexadecimal text of that length nearly 4."""
WINDOW = timedelta(minutes=10)
SHORT = 3
"""A second-last part this short (co.uk, com.br) belongs to the registry: the owner's domain has one part more."""

RULE = Rule(
    id="ec6a1bda-7e3e-505e-b852-bfcce58566a6",
    title="Data goes in and out in the names that a machine asks for",
    level="high",
    description=(
        "Within ten minutes a machine asked for many different long names, as random as ciphers, below one domain. "
        "Whoever owns the domain reads them, and can answer with commands."
    ),
    use_case="data_exfiltration",
    tactics=("command-and-control", "exfiltration"),
    techniques=("T1071.004", "T1048"),
    false_positives=("A virus scanner or a mail filter that looks up hashes by DNS. Exempt its domain.",),
    runbook="""\
Who owns the domain, since when? Block it at the resolver.
Is the address a resolver? Then look for the machine behind it. Isolate the machine, and keep the program that asks.
How much left: names asked for, times their length.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of different long random names below one domain."""
    by_domain: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_domain[_domain(row["query.hostname"])].append(row)
    for domain, asked in by_domain.items():
        for burst in bursts(asked, least=NAMES, span=WINDOW, of=lambda row: row["query.hostname"]):
            carried = [name.removesuffix(domain) for name in {row["query.hostname"] for row in burst}]
            if sum(map(_bits, carried)) < BITS * len(carried):
                continue
            yield Judgement(
                rule=RULE,
                summary=f"{name_of(burst[0]['entity.address'])} asked for {len(carried)} different long names below "
                f"one domain within {length(burst)}, such as {shown(burst[0]['query.hostname'])}.",
                rows=burst,
                terms=(Term("names", len(carried), f"{len(carried)} different names below one domain."),),
                bucket=domain,
                since=burst[0]["time"],
            )


def _domain(name: str) -> str:
    parts = name.rstrip(".").split(".")
    return ".".join(parts[-3 if len(parts) > 2 and len(parts[-2]) <= SHORT else -2 :])


def _bits(text: str) -> float:
    """Shannon entropy a character."""
    total = len(text) or 1
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())


DETECTORS = (
    Sessions(
        name="net_dns_tunnel",
        key="entity.address",
        gap=WINDOW,
        columns=("query.hostname",),
        select=but_not(
            both(one_of("class_uid", (DNS,)), matching("query.hostname", r"(^|\.)[A-Za-z0-9+/=_-]{24,63}\.[^.]+\.")),
            matching("query.hostname", r"(?i)\.(arpa|local|cloudfront\.net|amazonaws\.com|akamaiedge\.net)\.?$"),
        ),
        judge=judge,
        max_rows=2048,
    ),
)
