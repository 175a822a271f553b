"""A TAXII 2.1 server that answers as the standard says, and servers that do not."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from watchfloor.errors import InputError
from watchfloor.ingest.taxii import MAX_PAGE_BYTES, MEDIA_TYPE, PAGE_SECONDS, Collection, Login
from watchfloor.secret import Secret

Answer = tuple[int, dict[str, str], bytes]
Respond = Callable[[str, dict[str, list[str]], dict[str, str]], Answer]


class Server:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.respond: Respond = lambda _path, _query, _headers: (200, {}, b"{}")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = (parts.path, parse_qs(parts.query), dict(self.headers))
                outer.asked.append(asked)
                status, headers, body = outer.respond(*asked)
                self.send_response(status)
                for name, value in {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        self.url = f"{self.origin}/api/collections/c1/"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever, daemon=True)
    thread.start()
    yield running
    running.http.shutdown()
    running.http.server_close()
    thread.join()


def collection(server: Server, **more: Any) -> Collection:
    return Collection(server.url, **{"allowed": (server.origin,), **more})


def test_pages_follow_each_other_and_the_next_pull_goes_on(server: Server) -> None:
    def respond(_path: str, query: dict[str, list[str]], _headers: dict[str, str]) -> Answer:
        number = int(query.get("next", ["0"])[0])
        body = {"objects": [{"n": number}], **({"more": True, "next": str(number + 1)} if number < 2 else {})}
        return 200, {"X-TAXII-Date-Added-Last": f"2026-01-0{number + 1}T00:00:00Z"}, orjson.dumps(body)

    server.respond = respond
    pages = list(collection(server).pages("2025-12-31T00:00:00Z"))
    assert [page.objects for page in pages] == [[{"n": 0}], [{"n": 1}], [{"n": 2}]]
    assert pages[-1].added == "2026-01-03T00:00:00Z"
    assert {path for path, _, _ in server.asked} == {"/api/collections/c1/objects/"}
    assert all(query["added_after"] == ["2025-12-31T00:00:00Z"] for _, query, _ in server.asked)
    assert all(headers["Accept"] == MEDIA_TYPE for _, _, headers in server.asked)


def test_a_server_without_a_cursor_is_read_on_by_time(server: Server) -> None:
    def respond(_path: str, query: dict[str, list[str]], _headers: dict[str, str]) -> Answer:
        last = query.get("added_after") == ["t1"]
        return 200, {"X-TAXII-Date-Added-Last": "t1"}, orjson.dumps({"objects": [1], "more": not last})

    server.respond = respond
    assert len(list(collection(server).pages())) == 2


def test_secrets_go_to_the_server_and_nowhere_else(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXII", "tok3n")
    list(collection(server, login=Login(token=Secret(env="TAXII"))).pages())
    monkeypatch.setenv("TAXII", "alice:pässword")
    list(collection(server, login=Login(password=Secret(env="TAXII"))).pages())
    assert [headers["Authorization"][:6] for _, _, headers in server.asked] == ["Bearer", "Basic "]
    server.respond = lambda _path, _query, _headers: (401, {}, b"tok3n")
    with pytest.raises(InputError, match="401: the login is missing or wrong") as caught:
        list(collection(server, login=Login(token=Secret(env="TAXII"))).pages())
    assert "tok3n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((302, {"Location": "http://169.254.169.254/"}, b""), "the server answers 302"),
        ((500, {}, b""), "the server answers 500"),
        ((406, {}, b""), "does not speak TAXII"),
        ((200, {}, b"<html>"), "no JSON"),
        ((200, {}, b"[]"), "no TAXII envelope"),
        ((200, {}, b'{"objects": 5}'), "objects is no list"),
        ((200, {}, b'{"more": true}'), "nowhere to go on"),
        ((200, {"Content-Encoding": "gzip"}, b"{}"), "compressed"),
        ((200, {"Content-Length": "5"}, b""), "cannot be read|no JSON|objects"),
    ],
)
def test_what_is_no_answer_is_one_line(server: Server, answer: Answer, reason: str) -> None:
    server.respond = lambda _path, _query, _headers: answer
    if answer[1].get("Content-Length"):
        server.http.RequestHandlerClass.protocol_version = "HTTP/1.0"  # type: ignore[attr-defined]
    try:
        list(collection(server).pages())
    except InputError as error:
        told = str(error)
    else:
        told = "objects"
    assert any(one in told for one in reason.split("|"))
    assert "\n" not in told
    assert len(server.asked) == 1


def test_a_page_without_end_and_pages_without_end_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.respond = lambda _path, _query, _headers: (200, {}, b" " * (MAX_PAGE_BYTES + 2))
    with pytest.raises(InputError, match="a page of more than 64 MiB"):
        list(collection(server).pages())
    server.respond = lambda _path, _query, _headers: (200, {}, b'{"more": true, "next": "same"}')
    monkeypatch.setattr("watchfloor.ingest.taxii.MAX_PAGES", 20)
    with pytest.raises(InputError, match="more than 20 pages"):
        list(collection(server).pages())


def test_a_page_that_drips_is_given_up(server: Server) -> None:
    times = iter([0.0, PAGE_SECONDS + 1.0])
    server.respond = lambda _path, _query, _headers: (200, {}, b"{}")
    with pytest.raises(InputError, match="a page takes longer"):
        list(collection(server, clock=lambda: next(times)).pages())


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:1/c/", "http://127.0.0.1:2"),
        ("http://taxii.example.com/c/", "https://taxii.example.com"),
        ("https://taxii.example.com.evil.example/c/", "https://taxii.example.com"),
        ("https://taxii.example.com@evil.example/c/", "https://taxii.example.com"),
        ("https://taxii.example.com:8443/c/", "https://taxii.example.com"),
        ("file:///etc/passwd", "https://taxii.example.com"),
        ("https://[::1", "https://taxii.example.com"),
        ("", "https://taxii.example.com"),
    ],
)
def test_it_goes_nowhere_that_was_not_allowed(url: str, allowed: str) -> None:
    with pytest.raises(InputError, match=r"is not allowed|no URL"):
        Collection(url, allowed=(allowed,))


def test_a_server_that_is_not_there_is_one_line(server: Server) -> None:
    server.http.socket.close()
    url = server.url
    with pytest.raises(InputError, match="cannot be read: "):
        list(Collection(url.replace(str(server.http.server_port), "1"), allowed=("http://127.0.0.1:1",)).pages())
