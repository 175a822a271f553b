"""One request and its answer, however the other side behaves: within a size, a time, and the places it may go to."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.poll.peer import Asked, Peer, Said, listening

from watchfloor.errors import RemoteError
from watchfloor.ingest.inputs.poll.definition import LinkPages
from watchfloor.ingest.inputs.poll.egress import Egress, is_public
from watchfloor.ingest.inputs.poll.exchange import Answer, Costs, Exchange, Request
from watchfloor.ingest.inputs.poll.fault import AnswerError, EgressError, UnavailableError, words
from watchfloor.ingest.inputs.poll.pace import MAX_WAIT, retry_after
from watchfloor.ingest.inputs.poll.pages import following
from watchfloor.ingest.inputs.poll.records import cut

SMALL = Costs(answer_bytes=1 << 20, connect_seconds=2, silent_seconds=0.5, seconds=1.0)
BOMB = gzip.compress(bytes(256 << 20))


def _ask(answering: Callable[[Asked], Said], *, private: bool = True) -> Answer:
    async def scenario(peer: Peer) -> Answer:
        async with Exchange(Egress([peer.url], private=private), SMALL) as exchange:
            return await exchange.send(Request(f"{peer.url}/x?a=1"))

    return _with_peer(answering, scenario)


def _with_peer(answering: Callable[[Asked], Said], scenario: Callable[[Peer], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with listening(answering) as peer:
            return await scenario(peer)

    return asyncio.run(run())


def test_an_answer_comes_with_its_headers_plain_or_packed() -> None:
    for packed in (False, True):
        answer = _ask(lambda _, packed=packed: Said({"a": 1}, headers={"X-One": "1"}, packed=packed))  # type: ignore[misc]
        assert (answer.status, answer.body, answer.headers["x-one"]) == (200, b'{"a":1}', "1")


def test_an_answer_that_is_too_long_is_given_up() -> None:
    with pytest.raises(AnswerError, match="longer than 1 MiB"):
        _ask(lambda _: Said(bytes(2 << 20)))


def test_an_answer_that_unpacks_without_end_costs_little_memory() -> None:
    tracemalloc.start()
    with pytest.raises(AnswerError, match="longer than 1 MiB"):
        _ask(lambda _: Said(BOMB, headers={"Content-Encoding": "gzip"}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_packed_answer_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(AnswerError, match="breaks off"):
        _ask(lambda _: Said(gzip.compress(b"[]" * 100)[:-8], headers={"Content-Encoding": "gzip"}))


def test_a_body_that_drips_ends_with_the_time_that_it_may_take() -> None:
    with pytest.raises(UnavailableError, match="no answer in time"):
        _ask(lambda _: Said([1] * 1000, drip=0.02))


def test_nobody_at_the_address_is_unavailable() -> None:
    async def scenario() -> None:
        async with Exchange(Egress(["http://127.0.0.1:9"], private=True), SMALL) as exchange:
            await exchange.send(Request("http://127.0.0.1:9/"))

    with pytest.raises(UnavailableError, match="ConnectError"):
        asyncio.run(scenario())


def test_redirects_that_never_end_are_given_up() -> None:
    with pytest.raises(AnswerError, match="again and again"):
        _ask(lambda _: Said(status=302, headers={"Location": "/x"}))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_address_inside_is_refused_unless_it_is_allowed(host: str) -> None:
    async def scenario(peer: Peer) -> Answer:
        url = peer.url.replace("127.0.0.1", host)
        async with Exchange(Egress([url]), SMALL) as exchange:
            return await exchange.send(Request(url))

    asked: list[Asked] = []

    def noted(one: Asked) -> Said:
        asked.append(one)
        return Said()

    with pytest.raises(EgressError, match="private address"):
        _with_peer(noted, scenario)
    assert not asked


HOSTILE = [
    "https://evil.example.net/api",
    "https://api.example.com.evil.example.net/",
    "https://api.example.com@evil.example.net/",
    "https://user:pass@api.example.com/",
    "http://api.example.com/",
    "https://api.example.com:8443/",
    "//evil.example.net/",
    "file:///etc/passwd",
    "ftp://api.example.com/",
    "https://api.example.com\\@evil.example.net/",
    "https://api.example.com\r\nHost: evil.example.net/",
    "https://[::1]/",
    "https://[::1",
    "https://api.example.com:99999/",
    "https://\u0430pi.example.com/",
    "",
    "https://api.example.com/" + "a" * 20_000,
]


@pytest.mark.parametrize("url", HOSTILE)
def test_only_the_origins_that_are_named_may_be_asked(url: str) -> None:
    with pytest.raises(EgressError, match="refused"):
        Egress(["https://api.example.com"]).check(url)


def test_the_named_origin_may_be_asked_however_it_is_written() -> None:
    for url in ("https://api.example.com/x", "https://API.example.com:443/", "https://api.example.com./"):
        assert Egress(["https://api.example.com"]).check(url).host == "api.example.com"


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "127.1.2.3", "0.0.0.0", "169.254.169.254", "100.64.0.1", "224.0.0.1", "192.0.2.1"),  # noqa: S104
        *("::", "::1", "fe80::1%eth0", "fd00::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_known(address: str) -> None:
    assert not is_public(address)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@given(st.binary() | JSON.map(lambda one: orjson.dumps(one, option=orjson.OPT_NON_STR_KEYS) if _plain(one) else b""))
def test_whatever_an_answer_holds_is_cut_or_refused(body: bytes) -> None:
    for path in ("", "items", ("@odata.x", "y")):
        try:
            records = cut(body, path, "x")
        except AnswerError:
            continue
        assert all(isinstance(one, bytes) for one in records)
    said = words(body)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 4096


def _plain(value: object) -> bool:
    try:
        orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True


@given(st.text())
def test_whatever_a_header_holds_is_a_wait_or_none(text: str) -> None:
    wait = retry_after({"retry-after": text}, datetime(2026, 1, 1, tzinfo=UTC))
    assert wait is None or 0 <= wait <= MAX_WAIT


@given(st.text(alphabet='<>;,="rel next/:hts.') | st.text())
def test_whatever_a_link_holds_is_a_link_or_none(text: str) -> None:
    answer = Answer("https://api.example.com/x", 200, {"link": text}, b"[]")
    try:
        found = following(LinkPages(), answer, at_cursor=None, listed=1)
        if found is not None:
            Egress(["https://api.example.com"]).check(found)
    except RemoteError:
        pass


def test_a_long_hostile_link_header_takes_no_time() -> None:
    for text in ("<a>" + "; x" * 20_000, "<" * 60_000, '<a>; rel="' + '", <a>; "' * 6_000, "<a>;" + " " * 60_000):
        answer = Answer("https://api.example.com/x", 200, {"link": text}, b"[]")
        began = datetime.now(UTC)
        following(LinkPages(), answer, at_cursor=None, listed=1)
        assert (datetime.now(UTC) - began).total_seconds() < 1
