"""Holds events against indicators: addresses, networks, domains with all below them, URLs, hashes, mail addresses.

What events name in columns is looked up by its distinct values; URLs, hashes and mail addresses are looked for in the
texts of ``rest`` and ``unmapped``, too. A sighting is a tag, ``indicator.COLUMN=FEED:ID``: two feeds may have an
indicator of the same id, and neither shadows the other's.

An indicator counts for an event as long as it is valid at the event's time; ``back`` is how long before it became valid
it counts already, for looking back over what is in the lake.

>>> from watchfloor.indicator import Indicator
>>> from watchfloor.testing.events import batch_of
>>> known = [Indicator("indicator--1", (("domain", "evil.example"),), "acme")]
>>> matching = Indicators(Reference(1, indicator_tables(known)))
>>> matching.process(batch_of({"query.hostname": "a.b.evil.example"})).column("tags").to_pylist()
[['indicator.query.hostname=acme:indicator--1']]
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.enrich.tags import with_tags
from watchfloor.indicator import Indicator, address, domain, host_of, mail, url
from watchfloor.operator import Reference

VALUES = "indicators.values"
"""Name of the reference table: ``KIND:VALUE`` -> indicators, as ``FEED:ID``, JSON."""

KNOWN = "indicators"
"""Name of the reference table: ``FEED:ID`` -> the indicator without its values, JSON."""

TAG = "indicator."
_ADDRESSES = ("src_endpoint.ip", "dst_endpoint.ip", "device.ip")
_DOMAINS = ("query.hostname", "dst_endpoint.hostname", "src_endpoint.hostname")
_MAILS = ("email.from", "actor.user.email_addr", "user.email_addr")
_TEXTS = ("rest", "unmapped")

_SIGNS = {
    "://": ("url", "domain", "address", "network"),
    "@": ("mail",),
    r"\b(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})\b": ("hash",),
}
"""What a text has in it that may name an indicator of these kinds."""

MAX_FOUND = 256
"""How many candidates of a text are looked up."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}\Z")
_REST = re.compile(r"://[^\s\"'<>\\]{1,2048}")
_WORDS = bytes(byte if chr(byte).isalnum() and byte < 128 else 32 for byte in range(256)).lower()
"""Lower case for letters and digits of ASCII, blanks for the rest."""

_SHORTEST_HASH = 32
_ADDRESS_OF_MAIL = re.compile(r"[^\s\"'<>\\,;:@]{1,64}@[^\s\"'<>\\,;:@]{1,255}")


