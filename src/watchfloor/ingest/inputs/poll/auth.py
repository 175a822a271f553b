"""Proves to a vendor who asks: a header that stays, or a token that is fetched and renewed before it ends."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import orjson

from watchfloor.clock import Clock
from watchfloor.ingest.inputs.poll.definition import Auth, ClientCredentials, GitHubApp, Header, ServiceAccount
from watchfloor.ingest.inputs.poll.exchange import Answer, Exchange, Request, place
from watchfloor.ingest.inputs.poll.fault import AnswerError, CredentialsError, UnavailableError, words
from watchfloor.ingest.inputs.poll.jwt import signed
from watchfloor.ingest.inputs.poll.values import Values

EARLY = timedelta(seconds=60)
"""A token is renewed so long before it ends."""
SHORTEST = timedelta(seconds=30)
LONGEST = timedelta(hours=12)
_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Token(msgspec.Struct, frozen=True):
    text: str
    renew_at: datetime


def _bearer(token: _Token) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.text}"}


def token_url(auth: Auth, values: Values) -> str | None:
    """Where tokens come from, if they have to be fetched."""
    return None if isinstance(auth, Header) else values.filled(auth.url)[0]


class Authorization:
    """The header that proves who asks."""

    def __init__(self, auth: Auth, values: Values, exchange: Exchange, clock: Clock) -> None:
        self._auth = auth
        self._values = values
        self._exchange = exchange
        self._clock = clock
        self._token: _Token | None = None
        self._renewing = asyncio.Lock()

    async def header(self) -> Mapping[str, str]:
        """One header.

        Raises:
            InputError: A secret is not where it should be.
            CredentialsError: The vendor does not accept them.
            RemoteError: No token can be had now.
        """
        if isinstance(self._auth, Header):
            return {self._auth.name: self._read(self._auth.value)}
        async with self._renewing:
            if self._token is None or self._clock() >= self._token.renew_at:
                self._token = None
                self._token = await self._fetch()
            return _bearer(self._token)

    def refused(self, header: Mapping[str, str]) -> bool:
        """The vendor does not know what was sent any more: whether a new token may help."""
        if isinstance(self._auth, Header):
            return False
        # Another request may have renewed it meanwhile.
        if self._token and header == _bearer(self._token):
            self._token = None
        return True

    async def _fetch(self) -> _Token:
        request = self._grant()
        answer = await self._exchange.send(request)
        where = place(request.url)
        if answer.status >= 500 or answer.status == 429:
            raise UnavailableError(f"{where}: no token: status {answer.status}")
        if answer.status >= 400:
            said = self._exchange.without_secrets(words(answer.body))
            raise CredentialsError(f"{where}: no token: {said or f'status {answer.status}'}")
        return self._taken(answer, where)

    def _taken(self, answer: Answer, where: str) -> _Token:
        try:
            said: Any = orjson.loads(answer.body)
            text = said["token"] if isinstance(self._auth, GitHubApp) else said["access_token"]
            lasts = _lasts(said, self._clock())
        except (ValueError, TypeError, LookupError):
            raise AnswerError(f"{where}: an answer without a token") from None
        if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
            raise AnswerError(f"{where}: a token that is none")
        self._exchange.keep_secret(text)
        return _Token(text, self._clock() + max(SHORTEST, min(lasts, LONGEST) - EARLY))

    def _grant(self) -> Request:
        now = int(self._clock().timestamp())
        match self._auth:
            case ClientCredentials(url=url, client_id=client, client_secret=secret, scope=scope):
                form = {"grant_type": "client_credentials", "client_id": self._read(client)}
                form |= {"client_secret": self._read(secret)} | ({"scope": self._read(scope)} if scope else {})
                return Request(self._read(url), "POST", _FORM, urlencode(form).encode())
            case ServiceAccount(url=url, key=key, subject=subject, scope=scope):
                account, pem = _key_file(self._read(key), self._exchange)
                who = {"iss": account, "sub": self._read(subject), "scope": self._read(scope)}
                token = signed({**who, "aud": self._read(url), "iat": now, "exp": now + 3600}, pem)
                self._exchange.keep_secret(token)
                form = {"grant_type": _ASSERTION, "assertion": token}
                return Request(self._read(url), "POST", _FORM, urlencode(form).encode())
            case GitHubApp(url=url, app=app, key=key):
                # Its clock may be behind ours by a little.
                claims = {"iss": self._read(app), "iat": now - 60, "exp": now + 540}
                token = signed(claims, self._read(key))
                self._exchange.keep_secret(token)
                return Request(self._read(url), "POST", {"Authorization": f"Bearer {token}"})
            case _:
                raise AssertionError("a header needs no token")

    def _read(self, template: str) -> str:
        text, secrets = self._values.filled(template)
        self._exchange.keep_secret(*secrets)
        if isinstance(self._auth, Header) and not (text.isascii() and text.isprintable()):
            raise CredentialsError("the secret has characters that no header can hold")
        return text


def _key_file(text: str, exchange: Exchange) -> tuple[str, str]:
    """The account and the private key in the JSON key file of a Google service account."""
    try:
        key = orjson.loads(text)
        account, pem = key["client_email"], key["private_key"]
    except (ValueError, TypeError, LookupError):
        raise CredentialsError("the key is not the JSON key file of a service account") from None
    if not isinstance(account, str) or not isinstance(pem, str):
        raise CredentialsError("the key is not the JSON key file of a service account")
    exchange.keep_secret(pem)
    return account, pem


def _lasts(said: Mapping[str, Any], now: datetime) -> timedelta:
    if "expires_at" in said:
        return datetime.fromisoformat(said["expires_at"]) - now
    return timedelta(seconds=min(float(said.get("expires_in", 3600)), 1e6))
