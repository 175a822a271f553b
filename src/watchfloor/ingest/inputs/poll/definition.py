"""``poll.yml``: how a source's records are asked for, as a part of its folder.

::

    title: System Log API
    settings:                       what an input must say, or may
      url: {help: "the organization, as https://example.okta.com"}
      token: {secret: true, help: "an API token of a read-only administrator"}
    base: "{url}"
    auth:                           the first whose settings are all there
      - {kind: header, name: Authorization, value: "SSWS {token}"}
    limits: {remaining: x-rate-limit-remaining, limit: x-rate-limit-limit, reset: x-rate-limit-reset}
    streams:                        what is listed, each with a cursor of its own
      - name: events
        get: /api/v1/logs
        query: {since: "{since}", until: "{until}", limit: "1000"}
        id: uuid
        pages: {kind: link}
    permissions:                    what the credentials need, each with a request that shows whether they have it
      - {name: okta.logs.read, get: /api/v1/logs, query: {limit: "1"}, grant: "..."}

A stream is read in windows of time: from where all has landed, less ``overlap``, up to ``lag`` ago, ``span`` at most.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from watchfloor.catalog import Folder, read_yaml
from watchfloor.errors import ContentError
from watchfloor.ingest.inputs.poll.path import Path as AnswerPath
from watchfloor.ingest.inputs.poll.template import names

FILE = "poll.yml"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_TIMES = frozenset({"since", "until"})


def seconds(text: str) -> int:
    """A duration as people write it.

    >>> seconds("15m"), seconds("7d")
    (900, 604800)

    Raises:
        ValueError: It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} is no duration: write 30s, 15m, 2h or 7d")
    return int(found[1]) * _UNITS[found[2]]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Setting(_Part, frozen=True, kw_only=True):
    """What an input may say: a text, a secret, or with ``many`` a list of texts."""

    help: str
    secret: bool = False
    many: bool = False
    optional: bool = False
    default: str | tuple[str, ...] | None = None


class Header(_Part, frozen=True, kw_only=True, tag_field="kind", tag="header"):
    """A header that is sent with each request: an API key, a bearer token."""

    name: str
    value: str

    def templates(self) -> tuple[str, ...]:
        """The texts that settings fill."""
        return (self.value,)


class ClientCredentials(_Part, frozen=True, kw_only=True, tag_field="kind", tag="client_credentials"):
    """An OAuth 2 token for the client itself (RFC 6749, section 4.4)."""

    url: str
    client_id: str
    client_secret: str
    scope: str = ""

    def templates(self) -> tuple[str, ...]:
        """The texts that settings fill."""
        return (self.url, self.client_id, self.client_secret, self.scope)


class ServiceAccount(_Part, frozen=True, kw_only=True, tag_field="kind", tag="google_service_account"):
    """A token for a Google service account that acts for ``subject``; ``key`` is its JSON key file."""

    url: str
    key: str
    subject: str
    scope: str

    def templates(self) -> tuple[str, ...]:
        """The texts that settings fill."""
        return (self.url, self.key, self.subject, self.scope)


class GitHubApp(_Part, frozen=True, kw_only=True, tag_field="kind", tag="github_app"):
    """A token for an installation of a GitHub App; ``key`` is its private key in PEM."""

    url: str
    app: str
    key: str

    def templates(self) -> tuple[str, ...]:
        """The texts that settings fill."""
        return (self.url, self.app, self.key)


Auth = Header | ClientCredentials | ServiceAccount | GitHubApp


