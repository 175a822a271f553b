"""Every error that Watchfloor raises on purpose.

::

    WatchfloorError
    ├── InputError        an argument gives nothing readable            exit status 2
    ├── ContentError      a rule, source, playbook or policy is wrong   named; the rest loads
    ├── RecordError       one record cannot be read                     dead letter; the rest flows
    ├── GateError         a check, a test or a verification failed      exit status 1
    ├── StoreError        the data folder cannot be read or written     exit status 2
    ├── OverloadError     what arrives cannot be taken now              the sender is told when to try again
    └── RemoteError       another system does not give what it should   asked again; the input says what is wrong

Each message names the place, what was wrong and, where there is something to do, what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class WatchfloorError(Exception):
    """The root of the tree; never raised itself."""


class InputError(WatchfloorError):
    """An argument that gives nothing readable."""


class ContentError(WatchfloorError):
    """A content file that cannot be loaded.

    Args:
        path: The file.
        reason: What is wrong with it, in one line.
        line: 1-based line, where it is known.

    >>> str(ContentError("rules/a.yml", "not a mapping", line=3))
    'rules/a.yml:3: not a mapping'
    """

    def __init__(self, path: str, reason: str, *, line: int | None = None) -> None:
        place = path if line is None else f"{path}:{line}"
        super().__init__(f"{place}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line


class RecordError(WatchfloorError):
    """One record that cannot be decoded or mapped; it becomes a dead letter."""


class GateError(WatchfloorError):
    """A gate that was crossed: a failed check, test or verification."""


class StoreError(WatchfloorError):
    """A data folder that cannot be read or written."""


class OverloadError(WatchfloorError):
    """What arrives cannot be taken now.

    Args:
        reason: Why, in one line.
        retry_after: After how many seconds it is worth another try.
    """

    def __init__(self, reason: str, *, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RemoteError(WatchfloorError):
    """Another system that does not give what it was asked for."""


@contextmanager
def storing(place: object) -> Iterator[None]:
    """What the system refuses inside becomes a :class:`StoreError` that names the file, else ``place``.

    >>> with storing("data/report.html"):
    ...     raise PermissionError(13, "Permission denied")
    Traceback (most recent call last):
    watchfloor.errors.StoreError: data/report.html: Permission denied
    """
    try:
        yield
    except OSError as error:
        raise StoreError(_refusal(error, place)) from error


@contextmanager
def argument(place: object) -> Iterator[None]:
    """As :func:`storing`, for a path that somebody asked for: an :class:`InputError`.

    >>> with argument("labels.ndjson"):
    ...     raise FileNotFoundError(2, "No such file or directory")
    Traceback (most recent call last):
    watchfloor.errors.InputError: labels.ndjson: No such file or directory
    """
    try:
        yield
    except OSError as error:
        raise InputError(_refusal(error, place)) from error


def _refusal(error: OSError, place: object) -> str:
    return f"{error.filename or place}: {error.strerror or error}"
