"""Where pollers may send requests: what an answer says is input that an attacker may have written.

A request goes to an origin that the settings name, over TLS, to an address of the public internet. A next link to
another host, a name that resolves to the inside, an address in the link itself: refused, before anything is sent.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import httpcore2
import msgspec
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from watchfloor.ingest.inputs.poll.fault import EgressError, UnavailableError

MAX_URL = 16 << 10
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_PORTS = {"https": 443, "http": 80}


class Origin(msgspec.Struct, frozen=True, order=True):
    """A scheme, a host and a port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def origin(url: str) -> Origin:
    """Where a URL points.

    >>> origin("https://example.okta.com/api/v1/logs?limit=1")
    Origin(scheme='https', host='example.okta.com', port=443)

    Raises:
        EgressError: It is none, is not ``https`` (``http`` only to this machine), or carries credentials.
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _PORTS or not host:
        raise EgressError("a link that is no https address: refused")
    if "@" in parts.netloc:
        raise EgressError(f"a link with credentials in it to {_told(host)}: refused")
    if parts.scheme == "http" and host not in _LOCAL:
        raise EgressError(f"a link without TLS to {_told(host)}: refused")
    return Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme])


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL or not url.isascii() or any(char <= " " or char == "\\" for char in url):
        raise EgressError("a link that is too long or has characters that none has: refused")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise EgressError("a link that is no address: refused") from None
    return parts


def _told(host: str) -> str:
    """A host for people: whoever wrote a link chose it."""
    return f"{host[:80]!r}"


class Egress:
    """The rule for one poller.

    Args:
        origins: What the settings name.
        private: Whether addresses of private networks and of this machine may be asked, too.
    """

    def __init__(self, origins: Iterable[str], *, private: bool = False) -> None:
        self._origins = frozenset(map(origin, origins))
        self._private = private

    def check(self, url: str) -> Origin:
        """The origin of a URL that may be asked.

        Raises:
            EgressError: It may not.
        """
        found = origin(url)
        if found not in self._origins:
            named = ", ".join(str(one) for one in sorted(self._origins))
            raise EgressError(f"a link to {_told(found.host)}, where only {named} may be asked: refused")
        return found

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to.

        Raises:
            EgressError: It has others only.
            UnavailableError: It has none.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UnavailableError(f"{host}: no such host now") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        allowed = addresses if self._private else [one for one in addresses if is_public(one)]
        if not allowed:
            raise EgressError(f"{host} is at a private address: refused, unless the input says private: true")
        return allowed


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, however it is written.

    >>> [is_public(one) for one in ("198.41.0.4", "169.254.169.254", "64:ff9b::7f00:1", "::ffff:10.0.0.1")]
    [True, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found in _SIX_TO_FOUR:
            return False
    return found.is_global and not found.is_multicast


class Guarded(AsyncNetworkBackend):
    """Connects to the addresses that the rule lets through: what was checked is what is connected to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to the first address that answers."""
        refused: Exception | None = None
        for address in await self._egress.addresses(host, port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                refused = error
        raise refused or httpcore2.ConnectError("no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
