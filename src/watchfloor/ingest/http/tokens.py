"""Tokens: who may deliver, for which tenant and log source. The file holds their hashes, never the tokens."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from watchfloor.errors import InputError, StoreError, storing

_PREFIX = "wf_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Token(msgspec.Struct, frozen=True):
    """What is known of a token: ``digest`` is its SHA-256, enough for 256 random bits.

    With a ``source``, all that is delivered with it is of this log source, whatever it claims to be.
    """

    name: str
    digest: str
    tenant: str
    source: str | None = None
    created_at: str = ""


class Tokens:
    """The tokens of a data folder's file; it is read again when it was changed. If it cannot be, those before stay.

    Raises:
        StoreError: The file cannot be read or written, or is not as it was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: tuple[int, ...] | None = None
        self._by_digest: dict[str, Token] = {}

    def find(self, text: str) -> Token | None:
        """The token with this text."""
        self._refresh()
        # Looked up by its hash: what time that takes says nothing of the token.
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        token = self._by_digest.get(digest)
        return token if token is not None and hmac.compare_digest(token.digest, digest) else None

    def all(self) -> list[Token]:
        """Every token, by name."""
        self._refresh()
        return sorted(self._by_digest.values(), key=lambda token: token.name)

    def create(self, name: str, *, tenant: str, source: str | None, now: str) -> str:
        """Make a token; its text is told this once.

        Raises:
            InputError: The name is taken, or is none.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r}: a token's name is up to 64 letters, digits, dots, dashes and underscores")
        known = self.all()
        if any(token.name == name for token in known):
            raise InputError(f"{name}: there is a token of this name; revoke it first")
        text = _PREFIX + secrets.token_urlsafe(32)
        self._write([*known, Token(name, hashlib.sha256(text.encode()).hexdigest(), tenant, source, now)])
        return text

    def revoke(self, name: str) -> None:
        """Take a token back; what comes with it from now on is refused.

        Raises:
            InputError: There is none of this name.
        """
        known = self.all()
        if not any(token.name == name for token in known):
            raise InputError(f"{name}: no such token")
        self._write(token for token in known if token.name != name)

    def _refresh(self) -> None:
        with storing(self._path):
            try:
                found = self._path.stat()
            except FileNotFoundError:
                self._state, self._by_digest = None, {}
                return
            state = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)
            if state == self._state:
                return
            data = self._path.read_bytes()
        try:
            tokens = msgspec.json.decode(data, type=list[Token])
        except msgspec.MsgspecError as error:
            if self._state is not None:
                self._state = state
                return
            raise StoreError(f"{self._path}: not a file of tokens: {error}") from error
        self._state, self._by_digest = state, {token.digest: token for token in tokens}

    def _write(self, tokens: Iterable[Token]) -> None:
        part = self._path.with_name(f".{self._path.name}")
        with storing(self._path):
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
                file.write(msgspec.json.format(msgspec.json.encode(list(tokens))))
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._path)
