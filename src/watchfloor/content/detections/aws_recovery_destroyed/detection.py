"""Backups and snapshots deleted one after the other: the step before the ransom note.

Source: https://attack.mitre.org/techniques/T1490/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, both, bursts, distinct, length, listed, name_of, one_of
from watchfloor.session import Judgement, Row, Sessions

VAULT = ("DeleteBackupVault", "DeleteBackupVaultLockConfiguration", "DeleteBackupPlan")
COPIES = (
    *("DeleteRecoveryPoint", "DeleteSnapshot", "DeleteDBSnapshot", "DeleteDBClusterSnapshot"),
    *("DeleteDBInstanceAutomatedBackup", "DeleteDBClusterAutomatedBackup", "DeleteFileSystem"),
)
SEVERAL = 3
WINDOW = timedelta(minutes=60)

_RUNBOOK = """\
Revoke the identity's session or key now, before more is gone.
Which copies are left, in which account and region? Lock them.
Ask the owner of the account; look for deletions of data by the same identity.
"""
DESTROYED = Rule(
    id="7b7f1c54-a18c-4c5e-9efb-e013c503d6c2",
    title="Backups in AWS were deleted one after the other",
    level="high",
    description="One identity deleted several backups or snapshots within an hour. Without them a ransom must be paid.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1490", "T1485"),
    false_positives=("The removal of an old environment.", "A script that deletes old snapshots."),
    runbook=_RUNBOOK,
)
VAULT_GONE = Rule(
    id="989ca534-4328-4ce3-8995-b057fb1a5029",
    title="A backup vault or a backup plan in AWS was deleted",
    level="medium",
    description="The place or the schedule of backups is gone.",
    use_case="ransomware_precursors",
    tactics=("impact",),
    techniques=("T1490",),
    false_positives=("The removal of an old environment.",),
    runbook=_RUNBOOK,
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Bursts of deletions of any kind, and each vault or plan."""
    for burst in bursts(rows, least=SEVERAL, span=WINDOW):
        calls = listed(distinct(burst, "metadata.event_code"))
        yield Judgement(
            rule=DESTROYED,
            summary=(
                f"{name_of(burst[0]['entity.actor'])} deleted {len(burst)} backups or snapshots ({calls}) "
                f"within {length(burst)}."
            ),
            rows=burst,
            terms=(Term("deletions", len(burst), f"{len(burst)} deletions within {length(burst)}."),),
            since=burst[0]["time"],
        )
    for row in rows:
        if row["metadata.event_code"] in VAULT:
            yield Judgement(
                rule=VAULT_GONE,
                summary=f"{name_of(row['entity.actor'])} called {row['metadata.event_code']}.",
                rows=[row],
                bucket=row["metadata.uid"],
            )


DETECTORS = (
    Sessions(
        name="aws_recovery_destroyed",
        key="entity.actor",
        gap=WINDOW,
        columns=("metadata.event_code",),
        select=both(
            one_of("source", ("aws_cloudtrail",)),
            one_of("metadata.event_code", (*VAULT, *COPIES)),
            one_of("status_id", (SUCCESS,)),
            one_of("actor.user.type_id", (1, 2, 4, 99)),
        ),
        judge=judge,
        max_rows=512,
    ),
)
