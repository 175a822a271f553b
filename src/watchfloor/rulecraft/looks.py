"""What matches look like: which fields and values an exclusion may name, and who chooses them."""

import re
from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from watchfloor.detect.sigma.columns import OCSF, field_of
from watchfloor.detect.sigma.condition import CompiledRule, predicates
from watchfloor.errors import RecordError
from watchfloor.event import NATIVE
from watchfloor.native import DecodePlan
from watchfloor.normalize import Normalizer, Source
from watchfloor.normalize.recognition import Recognition
from watchfloor.rulecraft.cells import column_values
from watchfloor.rulecraft.exclusion import Feature
from watchfloor.rulecraft.fields import fields_of
from watchfloor.rulecraft.judged import Match
from watchfloor.testing.sources import INGESTED_AT, raw_batch

LONGEST = 300
"""The longest value, in characters, that an exclusion may name."""

ANCHORS = (
    "device.hostname",
    "device.uid",
    "device.ip",
    "actor.user.uid",
    "actor.user.name",
    "actor.user.email_addr",
    "actor.app_uid",
    "user.uid",
    "user.name",
    "user.email_addr",
    "group.uid",
    "group.name",
    "src_endpoint.ip",
    "cloud.account.uid",
)
"""Attributes that say whose or where: the environment sets them, and an attacker has them only after taking them."""

CHOSEN = (
    "actor.process.file.path",
    "actor.process.cmd_line",
    "process.file.path",
    "process.cmd_line",
    "process.parent_process.file.path",
    "process.parent_process.cmd_line",
    "file.path",
    "file.name",
    "module.file.path",
    "driver.file.path",
    "reg_key.path",
    "reg_value.path",
    "reg_value.name",
    "reg_value.data",
    "query.hostname",
    "job.name",
    "job.cmd_line",
    "win_service.name",
    "win_service.cmd_line",
    "src_endpoint.hostname",
    "dst_endpoint.ip",
    "dst_endpoint.port",
    "dst_endpoint.hostname",
    "http_request.user_agent",
    "email.from",
    "email.subject",
    "api.operation",
    "api.service.name",
)
"""Attributes whose values an attacker chooses."""

_ACCOUNTS = ("actor.user", "user")

_UNIQUE = re.compile(
    r"-?|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\{?[0-9a-f-]{32,}\}?|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*|[0-9]{9,}",
    re.IGNORECASE,
)
"""Values that say nothing, or belong to one event alone."""


class Looks(msgspec.Struct, frozen=True):
    """What matches look like, in the same order: their features; how features are written; which fields are anchors."""

    features: tuple[frozenset[Feature], ...]
    written: Mapping[Feature, str]
    anchors: frozenset[str]


Values = Mapping[str, Sequence[str]]
"""The values of a match by field."""


def looks(matches: Sequence[Match], sources: Sequence[Source], rule: CompiledRule, *, vendor: bool) -> Looks:
    """The fields and values of matches: the vendor's fields, as rules name them, or OCSF attributes.

    Of the vendor's fields those count that the rule names, and those whose value is that of one of :data:`ANCHORS` or
    :data:`CHOSEN` in each match that has them; they are anchors if it is one of :data:`ANCHORS`.
    """
    vendor = vendor and rule.logsource.product != OCSF
    plan = DecodePlan(frozenset(_vendor_fields(matches, sources)) if vendor else frozenset())
    events = Normalizer(sources, plan).process(raw_batch([one.raw for one in matches])).events
    # A record that does not become an event again has no features, and nothing takes it away.
    rows = {line: row for row, line in enumerate(events.column("origin.line").to_pylist())}
    places = [rows.get(at) for at in range(1, len(matches) + 1)]
    attributes = [_values(events, {name: name for name in (*ANCHORS, *CHOSEN)}, row) for row in places]
    if not vendor:
        return _looks(attributes, frozenset(ANCHORS))
    domains = [_values(events, {f"{one}.name": f"{one}.domain" for one in _ACCOUNTS}, row) for row in places]
    attributes = [_qualified(one, domain) for one, domain in zip(attributes, domains, strict=True)]
    own = {name.removeprefix(NATIVE): name for name in events.schema.names if name.startswith(NATIVE)}
    values = [_values(events, {field: own[field] for field in plan.fields & own.keys()}, row) for row in places]
    anchors, chosen = (_like(values, attributes, names) for names in (ANCHORS, CHOSEN))
    named = {field_of(one.column) for one in predicates(rule.condition)}
    # After a ``|`` a rule reads a modifier.
    usable = {field for field in anchors | chosen | named if "|" not in field} - _different(values)
    return _looks([{field: one[field] for field in usable & one.keys()} for one in values], anchors & usable)


def _values(events: pa.RecordBatch, columns: Mapping[str, str], row: int | None) -> dict[str, Sequence[str]]:
    if row is None:
        return {}
    found = {field: column_values(events, column, row) for field, column in columns.items()}
    return {field: values for field, values in found.items() if values}


def _qualified(attributes: Values, domains: Values) -> dict[str, Sequence[str]]:
    r"""The attributes with the names of accounts as Windows writes them, too: ``DOMAIN\name``."""
    names = {
        field: [
            *attributes.get(field, ()),
            *(f"{domain}\\{name}" for domain in found for name in attributes.get(field, ())),
        ]
        for field, found in domains.items()
    }
    return {**attributes, **names}


def _looks(values: Sequence[Values], anchors: frozenset[str]) -> Looks:
    written: dict[Feature, str] = {}
    features = []
    for one in values:
        mine = {
            (field, value.casefold()): value
            for field, texts in one.items()
            for value in texts
            if len(value) <= LONGEST and not _UNIQUE.fullmatch(value)
        }
        written = mine | written
        features.append(frozenset(mine))
    return Looks(tuple(features), written, anchors)


def _vendor_fields(matches: Sequence[Match], sources: Sequence[Source]) -> set[str]:
    """The names that rules can use for what these records hold."""
    names: set[str] = set()
    recognition = Recognition(sources)
    for match in matches:
        try:
            source, record, _ = recognition.read(match.raw, INGESTED_AT)
        except RecordError:
            continue  # a source that is not loaded any more
        decoded = source.decode(record)
        kind = source.kind(decoded)
        names.update(fields_of(decoded), kind.aliases, kind.instead)
    return names


def _different(values: Sequence[Values]) -> set[str]:
    """The fields that are different in each of several matches: they say nothing of the next."""
    several = 3
    seen: dict[str, list[tuple[str, ...]]] = {}
    for one in values:
        for field, texts in one.items():
            seen.setdefault(field, []).append(tuple(texts))
    return {field for field, texts in seen.items() if len(texts) >= several and len(set(texts)) == len(texts)}


def _like(values: Sequence[Values], attributes: Sequence[Values], names: Sequence[str]) -> frozenset[str]:
    """The fields that in each match which has them have the value of one and the same attribute of these."""
    possible: dict[str, set[str]] = {}
    for one, known in zip(values, attributes, strict=True):
        for field, texts in one.items():
            same = {name for name in names if set(texts) <= set(known.get(name, ()))}
            possible[field] = possible[field] & same if field in possible else same
    return frozenset(field for field, same in possible.items() if same)
