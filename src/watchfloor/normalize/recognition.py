"""What a raw record is: an object, and the source that knows it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from watchfloor.errors import InputError, RecordError
from watchfloor.normalize.formats import Text, read_document, read_structure, read_text
from watchfloor.normalize.json_record import decode_json
from watchfloor.normalize.source import Source


class Recognised(NamedTuple):
    """A record as it was delivered, before its source decodes it; ``line`` is its text, if it was a line."""

    source: Source
    record: dict[str, Any]
    line: str | None = None


class Recognition:
    """Recognises one record after the other.

    A JSON object, a mail, an XML event and a line with a structure are told by their fields (``recognise``), a line
    without one by its text (``text``). Sources are asked in their order, the generic ones after all others; records of
    one source come together, so the last one that was recognised is asked first.

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
        self._sources = [source for source in sources if not source.generic]
        self._generic = [source for source in sources if source.generic]
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
            return Recognised(only or self._source_of(record), record)
        if (document := read_document(raw)) is not None:
            return Recognised(only or self._source_of(document), document)
        return self._line(read_text(raw, ingested_at), only)

    def _arrived(self, name: str) -> Source:
        if name not in self._named:
            raise RecordError(f"no source {name!r}")
        return self._named[name]

    def _line(self, text: Text, only: Source | None) -> Recognised:
        for source in [only] if only else self._with_forms:
            if (fields := source.read_text(text)) is not None:
                if not only:
                    _put_first(self._with_forms, source)
                return Recognised(source, fields, text.line)
        record = read_structure(text) or text.plain
        return Recognised(only or self._source_of(record), record, text.line)

    def _source_of(self, record: dict[str, Any]) -> Source:
        for sources in (self._sources, self._generic):
            for source in sources:
                if source.recognises(record):
                    _put_first(sources, source)
                    return source
        raise RecordError("no source recognises this record")


def _put_first(sources: list[Source], source: Source) -> None:
    if sources[0] is not source:
        sources.remove(source)
        sources.insert(0, source)
