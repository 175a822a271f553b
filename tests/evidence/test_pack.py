import hashlib
import io
import itertools
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import watchfloor.evidence
from watchfloor.case import Case
from watchfloor.errors import GateError, StoreError
from watchfloor.evidence import Chain, RawEvent, open_chain, verify_pack
from watchfloor.evidence.pack import PackInfo, cited_uids
from watchfloor.evidence.verify import raw_bytes

MakeEvent = Callable[[int, bytes], RawEvent]
Events = tuple[RawEvent, ...]
Seal = Callable[..., PackInfo]
NOW = 1_767_312_000_000


def as_json(value: object) -> object:
    return json.loads(msgspec.json.encode(value))


def test_a_pack_holds_what_the_design_says(members: dict[str, bytes], case: Case) -> None:
    assert list(members) == [
        "assessment.json",
        "case.json",
        "chain.json",
        "decisions.ndjson",
        "events.ndjson",
        "findings.ndjson",
        "verify.py",
        "manifest.json",
        "manifest.sig",
    ]
    assert json.loads(members["case.json"]) == as_json(case.to_ocsf(now=NOW))
    findings = [json.loads(line) for line in members["findings.ndjson"].splitlines()]
    assert findings == [as_json(finding.to_ocsf(now=NOW)) for finding in case.findings]
    assert json.loads(members["assessment.json"]) == as_json(case.assessment)
    verdicts = [json.loads(line)["verdict"] for line in members["decisions.ndjson"].splitlines()]
    assert verdicts == ["needs-approval", "deny"]


def test_every_raw_byte_comes_back(members: dict[str, bytes], raws: tuple[bytes, ...]) -> None:
    assert tuple(raw_bytes(json.loads(line)) for line in members["events.ndjson"].splitlines()) == raws


def test_the_manifest_lists_and_signs(members: dict[str, bytes], key: Ed25519PrivateKey) -> None:
    manifest = json.loads(members["manifest.json"])
    for entry in manifest["files"]:
        content = members[entry["path"]]
        assert (entry["sha256"], entry["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert len(manifest["files"]) == len(members) - 2
    assert (manifest["case"], manifest["created"], manifest["version"]) == (
        "case-1",
        "2026-01-02T00:00:00.000Z",
        "0.1.0",
    )
    key.public_key().verify(members["manifest.sig"], members["manifest.json"])
    head = f"watchfloor chain head\n8\n{manifest['chain']['root']}\n".encode()
    key.public_key().verify(bytes.fromhex(manifest["chain"]["signature"]), head)


def test_the_script_in_the_pack_is_the_one_of_the_package(members: dict[str, bytes]) -> None:
    assert members["verify.py"] == (Path(watchfloor.evidence.__path__[0]) / "verify.py").read_bytes()


def test_other_cases_are_not_disclosed(members: dict[str, bytes]) -> None:
    assert not any(b"other-" in content for content in members.values())


def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, packed: bytes, events: Events, seal: Seal, chain: Chain
) -> None:
    path = tmp_path / "again.zip"
    shuffled = [*events[::-1], *events]
    seal(path, events=shuffled, chain=chain)
    assert path.read_bytes() == packed


def test_members_carry_the_time_of_the_case(packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 1, 1, 0, 0, 4)}


@pytest.mark.parametrize("end", [-(10**12), 0, 10**14])
def test_a_case_of_an_impossible_time_is_packed(
    tmp_path: Path, case: Case, key: Ed25519PrivateKey, seal: Seal, end: int
) -> None:
    odd = msgspec.structs.replace(case, end=end)
    path = tmp_path / "case.zip"
    seal(path, case=odd)
    assert verify_pack(path, key.public_key()).verified


def test_what_was_written_is_reported(tmp_path: Path, members: dict[str, bytes], seal: Seal, chain: Chain) -> None:
    path = tmp_path / "case.zip"
    info = seal(path, chain=chain)
    assert (info.path, info.size, info.events, info.records) == (path, path.stat().st_size, 6, 3)
    assert info.manifest_sha256 == hashlib.sha256(members["manifest.json"]).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["case.zip"]


