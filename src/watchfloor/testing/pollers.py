"""The laws of a source that can be polled, run on each folder with a ``poll.yml``, yours too.

A folder's ``pages/*.json`` holds answers as the vendor gives them, one for each stream:
``{"stream": ..., "answer": ...}``, with ``"then"`` for what is fetched for the elements of a listing.
"""

from pathlib import Path
from typing import Any

import orjson

from watchfloor.ingest.inputs.poll.definition import FILE, Definition, FetchBatch, FetchEach, Stream, load
from watchfloor.ingest.inputs.poll.exchange import Answer
from watchfloor.ingest.inputs.poll.pages import following
from watchfloor.ingest.inputs.poll.path import at
from watchfloor.ingest.inputs.poll.records import cut, ids_of
from watchfloor.normalize import Source
from watchfloor.normalize.json_record import decode_json
from watchfloor.testing.sources import normalize

_WORDS = 4


def can_be_polled(source: Source) -> bool:
    """Whether a source has a ``poll.yml``."""
    return (source.folder / FILE).is_file()


def check_poller(source: Source, others: tuple[Source, ...]) -> None:
    """All laws of one source's polling.

    It loads; it asks over TLS unless told otherwise; each permission says how to grant it; each stream has a page,
    whose records this source alone recognises, whose ids are there, and whose next page is found.

    Raises:
        AssertionError: A law is broken; the message names the page and the record.
    """
    definition = load(source.folder)
    for permission in definition.permissions:
        assert len(permission.grant.split()) >= _WORDS, f"{source.name}: {permission.name}: grant says how"
    for name, setting in definition.settings.items():
        assert setting.help, f"{source.name}: {name} needs a help text"
        given = setting.default if isinstance(setting.default, str) else ""
        assert not given.startswith("http:"), f"{source.name}: {name}: not over TLS"
    pages = {path: orjson.loads(path.read_bytes()) for path in sorted((source.folder / "pages").glob("*.json"))}
    for stream in definition.streams:
        own = {path: page for path, page in pages.items() if page["stream"] == stream.name}
        assert own, f"{source.name}: no page of the stream {stream.name}"
        for path, page in own.items():
            _check_page(source, others, stream, path, page)
    _names_known_streams(definition, pages)


def _names_known_streams(definition: Definition, pages: dict[Path, Any]) -> None:
    known = {stream.name for stream in definition.streams}
    for path, page in pages.items():
        assert page["stream"] in known, f"{path}: no stream {page['stream']}"


def _check_page(source: Source, others: tuple[Source, ...], stream: Stream, path: Path, page: dict[str, Any]) -> None:
    body = orjson.dumps(page["answer"])
    listed = cut(body, stream.records, str(path))
    assert listed, f"{path}: nothing is listed"
    following(stream.pages, Answer("https://api.example.com/", 200, {}, body), at_cursor=None, listed=len(listed))
    records = _fetched(stream, page, listed, path)
    assert records, f"{path}: no records"
    identities = [tuple(at(decode_json(raw), one) for one in ids_of(stream.id)) for raw in records]
    for line, (raw, found) in enumerate(zip(records, identities, strict=True), start=1):
        assert None not in found, f"{path}: record {line} has no {stream.id}"
        record = decode_json(raw)
        assert source.recognises(record), f"{path}: record {line} is not recognised"
        takers = [one.name for one in others if one.folder != source.folder and one.recognises(record)]
        assert not takers, f"{path}: record {line} is also recognised by {takers}"
    assert len(set(identities)) == len(records), f"{path}: two records with the same {stream.id}"
    result = normalize(source, records)
    assert not result.dead_letters, f"{path}: {[letter.reason for letter in result.dead_letters]}"
    uids = result.events.column("metadata.uid").to_pylist()
    assert len(set(uids)) == len(records), f"{path}: events with the same uid"


def _fetched(stream: Stream, page: dict[str, Any], listed: list[bytes], path: Path) -> list[bytes]:
    match stream.then:
        case None:
            return listed
        case FetchEach(url=url, records=where):
            assert all(isinstance(at(orjson.loads(one), url), str) for one in listed), f"{path}: no {url}"
            return cut(orjson.dumps(page["then"]), where, str(path))
        case FetchBatch(records=where):
            return cut(orjson.dumps(page["then"]), where, str(path))
