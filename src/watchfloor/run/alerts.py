"""Alerts of other products as findings: what a SIEM, an EDR or a cloud has found is judged beside what our rules find.

An alert arrives as an event of OCSF class 2004 (or 2006, data security) from the source of its product.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.case import TACTICS
from watchfloor.event import ENTITY_ROLES, Origin, entity_of, nest
from watchfloor.finding import LEVELS, Finding, Level, Rule, Status, finding_uid

ALERTS = (2004, 2006)
"""Detection Finding and Data Security Finding."""

MAX_EVENTS = 100
"""How many events of one alert a finding names: the first and the last ones."""

MAX_TITLE = 300
MAX_WORDS = 2000

_OWN = "Watchfloor"
_LEVEL: dict[int, Level] = {2: "low", 3: "medium", 4: "high", 5: "critical", 6: "critical"}
_CLOSED, _DROPPED = 3, frozenset({3, 6})
"""Activity of an alert that its product has closed; states suppressed and deleted."""

_TACTIC_UIDS = (
    "TA0043 TA0042 TA0001 TA0002 TA0003 TA0004 TA0005 TA0006 TA0007 TA0008 TA0009 TA0011 TA0010 TA0040".split()  # noqa: SIM905 - a column of ids
)
_TACTICS = dict(zip(_TACTIC_UIDS, TACTICS, strict=True))


def alerts(events: pa.RecordBatch) -> list[Finding]:
    """The finding of each alert among events of :data:`watchfloor.event.EVENT_SCHEMA`, tagged with their entities.

    A product tells of one alert again and again as it grows and when it is closed: these findings have the same uid,
    and :func:`latest` makes one of them. What Watchfloor itself found, and has written where it reads, is none, nor is
    what its product calls no alert (``is_alert``).
    """
    rows = events.filter(pc.is_in(events.column("class_uid"), pa.array(ALERTS, pa.int64()))).to_pylist()
    told = ((row, nest(orjson.loads(row["rest"] or b"{}"))) for row in rows if row["metadata.product.name"] != _OWN)
    return [_finding(row, rest) for row, rest in told if rest.get("is_alert") is not False]


def latest(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of each alert, as its product told it last, with the events of all its revisions."""
    told: dict[str, list[Finding]] = {}
    for finding in findings:
        told.setdefault(finding.uid, []).append(finding)
    return [_folded(sorted(one, key=lambda finding: (finding.end, finding.event_uids))) for one in told.values()]


def revised(known: Finding | None, told: Finding) -> Finding | None:
    """The next revision of the finding of an alert that its product tells of again; none if it says what is known."""
    if known is None:
        return told
    if set(told.event_uids) <= set(known.event_uids):
        return None
    return msgspec.structs.replace(_folded([known, told]), revision=known.revision + 1)


def _folded(told: list[Finding]) -> Finding:
    if len(told) == 1:
        return told[0]
    last = told[-1]
    proofs = dict(pair for one in told for pair in zip(one.event_uids, one.origins, strict=True))
    kept = list(proofs.items())
    if len(kept) > MAX_EVENTS:
        kept = [*kept[: MAX_EVENTS // 2], *kept[-MAX_EVENTS // 2 :]]
    return msgspec.structs.replace(
        last,
        start=min(one.start for one in told),
        event_uids=tuple(uid for uid, _ in kept),
        origins=tuple(origin for _, origin in kept),
        entities=tuple(dict.fromkeys(entity for one in told for entity in one.entities)),
        revision=len(proofs),
        status="retracted" if last.status == "retracted" else "corrected",
    )


def _finding(row: Mapping[str, Any], rest: Mapping[str, Any]) -> Finding:
    info = rest.get("finding_info")
    told = info if isinstance(info, dict) else {}
    rule = _rule(row, told)
    info_uid = _text(told.get("uid")) or row["metadata.uid"]
    ids = (row[f"entity.{role}"] for role in ENTITY_ROLES)
    return Finding(
        uid=finding_uid(rule_id=row["source"], tenant=row["tenant"], key=info_uid, bucket=""),
        tenant=row["tenant"],
        rule=rule,
        start=row["time"],
        end=row["time"],
        event_uids=(row["metadata.uid"],),
        origins=(Origin(row["origin.path"], row["origin.line"], row["origin.index"]),),
        entities=tuple(entity_of(one) for one in dict.fromkeys(ids) if one),
        source=row["source"],
        key=info_uid,
        status=_status(row),
        summary=_line(f"{row['metadata.product.name']}: {rule.title}", MAX_WORDS),
    )


def _rule(row: Mapping[str, Any], info: Mapping[str, Any]) -> Rule:
    analytic = info.get("analytic")
    of = analytic if isinstance(analytic, dict) else {}
    title = _text(info.get("title")) or _text(row["message"]) or row["source"]
    name = _text(of.get("uid")) or _text(of.get("name")) or title
    techniques, tactics = _attacks(_objects(info.get("attacks")))
    return Rule(
        id=_line(f"{row['source']}:{name}", MAX_TITLE),
        title=_line(title, MAX_TITLE),
        level=_LEVEL.get(row["severity_id"], LEVELS[0]),
        description=_line(_text(info.get("desc")) or "", MAX_WORDS),
        tactics=tactics,
        techniques=techniques,
    )


def _attacks(named: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The techniques (ids) and tactics (ATT&CK's names) that an alert is tagged with."""
    techniques = (_uid(one, "sub_technique") or _uid(one, "technique") for one in named)
    tactics = (_TACTICS.get(_uid(tactic, "tactic") or "") for one in named for tactic in _tactics(one))
    return tuple(dict.fromkeys(uid for uid in techniques if uid)), tuple(dict.fromkeys(one for one in tactics if one))


def _tactics(attack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield attack
    yield from ({"tactic": one} for one in _objects(attack.get("tactics")))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _uid(attack: dict[str, Any], name: str) -> str | None:
    named = attack.get(name)
    return _text(named.get("uid")) if isinstance(named, dict) else None


def _status(row: Mapping[str, Any]) -> Status:
    dropped = row["status_id"] in _DROPPED
    return "retracted" if dropped else "corrected" if row["activity_id"] == _CLOSED else "new"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _line(text: str, limit: int) -> str:
    return " ".join(text.split())[:limit]
