"""A finding: what a detector saw, for whom, how sure, and which events prove it. OCSF Detection Finding, class 2004.

Detection emits findings and correlation reads them; they meet here.
"""

import hashlib
from typing import Any, Literal

import msgspec

from watchfloor.event import OCSF_VERSION, Entity, Origin

Level = Literal["informational", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
"""Sigma's rule levels, weakest first."""

SEVERITY_ID: dict[str, int] = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}

Status = Literal["new", "corrected", "retracted"]


class Term(msgspec.Struct, frozen=True):
    """One addend of a number that is shown: its name, its value, and the sentence that explains it."""

    name: str
    value: float
    words: str


class Rule(msgspec.Struct, frozen=True):
    """What a finding says of the detection that made it: identity, strength and the words people need."""

    id: str
    title: str
    level: Level = "medium"
    description: str = ""
    use_case: str | None = None
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    runbook: str | None = None
    decisive: bool = False
    path: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One detection's statement about one key and one window.

    ``start`` and ``end`` are the times of the first and last event that prove it (ms, UTC). ``p_value`` is a conformal
    p-value where the detector is calibrated, else ``None``. ``key`` is what the detector was keyed by, e.g. an entity
    id; a stateless rule has the event's uid.
    """

    uid: str
    tenant: str
    rule: Rule
    start: int
    end: int
    event_uids: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    entities: tuple[Entity, ...] = ()
    source: str = ""
    key: str = ""
    p_value: float | None = None
    terms: tuple[Term, ...] = ()
    revision: int = 1
    status: Status = "new"
    summary: str = ""

    def to_ocsf(self, *, now: int) -> dict[str, Any]:
        """The OCSF 2004 object of section 12 of the design; ``now`` is when it is written (ms, UTC)."""
        info: dict[str, Any] = {
            "uid": self.uid,
            "title": self.rule.title,
            "desc": self.summary or self.rule.description or self.rule.title,
            "first_seen_time": self.start,
            "last_seen_time": self.end,
            "analytic": {"uid": self.rule.id, "name": self.rule.title, "type_id": 1, "type": "Rule"},
            "attacks": [_attack(technique) for technique in self.rule.techniques],
            "related_events": [{"uid": uid} for uid in self.event_uids],
        }
        if not info["attacks"]:
            del info["attacks"]
        activity = {"new": 1, "corrected": 2, "retracted": 3}[self.status]
        return {
            "class_uid": 2004,
            "category_uid": 2,
            "activity_id": activity,
            "type_uid": 200400 + activity,
            "severity_id": SEVERITY_ID[self.rule.level],
            "status_id": 1,
            "time": self.end,
            "metadata": {
                "uid": f"{self.uid}:{self.revision}",
                "version": OCSF_VERSION,
                "tenant_uid": self.tenant,
                "processed_time": now,
                "product": {"name": "Watchfloor", "vendor_name": "Watchfloor"},
            },
            "finding_info": info,
            "unmapped": {
                "rule_id": self.rule.id,
                "revision": self.revision,
                "status": self.status,
                "level": self.rule.level,
                "use_case": self.rule.use_case,
                "tactics": list(self.rule.tactics),
                "event_uids": list(self.event_uids),
                "origins": msgspec.to_builtins(self.origins),
                "entities": msgspec.to_builtins(self.entities),
                "p_value": self.p_value,
                "terms": msgspec.to_builtins(self.terms),
            },
        }


def _attack(technique: str) -> dict[str, Any]:
    parent, _, sub = technique.partition(".")
    attack: dict[str, Any] = {"technique": {"uid": parent}}
    if sub:
        attack["sub_technique"] = {"uid": technique}
    return attack


def finding_uid(*, rule_id: str, tenant: str, key: str, bucket: str) -> str:
    """The uid of a finding: a hash of detection, tenant, key and window bucket, never of the member events.

    A corrected window therefore keeps its uid and gets the next revision.
    """
    digest = hashlib.blake2b(digest_size=16, person=b"watchfloor-findg")
    for part in (rule_id, tenant, key, bucket):
        text = part.encode()
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.hexdigest()
