"""A vendor's API as one input uses it: paced, with its credentials, and with failures told by what they mean."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode

import orjson

from watchfloor.clock import Clock
from watchfloor.ingest.inputs.poll.auth import Authorization, token_url
from watchfloor.ingest.inputs.poll.definition import Definition
from watchfloor.ingest.inputs.poll.egress import Egress
from watchfloor.ingest.inputs.poll.exchange import Answer, Costs, Exchange, Request, place
from watchfloor.ingest.inputs.poll.fault import (
    AnswerError,
    BusyError,
    CredentialsError,
    CursorError,
    PermissionMissingError,
    UnavailableError,
    words,
)
from watchfloor.ingest.inputs.poll.pace import Pace, retry_after
from watchfloor.ingest.inputs.poll.template import fill, segment
from watchfloor.ingest.inputs.poll.values import Values

_AGAIN = frozenset({408, 425})
_LOST = frozenset({400, 404, 409, 410, 422})
_FORMATS = {"seconds": "%Y-%m-%dT%H:%M:%SZ", "plain": "%Y-%m-%dT%H:%M:%S", "offset": "%Y-%m-%dT%H:%M:%S+00:00"}


class Api:
    """Asks one vendor. Use as a context manager.

    Args:
        share: Which part of what the vendor allows may be used.
        private: Whether addresses of private networks may be asked.

    Raises:
        InputError: There are no credentials.
        EgressError: The settings name what may not be asked.
    """

    def __init__(
        self,
        definition: Definition,
        values: Values,
        clock: Clock,
        *,
        share: float = 1.0,
        private: bool = False,
        costs: Costs | None = None,
    ) -> None:
        self.base = values.base(definition)
        self._clock = clock
        self._definition = definition
        self._texts = values.texts
        auth = values.auth(definition)
        tokens = token_url(auth, values)
        self._exchange = Exchange(Egress([self.base, *([tokens] if tokens else [])], private=private), costs)
        self._authorization = Authorization(auth, values, self._exchange, clock)
        self._pace = Pace(definition.limits, clock, share=share)

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exchange.__aexit__()

    def url(self, path: str, query: Mapping[str, str], texts: Mapping[str, str]) -> str:
        """The URL of a path of the API, both filled from ``texts``."""
        filled = {name: fill(value, texts) for name, value in query.items()}
        return f"{self.base}{fill(path, texts, segment)}" + (f"?{urlencode(filled)}" if filled else "")

    async def get(self, url: str, *, cursor: bool = False, accepted: tuple[str, ...] = ()) -> Answer:
        """What is at a URL; ``cursor`` says that it goes on from one.

        Errors whose words hold one of the ``accepted`` codes are answers, too.

        Raises:
            RemoteError: It is not to be had; the kind says why.
        """
        return await self._ask(Request(url), cursor=cursor, accepted=accepted)

    async def post(self, url: str, body: Any, *, accepted: tuple[str, ...] = ()) -> Answer:
        """What comes back for a JSON body. Raises as :meth:`get`."""
        content = b"" if body is None else orjson.dumps(body)
        request = Request(url, "POST", {"Content-Type": "application/json"}, content)
        return await self._ask(request, cursor=False, accepted=accepted)

    async def _ask(self, request: Request, *, cursor: bool, accepted: tuple[str, ...]) -> Answer:
        proof = await self._authorization.header()
        answer = await self._send(request, proof)
        if answer.status == 401 and self._authorization.refused(proof):
            answer = await self._send(request, await self._authorization.header())
        if 200 <= answer.status < 300:
            return answer
        said = words(answer.body)
        if any(code.encode() in answer.body for code in accepted):
            return answer
        self._judge(answer, self._exchange.without_secrets(said), cursor=cursor)
        raise AssertionError("judged")

    async def _send(self, request: Request, proof: Mapping[str, str]) -> Answer:
        if (wait := self._pace.wait()) > 0:
            await asyncio.sleep(wait)
        own = {name: fill(value, self._texts) for name, value in self._definition.headers.items()}
        headers = {**own, **request.headers, **proof}
        began = time.monotonic()
        answer = await self._exchange.send(Request(request.url, request.method, headers, request.body))
        self._pace.seen(answer.headers, took=time.monotonic() - began)
        return answer

    def _judge(self, answer: Answer, said: str, *, cursor: bool) -> None:
        where, status = place(answer.url), answer.status
        told = f"{where}: status {status}" + (f": {said}" if said else "")
        if (wait := self._pace.busy(status, answer.headers, answer.body)) is not None:
            raise BusyError(f"{where}: too many requests", wait=wait)
        if status >= 500 or status in _AGAIN:
            raise UnavailableError(told, wait=retry_after(answer.headers, self._clock()))
        if status == 401:
            raise CredentialsError(told)
        if status == 403:
            raise PermissionMissingError(told)
        if status in _LOST and cursor:
            raise CursorError(told)
        raise AnswerError(told, status=status)


def moment(seconds: int, times: str) -> str:
    """A time as a stream writes it.

    >>> moment(1_767_225_600, "seconds"), moment(1_767_225_600, "plain")
    ('2026-01-01T00:00:00Z', '2026-01-01T00:00:00')
    """
    return datetime.fromtimestamp(seconds, UTC).strftime(_FORMATS[times])
