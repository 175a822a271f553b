"""Reads collections of TAXII 2.1 (OASIS), page by page, from servers that were allowed by name.

The one way out for intelligence feeds. It goes to allowed origins alone (``https://taxii.example.com``, with its port
if it has one of its own), follows no redirect, and takes pages of a bounded size and number. A secret is read when it
is used and goes to the allowed origin alone.
"""

import base64
import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson

from watchfloor.errors import InputError
from watchfloor.secret import Secret

MEDIA_TYPE = "application/taxii+json;version=2.1"
MAX_PAGE_BYTES = 64 << 20
MAX_PAGES = 10_000
TIMEOUT = 60
"""How many seconds the server may be silent."""

PAGE_SECONDS = 600
"""How many seconds a page may take, however slowly it drips."""

_PORTS = {"http": 80, "https": 443}


class Login(msgspec.Struct, frozen=True):
    """How to sign in: with a bearer token, or with ``user:password`` (Basic); neither: not at all."""

    token: Secret | None = None
    password: Secret | None = None

    def header(self) -> dict[str, str]:
        """The header, with the secret in it."""
        if self.token is not None:
            return {"Authorization": f"Bearer {_sendable(self.token)}"}
        if self.password is not None:
            return {"Authorization": f"Basic {base64.b64encode(self.password.read().encode()).decode()}"}
        return {}


def _sendable(secret: Secret) -> str:
    text = secret.read()
    if not text.isprintable() or any(char > "\xff" for char in text):
        # The library's own error would show it.
        raise InputError(f"{secret.place}: holds characters that no token has")
    return text


class Page(msgspec.Struct, frozen=True):
    """The objects of a page, and when the server got the last of them, to go on from the next time."""

    objects: list[Any]
    added: str | None


class Collection:
    """A collection by its URL, ``https://HOST/ROOT/collections/ID/``.

    Args:
        url: The collection.
        allowed: The origins that may be gone to.
        login: How to sign in.
        context: TLS, for certificates of an authority of one's own.
        clock: Seconds that only grow.

    Raises:
        InputError: The URL is none, or its origin is not allowed.
    """

    def __init__(
        self,
        url: str,
        *,
        allowed: tuple[str, ...],
        login: Login | None = None,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin_of(url)
        if self.origin not in {origin_of(one) for one in allowed}:
            raise InputError(f"{url}: {self.origin} is not allowed; name it with --allow")
        self._path = urlsplit(url).path.rstrip("/")
        self._login = login or Login()
        self._context = context
        self._clock = clock
        self._url = url

    def pages(self, added_after: str | None = None) -> Iterator[Page]:
        """The pages of objects that were added after a time, the oldest first.

        Raises:
            InputError: The server cannot be reached, refuses, or answers what is no TAXII 2.1.
        """
        query = {"added_after": added_after} if added_after else {}
        for _ in range(MAX_PAGES):
            envelope, added = self._get(query)
            objects = envelope.get("objects", [])
            if not isinstance(objects, list):
                raise self._error("objects is no list")
            yield Page(objects, added)
            following = envelope.get("next")
            if envelope.get("more") is not True:
                return
            if isinstance(following, str) and following and len(following) <= 4096:
                query = {**({"added_after": added_after} if added_after else {}), "next": following}
            elif added and added != query.get("added_after"):
                # A server that keeps no cursor goes on from the time of the last object (TAXII 2.1, 3.4).
                query = {"added_after": added}
            else:
                raise self._error("more is promised, with nowhere to go on")
        raise self._error(f"more than {MAX_PAGES:,} pages")

    def _get(self, query: dict[str, str]) -> tuple[dict[str, Any], str | None]:
        connection = self._connection()
        path = f"{self._path}/objects/" + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request("GET", path, headers={"Accept": MEDIA_TYPE, **self._login.header()})
            with connection.getresponse() as answer:
                body = _body(answer, deadline=self._clock() + PAGE_SECONDS, clock=self._clock)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._error(f"cannot be read: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise self._error(_refusal(answer.status))
        if len(body) > MAX_PAGE_BYTES:
            raise self._error(f"a page of more than {MAX_PAGE_BYTES >> 20} MiB")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise self._error("a compressed page, which was not asked for")
        added = answer.headers.get("X-TAXII-Date-Added-Last")
        return self._envelope(body), added if added and len(added) <= 64 else None

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=TIMEOUT, context=self._context)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT)

    def _envelope(self, body: bytes) -> dict[str, Any]:
        try:
            envelope = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise self._error(f"no JSON: {error}") from error
        if not isinstance(envelope, dict):
            raise self._error("no TAXII envelope")
        return envelope

    def _error(self, reason: str) -> InputError:
        return InputError(f"{self._url}: {reason}")


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as they are compared.

    >>> origin_of("HTTPS://Taxii.Example.com/api/"), origin_of("http://127.0.0.1:8080")
    ('https://taxii.example.com:443', 'http://127.0.0.1:8080')

    Raises:
        InputError: It is no URL of HTTP, or one with a user in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise InputError(f"{url}: no URL: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise InputError(f"{url}: no URL as in https://taxii.example.com/root/collections/ID/, with no user in it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def _body(answer: http.client.HTTPResponse, *, deadline: float, clock: Callable[[], float]) -> bytes:
    """At most one byte more than a page may have."""
    body = bytearray()
    while len(body) <= MAX_PAGE_BYTES and (part := answer.read1(1 << 16)):
        body += part
        if clock() > deadline:
            raise TimeoutError(f"a page takes longer than {PAGE_SECONDS} seconds")
    return bytes(body)


def _refusal(status: int) -> str:
    reasons = {
        401: "401: the login is missing or wrong",
        403: "403: the login may not read this collection",
        404: "404: there is no such collection",
        406: "406: the server does not speak TAXII 2.1",
        429: "429: too many requests; try again later",
    }
    return f"the server answers {reasons.get(status, str(status))}"
