"""Reads one stream, page by page: what is listed, and the records of it."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import orjson

from watchfloor.ingest.inputs.poll.api import Api, moment
from watchfloor.ingest.inputs.poll.cursor import Place
from watchfloor.ingest.inputs.poll.definition import FetchBatch, FetchEach, Stream
from watchfloor.ingest.inputs.poll.exchange import place as told
from watchfloor.ingest.inputs.poll.fault import AnswerError
from watchfloor.ingest.inputs.poll.pages import following, resumed
from watchfloor.ingest.inputs.poll.path import at
from watchfloor.ingest.inputs.poll.records import Seen, cut, identity, ids_of
from watchfloor.ingest.inputs.poll.template import fill, names


class Listing(msgspec.Struct, frozen=True):
    """One page: where it was, what is listed on it, and the cursor of the next one."""

    path: str
    elements: Sequence[bytes]
    next: str | None


class Batch(msgspec.Struct, frozen=True):
    """Records that land together, and the identities to remember once they have."""

    path: str
    raw: Sequence[bytes]
    identities: Sequence[bytes]


class Reader:
    """One stream of an API, with its ``each`` filled in.

    Args:
        texts: The settings, and the value that this stream is for.
    """

    def __init__(self, api: Api, stream: Stream, texts: Mapping[str, str]) -> None:
        self.stream = stream
        self.name = fill(stream.name, texts)
        self._api = api
        self._texts = texts
        self._ids = ids_of(stream.id)

    async def start(self) -> None:
        """Make the request that must come before all others, if there is one."""
        if self.stream.start:
            url = self._api.url(self.stream.start.post, self.stream.start.query, self._texts)
            await self._api.post(url, None, accepted=self.stream.start.accepted)

    async def list(self, at_place: Place) -> Listing:
        """The page at a place.

        Raises:
            RemoteError: It is not to be had; the kind says why.
        """
        answer = await self._api.get(self._url(at_place), cursor=at_place.next is not None)
        where = told(answer.url)
        elements = cut(answer.body, self.stream.records, where)
        cursor = following(self.stream.pages, answer, at_cursor=at_place.next, listed=len(elements))
        return Listing(where, elements, cursor)

    def _url(self, at_place: Place) -> str:
        query = dict(self.stream.query)
        if at_place.until is None:
            query = {name: text for name, text in query.items() if "until" not in names(text)}
        if at_place.next is not None:
            next_page = resumed(self.stream.pages, at_place.next)
            if next_page.url is not None:
                return next_page.url
            query |= {name: text.replace("{", "") for name, text in next_page.query.items()}
        times = {"since": at_place.since, "until": at_place.until}
        written = {name: moment(time, self.stream.times) for name, time in times.items() if time is not None}
        return self._api.url(self.stream.get, query, {**self._texts, **written})

    async def batches(self, listing: Listing, seen: Seen) -> AsyncIterator[Batch]:
        """The records of a page that were not seen yet.

        Raises:
            RemoteError: They are not to be had; the kind says why.
        """
        match self.stream.then:
            case None:
                yield self._fresh(listing.path, listing.elements, seen)
            case FetchEach() as each:
                for element in listing.elements:
                    async for batch in self._part(element, each, seen):
                        yield batch
            case FetchBatch() as some:
                for first in range(0, len(listing.elements), some.most):
                    yield await self._many(listing.elements[first : first + some.most], some, seen)

    async def _part(self, element: bytes, each: FetchEach, seen: Seen) -> AsyncIterator[Batch]:
        part = identity(element, (each.url,))
        if part not in seen:
            url = at(orjson.loads(element), each.url)
            if not isinstance(url, str):
                raise AnswerError(f"{self.name}: a part without its address")
            answer = await self._api.get(url)
            batch = self._fresh(told(answer.url), cut(answer.body, each.records, told(answer.url)), seen)
            yield msgspec.structs.replace(batch, identities=[*batch.identities, part])

    async def _many(self, ids: Sequence[bytes], some: FetchBatch, seen: Seen) -> Batch:
        url = self._api.url(some.path, {}, self._texts)
        answer = await self._api.post(url, {some.ids: [orjson.loads(one) for one in ids]})
        return self._fresh(told(url), cut(answer.body, some.records, told(url)), seen)

    def _fresh(self, path: str, records: Sequence[bytes], seen: Seen) -> Batch:
        new: dict[bytes, bytes] = {}
        for record in records:
            key = identity(record, self._ids)
            if key not in seen and key not in new:
                new[key] = record
        return Batch(path, list(new.values()), list(new))
