"""A log source: how its records are recognised, decoded, mapped to OCSF and offered to Sigma rules.

One folder under ``content/sources``::

    source.yml    recognition, product, uid and time, Sigma log sources and aliases, mapping (or ``schema: ocsf``)
    *.yml         more mapping entries, named under ``include``
    decode.py     optional: ``decode(record) -> record``, where the vendor's own shape must be unfolded first; with it,
                  optional, too: ``keeps_texts(record) -> bool``, see :meth:`Source.keeps_texts`, and ``LAYOUTS``,
                  the usual layouts of its JSON (:mod:`watchfloor.layout`)

Text is read by its structure (:mod:`watchfloor.normalize.formats`) and recognised like a JSON object, or by the forms
that the source declares under ``text`` (:mod:`watchfloor.normalize.text_forms`). What ``generic: true`` stands in is
asked only for records that no other source recognises.
    samples/      NAME.raw and the expected NAME.ocsf.json
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from watchfloor.catalog import Folder, load_python, read_yaml
from watchfloor.errors import ContentError, RecordError
from watchfloor.event import event_uid
from watchfloor.layout import Layout
from watchfloor.native import LogSource
from watchfloor.normalize.choice import RecordMapping, first_whole
from watchfloor.normalize.coerce import text_of, timestamp
from watchfloor.normalize.condition import Condition, compile_condition
from watchfloor.normalize.expression import compile_expression, paths_of
from watchfloor.normalize.formats import Text
from watchfloor.normalize.made import Made
from watchfloor.normalize.mapping import EventMapping, Shared, kind_getter
from watchfloor.normalize.ocsf_record import OcsfMapping
from watchfloor.normalize.paths import Getter, first_name, getter
from watchfloor.normalize.rows import Column, Rows, place
from watchfloor.normalize.text_forms import Forms, compile_forms

Decode = Callable[[dict[str, Any]], dict[str, Any]]
Keeps = Callable[[dict[str, Any]], bool]

_KEYS = frozenset(
    {"title", "vendor", "product", "recognise", "uid", "time", "log_name", "event_code", "absent", "kind"}
    | {"sigma", "common", "entities", "profiles", "severity", "events", "include", "description", "references"}
    | {"text", "generic", "schema"}
)
_MAIN = "source.yml"
_DEAR = ("_recognise", "_read_text", "_served", "mappings")
"""What takes long to compile; most runs see records of a few sources."""
_MAX_KINDS = 8192


class ServedLogSource(msgspec.Struct, frozen=True):
    """A Sigma log source that some records serve, with the names its rules use for the vendor's fields.

    ``aliases`` fill the names that a record does not use itself; ``instead`` replaces what a record has under a name.
    """

    logsource: LogSource
    holds: Condition
    aliases: dict[str, tuple[str, ...]]
    instead: dict[str, tuple[str, ...]]


class Kind(msgspec.Struct, frozen=True):
    """What is known of all records with the same kind key: candidate mappings, log sources, names of Sigma fields.

    ``surely`` says which mappings hold for each of them; the others depend on more than the kind.
    """

    mappings: tuple[RecordMapping, ...]
    surely: tuple[bool, ...]
    logsources: tuple[LogSource, ...]
    aliases: dict[str, tuple[str, ...]]
    instead: dict[str, tuple[str, ...]]


class Ready(NamedTuple):
    """A decoded record by its place in a batch, when it happened, its bytes, and what tells it from identical ones."""

    place: int
    record: dict[str, Any]
    time: int
    raw: bytes
    ordinal: int


Documents = Mapping[str, dict[str, Any]]
"""What the YAML files of a folder say, by their names."""


class Source:
    """A loaded source.

    Args:
        folder: Where it is.
        known: The ``documents`` of a source that was loaded from the same files by the same code. Nothing can be wrong
            with them then, and what is dear is compiled when it is first needed.

    Raises:
        ContentError: The folder's files are malformed; names the file and the entry.
    """

    def __init__(self, folder: Folder, known: Documents | None = None) -> None:
        self.name = folder.name
        self.folder = folder.path
        self.documents: Documents = known or _documents(folder.path)
        try:
            self._load()
            if known is None:
                self._compile()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ContentError(str(folder.path / _MAIN), f"{type(error).__name__}: {error}") from error

    def _load(self) -> None:
        definition = self.documents[_MAIN]
        if extra := sorted(set(definition) - _KEYS):
            raise ValueError(f"unknown key {extra[0]!r}")
        self.title: str = definition["title"]
        self.product: str = definition["product"]
        self.vendor: str = definition["vendor"]
        self.absent = frozenset(definition.get("absent", [""]))
        self.generic = definition.get("generic") is True
        self.has_forms = definition.get("text") is not None
        """Whether there are forms of text lines, so that it is worth to ask :meth:`read_text`."""
        if self.generic and self.has_forms:
            raise ValueError("a generic source recognises records by their fields, not by forms under text")
        self.tells = _tells(definition.get("recognise"))
        """For each way to recognise a record the names that it must have itself; none if these are not known."""
        uid, time = _as_list(definition.get("uid", [])), _as_list(definition["time"])
        self.identifying = frozenset(map(first_name, (*uid, *time)))
        """The names of a decoded record that its event's uid and time are read from."""
        self._uid = [place(path) for path in uid]
        self._time = [getter(path) for path in time]
        self._log_name = compile_expression(definition.get("log_name", {"value": None}))
        self._event_code = compile_expression(definition.get("event_code", {"value": None}))
        self.decodes = (self.folder / "decode.py").exists()
        self._decode, self.keeps_texts, self.layouts = _decoder(self.folder)
        """``keeps_texts`` says of a record, as JSON-decoded, whether each text that :meth:`decode` leaves in it stands
        in it already, as it is. So it is where nothing is decoded; of another source it is not known, unless its
        ``decode.py`` says it."""
        self.kind_paths = _as_list(definition.get("kind", []))
        self._kind_key = kind_getter(self.kind_paths)
        self._kinds: dict[Any, Kind] = {}
        self._sigma: Mapping[str, Any] = definition.get("sigma") or {}
        self._aliases = _aliases(self._sigma.get("fields") or {})

    def _compile(self) -> None:
        for name in _DEAR:
            getattr(self, name)

    @cached_property
    def _recognise(self) -> Condition:
        definition = self.documents[_MAIN]
        return _recogniser(definition.get("recognise") if self.has_forms else definition["recognise"])

    @cached_property
    def _read_text(self) -> Forms | None:
        return compile_forms(self.documents[_MAIN]["text"]) if self.has_forms else None

    @cached_property
    def _served(self) -> tuple[ServedLogSource, ...]:
        return tuple(_served(one, set(self.kind_paths)) for one in self._sigma.get("logsources", []))

    @cached_property
    def mappings(self) -> tuple[RecordMapping, ...]:
        """The compiled entries, in the order in which they are tried."""
        return tuple(self._mappings())

    def _mappings(self) -> Iterable[RecordMapping]:
        definition = self.documents[_MAIN]
        if (schema := definition.get("schema")) is not None:
            if schema != "ocsf":
                raise ValueError(f"schema: records may be ocsf already; {schema!r} is not known")
            yield OcsfMapping()
            return
        base = [*_as_list(definition.get("uid", [])), *_as_list(definition["time"])]
        for name in ("log_name", "event_code"):
            base += paths_of(definition.get(name))
        shared = Shared(
            attributes=definition.get("common") or {},
            entities=definition.get("entities") or {},
            taken=tuple(base),
            profiles=tuple(definition.get("profiles", ("host",))),
            severity=definition.get("severity", 1),
        )
        entries = list(definition.get("events") or [])
        for name in definition.get("include") or []:
            entries += self.documents[name].get("events") or []
        for position, entry in enumerate(entries, start=1):
            try:
                yield EventMapping(entry, shared)
            except ValueError as error:
                raise ValueError(f"event {position} ({entry.get('name', entry.get('class'))}): {error}") from None
        yield EventMapping({"name": "other", "class": "base_event", "activity": 99}, shared)

    def logsources(self) -> frozenset[LogSource]:
        """The Sigma log sources that records of this source can serve."""
        return frozenset(one.logsource for one in self._served)

    def recognises(self, record: dict[str, Any]) -> bool:
        """Whether a record, as JSON-decoded, is of this source."""
        return self._recognise(record)

    def read_text(self, text: Text, *, told: bool = False) -> dict[str, Any] | None:
        """The record of a text line, if it has one of the forms that this source declares.

        ``told`` says that it arrived as one of this source.

        Raises:
            RecordError: It takes too long to tell, or has more fields than any product writes.
        """
        return self._read_text(text, told=told) if self._read_text else None

    def decode(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record in the shape that paths and Sigma fields are written for."""
        return self._decode(record)

    def kind(self, record: dict[str, Any]) -> Kind:
        """What holds for all decoded records of this record's kind; computed once for each."""
        key = self._kind_key(record)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MAX_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = self._describe(record)
        return kind

    def _describe(self, record: dict[str, Any]) -> Kind:
        paths = frozenset(self.kind_paths)
        mappings = tuple(one for one in self.mappings if not one.when_paths <= paths or one.holds(record))
        served = [one for one in self._served if one.holds(record)]
        aliases = dict(self._aliases)
        for one in served:
            for name, natives in one.aliases.items():
                aliases[name] = (*natives, *aliases.get(name, ()))
        instead = {name: natives for one in served for name, natives in one.instead.items()}
        surely = tuple(one.when_paths <= paths for one in mappings)
        return Kind(mappings, surely, tuple(dict.fromkeys(one.logsource for one in served)), aliases, instead)

    def times(self, record: dict[str, Any]) -> Iterable[Any]:
        """The values of a decoded record that say when its event happened, the first one that is a time counts."""
        return (get(record) for get in self._time)

    def time(self, record: dict[str, Any]) -> int:
        """When a decoded record's event happened (ms, UTC).

        Raises:
            RecordError: The record has no readable time.
        """
        for value in self.times(record):
            time = timestamp(value)
            if time is not None:
                return time
        raise RecordError("no readable time")

    def map(self, group: Sequence[Ready], kind: Kind) -> Iterator[Made]:
        """Map records of one kind to OCSF.

        Of the entries that hold, the first whose class a record makes whole counts; if there is none, the first of
        them as a Base Event.
        """
        rows = Rows([one.record for one in group], self.absent)
        base = {
            "time": Column([one.time for one in group]),
            "metadata.uid": Column(self._uids(rows, group)),
            "metadata.product.name": rows.same(self.product),
            "metadata.product.vendor_name": rows.same(self.vendor),
            "metadata.log_name": self._log_name(rows).each(text_of),
            "metadata.event_code": self._event_code(rows).each(text_of),
        }
        return first_whole(list(zip(kind.mappings, kind.surely, strict=True)), rows, base)

    def uids(self, group: Sequence[Ready]) -> list[str]:
        """The uids of records' events: the vendor's own, under the source's name, if a record has one.

        Without the name, whoever may write into one source could give an event the uid of another source's.
        """
        return self._uids(Rows([one.record for one in group]), group)

    def _uids(self, rows: Rows, group: Sequence[Ready]) -> list[str]:
        parts = [rows.at(path).each(text_of).values for path in self._uid]
        if parts and all(map(all, parts)):
            return list(map(":".join, zip(repeat(self.name), *parts)))
        own = zip(*parts, strict=True) if parts else repeat(())
        return [
            ":".join((self.name, *texts)) if texts and all(texts) else event_uid(self.name, one.raw, one.ordinal)
            for texts, one in zip(own, group, strict=False)
        ]


def _documents(folder: Path) -> Documents:
    main = read_yaml(folder / _MAIN)
    names = main.get("include") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ContentError(str(folder / _MAIN), f"include is a list of files in the folder, not {names!r}")
    return {name: read_yaml(folder / name) for name in names} | {_MAIN: main}


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _recogniser(definition: Any) -> Condition:
    if definition is None:
        return lambda _record: False
    options = definition if isinstance(definition, list) else [definition]
    tests = [_recognise_one(option) for option in options]

    def recognises(record: dict[str, Any]) -> bool:
        for test in tests:  # noqa: SIM110 - the generator of any() costs more than the tests, and this runs for each record
            if test(record):
                return True
        return False

    return recognises


def _recognise_one(option: Mapping[str, Any]) -> Condition:
    if extra := sorted(set(option) - {"has", "when"}):
        raise ValueError(f"recognise takes has and when, not {extra[0]!r}")
    required: list[Getter] = [getter(path) for path in _as_list(option.get("has", []))]
    holds = compile_condition(option.get("when"))
    if not required and not option.get("when"):
        raise ValueError("recognise needs has or when: it may not take every record")
    if len(required) == 1 and not option.get("when"):
        only = required[0]
        return lambda record: only(record) is not None
    return lambda record: all(get(record) is not None for get in required) and holds(record)


def _tells(definition: Any) -> tuple[frozenset[str], ...]:
    options = definition if isinstance(definition, list) else [definition] if definition else []
    return tuple(frozenset(first_name(path) for path in _needed(option)) for option in options)


def _needed(option: Mapping[str, Any]) -> Iterable[str]:
    """The paths at which a record has a value if it is recognised by an option."""
    yield from _as_list(option.get("has", []))
    when = option.get("when")
    if isinstance(when, Mapping):
        yield from (path for path, wanted in when.items() if wanted is not None and not isinstance(wanted, Mapping))


def _decoder(folder: Path) -> tuple[Decode, Keeps, tuple[Layout, ...]]:
    path = folder / "decode.py"
    if not path.exists():
        return lambda record: record, lambda _record: True, ()
    code = load_python(path)
    return code.decode, getattr(code, "keeps_texts", lambda _record: False), getattr(code, "LAYOUTS", ())


def _served(definition: Mapping[str, Any], kind_paths: set[str]) -> ServedLogSource:
    when = definition.get("when")
    options = when if isinstance(when, list) else [when or {}]
    if stray := {path for option in options for path in option} - kind_paths:
        raise ValueError(f"sigma log source: when may test only the paths under kind, not {min(stray)!r}")
    parts = {name: str(definition.get(name) or "") for name in ("product", "category", "service")}
    if extra := sorted(set(definition) - {*parts, "when", "fields", "instead"}):
        raise ValueError(f"sigma log source: unknown key {extra[0]!r}")
    names = [_aliases(definition.get(key) or {}) for key in ("fields", "instead")]
    return ServedLogSource(LogSource(**parts), compile_condition(when), *names)


def _aliases(definition: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(_as_list(paths)) for name, paths in definition.items()}
