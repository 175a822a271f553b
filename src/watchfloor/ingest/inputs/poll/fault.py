"""What can be wrong with a vendor's API, by what must be done about it.

::

    RemoteError
    ├── CredentialsError        who asks is not known, or no longer       a person: renew the credentials
    ├── PermissionMissingError  who asks may not                          a person: grant what is named
    ├── EgressError             it points to where nobody may be asked    a person: look at the settings, or the vendor
    ├── BusyError               too many requests                         wait as long as it says
    ├── UnavailableError        no answer, or one that says later         wait longer each time
    ├── AnswerError             an answer that cannot be read             wait longer each time
    ├── CursorError             it does not know where we were            begin again where all has landed for sure
    └── WindowError             more than one listing gives               ask for a shorter time

Their messages go to logs and people: they hold no secret, no query and no header, and of the vendor's words what
:func:`words` lets through.
"""

import re
from typing import Any

import orjson

from watchfloor.errors import RemoteError

MAX_SAID = 4096
"""More of a vendor's words is not looked at."""
MAX_TOLD = 160
"""More of them, once secrets are out, is not told."""
_SAYING = ("errorSummary", "error_description", "message", "Message", "error", "errors", "detail", "code")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class CredentialsError(RemoteError):
    """The credentials are wrong, expired or revoked."""


class PermissionMissingError(RemoteError):
    """The credentials are known, and may not do this."""


class EgressError(RemoteError):
    """An address that may not be asked."""


class BusyError(RemoteError):
    """Too many requests: ``wait`` says for how many seconds there may be none."""

    def __init__(self, reason: str, *, wait: float) -> None:
        super().__init__(reason)
        self.wait = wait


class UnavailableError(RemoteError):
    """No answer, or a failure on the other side; ``wait`` in seconds, if the vendor named one."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class AnswerError(RemoteError):
    """An answer that is not as documented; ``status`` is that of an error that nothing else explains."""

    def __init__(self, reason: str, *, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class CursorError(RemoteError):
    """A request that went on from a cursor was refused as such."""


class WindowError(RemoteError):
    """A time window holds more than a listing gives."""


def words(body: bytes) -> str:
    """What the vendor says about a failure, in one line of printable ASCII; empty if it says nothing readable.

    >>> words(b'{"error": {"code": "AF10001", "message": "The permission set does not include it"}}')
    'AF10001: The permission set does not include it'
    >>> words(b"<html>")
    ''
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    text, code = _said(said, 4)
    text = f"{code}: {text}" if code and text and code != text else text or code
    return _UNPRINTABLE.sub(" ", text[:MAX_SAID])


def _said(value: Any, depth: int) -> tuple[str, str]:
    """The message and the code in an error's object."""
    if isinstance(value, str) or depth == 0:
        return (value if isinstance(value, str) else ""), ""
    if isinstance(value, list):
        return _said(value[0], depth - 1) if value else ("", "")
    if not isinstance(value, dict):
        return "", ""
    code = value.get("code") or value.get("errorCode") or ""
    for name in _SAYING:
        if value.get(name):
            text, inner = _said(value[name], depth - 1)
            if text:
                return text, inner or (str(code) if isinstance(code, str | int) else "")
    return "", str(code) if isinstance(code, str | int) else ""
