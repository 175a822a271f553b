"""What all endpoints share: who is it, what is in the body, and land it."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from watchfloor.arrival import Arrival, Intake
from watchfloor.costs import cost
from watchfloor.errors import OverloadError, StoreError
from watchfloor.ingest.delivery import deliveries
from watchfloor.ingest.frame import Unreadable
from watchfloor.ingest.http.body import Bodies, BodyLimits
from watchfloor.ingest.http.repeats import Repeats
from watchfloor.ingest.http.tokens import Token, Tokens
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import Stream

STORE_RETRY = "5"
_MAX_REFUSED = 20


class Refused(msgspec.Struct, frozen=True):
    """Records of a request that were not taken: of this reason, so many, the first at this line."""

    reason: str
    line: int
    count: int


class Framed(msgspec.Struct, frozen=True):
    """The records of a body, each with its line and its index inside an array."""

    raw: list[bytes]
    line: list[int]
    index: list[int | None]
    refused: list[Refused]


class Gate:
    """Authenticates requests, reads their bodies and lands their records."""

    def __init__(self, intake: Intake, tokens: Tokens, limits: BodyLimits | None = None) -> None:
        self._intake = intake
        self._tokens = tokens
        self.bodies = Bodies(limits or BodyLimits())
        self.longest = Limits().record_bytes
        """How long a record may be."""
        self._repeats: dict[str, Repeats] = {}

    def token(self, request: Request) -> Token:
        """Who sends a request: by ``Authorization: Bearer``, ``Splunk``, ``ApiKey`` or ``Basic`` (the password).

        Raises:
            HTTPException: 401; 503 where the tokens cannot be read.
        """
        try:
            for text in _offered(request.headers.get("authorization", "")):
                if token := self._tokens.find(text):
                    return token
        except StoreError as error:
            raise HTTPException(503, "the tokens cannot be read", {"Retry-After": STORE_RETRY}) from error
        raise HTTPException(401, "no such token", {"WWW-Authenticate": "Bearer"})

    async def frame(self, body: bytes) -> Framed:
        """The records of a body in any framing that files come in.

        Raises:
            HTTPException: 413: they are too many.
        """
        return await asyncio.to_thread(_framed, body, self.bodies.limits)

    async def land(
        self,
        token: Token,
        raw: Sequence[bytes],
        *,
        line: Sequence[int] | None = None,
        index: Sequence[int | None] | None = None,
        tenant: str | None = None,
    ) -> Callable[[], None]:
        """Land records; call what it returns when the sender is there to be answered.

        Raises:
            HTTPException: 429 or 503: repeat the request.
        """
        repeats = self._repeats.setdefault(token.name, Repeats())
        ordinals = repeats.ordinals(raw)
        arrival = Arrival(
            tenant or token.tenant,
            f"http/{token.name}",
            raw,
            line if line is not None else range(1, len(raw) + 1),
            ordinals,
            token.source,
            index,
        )
        try:
            await self._intake.land(arrival)
        except OverloadError as error:
            raise HTTPException(429, "busy", {"Retry-After": f"{max(1, round(error.retry_after))}"}) from error
        except StoreError as error:
            raise HTTPException(503, "the disk refuses it", {"Retry-After": STORE_RETRY}) from error
        return lambda: repeats.answered(raw, ordinals)

    def drop(self, token: Token, refused: Sequence[Refused]) -> None:
        """Count what a request held and what was not taken."""
        for one in refused:
            self._intake.drop(f"http/{token.name}", one.reason, one.count)


def _offered(header: str) -> list[str]:
    """The texts in a header that may be a token."""
    scheme, _, credentials = header.strip().partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "bearer" | "splunk":
            return [credentials]
        case "basic" | "apikey":
            try:
                _, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError, ValueError):
                password = ""
            return [password, credentials]
        case _:
            return []


def _framed(body: bytes, limits: BodyLimits) -> Framed:
    framed = Framed([], [], [], [])
    refused: dict[str, Refused] = {}
    with cost("frame"):
        for _, items in deliveries(Stream([body]), "body", Limits()):
            for item in items:
                if isinstance(item, Unreadable):
                    _refuse(refused, item)
                else:
                    framed.raw.extend(item.raw)
                    framed.line.extend(item.line)
                    framed.index.extend(item.index)
                    limits.check_records(len(framed.raw))
    framed.refused.extend(refused.values())
    return framed


def _refuse(refused: dict[str, Refused], item: Unreadable) -> None:
    known = refused.get(item.reason)
    if known is None and len(refused) == _MAX_REFUSED:
        return
    refused[item.reason] = Refused(item.reason, known.line if known else item.line, known.count + 1 if known else 1)
