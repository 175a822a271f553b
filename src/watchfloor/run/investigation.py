"""An investigation: finite input through all stages, to cases, packs and what a report needs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import orjson

from watchfloor.case import Case
from watchfloor.clock import Clock, now_ms
from watchfloor.correlate import correlate
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.noise import NoiseFilter
from watchfloor.enrich import Resolver
from watchfloor.errors import InputError, storing
from watchfloor.finding import Finding
from watchfloor.ingest.files import STDIN, check
from watchfloor.learn import Label, by_uid, precision, read_labels, votes
from watchfloor.policy.desk import Desk
from watchfloor.policy.inventory import Inventory
from watchfloor.run.closing import Closing, Described, PackFile
from watchfloor.run.content import Content
from watchfloor.run.embedded import Embedded, Observed
from watchfloor.run.hiding import Hidden, Hiding, hide
from watchfloor.run.identities import keep_links, known_identities
from watchfloor.run.knowledge import known_of
from watchfloor.run.replacing import draft_of, replacing
from watchfloor.run.workers import OnBytes
from watchfloor.settings import DataFolder, Settings
from watchfloor.store.cases import CaseStore
from watchfloor.store.lake import Lake

MAX_LETTERS_KEPT = 100_000
OnStage = Callable[[str, int, int], None]
"""(what is being done, done, of how many; 0 if unknown)."""


class Outcome(msgspec.Struct, frozen=True):
    """What an investigation found: cases by falling risk, findings that no case holds, and what people are shown.

    ``hidden`` counts by suppression the findings that it hides.
    """

    observed: Observed
    cases: tuple[Case, ...]
    loose: tuple[Finding, ...]
    dead_letters: tuple[DeadLetter, ...]
    packs: Mapping[str, PackFile]
    described: Mapping[str, Described]
    failures: tuple[str, ...] = ()
    hidden: Mapping[str, int] = {}


def investigate(
    paths: Sequence[str],
    *,
    settings: Settings,
    content: Content,
    clock: Clock,
    on_bytes: OnBytes | None = None,
    on_stage: OnStage | None = None,
    on_dead_letter: Callable[[DeadLetter], None] | None = None,
    hiding: Hiding | None = None,
    filters: Sequence[NoiseFilter] = (),
) -> Outcome:
    """Investigate files into the data folder of ``settings``; what an earlier run derived there is replaced.

    Keys, labels and the record of decisions stay. Findings that ``hiding`` hides are kept apart: no case holds them.
    What ``filters`` are about is dropped, but for samples.

    Raises:
        InputError: A path gives nothing readable or is what this run would replace, a label cannot be read, or the data
            folder is something else; raised before anything is changed.
        StoreError: The data folder cannot be written.
    """
    folder = DataFolder(settings.data)
    check(paths)
    _check_apart(folder, paths)
    folder.prepare()
    labels = _labels(folder)
    say = on_stage or (lambda _stage, _done, _total: None)
    with replacing(folder) as draft:
        lake, graph = Lake(draft.lake), known_identities(folder, settings.tenant)
        known = known_of(folder, content, settings.tenant, graph)
        workers = content.workers(settings.workers, settings.source, reference=known, filters=filters, geo=settings.geo)
        embedded = Embedded(workers, content.rules, content.keyed, lake, known, tuple(filters))
        with _Letters(draft.dead_letters, on_dead_letter) as letters:
            observed = embedded.stateless(
                paths, tenant=settings.tenant, clock=clock, graph=graph, on_dead_letter=letters.add, on_bytes=on_bytes
            )
        say("following sessions", 0, 0)
        published = graph.publish()
        reference = msgspec.structs.replace(published, tables={**known.tables, **published.tables})
        resolver = Resolver(reference)
        failures: list[str] = [graph.doubt] if graph.doubt else []

        def failed(name: str, error: Exception) -> None:
            failures.append(f"detection {name} failed: {type(error).__name__}: {error}")

        observed.findings += embedded.correlated(observed, on_failure=failed)
        observed.findings += embedded.stateful(settings.tenant, reference, on_failure=failed)
        hidden: list[Hidden] = []
        if hiding is not None:
            observed.findings, hidden = hide(observed.findings, hiding, lake.by_uid, settings.tenant)
            hidden_at = now_ms(clock)
            _write_lines(draft.suppressed, (one.to_ocsf(now=hidden_at) for one in hidden))
        say("correlating", 0, 0)
        precise = _precision(labels, observed.findings)
        correlated = correlate(observed.findings, entity_at=resolver.at, precision=precise)
        now = clock()
        at = int(now.timestamp() * 1000)
        inventory = Inventory.of(content.assets.values(), lambda name: resolver.at(name, at))
        desk = Desk(engine=content.engine, now=now, inventory=inventory)
        closing = Closing(folder, lake, content.playbooks, desk, graph=graph, resolver=resolver, packs=draft.packs)
        cases: list[Case] = []
        for case in closing.close(correlated.cases):
            cases.append(case)
            say("explaining", len(cases), len(correlated.cases))
        _write(draft, cases, correlated.loose, int(now.timestamp() * 1000))
        _store(folder, settings.tenant, cases)
        keep_links(folder, settings.tenant, graph)
        return Outcome(
            observed,
            tuple(cases),
            correlated.loose,
            tuple(letters.kept),
            closing.packs,
            closing.described,
            (*failures, *closing.failures, *(slow.words for slow in observed.slow.values())),
            Counter(one.suppression for one in hidden),
        )


def _check_apart(folder: DataFolder, paths: Sequence[str]) -> None:
    """Refuse to read what this run is about to write or replace."""
    out = folder.path.resolve()
    derived = [one.resolve() for one in (*folder.derived, draft_of(folder).path)]
    for path in paths:
        place = Path(path).resolve()
        if path == STDIN:
            continue
        if place == out or place in out.parents:
            raise InputError(f"{path}: holds {folder.path}, where the result goes; name an --out outside of it")
        if any(place == one or one in place.parents for one in derived):
            raise InputError(f"{path}: this run would replace it; name another --out, or a copy of it")


def _labels(folder: DataFolder) -> dict[str, Label]:
    return by_uid(read_labels(folder.labels)) if folder.labels.exists() else {}


def _precision(labels: Mapping[str, Label], findings: Iterable[Finding]) -> dict[str, float]:
    """What labels say of the rules whose findings they are about."""
    return precision(votes(labels, ((one.rule.id, one.uid) for one in findings)))


def _write(folder: DataFolder, cases: Sequence[Case], loose: Sequence[Finding], now: int) -> None:
    findings = [*(finding for case in cases for finding in case.findings), *loose]
    findings.sort(key=lambda finding: (finding.start, finding.uid))
    _write_lines(folder.findings, (finding.to_ocsf(now=now) for finding in findings))
    _write_lines(folder.cases, (case.to_ocsf(now=now) for case in cases))


def _store(folder: DataFolder, tenant: str, cases: Sequence[Case]) -> None:
    store = CaseStore(folder.database)
    try:
        store.replace(tenant, cases)
    finally:
        store.close()


def _write_lines(path: Path, objects: Iterable[dict[str, Any]]) -> None:
    with storing(path), path.open("wb") as file:
        for one in objects:
            file.write(orjson.dumps(one) + b"\n")


class _Letters:
    """Dead letters go to disk as they come; a bounded number is kept, without bytes, for the report."""

    def __init__(self, path: Path, also: Callable[[DeadLetter], None] | None) -> None:
        self._path = path
        with storing(path):
            self._file = path.open("wb")
        self._also = also
        self.kept: list[DeadLetter] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with storing(self._path):
            self._file.close()

    def add(self, letter: DeadLetter) -> None:
        with storing(self._path):
            self._file.write(msgspec.json.encode(letter) + b"\n")
        if len(self.kept) < MAX_LETTERS_KEPT:
            self.kept.append(msgspec.structs.replace(letter, raw=b""))
        if self._also:
            self._also(letter)