def indicator_tables(indicators: Iterable[Indicator]) -> dict[str, dict[str, str]]:
    """The reference tables of indicators; revoked ones are not in them."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    known = {}
    for one in indicators:
        if not one.revoked:
            name = f"{one.feed}:{one.id}"
            known[name] = msgspec.json.encode(msgspec.structs.replace(one, values=())).decode()
            for kind, value in one.values:
                ids[f"{kind}:{value}"].append(name)
    return {VALUES: {value: orjson.dumps(found).decode() for value, found in ids.items()}, KNOWN: known}


class Indicators:
    """An operator: stateless, given the reference tables."""

    def __init__(self, reference: Reference | None = None, *, back: timedelta = timedelta(0)) -> None:
        tables = (reference or Reference()).tables
        self._values = tables.get(VALUES, {})
        self._known = tables.get(KNOWN, {})
        self._back = back // timedelta(milliseconds=1)
        self._kinds = {key.partition(":")[0] for key in self._values}
        self._prefixes = _prefixes(self._values)
        self._telling = "|".join(sign for sign, kinds in _SIGNS.items() if not self._kinds.isdisjoint(kinds))
        self._decoded: dict[str, Indicator] = {}

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with a tag for each sighting."""
        if not self._values:
            return batch
        tags: defaultdict[int, list[str]] = defaultdict(list)
        times = batch.column("time")
        for column, row, ids in self._sightings(batch):
            time = times[row].as_py()
            tags[row] += [f"{TAG}{column}={uid}" for uid in ids if self._counts(uid, time)]
        return with_tags(batch, {row: found for row, found in tags.items() if found})

    def known(self, uid: str) -> Indicator:
        """The indicator that ``FEED:ID`` names, without its values."""
        if uid not in self._decoded:
            self._decoded[uid] = msgspec.json.decode(self._known[uid], type=Indicator)
        return self._decoded[uid]

    def _counts(self, uid: str, time: int) -> bool:
        one = self.known(uid)
        return one.since - self._back <= time and (one.until is None or time < one.until)

    def _sightings(self, batch: pa.RecordBatch) -> Iterator[tuple[str, int, list[str]]]:
        for columns, look in ((_ADDRESSES, self._address), (_DOMAINS, self._domain), (_MAILS, self._mail)):
            for column in columns:
                yield from self._in_column(batch, column, look)
        for column in _TEXTS if self._telling else ():
            if column in batch.schema.names:
                # RE2 passes over texts that hold nothing of the kind in a tenth of the time.
                telling = pc.match_substring_regex(batch.column(column), self._telling)
                rows = pc.indices_nonzero(pc.fill_null(telling, fill_value=False))
                for row, text in zip(rows.to_pylist(), batch.column(column).take(rows).to_pylist(), strict=True):
                    if found := self._text(text):
                        yield column, row, found

    def _in_column(
        self, batch: pa.RecordBatch, column: str, look: Callable[[str], list[str]]
    ) -> Iterator[tuple[str, int, list[str]]]:
        values = batch.column(column)
        found = {value: ids for value in values.unique().to_pylist() if value is not None and (ids := look(value))}
        if found:
            for row, value in enumerate(values.to_pylist()):
                if value in found:
                    yield column, row, found[value]

    def _ids(self, key: str) -> list[str]:
        text = self._values.get(key)
        return orjson.loads(text) if text is not None else []

    def _address(self, text: str) -> list[str]:
        found = _normalized_address(text)
        if found is None:
            return []
        ids = self._ids(f"address:{found}")
        if self._prefixes:
            parsed = ip_address(found)
            for prefix in self._prefixes.get(parsed.version, ()):
                ids += self._ids(f"network:{_network(int(parsed), parsed.version, prefix)}")
        return ids

    def _domain(self, text: str) -> list[str]:
        if "domain" not in self._kinds or (name := _normalized_domain(text)) is None:
            return []
        ids = []
        while "." in name:
            ids += self._ids(f"domain:{name}")
            name = name.partition(".")[2]
        return ids

    def _mail(self, text: str) -> list[str]:
        found = mail(text)
        return [*self._ids(f"mail:{found}"), *self._domain(found.rpartition("@")[2])] if found else []

    def _text(self, text: str) -> list[str]:
        ids: list[str] = []
        if "://" in text and not self._kinds.isdisjoint(_SIGNS["://"]):
            for found in _urls(text):
                ids += self._url(found)
        if "hash" in self._kinds:
            # To cut a text into words takes a third of the time that a regular expression takes to find long ones.
            for word in text.encode().translate(_WORDS).split():
                if len(word) >= _SHORTEST_HASH:
                    ids += self._ids(f"hash:{word.decode()}")
        if "@" in text and "mail" in self._kinds:
            for found in _some(_ADDRESS_OF_MAIL, text):
                ids += self._ids(f"mail:{found.lower()}")
        return list(dict.fromkeys(ids))

    def _url(self, text: str) -> list[str]:
        found = url(text)
        if found is None:
            return []
        host = host_of(found)
        return [*self._ids(f"url:{found}"), *(self._domain(host) or self._address(host))]


def _urls(text: str) -> Iterator[str]:
    for number, found in enumerate(_REST.finditer(text)):
        if number == MAX_FOUND:
            return
        scheme = _SCHEME.search(text, max(found.start() - 21, 0), found.start())
        if scheme is not None:
            yield scheme[0] + found[0]


def _some(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for number, found in enumerate(pattern.finditer(text)):
        if number == MAX_FOUND:
            return
        yield found[0]


def _prefixes(values: Mapping[str, str]) -> dict[int, list[int]]:
    """The lengths of the prefixes of known networks, by version of IP, the longest first."""
    lengths: defaultdict[int, set[int]] = defaultdict(set)
    for key in values:
        if key.startswith("network:"):
            start, _, length = key.removeprefix("network:").rpartition("/")
            lengths[6 if ":" in start else 4].add(int(length))
    return {version: sorted(found, reverse=True) for version, found in lengths.items()}


@lru_cache(maxsize=1 << 16)
def _normalized_address(text: str) -> str | None:
    return address(text)


@lru_cache(maxsize=1 << 16)
def _normalized_domain(text: str) -> str | None:
    return domain(text)


@lru_cache(maxsize=1 << 16)
def _network(number: int, version: int, prefix: int) -> str:
    bits = 32 if version == 4 else 128
    start = number >> (bits - prefix) << (bits - prefix)
    return f"{ip_address(start.to_bytes(bits // 8, 'big'))}/{prefix}"
