"""A feed of indicators as it stands in the settings: a collection of TAXII 2.1 that is read again and again."""

import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from watchfloor.errors import InputError, argument
from watchfloor.ingest.inputs.poll.definition import seconds
from watchfloor.ingest.taxii import Collection, Login, origin_of
from watchfloor.secret import Secret

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``{name: acme, url: "https://taxii.example.com/root/collections/ID/", token: {file: /run/secrets/acme}}``.

    Attributes:
        name: Whose indicators they are.
        url: The collection. No request goes to another origin.
        every: How long to wait until it is read again.
        token: A bearer token,
        login: or ``user:password``.
        confidence: Of the feed, for indicators that do not say their own.
        ca: Certificates of an authority of one's own.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    url: str
    every: str = "1h"
    token: Secret | None = None
    login: Secret | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        if self.token is not None and self.login is not None:
            raise ValueError("one login is enough: token or login")
        if not seconds(self.every):
            raise ValueError(f"{self.every!r}: longer than nothing")
        try:
            origin = origin_of(self.url)
        except InputError as error:
            raise ValueError(str(error)) from error
        if origin.startswith("http:") and urlsplit(self.url).hostname not in _LOCAL:
            raise ValueError(f"{self.url}: without TLS, only this machine is asked")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"taxii/{self.name}"

    @property
    def period(self) -> float:
        """``every`` in seconds."""
        return seconds(self.every)

    def collection(self) -> Collection:
        """What is to be read.

        Raises:
            InputError: ``ca`` cannot be read.
        """
        return Collection(self.url, allowed=(self.url,), login=Login(self.token, self.login), context=self._context())

    def _context(self) -> ssl.SSLContext | None:
        if self.ca is None:
            return None
        with argument(self.ca):
            try:
                return ssl.create_default_context(cafile=self.ca)
            except ssl.SSLError as error:
                raise InputError(f"{self.ca}: no certificates in it") from error
