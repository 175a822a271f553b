"""The System Log is followed from where it was left, and whatever happens meanwhile, each event lands."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.ingest.poll.conftest import Run, okta, open_for_business
from tests.ingest.poll.peer import Asked, Said, listening
from tests.ingest.poll.vendors import Okta

from watchfloor.errors import OverloadError, StoreError
from watchfloor.testing.inputs import MemoryIntake


def _logged(count: int) -> Okta:
    vendor = Okta()
    for number in range(count):
        vendor.log(datetime.now(UTC) - timedelta(minutes=30) + timedelta(seconds=number))
    return vendor


def test_all_pages_are_read_and_what_comes_later_too(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(250)
        vendor.page = 100
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 250)
            later = vendor.log(datetime.now(UTC))
            # Its time is long past: it was stored late.
            late = vendor.log(datetime.now(UTC) - timedelta(minutes=40))
            await run.until(lambda: len(run.taken.raw) == 252)
            assert run.ids()[-2:] == [later, late]
        assert len(set(run.ids())) == 252
        assert not run.states

    asyncio.run(scenario())


def test_records_land_byte_for_byte_with_where_they_come_from(run: Run) -> None:
    async def scenario() -> None:
        body = b'[ {"uuid" : "a", "published": "2026-01-01T00:00:00.000Z", "n": 1.10, "t": "\\u00e9"} ,{"uuid":"b"}]'
        vendor = Okta()
        vendor.troubles.append(Said(body))
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 2)
        arrival = run.taken.arrivals[0]
        assert arrival.raw[0] == b'{"uuid" : "a", "published": "2026-01-01T00:00:00.000Z", "n": 1.10, "t": "\\u00e9"}'
        assert arrival.path == "127.0.0.1/api/v1/logs"
        assert (list(arrival.line), list(arrival.ordinal), arrival.source) == ([1, 2], [0, 0], "okta_system_log")

    asyncio.run(scenario())


def test_a_stopped_input_goes_on_where_it_was(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(30)
        async with open_for_business(vendor) as peer:
            async with run.of(okta(peer.url)):
                await run.until(lambda: len(run.taken.raw) == 30)
            later = [vendor.log(datetime.now(UTC)) for _ in range(3)]
            again = Run(run.state)
            async with again.of(okta(peer.url)):
                await again.until(lambda: len(again.taken.raw) == 3)
            assert again.ids() == later

    asyncio.run(scenario())


def test_too_many_requests_wait_exactly_as_long_as_the_vendor_says(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(3)
        asked: list[float] = []

        def busy(headers: Callable[[], dict[str, str]]) -> Callable[[Asked], Said]:
            def answer(_: Asked) -> Said:
                asked.append(time.time())
                return Said(None, 429, headers())

            return answer

        vendor.troubles.append(busy(lambda: {"Retry-After": "1"}))
        vendor.troubles.append(busy(lambda: {"X-Rate-Limit-Reset": f"{int(time.time()) + 2}"}))
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 3)
            assert 1.0 <= asked[1] - asked[0] < 1.6
            assert int(asked[1]) + 2 <= time.time() < int(asked[1]) + 3
            assert len(peer.asked) == 3
        assert run.states == ["events: 127.0.0.1/api/v1/logs: too many requests", ""]

    asyncio.run(scenario())


def test_the_last_request_of_a_limit_is_followed_by_a_wait(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(4)
        vendor.page = 2
        ends = int(time.time()) + 2
        spent = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Limit": "60", "X-Rate-Limit-Reset": str(ends)}

        def last(asked: Asked) -> Said:
            said = vendor.answer(asked)
            return Said(said.body, headers={**said.headers, **spent})

        vendor.troubles.append(last)
        async with open_for_business(vendor) as peer, run.of(okta(peer.url, every="1s")):
            await run.until(lambda: len(run.taken.raw) == 4)
            assert time.time() >= ends
            assert len(peer.asked) == 2

    asyncio.run(scenario())


TROUBLES = {
    "status 500: E0000009: Internal Server Error": Said(
        {"errorCode": "E0000009", "errorSummary": "Internal Server Error"}, 500
    ),
    "status 502": Said(b"<html>502</html>", 502),
    "RemoteProtocolError": Said([{"uuid": "cut off"}], cut=True),
    "without its array of records": Said(b'[{"uuid": "cut off'),
    "logs: an answer without its array": Said({"not": "an array"}),
    "an answer without its": Said(b"\x00\xff\xfe"),
    "an encoding that was not asked for": Said([], headers={"Content-Encoding": "br"}),
    "broken gzip": Said([], headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("told", TROUBLES)
def test_failures_of_every_kind_pass_and_nothing_is_lost(run: Run, told: str) -> None:
    async def scenario() -> None:
        vendor = _logged(5)
        vendor.page = 3
        vendor.troubles.extend([vendor.answer, TROUBLES[told]])
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 5 and run.states[-1:] == [""])
        assert run.ids() == [one["uuid"] for one in vendor.stored]
        assert told in run.states[0]

    asyncio.run(scenario())


def test_a_wrong_token_is_told_with_what_the_vendor_says(run: Run) -> None:
    async def scenario() -> None:
        vendor = Okta()
        vendor.proof = "SSWS another"
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: bool(run.states))
        expected = "events: 127.0.0.1/api/v1/logs: status 401: E0000011: Invalid token provided"
        assert run.states == [expected]

    asyncio.run(scenario())


def test_a_next_link_to_another_host_is_refused_and_sees_no_token(run: Run) -> None:
    async def scenario() -> None:
        async with listening(lambda _: Said([])) as thief:
            vendor = _logged(1)
            vendor.troubles.append(Said([], headers={"Link": f'<{thief.url}/api/v1/logs?after=1>; rel="next"'}))
            async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
                await run.until(lambda: bool(run.states))
                await asyncio.sleep(0.3)
            assert not thief.asked
            assert "may be asked: refused" in run.states[0]

    asyncio.run(scenario())


def test_a_redirect_to_another_host_is_refused_and_one_inside_is_followed(run: Run) -> None:
    async def scenario() -> None:
        async with listening(lambda _: Said([])) as thief:
            vendor = _logged(1)
            vendor.troubles.append(Said(status=302, headers={"Location": f"{thief.url}/api/v1/logs"}))
            vendor.troubles.append(Said(status=307, headers={"Location": "/api/v1/logs?since=2020"}))
            async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
                await run.until(lambda: len(run.taken.raw) == 1)
            assert not thief.asked
            assert "refused" in run.states[0]

    asyncio.run(scenario())


def test_a_cursor_that_the_vendor_forgot_is_followed_by_a_look_back(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(2)
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: len(run.taken.raw) == 2)
            vendor.troubles.append(Said({"errorCode": "E0000031", "errorSummary": "Invalid cursor"}, 400))
            late = vendor.log(datetime.now(UTC) - timedelta(minutes=5))
            await run.until(lambda: len(run.taken.raw) == 3)
            assert run.ids()[2] == late
        assert "Invalid cursor" in run.states[0]

    asyncio.run(scenario())


def test_the_cursor_waits_for_the_intake(run: Run) -> None:
    async def scenario() -> None:
        vendor = _logged(4)
        vendor.page = 2
        async with open_for_business(vendor) as peer:
            refusals = [StoreError("the disk is read-only"), OverloadError("not now", retry_after=0.1)]
            run.taken = MemoryIntake([*refusals, *(StoreError("the disk is full") for _ in range(100))])
            async with run.of(okta(peer.url)):
                await run.until(lambda: len(run.states) > 2)
            told = ["the disk is read-only", "not now", "the disk is full"]
            assert run.states[:3] == [f"events: {text}" for text in told]
            assert not run.taken.raw
            again = Run(run.state)
            async with again.of(okta(peer.url)):
                await again.until(lambda: len(again.taken.raw) == 4)

    asyncio.run(scenario())