def test_a_pack_of_a_durable_chain_verifies_after_a_change_of_mind(
    tmp_path: Path, case: Case, key: Ed25519PrivateKey, seal: Seal
) -> None:
    path = tmp_path / "case.zip"
    assert case.assessment is not None
    changed = msgspec.structs.replace(case.assessment, headline="Another view")
    for version in (case, msgspec.structs.replace(case, assessment=changed, proposals=()), case):
        with open_chain(tmp_path / "records.ndjson") as chain:
            seal(path, case=version, chain=chain)
        report = verify_pack(path, key.public_key())
        assert report.verified, report.lines()
    assert report.chain.words.startswith("5 records of 5")


def test_a_bare_case_is_packed_and_verifies(tmp_path: Path, case: Case, key: Ed25519PrivateKey, seal: Seal) -> None:
    bare = msgspec.structs.replace(case, assessment=None, proposals=(), findings=(), timeline=())
    path = tmp_path / "case.zip"
    seal(path, case=bare, events=[])
    report = verify_pack(path, key.public_key())
    assert report.verified, report.lines()
    with zipfile.ZipFile(path) as archive:
        assert archive.read("assessment.json") == b"null\n"


def test_everything_cited_is_named(case: Case) -> None:
    assert cited_uids(case) == {"event-0", "event-1", "event-2", "event-3", "event-4"}


@pytest.mark.parametrize("lost", range(5))
def test_a_case_that_cites_what_is_not_there_is_not_packed(
    tmp_path: Path, events: Events, seal: Seal, lost: int
) -> None:
    chain = Chain()
    rest = [*events[:lost], *events[lost + 1 :]]
    with pytest.raises(GateError, match=f"cites 1 events that were not given, first 'event-{lost}'"):
        seal(tmp_path / "case.zip", events=rest, chain=chain)
    assert not list(tmp_path.iterdir())
    assert len(chain) == 0


def test_a_failure_leaves_the_old_pack(
    tmp_path: Path, pack_path: Path, packed: bytes, make_event: MakeEvent, seal: Seal
) -> None:
    def breaks_off() -> Iterator[RawEvent]:
        yield make_event(0, b"{}")
        raise RuntimeError("the lake is gone")

    with pytest.raises(RuntimeError, match="the lake"):
        seal(pack_path, events=breaks_off())
    assert pack_path.read_bytes() == packed
    assert list(tmp_path.iterdir()) == [pack_path]


def test_a_case_that_is_not_json_leaves_nothing(tmp_path: Path, case: Case, seal: Seal) -> None:
    with pytest.raises(GateError, match="cannot be written as JSON"):
        seal(tmp_path / "case.zip", case=msgspec.structs.replace(case, title="\ud800"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("watchfloor.evidence.pack.MAX_CONTENT", "the pack would unpack to more than 2000 bytes"),
        ("watchfloor.evidence.pack.MAX_DOCUMENT", "a pack holds at most 2000"),
        ("watchfloor.evidence.events.MAX_DOCUMENT", "event 'event-5' is 10"),
    ],
)
def test_what_could_not_be_checked_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seal: Seal, limit: str, words: str
) -> None:
    monkeypatch.setattr(limit, 2000)
    with pytest.raises(GateError, match=words):
        seal(tmp_path / "case.zip")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path, seal: Seal) -> None:
    with pytest.raises(StoreError, match="No such file"):
        seal(tmp_path / "no" / "case.zip")


def test_many_events_need_little_memory(
    tmp_path: Path, make_event: MakeEvent, key: Ed25519PrivateKey, seal: Seal
) -> None:
    filler = itertools.cycle(hashlib.sha512(bytes([n])).hexdigest().encode() * 160 for n in range(64))
    events = (make_event(number, next(filler)) for number in range(2000))
    path = tmp_path / "case.zip"
    tracemalloc.start()
    try:
        seal(path, events=events)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert verify_pack(path, key.public_key()).verified
        verified = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 40 MB of events: 8 MiB may wait in memory, the rest never does.
    assert written < 20e6
    assert verified < 10e6
