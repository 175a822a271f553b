"""A window that holds too much is halved; a clock that jumps loses nothing; a cursor is a file that is whole."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.poll.peer import Asked, Said, listening

from watchfloor.clock import system_clock
from watchfloor.errors import RemoteError, StoreError
from watchfloor.ingest.inputs.poll.api import Api
from watchfloor.ingest.inputs.poll.cursor import Cursor, Place
from watchfloor.ingest.inputs.poll.definition import (
    Definition,
    Header,
    OffsetPages,
    Permission,
    Setting,
    Stream,
    TokenPages,
)
from watchfloor.ingest.inputs.poll.reader import Batch, Reader
from watchfloor.ingest.inputs.poll.reading import Reading
from watchfloor.ingest.inputs.poll.values import values

START = 1_767_225_600


def _definition(**stream: Any) -> Definition:
    listing = {"query": {"from": "{since}", "to": "{until}"}, "records": "items", "id": "id", "overlap": "1s"}
    return Definition(
        title="Listing",
        settings={"url": Setting(help="where"), "token": Setting(help="proof")},
        base="{url}",
        auth=(Header(name="Authorization", value="{token}"),),
        streams=(Stream(name="events", get="/list", **(listing | stream)),),
        permissions=(Permission(name="list", get="/list", grant="ask"),),
    )


Windows = Callable[[Reading], Any]


def _read(
    definition: Definition, answering: Callable[[Asked], Said], path: Path, use: Windows, **limits: int
) -> list[bytes]:
    landed: list[bytes] = []

    async def land(batch: Batch) -> None:
        landed.extend(batch.raw)

    async def scenario() -> None:
        async with listening(answering) as peer:
            known = values(definition, {"url": peer.url, "token": "x"})
            async with Api(definition, known, system_clock, private=True) as api:
                reader = Reader(api, definition.streams[0], known.texts)
                await use(Reading(reader, Cursor(path), land, **limits))

    asyncio.run(scenario())
    return landed


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) - START


class Offsets:
    """A listing that gives up to ``most`` elements of a window, ten a page."""

    def __init__(self, seconds: list[int], most: int) -> None:
        self._seconds = seconds
        self._most = most
        self.windows: list[tuple[int, int]] = []

    def __call__(self, asked: Asked) -> Said:
        since, until = _second(asked.query["from"]), _second(asked.query["to"])
        offset = int(asked.query.get("offset", "0"))
        self.windows.append((since, until))
        found = [{"id": n} for n, second in enumerate(self._seconds) if since <= second < until]
        if offset + 10 > self._most:
            return Said({"errors": [{"message": "offset is too large"}]}, 400)
        return Said({"items": found[offset : offset + 10], "total": len(found)})


def test_a_window_with_more_than_can_be_listed_is_halved(tmp_path: Path) -> None:
    vendor = Offsets([n // 5 for n in range(400)], 60)
    pages = OffsetPages(query="offset", total="total", most=60)

    async def whole(reading: Reading) -> None:
        while await reading.window(first=START, until=START + 80, overlap=0):
            pass

    landed = _read(_definition(pages=pages), vendor, tmp_path / "cursor", whole)
    assert sorted(landed) == sorted(b'{"id":%d}' % n for n in range(400))
    assert len(set(vendor.windows)) > 8


def test_more_than_can_be_listed_in_one_second_is_said(tmp_path: Path) -> None:
    vendor = Offsets([3] * 100, 60)
    pages = OffsetPages(query="offset", total="total", most=60)

    async def whole(reading: Reading) -> None:
        while await reading.window(first=START, until=START + 80, overlap=0):
            pass

    with pytest.raises(RemoteError, match="more in one second than can be listed"):
        _read(_definition(pages=pages), vendor, tmp_path / "cursor", whole)


def test_pages_without_end_are_noticed(tmp_path: Path) -> None:
    asked: list[Asked] = []

    def endless(one: Asked) -> Said:
        asked.append(one)
        return Said({"items": [{"id": len(asked)}], "next": f"token-{len(asked)}"})

    async def whole(reading: Reading) -> None:
        await reading.window(first=START, until=START + 1024, overlap=0)

    pages = TokenPages(path="next", query="token")
    with pytest.raises(RemoteError, match="more in one second"):
        _read(_definition(pages=pages), endless, tmp_path / "cursor", whole, most_pages=5)
    # Five pages of each half, down to a second.
    assert len(asked) == 5 * 11


def test_a_window_goes_on_at_the_page_where_it_stopped(tmp_path: Path) -> None:
    tokens: list[str | None] = []

    def vendor(one: Asked) -> Said:
        tokens.append(one.query.get("token"))
        number = int(one.query.get("token", "0"))
        if tokens == [None, "1", "2"]:
            return Said(status=500)
        return Said({"items": [{"id": number}]} | ({"next": str(number + 1)} if number < 3 else {}))

    async def twice(reading: Reading) -> None:
        with pytest.raises(RemoteError):
            await reading.window(first=START, until=START + 60, overlap=5)
        # The rest of the window, then the one behind it.
        assert await reading.window(first=START, until=START + 90, overlap=5)
        assert not await reading.window(first=START, until=START + 90, overlap=5)

    landed = _read(_definition(pages=TokenPages(path="next", query="token")), vendor, tmp_path / "cursor", twice)
    assert tokens == [None, "1", "2", "2", "3", None, "1", "2", "3"]
    assert landed == [b'{"id":0}', b'{"id":1}', b'{"id":2}', b'{"id":3}']


def test_a_clock_that_was_ahead_skips_nothing(tmp_path: Path) -> None:
    windows: list[tuple[int, int]] = []

    def vendor(one: Asked) -> Said:
        windows.append((_second(one.query["from"]), _second(one.query["to"])))
        return Said({"items": []})

    async def jumps(reading: Reading) -> None:
        await reading.window(first=START, until=START + 60, overlap=5)
        await reading.window(first=START, until=START + 9000, overlap=5)
        assert not await reading.window(first=START, until=START + 120, overlap=5)
        await reading.window(first=START, until=START + 180, overlap=5)

    _read(_definition(), vendor, tmp_path / "cursor", jumps)
    assert windows == [(0, 60), (55, 9000), (115, 180)]


@pytest.mark.parametrize("text", ["", "{", '{"upto": "x"}', "[1]", '{"upto": 1e99}'])
def test_a_cursor_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "cursor").write_text(text)
    with pytest.raises(StoreError, match="cursor: not a cursor; delete it to begin anew"):
        Cursor(tmp_path / "cursor")


def test_a_cursor_is_found_as_it_was_left(tmp_path: Path) -> None:
    place = Place(5, 3, 9, "https://example.com/next", 2)
    Cursor(tmp_path / "folder" / "cursor").move(place)
    assert Cursor(tmp_path / "folder" / "cursor").place == place
    assert (tmp_path / "folder" / "cursor").stat().st_mode & 0o077 == 0


def test_what_the_vendor_forgot_is_given_up_and_told(tmp_path: Path) -> None:
    windows: list[tuple[int, int]] = []

    def vendor(one: Asked) -> Said:
        windows.append((_second(one.query["from"]), _second(one.query["to"])))
        return Said({"items": []})

    async def late(reading: Reading) -> None:
        await reading.window(first=START, until=START + 60, overlap=0)
        await reading.window(first=START, until=START + 9000, overlap=0, oldest=START + 5000)
        assert reading.lost == (START + 60, START + 5000)

    _read(_definition(), vendor, tmp_path / "cursor", late)
    assert windows == [(0, 60), (5000, 9000)]