class OnePage(_Part, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """There are no pages."""


class LinkPages(_Part, frozen=True, kw_only=True, tag_field="kind", tag="link"):
    """The next page is the ``rel="next"`` of the ``Link`` header (RFC 8288)."""


class UrlPages(_Part, frozen=True, kw_only=True, tag_field="kind", tag="url"):
    """The next page's URL stands in the answer, as ``@odata.nextLink``."""

    path: AnswerPath


class HeaderPages(_Part, frozen=True, kw_only=True, tag_field="kind", tag="header"):
    """The next page's URL stands in a header."""

    name: str


class TokenPages(_Part, frozen=True, kw_only=True, tag_field="kind", tag="token"):
    """A token in the answer goes into a parameter of the next request."""

    path: AnswerPath
    query: str


class OffsetPages(_Part, frozen=True, kw_only=True, tag_field="kind", tag="offset"):
    """A parameter counts what was listed; ``most`` is up to where it may count: past it, the window is halved."""

    query: str
    total: AnswerPath
    most: int = 10_000


Pages = OnePage | LinkPages | UrlPages | HeaderPages | TokenPages | OffsetPages


class FetchEach(_Part, frozen=True, kw_only=True, tag_field="kind", tag="get"):
    """What is listed are parts, each with the URL of its records (content blobs)."""

    url: AnswerPath
    records: AnswerPath = ""


class FetchBatch(_Part, frozen=True, kw_only=True, tag_field="kind", tag="post"):
    """What is listed are ids; their records come for many at once."""

    path: str
    ids: str
    records: AnswerPath
    most: int = 500


class Start(_Part, frozen=True, kw_only=True):
    """A request that must have been made once before there is anything to list.

    ``accepted`` are codes of errors that say that it was made before.
    """

    post: str
    query: Mapping[str, str] = {}
    accepted: tuple[str, ...] = ()


class Stream(_Part, frozen=True, kw_only=True):
    """One listing.

    Attributes:
        name: Unique in the file; with ``each`` it contains that name.
        each: ``{name: setting}``: a stream for each value of a setting that has many.
        query: Parameters; ``{since}`` and ``{until}`` are the window.
        times: How times are written: ``seconds`` (``2026-01-01T00:00:00Z``), ``plain`` (without the Z) or ``offset``.
        records: Where the array of records is in the answer.
        id: What makes a record unique, as the source's ``uid``: read again, it is not taken again.
        endless: The last page has a cursor for what comes later: while it is followed, the ``{until}`` is left out.
        time: When a record of an endless stream happened, in ISO 8601: where to begin again if the cursor is lost.
        overlap: How much earlier each window begins, for records that come late.
        late: How much earlier once an hour, for those that come very late.
        lag: How long ago a window ends.
        span: How long a window may be.
        reach: How far back the vendor keeps records.
    """

    name: str
    get: str
    id: tuple[AnswerPath, ...] | str
    query: Mapping[str, str] = {}
    each: Mapping[str, str] = {}
    times: Literal["seconds", "plain", "offset"] = "seconds"
    records: AnswerPath = ""
    pages: Pages = OnePage()
    then: FetchEach | FetchBatch | None = None
    start: Start | None = None
    endless: bool = False
    time: AnswerPath = ""
    overlap: str = "5m"
    late: str = "0s"
    lag: str = "0s"
    span: str = "24h"
    reach: str = "90d"

    def __post_init__(self) -> None:
        for text in (self.overlap, self.late, self.lag, self.span, self.reach):
            seconds(text)
        if not 0 < seconds(self.overlap) < seconds(self.span) or seconds(self.late) >= seconds(self.span):
            raise ValueError(f"stream {self.name}: overlap and late must be shorter than span")
        if self.endless and not (isinstance(self.pages, LinkPages) and self.time):
            raise ValueError(f"stream {self.name}: only the pages of links are endless, and need the time of a record")
        if len(self.each) > 1 or any(name not in names(self.name) for name in self.each):
            raise ValueError(f"stream {self.name}: each takes one name, and the stream's own name contains it")


class Permission(_Part, frozen=True, kw_only=True):
    """What the credentials need: granted if this request is answered, or with one of the ``accepted`` codes.

    It is missing if the status is 401, 403 or one of ``missing``.
    """

    name: str
    get: str
    grant: str
    query: Mapping[str, str] = {}
    each: Mapping[str, str] = {}
    times: Literal["seconds", "plain", "offset"] = "seconds"
    accepted: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()


class RateLimits(_Part, frozen=True, kw_only=True):
    """How a vendor tells what is left.

    Attributes:
        remaining: Header with the number of requests that are left.
        limit: Header with how many there may be.
        reset: Header that says when there are more.
        reset_is: Seconds since 1970, or from now.
        says: What stands in an error to mean that there were too many requests, whatever its status.
    """

    remaining: str = ""
    limit: str = ""
    reset: str = ""
    reset_is: Literal["epoch", "seconds"] = "epoch"
    says: tuple[str, ...] = ()


class Definition(_Part, frozen=True, kw_only=True):
    """A whole ``poll.yml``."""

    title: str
    settings: Mapping[str, Setting]
    base: str
    auth: tuple[Auth, ...]
    streams: tuple[Stream, ...]
    permissions: tuple[Permission, ...]
    limits: RateLimits = RateLimits()
    headers: Mapping[str, str] = {}
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.auth or not self.streams or not self.permissions:
            raise ValueError("auth, streams and permissions have at least one entry each")
        for place, text, own in self._templates():
            if unknown := sorted(names(text) - set(self.settings) - own):
                raise ValueError(f"{place}: {{{unknown[0]}}} is no setting")
        listed: tuple[Stream | Permission, ...] = (*self.streams, *self.permissions)
        for one in listed:
            for setting in one.each.values():
                if setting not in self.settings or not self.settings[setting].many:
                    raise ValueError(f"{one.name}: each needs a setting with many: true, not {setting!r}")

    def _templates(self) -> Iterator[tuple[str, str, set[str]]]:
        """Every template: where it is, its text, and which names it may have beside settings."""
        yield "base", self.base, set()
        for text in self.headers.values():
            yield "headers", text, set()
        for auth in self.auth:
            for text in auth.templates():
                yield "auth", text, set()
        listed: tuple[Stream | Permission, ...] = (*self.streams, *self.permissions)
        for one in listed:
            own = {*_TIMES, *one.each}
            for text in (one.name, one.get, *one.query.values()):
                yield one.name, text, own
        for stream in self.streams:
            if stream.start:
                for text in (stream.start.post, *stream.start.query.values()):
                    yield stream.name, text, set(stream.each)
            if isinstance(stream.then, FetchBatch):
                yield stream.name, stream.then.path, set(stream.each)


def has_poller(folder: Folder) -> bool:
    """Whether a source's records can be polled."""
    return (folder.path / FILE).is_file()


def load(folder: Path) -> Definition:
    """The definition in a source's folder.

    Raises:
        ContentError: There is none, or it is malformed; names the file and the entry.
    """
    path = folder / FILE
    try:
        return msgspec.convert(read_yaml(path), Definition)
    except msgspec.ValidationError as error:
        raise ContentError(str(path), str(error)) from error
