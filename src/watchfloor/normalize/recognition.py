"""What a raw record is: an object, and the source that knows it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from watchfloor.errors import InputError, RecordError
from watchfloor.normalize.envelopes import Carried, carried
from watchfloor.normalize.formats import Text, read_document, read_structure, read_text
from watchfloor.normalize.json_record import decode_json
from watchfloor.normalize.source import Source

Record = dict[str, Any]

ENVELOPE = "envelope"
"""Where a record has the envelope that it came in."""

_MOST_ENVELOPES = 3
"""A line of a container in the message of a shipper in an event of a collector."""


class Recognised(NamedTuple):
    """A record as it was delivered, before its source decodes it; ``line`` is its text, if it was a line."""

    source: Source
    record: Record
    line: str | None = None


class Recognition:
    """Recognises one record after the other.

    A JSON object, a mail, an XML event and a line with a structure are told by their fields (``recognise``), a line
    without one by its text (``text``). Of the sources that know records by their fields, those are asked that a record
    has names for, in their order, the generic ones after all others; records of one source come together, so the last
    one that was recognised is asked first.

    Args:
        sources: The loaded sources.
        only: The name of the one source that every record is of.

    Raises:
        InputError: There is no source of that name.
    """

    def __init__(self, sources: Sequence[Source], *, only: str | None = None) -> None:
        self._named = {source.name: source for source in sources}
        if only is not None and only not in self._named:
            raise InputError(f"no source {only!r}; there are {', '.join(sorted(self._named))}")
        self._only = only
        self.sources = [self._named[only]] if only else list(sources)
        """The sources that a record can be of."""
        self._sources = _ByNames(source for source in sources if not source.generic)
        self._generic = _ByNames(source for source in sources if source.generic)
        self._with_forms = [source for source in sources if source.has_forms]

    def read(self, raw: bytes, ingested_at: int, arrived_as: str | None = None) -> Recognised:
        """Recognise a record that came at a time (milliseconds since the epoch, UTC), perhaps as one of a source.

        Raises:
            RecordError: It is broken, or no source knows it.
        """
        name = self._only or arrived_as
        only = self._arrived(name) if name else None
        if raw.startswith(b"{"):
            record = decode_json(raw)
            if (source := self._product(record, only)) is not None:
                return Recognised(source, record)
            return self._carried(record, only, ingested_at, 1) or Recognised(only or self._generic_of(record), record)
        if (document := read_document(raw)) is not None:
            return Recognised(only or self._source_of(document), document)
        return self._line(read_text(raw, ingested_at), only)

    def _carried(self, record: Record, only: Source | None, ingested_at: int, depth: int) -> Recognised | None:
        """What an envelope carries, if a source knows it."""
        for one in carried(record):
            if isinstance(one.payload, dict):
                inner, line = one.payload, None
            else:
                text = _text_in(one, ingested_at)
                if (found := self._with_form(text, only)) is not None:
                    return _beside(found, one.envelope)
                inner, line = read_structure(text) or {}, text.line
            if (source := self._product(inner, only)) is not None:
                return _beside(Recognised(source, inner, line), one.envelope)
            if depth < _MOST_ENVELOPES and (found := self._carried(inner, only, ingested_at, depth + 1)) is not None:
                # What is escaped in a text does not stand in it as it is.
                return _beside(found._replace(line=found.line or line), one.envelope)
        return None

    def _arrived(self, name: str) -> Source:
        if name not in self._named:
            raise RecordError(f"no source {name!r}")
        return self._named[name]

    def _line(self, text: Text, only: Source | None) -> Recognised:
        if (found := self._with_form(text, only)) is not None:
            return found
        record = read_structure(text) or text.plain
        return Recognised(only or self._source_of(record), record, text.line)

    def _with_form(self, text: Text, only: Source | None) -> Recognised | None:
        """A line that has the form of a source's lines."""
        for source in [only] if only else self._with_forms:
            if (fields := source.read_text(text, told=only is not None)) is not None:
                if not only:
                    _put_first(self._with_forms, source)
                return Recognised(source, fields, text.line)
        return None

    def _source_of(self, record: Record) -> Source:
        return self._product(record, None) or self._generic_of(record)

    def _product(self, record: Record, only: Source | None) -> Source | None:
        """The source that knows a record, but for the generic ones."""
        if only is not None:
            return only if only.recognises(record) else None
        return self._sources.of(record)

    def _generic_of(self, record: Record) -> Source:
        if (source := self._generic.of(record)) is None:
            raise RecordError("no source recognises this record")
        return source


class _ByNames:
    """Sources by one of the names that their records have, for each way to recognise them the rarest one."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._order = {source: position for position, source in enumerate(sources)}
        ways = [(source, names) for source in self._order for names in source.tells]
        uses = Counter(name for _, names in ways for name in names)
        self._of_any = {source for source, names in ways if not names}
        self._by_name: dict[str, set[Source]] = defaultdict(set)
        for source, names in ways:
            if names:
                self._by_name[min(names, key=lambda name: (uses[name], name))].add(source)
        self._last: Source | None = None

    def of(self, record: Record) -> Source | None:
        """The source that recognises a record."""
        last = self._last
        if last is not None and last.recognises(record):
            return last
        asked = self._of_any.union(*(self._by_name[name] for name in self._by_name.keys() & record.keys()))
        for source in sorted(asked, key=self._order.__getitem__):
            if source.recognises(record):
                self._last = source
                return source
        return None


def _text_in(one: Carried, ingested_at: int) -> Text:
    """The text that an envelope carries; what the envelope knows stands in for what the line does not say."""
    text = read_text(one.payload.encode("utf-8", "replace"), ingested_at)  # type: ignore[union-attr]
    said = one.syslog
    return msgspec.structs.replace(text, syslog=said | (text.syslog or {})) if said else text


def _beside(found: Recognised, envelope: Record) -> Recognised:
    """What was found, with the envelope beside it, the outermost one if there are several."""
    return found._replace(record={**found.record, ENVELOPE: envelope})


def _put_first(sources: list[Source], source: Source) -> None:
    if sources[0] is not source:
        sources.remove(source)
        sources.insert(0, source)
