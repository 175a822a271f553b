"""Indicators: what threat intelligence says is bad, as values that events can be held against.

Intelligence is read into these, the store keeps them, enrichment matches them; they meet here. A value is normalized,
so that equal things are equal texts.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

import msgspec

Kind = Literal["address", "network", "domain", "url", "hash", "mail"]
Value = tuple[Kind, str]

MAX_VALUE = 2048
"""A longer value is none: what browsers take of a URL."""

WIDEST = {4: 8, 6: 16}
"""The fewest bits of a network's prefix: a wider one is half the internet, and says nothing of an address."""

_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}")
_URL = re.compile(r"([a-z][a-z0-9+.-]{0,20}://)([^/?#\s]+)([^#\s]*)", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s]{1,64}@([^@\s]{1,255})")
_LABELS = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


class Indicator(msgspec.Struct, frozen=True):
    """One indicator of a feed, in its newest version; any of its values is a sighting. Times in ms.

    ``confidence`` is that of STIX, 0 to 100, the feed's own where the indicator has none.
    """

    id: str
    values: tuple[Value, ...]
    feed: str
    name: str = ""
    confidence: int | None = None
    since: int = 0
    until: int | None = None
    modified: int = 0
    revoked: bool = False


def address(text: str) -> str | None:
    """An IP address in its shortest form; one of IPv4 that is written as IPv6 is IPv4.

    >>> address("::ffff:192.0.2.1"), address("2001:DB8:0::1"), address("192.0.2.1/24")
    ('192.0.2.1', '2001:db8::1', None)
    """
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return str(_plain(parsed))


def _plain(parsed: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            parsed = IPv6Address(int(parsed))
        return parsed.ipv4_mapped or parsed
    return parsed


def domain(text: str) -> str | None:
    """A host name of at least two labels, in ASCII and lower case.

    >>> domain("Evil.Example."), domain("bücher.example"), domain("com"), domain("192.0.2.1")
    ('evil.example', 'xn--bcher-kva.example', None, None)
    """
    text = text.rstrip(".").lower()
    if len(text) > 253:
        return None
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError:
            return None
    last = text.rpartition(".")[2]
    return text if _LABELS.fullmatch(text) and not last.isdigit() else None


def url(text: str) -> str | None:
    """A URL with scheme and host in lower case, with a path and without a fragment.

    >>> url("HTTP://Evil.Example#top"), url("http://evil.example/A?b#c"), url("evil")
    ('http://evil.example/', 'http://evil.example/A?b', None)
    """
    if len(text) > MAX_VALUE or not (found := _URL.match(text)):
        return None
    scheme, host, path = found.groups()
    return f"{scheme}{host}".lower() + (path if path.startswith("/") else f"/{path}")


def host_of(text: str) -> str:
    """The host of a normalized URL, without user and port.

    >>> host_of("http://user@evil.example:8080/x"), host_of("http://[2001:db8::1]:80/")
    ('evil.example', '2001:db8::1')
    """
    netloc = text.partition("://")[2].partition("/")[0].rpartition("@")[2]
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0]
    return netloc.partition(":")[0]


def mail(text: str) -> str | None:
    """A mail address in lower case."""
    return text.lower() if len(text) <= 320 and _MAIL.fullmatch(text) else None


def digest(text: str) -> str | None:
    """A hash as lower-case hexadecimal digits, by their number MD5, SHA-1, SHA-256, SHA-384 or SHA-512."""
    text = text.lower()
    return text if len(text) <= 128 and _HASH.fullmatch(text) else None


def network(text: str) -> Value | None:
    """A network, or an address if it holds one alone; none if it is wider than :data:`WIDEST`.

    >>> network("192.0.2.7/24"), network("192.0.2.7/32"), network("0.0.0.0/0")
    (('network', '192.0.2.0/24'), ('address', '192.0.2.7'), None)
    """
    try:
        parsed = ip_network(text, strict=False)
    except ValueError:
        return None
    if parsed.num_addresses == 1:
        return "address", str(_plain(parsed.network_address))
    return ("network", str(parsed)) if parsed.prefixlen >= WIDEST[parsed.version] else None
