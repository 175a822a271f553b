"""A user of AWS with a new key in a new place: somebody made a key for themselves.

Source: https://attack.mitre.org/techniques/T1098/001/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import at, distinct, matching, name_of
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
    for row in rows:
        key = row["actor.user.credential_uid"]
        keys, places = distinct(known, "actor.user.credential_uid"), distinct(known, "entity.address")
        if key in strange:
            strange[key].append(row)
        elif len(known) >= KNOWN and key not in keys and row["entity.address"] not in places:
            strange[key] = [known[-1], row]
        elif len(known) < 10 * KNOWN or key not in keys or row["entity.address"] not in places:
            known.append(row)
    for key, cited in strange.items():
        last, first = cited[:2]
        yield Judgement(
            rule=RULE,
            summary=(
                f"{name_of(first['entity.actor'])} called AWS with the key {key} from "
                f"{name_of(first['entity.address'])} at {at(first['time'])}; until then it used the key "
                f"{last['actor.user.credential_uid']} from {name_of(last['entity.address'])}."
            ),
            rows=cited[:CITED],
            terms=(Term("calls", len(cited) - 1, f"{len(cited) - 1} calls with the new key."),),
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
