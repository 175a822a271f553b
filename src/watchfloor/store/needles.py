"""Which needles a row group has: what people and indicators look for as one value, each as a number of 32 bits.

Needles are values of columns as a search takes them for equal (case does not count), names that they are below,
networks that they are in, and what texts of ``rest`` and ``unmapped`` have of hosts, mail addresses and hashes. That a
needle is not there says that no row of the group has it; that it is there, only that one may: two needles can have
one number, and somebody who makes collisions makes a search slower, not wrong.
"""

import re
import zlib
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.event import ENTITY_ROLES
from watchfloor.indicator import address, domain, host_of, mail

ADDRESSES = ("src_endpoint.ip", "dst_endpoint.ip", "device.ip")
HOSTS = ("device.hostname", "src_endpoint.hostname", "dst_endpoint.hostname", "query.hostname")
MAILS = ("actor.user.email_addr", "user.email_addr", "email.from")
ENTITIES = tuple(f"entity.{role}" for role in ENTITY_ROLES)
NAMES = ("metadata.uid", "actor.user.uid", "actor.user.name", "user.uid", "user.name")
COLUMNS = frozenset((*NAMES, *ADDRESSES, *HOSTS, *MAILS, *ENTITIES))
"""The columns whose values are needles: those that people look for one value in."""

TEXTS = ("rest", "unmapped")
READ = (*sorted(COLUMNS), *TEXTS)

LONGEST = 320
"""How many characters of a value count: as many as a mail address has."""

_SIGNS = "://|@|[0-9A-Fa-f]{32}"
"""What a text has in it that may have hosts, mail addresses or hashes."""

_HASH = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32,128}(?![0-9A-Fa-f])")
_NETLOC = re.compile(rb"://([^/?#\s\"'<>\\]{1,4096})")
_DOMAIN_OF_MAIL = re.compile(rb"@([^\s\"'<>\\,;:@]{1,1020})")
_LOCAL = re.compile(r"[^\s\"'<>\\,;:@]{1,64}")
_TOKEN = re.compile(r"[^\s]*")
_PREFIXES_V4 = (24, 16, 8)
_PREFIXES_V6 = {64: 19, 48: 14, 32: 9}
"""By length how many characters of an address that is written in full a prefix takes."""


def fold(values: pa.Array | pa.ChunkedArray) -> set[str]:
    """The distinct values as needles: in lower case, without dots at their end, cut.

    >>> sorted(fold(pa.array(["Alice", "ALICE", None, "ws-1.example.com."])))
    ['alice', 'ws-1.example.com']
    """
    folded = pc.utf8_rtrim(pc.utf8_lower(pc.unique(values)), ".")
    if (pc.max(pc.utf8_length(folded)).as_py() or 0) > LONGEST:
        folded = pc.utf8_slice_codeunits(folded, 0, LONGEST)
    found = set(folded.to_pylist())
    found.discard(None)
    return found


def number(text: str) -> int:
    """The number of one needle.

    >>> number("Alice") == number("alice."), number("alice") == number("bob")
    (True, False)
    """
    (one,) = fold(pa.array([text], pa.string()))
    return zlib.crc32(one.encode())


def entity_number(entity_id: str) -> int:
    """The number of an entity's id, which counts without its type: it is often that of a name, too.

    >>> entity_number("user:Alice") == number("alice")
    True
    """
    (one,) = fold(pa.array([entity_id], pa.string()))
    return zlib.crc32((one.partition(":")[2] if ":" in one else one).encode())


def network_name(network: IPv4Network | IPv6Network) -> str | None:
    """The needle that each address of a network has; ``None`` if the network is wider than any.

    >>> from ipaddress import ip_network
    >>> network_name(ip_network("192.0.2.0/27")), network_name(ip_network("0.0.0.0/1"))
    ('192.0.2', None)
    """
    if isinstance(network, IPv4Network):
        length = next((one for one in _PREFIXES_V4 if one <= network.prefixlen), None)
        return None if length is None else ".".join(str(network.network_address).split(".")[: length // 8])
    length = next((one for one in _PREFIXES_V6 if one <= network.prefixlen), None)
    return None if length is None else network.network_address.exploded[: _PREFIXES_V6[length]]


def needles_of(rows: pa.Table) -> pa.Array:
    """The numbers of all needles of some rows, which have the columns :data:`READ`; each once."""
    found: set[str] = set()
    for name in NAMES:
        found |= fold(rows.column(name))
    for name in ENTITIES:
        found |= {one.partition(":")[2] if ":" in one else one for one in fold(rows.column(name))}
    for name in ADDRESSES:
        found.update(_of_addresses(fold(rows.column(name))))
    for name in HOSTS:
        found.update(_below(_spelled(rows.column(name), domain)))
    for name in MAILS:
        found.update(_of_mails(_spelled(rows.column(name), mail)))
    for name in TEXTS:
        found |= _of_texts(rows.column(name))
    return pa.array(set(map(zlib.crc32, map(str.encode, found))), pa.uint32())


def _spelled(values: pa.ChunkedArray, spell: Callable[[str], str | None]) -> set[str]:
    """The distinct values as needles, and those beyond ASCII as indicators of their kind have them, too."""
    others = pc.unique(values.filter(pc.invert(pc.string_is_ascii(values)))).to_pylist()
    return fold(values) | {spelled for one in others if one is not None and (spelled := spell(one)) is not None}


def _of_addresses(values: set[str]) -> set[str]:
    """Addresses as they are written and in their shortest form, and the networks that they are in."""
    found, networks = set(values), {one for one in values if ":" not in one}
    for one in values - networks:
        if (short := address(one)) is not None:
            written = IPv6Address(int(ip_address(one))).exploded
            found |= {short, *(written[:size] for size in _PREFIXES_V6.values())}
            networks |= {short} if "." in short else set()
    for _ in _PREFIXES_V4:
        networks = {one.rpartition(".")[0] for one in networks}
        found |= networks
    return found


def _below(hosts: set[str]) -> set[str]:
    """Names and all that they are below."""
    found, above = set(hosts), hosts
    while above := {one.partition(".")[2] for one in above if "." in one}:
        found |= above
    return found


def _of_mails(mails: set[str]) -> set[str]:
    return mails | _below({one.rpartition("@")[2] for one in mails})


def _of_texts(texts: pa.ChunkedArray) -> set[str]:
    told = texts.filter(pc.match_substring_regex(texts, _SIGNS))
    data = b"\n".join(told.cast(pa.binary()).to_pylist())
    found = {word.decode().lower() for word in set(_HASH.findall(data))}
    for netloc in set(_NETLOC.findall(data)):
        found |= _of_host(host_of(f"://{_token(netloc).lower()}"))
    return found | _mails_in(data)


def _of_host(host: str) -> set[str]:
    found = fold(pa.array([host], pa.string()))
    if (short := address(host)) is not None:
        return found | _of_addresses({short})
    return found | (_below({name}) if (name := domain(host)) is not None else set())


def _mails_in(data: bytes) -> set[str]:
    mails = set()
    for sign in _DOMAIN_OF_MAIL.finditer(data):
        before = data[max(sign.start() - LONGEST, 0) : sign.start()].decode("utf-8", "ignore")[::-1]
        if (local := _LOCAL.match(before)) and (name := _token(sign[1])[:255]):
            mails.add(f"{local[0][::-1]}@{name}".lower())
    return fold(pa.array(mails, pa.string())) if mails else mails


def _token(found: bytes) -> str:
    """What was found, as text, up to the first space of any kind."""
    token = _TOKEN.match(found.decode("utf-8", "ignore"))
    return token[0] if token else ""
