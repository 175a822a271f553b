"""Where the next page of a listing is."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import msgspec

from watchfloor.ingest.inputs.poll.definition import (
    HeaderPages,
    LinkPages,
    OffsetPages,
    OnePage,
    Pages,
    TokenPages,
    UrlPages,
)
from watchfloor.ingest.inputs.poll.exchange import Answer, place
from watchfloor.ingest.inputs.poll.fault import AnswerError, WindowError
from watchfloor.ingest.inputs.poll.path import at
from watchfloor.ingest.inputs.poll.records import parsed

MAX_CURSOR = 16 << 10
_LINK = re.compile(r'<([^<>]{1,16384})>((?:\s*;\s*[^,;="]{1,64}(?:=(?:"[^"]{0,1024}"|[^,;"]{0,1024}))?){0,16})')
_NEXT = re.compile(r';\s*rel\s*=\s*"?next"?\s*(?:;|$)', re.IGNORECASE)


class Next(msgspec.Struct, frozen=True):
    """What goes on: a whole URL, or parameters to add to the first request's."""

    url: str | None = None
    query: Mapping[str, str] = {}


def resumed(pages: Pages, cursor: str) -> Next:
    """The request that a cursor stands for."""
    if isinstance(pages, TokenPages | OffsetPages):
        return Next(query={pages.query: cursor})
    return Next(url=cursor)


def following(pages: Pages, answer: Answer, *, at_cursor: str | None, listed: int) -> str | None:
    """The cursor of the next page, or None after the last one.

    ``at_cursor`` is that of this page, on which ``listed`` elements were listed.

    Raises:
        AnswerError: The answer's cursor is none, or leads back to this page.
        WindowError: What follows is beyond what can be listed.
    """
    found = _following(pages, answer, at_cursor, listed)
    if found is None:
        return None
    if len(found) > MAX_CURSOR:
        raise AnswerError(f"{place(answer.url)}: a cursor that is too long")
    if found == at_cursor and listed:
        raise AnswerError(f"{place(answer.url)}: the next page is this one")
    return found


def _following(pages: Pages, answer: Answer, cursor: str | None, listed: int) -> str | None:
    match pages:
        case OnePage():
            return None
        case LinkPages():
            return _joined(answer, _next_link(answer.headers.get("link", "")))
        case HeaderPages(name=name):
            return _joined(answer, answer.headers.get(name.lower()) or None)
        case UrlPages(path=path):
            return _joined(answer, _text(at(parsed(answer.body, place(answer.url)), path), answer))
        case TokenPages(path=path):
            return _text(at(parsed(answer.body, place(answer.url)), path), answer)
        case OffsetPages():
            return _offset(pages, answer, int(cursor or 0) + listed, listed)


def _offset(pages: OffsetPages, answer: Answer, offset: int, listed: int) -> str | None:
    total = at(parsed(answer.body, place(answer.url)), pages.total)
    if not isinstance(total, int) or isinstance(total, bool):
        raise AnswerError(f"{place(answer.url)}: an answer without its total")
    if offset >= total or not listed:
        return None
    if total > pages.most:
        raise WindowError(f"{place(answer.url)}: more than {pages.most} in one window")
    return str(offset)


def _next_link(header: str) -> str | None:
    """The target of ``rel="next"`` in a ``Link`` header.

    >>> _next_link('<https://example.com/a>; rel="self", <https://example.com/b?x=1,2>; rel="next"')
    'https://example.com/b?x=1,2'
    """
    return next((link[1] for link in _LINK.finditer(header[:65536]) if _NEXT.search(link[2])), None)


def _joined(answer: Answer, link: str | None) -> str | None:
    if link is None:
        return None
    try:
        return urljoin(answer.url, link)
    except ValueError:
        raise AnswerError(f"{place(answer.url)}: a next link that is no address") from None


def _text(value: Any, answer: Answer) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise AnswerError(f"{place(answer.url)}: a cursor that is no text")
    return value
