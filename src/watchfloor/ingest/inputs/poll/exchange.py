"""One request, one answer, within a size and a time; and what its status says."""

import asyncio
import re
import zlib
from collections.abc import Mapping
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import httpcore2
import msgspec

from watchfloor import __version__
from watchfloor.ingest.inputs.poll.egress import Egress, Guarded
from watchfloor.ingest.inputs.poll.fault import MAX_TOLD, AnswerError, EgressError, UnavailableError
from watchfloor.ingest.limits import size_text

MAX_REDIRECTS = 3
MAX_CONNECTIONS = 8
_PIECE = re.compile(r"[A-Za-z0-9_+/%~-]{8,}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BASE = {"User-Agent": f"watchfloor/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}


class Costs(msgspec.Struct, frozen=True):
    """What one answer may cost.

    Attributes:
        answer_bytes: How long its body may be, unpacked.
        connect_seconds: How long a connection may take.
        silent_seconds: How long nothing may come.
        seconds: How long it may take as a whole.
    """

    answer_bytes: int = 64 << 20
    connect_seconds: float = 10.0
    silent_seconds: float = 30.0
    seconds: float = 120.0


class Request(msgspec.Struct, frozen=True):
    """What is asked; its headers and body may hold secrets, so that nobody prints it."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Request({place(self.url)!r})"


class Answer(msgspec.Struct, frozen=True):
    """What came: header names are in lower case, and one that came twice has its values joined by commas."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({place(self.url)!r}, {self.status})"


class Exchange:
    """Sends requests of one poller. Use as a context manager.

    ``secrets`` collects what was sent as such: :meth:`without_secrets` takes it out of whatever comes back.
    """

    def __init__(self, egress: Egress, costs: Costs | None = None) -> None:
        self._egress = egress
        self._costs = costs or Costs()
        self._secrets: set[str] = set()
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=MAX_CONNECTIONS, keepalive_expiry=15, network_backend=Guarded(egress)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    def keep_secret(self, *texts: str) -> None:
        """These must not be told to anybody, in whatever form URLs give them."""
        self._secrets.update(form for text in texts if text for form in (text, quote(text, safe="")))

    def without_secrets(self, text: str) -> str:
        """A text that the other side wrote, and that may repeat what it was sent, whole or in part; shortened."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        text = _PIECE.sub(lambda found: "***" if any(found[0] in one for one in self._secrets) else found[0], text)
        return text[:MAX_TOLD]

    async def send(self, request: Request) -> Answer:
        """The answer to a request, whatever its status; redirects are followed inside an origin.

        Raises:
            EgressError: The request, or a redirect, leaves the origins that may be asked.
            UnavailableError: There is no answer, or not in time.
            AnswerError: It is too large or broken.
        """
        for _ in range(MAX_REDIRECTS + 1):
            asked = self._egress.check(request.url)
            answer = await self._timed(request)
            if answer.status not in _REDIRECTS:
                return answer
            target = urljoin(request.url, answer.headers.get("location", ""))
            if request.method != "GET" or self._egress.check(target) != asked:
                raise EgressError(f"{place(request.url)}: redirects to another place: refused")
            request = Request(target, headers=request.headers)
        raise AnswerError(f"{place(request.url)}: redirects again and again")

    async def _timed(self, request: Request) -> Answer:
        where = place(request.url)
        try:
            async with asyncio.timeout(self._costs.seconds):
                return await self._once(request)
        except (TimeoutError, httpcore2.TimeoutException):
            raise UnavailableError(f"{where}: no answer in time") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            # Their texts may repeat parts of the request.
            raise UnavailableError(f"{where}: {type(error).__name__}") from None

    async def _once(self, request: Request) -> Answer:
        costs = self._costs
        limits = {"connect": costs.connect_seconds, "pool": costs.seconds}
        silent = {"read": costs.silent_seconds, "write": costs.silent_seconds}
        async with self._pool.stream(
            request.method,
            request.url,
            headers=list((_BASE | dict(request.headers)).items()),
            content=request.body,
            extensions={"timeout": limits | silent},
        ) as response:
            headers: dict[str, str] = {}
            for name, value in response.headers:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                headers[key] = f"{headers[key]}, {text}" if key in headers else text
            body = await self._body(response, headers.get("content-encoding", ""), place(request.url))
        return Answer(request.url, response.status, headers, body)

    async def _body(self, response: httpcore2.Response, encoding: str, where: str) -> bytes:
        if encoding.lower() not in {"", "identity", "gzip"}:
            raise AnswerError(f"{where}: an encoding that was not asked for")
        unpack = zlib.decompressobj(wbits=31) if encoding.lower() == "gzip" else None
        most, body = self._costs.answer_bytes, bytearray()
        async for piece in response.aiter_stream():
            try:
                body += unpack.decompress(piece, most + 1 - len(body)) if unpack else piece
            except zlib.error:
                raise AnswerError(f"{where}: broken gzip") from None
            if len(body) > most:
                raise AnswerError(f"{where}: an answer longer than {size_text(most)}")
        if unpack and body and not unpack.eof:
            raise AnswerError(f"{where}: gzip that breaks off")
        return bytes(body)


def place(url: str) -> str:
    """A URL for people: without its query, which may hold anything.

    >>> place("https://example.okta.com/api/v1/logs?after=secret")
    'example.okta.com/api/v1/logs'
    """
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"[:200]
