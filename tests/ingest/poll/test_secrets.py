"""No secret is in anything that is written: logs, states, errors, state files, representations."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from tests.ingest.poll.conftest import Run, google, m365, okta, open_for_business
from tests.ingest.poll.peer import Asked, Said
from tests.ingest.poll.vendors import GitHub, Google, Microsoft365, Okta, Vendor, pem

from watchfloor.errors import InputError, WatchfloorError
from watchfloor.ingest.inputs.poll.exchange import Answer, Request
from watchfloor.ingest.inputs.poll.poll import Poll

CANARY = "canary/9f8e7d6c+5b4a=="


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Everything that any library logs."""
    handler = logging.FileHandler(tmp_path / "debug.log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield tmp_path / "debug.log"
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_OKTA", "POLL_CLIENT"):
        monkeypatch.setenv(name, CANARY)


def _echo(status: int) -> object:
    """An answer that repeats what it was sent, as a mocking or broken API does."""

    def answer(asked: Asked) -> Said:
        sent = f"{asked.headers.get('authorization')} {asked.body.decode()} {asked.form}"
        return Said({"error": {"code": "E1", "message": sent[:350]}}, status)

    return answer


def _of(vendor: Vendor, url: str, folder: Path) -> Poll:
    match vendor:
        case Okta():
            return okta(url)
        case Microsoft365():
            return m365(url)
        case Google():
            return google(url, vendor, applications=["login"])
        case _:
            (folder / "key.pem").write_text(pem(GitHub().key))
            key = {"file": str(folder / "key.pem")}
            settings = {"org": "example", "api": url, "app_id": 1, "installation_id": 77, "private_key": key}
            return Poll(source="github_audit", settings=settings, private=True, every="1s")


@pytest.mark.usefixtures("canary")
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
@pytest.mark.parametrize("kind", [Okta, Microsoft365, Google, GitHub])
def test_a_vendor_that_repeats_secrets_spreads_none(
    kind: type[Vendor], status: int, run: Run, log: Path, tmp_path: Path
) -> None:
    vendor = kind()
    vendor.answer = _echo(status)  # type: ignore[method-assign, assignment]

    async def scenario() -> str:
        async with open_for_business(vendor) as peer:
            poll = _of(vendor, peer.url, tmp_path)
            async with run.of(poll):
                await run.until(lambda: bool(run.states))
            return repr(poll) + str(poll) + repr(poll.values()) + orjson.dumps([dict(poll.settings)]).decode()

    told = asyncio.run(scenario())
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "key.pem"]
    assert log in written
    texts = [told, *run.states, *(path.read_text() for path in written)]
    secrets = [CANARY, quote(CANARY, safe=""), CANARY[:12], "PRIVATE KEY", "eyJhbGciOi", "J0eXAiOiJKV1Qi"]
    found = [(secret, text) for secret in secrets for text in texts if secret in text]
    assert not found


def test_tokens_that_were_fetched_are_secrets_too(run: Run, log: Path, tmp_path: Path) -> None:
    vendor = Microsoft365()
    ordinary = vendor.answer

    def answer(asked: Asked) -> Said:
        if asked.path.endswith("/token"):
            return ordinary(asked)
        return Said({"error": {"code": "X", "message": f"denied to {asked.headers['authorization']}"}}, 403)

    vendor.answer = answer  # type: ignore[method-assign]

    async def scenario() -> None:
        async with open_for_business(vendor) as peer, run.of(m365(peer.url)):
            await run.until(lambda: bool(run.states))

    asyncio.run(scenario())
    assert "denied to Bearer ***" in run.states[0]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "access-token-" in path.read_text()]
    assert log.read_text()


def test_a_secret_of_short_pieces_is_taken_out_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_OKTA", "p.w:1;2,x y")

    async def scenario() -> None:
        vendor = Okta()
        vendor.answer = _echo(403)  # type: ignore[method-assign, assignment]
        async with open_for_business(vendor) as peer, run.of(okta(peer.url)):
            await run.until(lambda: bool(run.states))

    asyncio.run(scenario())
    assert "SSWS ***" in run.states[0]
    assert "1;2" not in run.states[0]


@pytest.mark.parametrize(
    "settings", [{"token": CANARY}, {"token": {"value": CANARY}}, {"tokken": CANARY}, {"url": [CANARY]}]
)
def test_a_secret_in_the_wrong_place_is_not_repeated(settings: dict[str, object]) -> None:
    known = {"url": "https://example.okta.com", "token": {"env": "POLL_OKTA"}}
    with pytest.raises(WatchfloorError) as raised:
        Poll(source="okta_system_log", settings=known | settings).values()
    assert CANARY not in "".join(traceback.format_exception(raised.value))
    assert str(raised.value).startswith("settings: ")


@pytest.mark.parametrize("secret", ["two\nlines of it", "umläut", ""])
def test_a_secret_that_no_header_can_hold_is_said_and_not_told(
    secret: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLL_OKTA", secret)

    async def scenario() -> None:
        async with open_for_business(Okta()) as peer, run.of(okta(peer.url)):
            await run.until(lambda: bool(run.states))
            assert not peer.asked

    asyncio.run(scenario())
    assert "POLL_OKTA" in run.states[0] or "characters that no header can hold" in run.states[0]
    assert not secret or secret not in run.states[0]


def test_a_secret_that_is_replaced_is_read_anew(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        vendor = Okta()
        path = tmp_path / "secret"
        path.write_text("old")
        async with open_for_business(vendor) as peer:
            settings = {"url": peer.url, "token": {"file": str(path)}}
            async with run.of(Poll(source="okta_system_log", settings=settings, private=True, every="1s")):
                await run.until(lambda: bool(run.states))
                path.write_text("token-of-okta\n")
                await run.until(lambda: run.states[-1] == "")

    asyncio.run(scenario())


def test_requests_and_answers_print_as_their_places() -> None:
    request = Request(f"https://api.example.com/x?token={CANARY}", headers={"Authorization": CANARY})
    answer = Answer(request.url, 200, {"set-cookie": CANARY}, CANARY.encode())
    assert CANARY not in repr(request) + str(request) + repr(answer) + repr([answer])


def test_what_is_missing_in_the_settings_is_named() -> None:
    with pytest.raises(InputError, match="token is missing: an API token"):
        Poll(source="okta_system_log", settings={"url": "https://example.okta.com"}).values()
