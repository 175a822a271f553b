"""The control plane's part of a run, case by case: assess, propose, record, pack.

The events of a few cases at a time rest in a temporary file; what triage looks at is cut to what people read.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec

from watchfloor import __version__
from watchfloor.case import Case
from watchfloor.enrich import IdentityGraph, Resolver, traits_of
from watchfloor.errors import GateError
from watchfloor.event import ENTITY_ROLES, Origin, ocsf_of
from watchfloor.evidence import Chain, RawEvent, open_chain, signing_key, write_pack
from watchfloor.policy.desk import Desk
from watchfloor.respond.library import Library
from watchfloor.respond.propose import propose
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.store.shelf import Shelf
from watchfloor.triage import Evidence, assess, describe, links
from watchfloor.triage.view import is_cut, view

_ENTITY_COLUMNS = tuple(f"entity.{role}" for role in ENTITY_ROLES)
Rows = Mapping[str, Mapping[str, Any]]

EVENTS_A_QUERY = 5_000
"""How many events a look into the lake gives; they rest on disk, so their size does not matter."""

SHOWN_EVENTS = 200
"""How many events of a case are kept in words for people; the pack has all."""


class Described(msgspec.Struct, frozen=True):
    """An event in words: when (ms, UTC), of which source, what, read where."""

    time: int
    source: str
    words: str
    origin: Origin


class PackFile(msgspec.Struct, frozen=True):
    """The pack of a case: its file's name and SHA-256."""

    file: str
    sha256: str


class Closing:
    """Closes the cases of one run; ``packs``, ``described`` and ``failures`` fill as it goes.

    The record of decisions and the key are the data folder's; the packs are written into a folder of the run's.
    """

    def __init__(
        self,
        folder: DataFolder,
        lake: Lake,
        library: Library,
        desk: Desk,
        *,
        graph: IdentityGraph,
        resolver: Resolver,
        packs: Path,
    ) -> None:
        self._records = folder.records
        self._place = packs
        self._lake = lake
        self._graph = graph
        self._resolver = resolver
        self._library = library
        self._desk = desk
        self._ms = int(desk.now.timestamp() * 1000)
        self._key = signing_key(folder.path)
        self.packs: dict[str, PackFile] = {}
        self.described: dict[str, Described] = {}
        self.failures: list[str] = []

    def close(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Each case with its assessment and proposals; its decisions are recorded and its pack is written."""
        with open_chain(self._records) as chain:
            for some in _together(cases):
                yield from self._close_some(some, chain)

    def _close_some(self, cases: list[Case], chain: Chain) -> Iterator[Case]:
        wanted = {case.uid: self._wanted(case) for case in cases}
        uids = [uid for some in wanted.values() for uid in some]
        with TemporaryFile(dir=self._place) as one, TemporaryFile(dir=self._place) as other:
            whole, views = Shelf(one), Shelf(other)
            for row in self._lake.by_uid(cases[0].tenant, uids):
                resolved = self._resolved(row)
                whole.add(row["metadata.uid"], resolved)
                views.add(row["metadata.uid"], view(resolved))
            for case in cases:
                yield self._close(case, whole.of(wanted[case.uid]), views.of(wanted[case.uid]), chain)

    def _resolved(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row with the entities that the whole input shows: the lake has them as known when the event came."""
        named = {name: row[name] for name in _ENTITY_COLUMNS if row[name] is not None}
        return {**row, **{name: self._resolver.at(entity_id, row["time"]) for name, entity_id in named.items()}}

    def _wanted(self, case: Case) -> list[str]:
        cited = [uid for finding in case.findings for uid in finding.event_uids]
        return [*cited, *self._same_person(case).values()]

    def _close(self, case: Case, whole: Rows, views: Rows, chain: Chain) -> Case:
        evidence = Evidence(views, self._same_person(case))
        cited = dict.fromkeys(uid for finding in case.findings for uid in finding.event_uids)
        own = (views[uid] for uid in cited if uid in views)
        case = msgspec.structs.replace(case, assessment=assess(case, evidence), links=links(own))
        case = msgspec.structs.replace(case, proposals=propose(case, self._library, self._desk, traits_of(own)))
        self.described.update(_described(case, views))
        try:
            self.packs[case.uid] = self._pack(case, whole, chain)
        except GateError as error:
            # One case that cannot be packed is named; the others still get their packs.
            self.failures.append(f"case {case.uid}: no evidence pack: {error}")
        return case

    def _same_person(self, case: Case) -> dict[tuple[str, str], str]:
        people = [entity.id for entity in case.entities if entity.type == "user"]
        shown = (link for one in people for link in self._graph.links_of(one) if link.event_uid)
        return {(link.a, link.b): link.event_uid for link in shown}

    def _pack(self, case: Case, rows: Rows, chain: Chain) -> PackFile:
        path = self._place / f"{case.uid}.zip"
        events = (RawEvent(ocsf_of(row), row["raw"]) for row in rows.values())
        write_pack(path, case, events, chain=chain, key=self._key, now_ms=self._ms, version=__version__)
        return PackFile(path.name, _sha256(path))


def _together(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Cases of one tenant in lots of about :data:`EVENTS_A_QUERY` events: one look into the lake serves them all."""
    lot: list[Case] = []
    events = 0
    for case in cases:
        size = sum(len(finding.event_uids) for finding in case.findings)
        if lot and (events + size > EVENTS_A_QUERY or case.tenant != lot[0].tenant):
            yield lot
            lot, events = [], 0
        lot.append(case)
        events += size
    if lot:
        yield lot


def _described(case: Case, rows: Rows) -> Iterator[tuple[str, Described]]:
    """The events that people will look at: those that sentences cite first, then those of the timeline."""
    sentences = case.assessment.sentences if case.assessment else ()
    first = [uid for sentence in sentences for uid in sentence.cites[:8]]
    then = [uid for entry in case.timeline for uid in entry.event_uids[:2]]
    for uid in list(dict.fromkeys(first + then))[:SHOWN_EVENTS]:
        if row := rows.get(uid):
            origin = Origin(row["origin.path"], row["origin.line"], row["origin.index"])
            yield uid, Described(row["time"], row["source"], describe(row) + _in_part(row), origin)


def _in_part(row: Mapping[str, Any]) -> str:
    return " (long values are cut here; the pack has them whole)" if is_cut(row) else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
