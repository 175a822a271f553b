"""Objects deleted, or read and written back, in bulk: ransom in the cloud.

Sources: https://attack.mitre.org/techniques/T1485/, https://attack.mitre.org/techniques/T1486/,
https://www.halcyon.ai/blog/abusing-aws-native-services-ransomware-encrypting-s3-buckets-with-sse-c
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, length, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

READS, WRITES = ("GetObject",), ("PutObject", "CopyObject")
DELETIONS = ("DeleteObject", "DeleteObjects", "DeleteObjectVersion")
MANY = 50
WINDOW = timedelta(minutes=60)

_RUNBOOK = """\
Revoke the identity's session or key now: every minute costs data.
Is the bucket versioned? Then the old versions can be restored; take the right to delete versions away from everybody.
Look for a note among the newest objects, and for what the identity read before.
"""
DELETED = Rule(
    id="9b816041-b952-4028-8054-8bf367aa9dd2",
    title="Somebody deleted many objects from AWS storage in a short time",
    level="medium",
    description="A person or a long-lived key deleted fifty objects or more within an hour.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1485",),
    false_positives=("A clean-up that somebody announced.",),
    runbook=_RUNBOOK,
)
REWRITTEN = Rule(
    id="27ff1cec-f06c-489f-bb23-8c60e1bf23de",
    title="Objects in AWS storage are replaced one after the other, as when they are encrypted",
    level="high",
    description="Within an hour, one identity wrote many objects into a bucket and read or deleted as many there.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1486", "T1485"),
    false_positives=("A migration to another format or another encryption key.",),
    runbook=_RUNBOOK,
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of deletions, and buckets in which as much is written as is read or deleted."""
    buckets: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        buckets[row["entity.resource"] or ""].append(row)
    for bucket, own in buckets.items():
        name = name_of(bucket) if bucket else "a bucket"
        for burst in bursts(_of(own, DELETIONS), least=MANY, span=WINDOW):
            what = f"deleted {len(burst)} objects from {name}"
            yield _judgement(DELETED, what, burst, f"deleted:{bucket}", burst[0]["time"])
        for burst in bursts(_of(own, WRITES), least=MANY, span=WINDOW):
            low = burst[0]["time"] - int(WINDOW.total_seconds() * 1000)
            near = [row for row in own if low <= row["time"] <= burst[-1]["time"]]
            replaced = max((_of(near, READS), _of(near, DELETIONS)), key=len)
            if len(replaced) >= MANY:
                verb = "read" if replaced[0]["metadata.event_code"] in READS else "deleted"
                what = f"wrote {len(burst)} objects into {name} and {verb} {len(replaced)} there"
                both_sides = sorted((*burst, *replaced), key=lambda row: (row["time"], row["metadata.uid"]))
                yield _judgement(REWRITTEN, what, both_sides, f"rewritten:{bucket}", burst[0]["time"])


def _of(rows: Sequence[Row], codes: Sequence[str]) -> list[Row]:
    return [row for row in rows if row["metadata.event_code"] in codes]


def _judgement(rule: Rule, what: str, rows: Sequence[Row], bucket: str, since: int) -> Judgement:
    return Judgement(
        rule=rule,
        summary=f"{name_of(rows[0]['entity.actor'])} {what} within {length(rows)}.",
        rows=rows,
        terms=(Term("calls", len(rows), f"{len(rows)} calls within {length(rows)}."),),
        bucket=bucket,
        since=since,
    )


DETECTORS = (
    Sessions(
        name="aws_bulk_object_changes",
        key="entity.actor",
        gap=timedelta(hours=2),
        columns=("metadata.event_code",),
        select=both(
            one_of("metadata.event_code", (*READS, *WRITES, *DELETIONS)),
            one_of("status_id", (SUCCESS,)),
            one_of("source", ("aws_cloudtrail",)),
            one_of("actor.user.type_id", (1, 2)),
        ),
        judge=judge,
    ),
)
