"""One case with hostile events, its chain and its pack."""

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchfloor.case import (
    Assessment,
    Case,
    Decision,
    Hypothesis,
    Proposal,
    Risk,
    Sentence,
    Step,
    TimelineEntry,
)
from watchfloor.event import Entity, Origin
from watchfloor.evidence import Chain, RawEvent, write_pack
from watchfloor.evidence.chain import Entry
from watchfloor.evidence.pack import PackInfo
from watchfloor.finding import Finding, Rule, Term

NOW = 1_767_312_000_000
START = 1_767_225_600_000

RAWS: tuple[bytes, ...] = (
    b'{"eventName":"ConsoleLogin","sourceIPAddress":"203.0.113.7"}',
    b'{"note":"<script>alert(1)</script> \xe2\x80\xaegnp.exe \\u0000"}',
    b'{"broken":"\xff\xfe\x00 caf\xe9"}',
    b"\x00\r\n\x1b[31m\xc0\xaf",
    b"",
    b'{"long":"' + b"A" * 10_000 + b'"}',
)


def raw_event(number: int, raw: bytes) -> RawEvent:
    ocsf = {
        "time": START + number * 1000,
        "class_uid": 3002,
        "metadata": {"uid": f"event-{number}", "tenant_uid": "default"},
        "raw_data": raw.decode("utf-8", "replace"),
        "raw_data_size": len(raw),
        "enrichments": [{"name": "origin", "value": "a.json:1", "type": "watchfloor", "data": {"line": number + 1}}],
    }
    return RawEvent(ocsf, raw)


@pytest.fixture(scope="session")
def make_event() -> Callable[[int, bytes], RawEvent]:
    return raw_event


@pytest.fixture(scope="session")
def raws() -> tuple[bytes, ...]:
    return RAWS


@pytest.fixture(scope="session")
def events() -> tuple[RawEvent, ...]:
    return tuple(raw_event(number, raw) for number, raw in enumerate(RAWS))


@pytest.fixture(scope="session")
def case() -> Case:
    rule = Rule("rule-1", "Console login without MFA", "high", techniques=("T1078.004",))
    alice = Entity("user", "user:alice@example.com", "alice")
    findings = tuple(
        Finding(
            uid=f"finding-{number}",
            tenant="default",
            rule=rule,
            start=START,
            end=START + 5000,
            event_uids=uids,
            origins=(Origin("a.json", 1),),
            entities=(alice,),
        )
        for number, uids in enumerate([("event-0", "event-1"), ("event-2",)])
    )
    deny = Decision("deny", ("p1",), ("out of hours",), ("ask the owner",))
    ask = Decision("needs-approval", ("p2",), ("a person is affected",), (), ("analyst",))
    steps = (
        Step("Suspend", "okta_suspend_user", alice.id, ask, "Suspend alice", "okta_unsuspend_user"),
        Step("Isolate", "isolate_host", "host:ws-17", deny),
    )
    return Case(
        uid="case-1",
        tenant="default",
        title="Console login \u202eafter hours",
        level="high",
        start=START,
        end=START + 5000,
        findings=findings,
        entities=(alice,),
        tactics=("initial-access",),
        risk=Risk(0.8125, (Term("rule", 0.3, "a high rule"),)),
        timeline=(TimelineEntry(START, START, "login", "high", "initial-access", ("finding-0",), ("event-3",)),),
        assessment=Assessment(
            "Alice's account was used from 203.0.113.7",
            (Sentence("Alice logged in.", ("event-0", "event-4")),),
            (Hypothesis("stolen password", 1e-7, "no MFA"), Hypothesis("travel", 1.0, "")),
        ),
        proposals=(Proposal("contain_account", "Contain an account", alice.id, "stolen password", steps),),
    )


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def other_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(32))


def busy_chain() -> Chain:
    """A chain that other cases have written to."""
    chain = Chain()
    chain.extend((Entry("default", "decision", f"other-{n}", {"verdict": "deny", "n": n}) for n in range(5)), at=START)
    return chain


@pytest.fixture
def chain() -> Chain:
    return busy_chain()


@pytest.fixture(scope="session")
def packed(
    tmp_path_factory: pytest.TempPathFactory, case: Case, events: tuple[RawEvent, ...], key: Ed25519PrivateKey
) -> bytes:
    """The bytes of a good pack."""
    path = tmp_path_factory.mktemp("packs") / "case-1.zip"
    write_pack(path, case, events, chain=busy_chain(), key=key, now_ms=NOW, version="0.1.0")
    return path.read_bytes()


Seal = Callable[..., PackInfo]


@pytest.fixture
def seal(case: Case, events: tuple[RawEvent, ...], key: Ed25519PrivateKey) -> Seal:
    """``write_pack`` with this test's case, events, key and time, and an empty chain, where no other is given."""
    own_case, own_events = case, events

    def run(
        path: Path, *, case: Case = own_case, events: Iterable[RawEvent] = own_events, chain: Chain | None = None
    ) -> PackInfo:
        chain = Chain() if chain is None else chain
        return write_pack(path, case, events, chain=chain, key=key, now_ms=NOW, version="0.1.0")

    return run


def unzip(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_up(members: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="session")
def members(packed: bytes) -> dict[str, bytes]:
    return unzip(packed)


@pytest.fixture(scope="session")
def rezip() -> Callable[[list[tuple[zipfile.ZipInfo | str, bytes]]], bytes]:
    return zip_up


@pytest.fixture
def pack_path(tmp_path: Path, packed: bytes) -> Path:
    path = tmp_path / "case-1.zip"
    path.write_bytes(packed)
    return path
