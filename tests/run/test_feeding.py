"""Feeds that a platform reads on its own: again and again, from where they were read last, whatever a server does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from tests.enrich.test_stix import indicator
from tests.ingest.test_taxii import Answer, Server, server

from watchfloor.errors import InputError
from watchfloor.ingest.feed import Feed
from watchfloor.run.feeding import feeding
from watchfloor.run.serve import serving_of
from watchfloor.secret import Secret
from watchfloor.settings import DataFolder
from watchfloor.store.indicators import IndicatorStore

__all__ = ["server"]

Query = dict[str, list[str]]


def page(number: int) -> Answer:
    body = {"objects": [indicator(number, f"[ipv4-addr:value = '192.0.2.{number}']")]}
    return 200, {"X-TAXII-Date-Added-Last": f"2026-01-0{number}T00:00:00Z"}, orjson.dumps(body)


class Feeding:
    def __init__(self, folder: DataFolder) -> None:
        self.hindered: dict[str, str] = {}
        self._folder = folder

    def known(self) -> int:
        store = IndicatorStore(self._folder.database)
        try:
            return len(store.valid("default"))
        finally:
            store.close()


@asynccontextmanager
async def reading(folder: DataFolder, *feeds: Feed, **more: Any) -> AsyncIterator[Feeding]:
    one = Feeding(folder)
    clock = more.pop("clock", lambda: datetime.now(UTC))
    task = asyncio.create_task(feeding(feeds, folder, "default", one.hindered, clock=clock, **more))
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    one = DataFolder(tmp_path / "data")
    one.prepare()
    return one


def test_a_feed_is_read_on_from_where_it_was_read_last(server: Server, folder: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")

    def respond(_path: str, query: Query, _headers: dict[str, str]) -> Answer:
        return page(1 + int(query["added_after"][0][8:10]) if query else 1)

    server.respond = respond
    feed = Feed(name="acme", url=server.url, every="1s", token=Secret(file=tmp_path / "secret"))

    async def scenario() -> None:
        async with reading(folder, feed) as one:
            await until(lambda: one.known() == 3)
            assert one.hindered == {}

    asyncio.run(scenario())
    asked = [query.get("added_after") for _, query, _ in server.asked]
    assert asked[:3] == [None, ["2026-01-01T00:00:00Z"], ["2026-01-02T00:00:00Z"]]
    assert {headers["Authorization"] for _, _, headers in server.asked} == {"Bearer s3cret"}


def test_a_feed_that_fails_is_told_left_alone_for_a_while_and_harms_no_other(
    server: Server, folder: DataFolder, tmp_path: Path
) -> None:
    up: list[int] = []

    def respond(path: str, _query: Query, _headers: dict[str, str]) -> Answer:
        return page(1) if up or "c1" not in path else (503, {}, b"<script>")

    server.respond = respond
    down = Feed(name="down", url=server.url, every="1s")
    other = msgspec.structs.replace(down, name="other", url=server.url.replace("c1", "c2"))
    secretless = msgspec.structs.replace(down, name="secretless", token=Secret(file=tmp_path / "nowhere"))

    async def scenario() -> None:
        async with reading(folder, down, other, secretless, random=lambda: 0.0) as one:
            await until(lambda: one.known() == 1 and len(one.hindered) == 2)
            assert one.hindered["taxii/down"] == f"{server.url}: the server answers 503"
            assert one.hindered["taxii/secretless"] == f"{tmp_path / 'nowhere'}: No such file or directory"
            before = time.monotonic()
            asked = len(server.asked)
            await asyncio.sleep(2)
            assert len(server.asked) - asked <= 2 * (time.monotonic() - before) + 2
            up.append(1)
            (tmp_path / "nowhere").write_text("line\nbreak")
            await until(lambda: one.known() == 2)
            await until(lambda: "taxii/down" not in one.hindered)
            await until(lambda: "characters" in one.hindered["taxii/secretless"])
            assert "break" not in one.hindered["taxii/secretless"]

    asyncio.run(scenario())


def test_a_platform_that_is_started_often_does_not_ask_more_often(server: Server, folder: DataFolder) -> None:
    server.respond = lambda *_: page(1)
    feed = Feed(name="acme", url=server.url, every="1h")
    now = datetime.now(UTC)

    async def scenario(clock: Callable[[], datetime], asked: int) -> None:
        async with reading(folder, feed, clock=clock):
            await asyncio.sleep(0.3)
            await until(lambda: len(server.asked) == asked)

    asyncio.run(scenario(lambda: now, 1))
    asyncio.run(scenario(lambda: now, 1))
    asyncio.run(scenario(lambda: datetime.fromtimestamp(now.timestamp() + 3601, UTC), 2))


def test_a_server_that_never_answers_does_not_hinder_the_end(server: Server, folder: DataFolder) -> None:
    hold: list[int] = []

    def respond(_path: str, _query: Query, _headers: dict[str, str]) -> Answer:
        while not hold:
            time.sleep(0.02)
        return page(1)

    server.respond = respond

    async def scenario() -> None:
        async with reading(folder, Feed(name="acme", url=server.url)):
            await until(lambda: bool(server.asked))

    began = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - began < 5
    hold.append(1)


@pytest.mark.parametrize(
    ("feed", "reason"),
    [
        ({"name": "a", "url": "ftp://taxii.example.com/"}, "no URL"),
        ({"name": "a", "url": "http://taxii.example.com/c/"}, "without TLS"),
        ({"name": "a", "url": "https://u:p@taxii.example.com/c/"}, "no user in it"),
        ({"name": "a", "url": "https://taxii.example.com/c/", "every": "soon"}, "no duration"),
        ({"name": "a", "url": "https://taxii.example.com/c/", "every": "0s"}, "longer than nothing"),
        ({"name": "a", "url": "https://taxii.example.com/c/", "token": {}}, "a secret is"),
        ({"name": "a", "url": "https://taxii.example.com/c/", "tokn": {"env": "X"}}, "unknown field `tokn`"),
        (
            {"name": "a", "url": "https://taxii.example.com/c/", "token": {"env": "X"}, "login": {"env": "X"}},
            "one login is enough",
        ),
    ],
)
def test_settings_that_are_none(feed: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=rf"^serve\.yml: .*{reason}"):
        serving_of({"feeds": [feed]}, place="serve.yml")


def test_two_feeds_of_one_name() -> None:
    feed = {"name": "a", "url": "https://taxii.example.com/c/"}
    with pytest.raises(InputError, match="two of the name a"):
        serving_of({"feeds": [feed, feed]}, place="serve.yml")
