"""A user of AWS with a new key in a new place: somebody made a key for themselves.

Source: https://attack.mitre.org/techniques/T1098/001/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import at, distinct, matching, name_of, shown
from watchfloor.session import Judgement, Row, Sessions

KNOWN = 3
"""So many calls with the old key make a habit."""

CITED = 20

RULE = Rule(
    id="c9f9b764-6a66-479d-aa3a-ae53738a5e63",
    title="An AWS user appeared with a new key at a new address",
    level="medium",
    description=(
        "That day the user's calls came with one permanent key from one place. Now another key is used from another "
        "place: it may have been made by an intruder."
    ),
    use_case="data_exfiltration",
    tactics=("persistence", "initial-access"),
    techniques=("T1098.001", "T1078.004"),
    false_positives=("A program that moves to another place and gets its own key.",),
    runbook="""\
Who made the key, and when (CreateAccessKey)? Is the address one of the company's or of a supplier's?
If nobody knows it, deactivate the new key, not the old one, and look at what it read.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Calls with a key and from an address that are both new, after a habit with others."""
    known: list[Row] = []
    strange: dict[str, list[Row]] = {}
    habits: dict[str, int] = {}
    for row in rows:
        key, address = row["actor.user.credential_uid"], row["entity.address"]
        new_key = key not in distinct(known, "actor.user.credential_uid")
        new_address = address not in distinct(known, "entity.address")
        if key in strange:
            strange[key].append(row)
        elif len(known) >= KNOWN and new_key and new_address:
            strange[key], habits[key] = [row], len(known)
        elif len(known) < 10 * KNOWN or new_key or new_address:
            known.append(row)
    for key, calls in strange.items():
        yield _judgement(key, calls, habits[key])


def _judgement(key: str, calls: Sequence[Row], habit: int) -> Judgement:
    first = calls[0]
    return Judgement(
        rule=RULE,
        summary=(
            f"{name_of(first['entity.actor'])} called AWS with the key {shown(key)} from "
            f"{name_of(first['entity.address'])} at {at(first['time'])}; {habit} calls or more before came "
            "with another key and address."
        ),
        rows=calls[:CITED],
        terms=(
            Term("calls", len(calls), f"{len(calls)} calls with the new key."),
            Term("habit", habit, f"{habit} calls with what the user had before."),
        ),
        bucket=key,
    )


DETECTORS = (
    Sessions(
        name="aws_key_from_new_place",
        key="entity.actor",
        gap=timedelta(hours=24),
        columns=("actor.user.credential_uid",),
        select=matching("actor.user.credential_uid", "^AKIA"),
        judge=judge,
        max_rows=1024,
    ),
)
