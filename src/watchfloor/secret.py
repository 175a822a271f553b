"""Secrets: named by where they are, read when they are used, never shown."""

import os
from pathlib import Path

import msgspec

from watchfloor.errors import InputError, argument

MAX_BYTES = 64 << 10


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret in a file or in an environment variable: ``{file: /run/secrets/okta}``, ``{env: OKTA_TOKEN}``.

    Settings, logs and errors hold this reference; only :meth:`read` gives the text.

    >>> Secret(env="OKTA_TOKEN")
    Secret(file=None, env='OKTA_TOKEN')
    """

    file: Path | None = None
    env: str | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.env is None):
            raise ValueError("a secret is {file: PATH} or {env: NAME}")

    def read(self) -> str:
        """The secret, without blanks around it.

        Raises:
            InputError: It is not there, is empty, is no text or is too long; says where it was looked for.
        """
        text = os.environ.get(self.env, "") if self.env is not None else self._in_file()
        if not (text := text.strip()):
            raise InputError(f"{self.place}: no secret there")
        return text

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"environment variable {self.env}" if self.file is None else str(self.file)

    def _in_file(self) -> str:
        assert self.file is not None  # noqa: S101 - one of the two is there
        with argument(self.file), self.file.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError(f"{self.file}: longer than {MAX_BYTES} bytes: no secret")
        try:
            return data.decode()
        except UnicodeDecodeError:
            # The bytes are not told: they may be the secret.
            raise InputError(f"{self.file}: not UTF-8 text") from None
