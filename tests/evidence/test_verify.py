import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.errors import InputError
from watchfloor.evidence import verify_pack
from watchfloor.evidence.keys import public_pem
from watchfloor.evidence.merkle import MerkleTree
from watchfloor.evidence.verification import VerificationReport
from watchfloor.evidence.verify import OPENSSL, main, record_hash

Members = dict[str, bytes]
Rezip = Callable[[list[tuple[str, bytes]]], bytes]
Check = Callable[[Members], VerificationReport]

FILES = (
    "assessment.json",
    "case.json",
    "chain.json",
    "decisions.ndjson",
    "events.ndjson",
    "findings.ndjson",
    "manifest.json",
    "manifest.sig",
    "verify.py",
)


@pytest.fixture
def check(tmp_path: Path, rezip: Rezip, key: Ed25519PrivateKey) -> Check:
    """Verify a pack of these members with the right key."""

    def run(members: Members) -> VerificationReport:
        path = tmp_path / "case.zip"
        path.write_bytes(rezip(list(members.items())))
        return verify_pack(path, key.public_key())

    return run


def altered(report: VerificationReport) -> dict[str, str]:
    return {one.path: one.status for one in report.files if one.status != "ok"}


def resigned(members: Members, key: Ed25519PrivateKey, **changes: bytes) -> Members:
    """The pack as somebody with a key would forge it: new hashes, new signature."""
    members = {**members, **{name.replace("__", "."): content for name, content in changes.items()}}
    manifest = json.loads(members["manifest.json"])
    chain = json.loads(members["chain.json"])
    root = chain["root"]
    head = f"watchfloor chain head\n{chain['size']}\n{root}\n".encode()
    manifest["chain"] = {"size": chain["size"], "root": root, "signature": key.sign(head).hex()}
    manifest["signer"]["public_key"] = key.public_key().public_bytes_raw().hex()
    for entry in manifest["files"]:
        content = members[entry["path"]]
        entry.update(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    members["manifest.json"] = json.dumps(manifest).encode()
    members["manifest.sig"] = key.sign(members["manifest.json"])
    return members


def test_a_good_pack_verifies_with_its_key_only(
    pack_path: Path, key: Ed25519PrivateKey, other_key: Ed25519PrivateKey
) -> None:
    report = verify_pack(pack_path, key.public_key())
    assert (report.verified, report.exit_status, report.signature.status) == (True, 0, "ok")
    assert {one.path for one in report.files} == set(FILES)
    wrong = verify_pack(pack_path, other_key.public_key())
    assert (wrong.intact, wrong.verified, wrong.exit_status, wrong.signature.status) == (True, False, 1, "wrong key")
    assert wrong.lines()[-1].endswith("signature wrong key")
    unknown = verify_pack(pack_path, None)
    assert (unknown.intact, unknown.exit_status, unknown.signature.status) == (True, 1, "signer unknown")
    assert "signer unknown" in unknown.lines()[-1]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_byte_of_any_file_is_named(members: Members, check: Check, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = bytearray(members[name])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    report = check({**members, name: bytes(content)})
    assert not report.verified
    assert not report.intact
    assert report.exit_status == 1
    found = altered(report)
    assert found[name] == "altered"
    # A manifest that lists a wrong hash contradicts that file too; nothing else accuses a file that was left alone.
    assert set(found) == {name} or name.startswith("manifest")
    assert name in report.lines()[-1]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_byte_of_the_zip_fails_or_changes_no_content(
    tmp_path: Path, packed: bytes, members: Members, key: Ed25519PrivateKey, data: st.DataObject
) -> None:
    content = bytearray(packed)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.zip"
    path.write_bytes(content)
    report = verify_pack(path, key.public_key())
    if report.verified:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == members


@pytest.mark.parametrize("name", FILES)
def test_a_removed_file_is_missing(members: Members, check: Check, name: str) -> None:
    report = check({other: content for other, content in members.items() if other != name})
    assert altered(report)[name] == "missing"
    assert not report.intact


def test_a_file_too_many_is_unexpected(members: Members, check: Check) -> None:
    report = check({**members, "readme.txt": b"hello"})
    assert altered(report) == {"readme.txt": "unexpected"}
    assert not report.verified


def test_a_removed_event_is_seen(members: Members, check: Check) -> None:
    lines = members["events.ndjson"].splitlines(keepends=True)
    report = check({**members, "events.ndjson": b"".join(lines[1:])})
    assert altered(report) == {"events.ndjson": "altered"}
    assert report.contents.words == '1 cited events are not in events.ndjson, the first is "event-0"'


def test_a_forger_with_another_key_is_a_wrong_key(members: Members, check: Check, other_key: Ed25519PrivateKey) -> None:
    report = check(resigned(members, other_key, verify__py=b"print('VERIFIED')\n"))
    assert (report.intact, report.verified, report.signature.status) == (True, False, "wrong key")


def test_a_swapped_signature_or_manifest_is_seen(members: Members, check: Check, other_key: Ed25519PrivateKey) -> None:
    forged = resigned(members, other_key)
    for changes in ("manifest.sig", "manifest.json"):
        report = check({**members, changes: forged[changes]})
        assert report.signature.status == "altered"
        assert altered(report) == {"manifest.json": "altered", "manifest.sig": "altered"}
    report = check({**members, "manifest.sig": b"short"})
    assert report.signature.status == "altered"


def test_a_signature_that_is_not_for_the_chain_is_seen(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["chain"]["signature"] = key.sign(b"something else").hex()
    data = json.dumps(manifest).encode()
    report = check({**members, "manifest.json": data, "manifest.sig": key.sign(data)})
    assert report.signature.words == "the head of the chain in manifest.json is not signed"


# What follows is signed with the right key: an honest hash over a dishonest content.


def chain_with(members: Members, change: Callable[[list[dict[str, object]]], object]) -> bytes:
    chain = json.loads(members["chain.json"])
    change(chain["records"])
    return json.dumps(chain).encode()


def test_the_first_broken_record_is_named(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    def changed(entries: list[dict[str, object]]) -> None:
        entries[1]["record"]["body"]["verdict"] = "permit"  # type: ignore[index]

    def rehashed(entries: list[dict[str, object]]) -> None:
        changed(entries)
        record = entries[1]["record"]
        record["hash"] = record_hash(record)  # type: ignore[arg-type, index]

    def reordered(entries: list[dict[str, object]]) -> None:
        entries.reverse()

    def doubled(entries: list[dict[str, object]]) -> None:
        entries.insert(1, entries[1])

    def unproved(entries: list[dict[str, object]]) -> None:
        entries[2]["proof"] = entries[1]["proof"]

    for change, words in (
        (changed, 'seq "6", entry 1 of chain.json: its hash is not the hash of its content'),
        (rehashed, 'seq "6", entry 1 of chain.json: its proof does not lead to the signed root'),
        (reordered, 'seq "6", entry 1 of chain.json: it is out of order'),
        (doubled, 'seq "6", entry 2 of chain.json: it is out of order'),
        (unproved, 'seq "7", entry 2 of chain.json: its proof does not lead to the signed root'),
    ):
        report = check(resigned(members, key, chain__json=chain_with(members, change)))
        assert (report.verified, report.chain.status) == (False, "broken")
        assert report.chain.words == f"first broken record: {words}"
        assert report.lines()[-1].endswith("chain broken, contents unchecked")


def chain_of(records: list[dict[str, object]]) -> bytes:
    """``chain.json`` of records that hash and prove well, whatever they say of each other."""
    tree = MerkleTree()
    for record in records:
        record["hash"] = record_hash(record)
        tree.append(bytes.fromhex(str(record["hash"])))
    entries = [
        {"record": record, "proof": [node.hex() for node in tree.proof(number)]}
        for number, record in enumerate(records)
    ]
    return json.dumps({"size": len(records), "root": tree.root().hex(), "records": entries}).encode()


def test_records_that_are_signed_but_no_chain_are_named(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    def record(seq: int, **changes: object) -> dict[str, object]:
        whole = {"seq": seq, "at": 0, "kind": "effect", "subject": "case-1", "body": {}, "prev": "0" * 64}
        return {**whole, **changes}

    first = record_hash(record(0))
    for records, words in (
        ([record(0), record(1, prev="1" * 64)], "entry 1 of chain.json: it does not continue its predecessor"),
        ([record(0, prev="1" * 64)], "entry 0 of chain.json: the first record has no predecessor"),
        ([record(0), record(1, prev=first, subject="case-2")], "entry 1 of chain.json: it is about another case"),
    ):
        report = check(resigned(members, key, chain__json=chain_of(records)))
        assert report.chain.status == "broken"
        assert words in report.chain.words
    assert check(resigned(members, key, chain__json=chain_of([record(0), record(1, prev=first)]))).chain.status == "ok"


def test_a_chain_that_is_not_the_signed_one_is_seen(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    forged = resigned(members, key, chain__json=edited(members["chain.json"], b'"size": 8', b'"size": 9'))
    manifest = json.loads(forged["manifest.json"])
    manifest["chain"] = json.loads(members["manifest.json"])["chain"]
    data = json.dumps(manifest).encode()
    report = check({**forged, "manifest.json": data, "manifest.sig": key.sign(data)})
    assert (report.signature.status, altered(report)) == ("ok", {})
    assert report.chain.words == "chain.json has another size or root than manifest.json"


def test_a_size_that_is_not_the_listed_one_is_seen(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["files"][0]["size"] += 1
    data = json.dumps(manifest).encode()
    report = check({**members, "manifest.json": data, "manifest.sig": key.sign(data)})
    assert altered(report) == {"assessment.json": "altered"}


def test_a_left_out_record_is_missed_by_the_decisions(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    report = check(resigned(members, key, chain__json=chain_with(members, lambda entries: entries.pop())))
    assert report.contents.words == "decisions.ndjson line 2 is not the decision that the chain recorded"


def edited(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("assessment.json", (b"Alice logged in.", b"Bob logged in."), "not the last assessment"),
        ("decisions.ndjson", (b'"deny"', b'"permit"'), "decisions.ndjson line 2 is not the decision"),
        ("case.json", (b'"uid": "case-1"', b'"uid": "case-2"'), "about another case"),
        ("case.json", (b'"finding-1"', b'"finding-9"'), 'names finding "finding-9"'),
        ("case.json", (b'"event-3"', b'"event-9"'), "1 cited events are not in events.ndjson"),
        ("findings.ndjson", (b'"event_uids":["event-2"]', b'"event_uids":["\\u202e"]'), 'the first is "\\u202e"'),
        ("events.ndjson", (b"203.0.113.7", b"203.0.113.8"), "line 1: its raw bytes do not match"),
        ("events.ndjson", (b'"base64":"', b'"base64":"!'), "line 3: its raw bytes are not base64"),
        ("events.ndjson", (b'"algorithm_id"', b'{"'), "line 1 is not JSON"),
    ],
)
def test_files_that_contradict_each_other_are_seen(  # noqa: PLR0917 - three fixtures and three parameters
    members: Members, check: Check, key: Ed25519PrivateKey, name: str, change: tuple[bytes, bytes], words: str
) -> None:
    report = check(resigned(members, key, **{name.replace(".", "__"): edited(members[name], *change)}))
    assert report.signature.status == "ok"
    assert (report.contents.status, report.verified) == ("broken", False)
    assert words in report.contents.words


def test_a_lost_decision_is_named(members: Members, check: Check, key: Ed25519PrivateKey) -> None:
    first = members["decisions.ndjson"].splitlines(keepends=True)[0]
    report = check(resigned(members, key, decisions__ndjson=first))
    assert report.contents.words == "decisions.ndjson lacks the decision of record 7"


# The script on its own, as an auditor runs it.


def run(script: Path, *arguments: str, isolated: bool = False) -> tuple[int, str, str]:
    flags = ["-I", "-S"] if isolated else ["-I"]
    command = [sys.executable, *flags, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)  # noqa: S603
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def unpacked(tmp_path: Path, members: Members) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_bytes(content)
    return folder


def test_the_extracted_script_checks_the_folder_and_the_zip(
    tmp_path: Path, pack_path: Path, unpacked: Path, key: Ed25519PrivateKey, other_key: Ed25519PrivateKey
) -> None:
    pub, other = tmp_path / "evidence.pub", tmp_path / "other.pub"
    pub.write_bytes(public_pem(key.public_key()))
    other.write_bytes(public_pem(other_key.public_key()))
    script = unpacked / "verify.py"
    for arguments in ([], [str(pack_path)], [str(unpacked)]):
        status, out, _ = run(script, *arguments, "--key", str(pub))
        assert status == 0, out
        assert out.splitlines()[-1].startswith("VERIFIED: ")
    status, out, _ = run(script, "--key", str(other))
    assert (status, "signature wrong key" in out) == (1, True)
    status, out, _ = run(script)
    assert (status, "signer unknown" in out) == (1, True)
    status, out, _ = run(script, "--key", str(pub), isolated=True)
    assert (status, "openssl pkeyutl -verify" in out, "chain       ok" in out) == (1, True, True)
    status, out, _ = run(script, "--key", str(other), isolated=True)
    assert (status, "signature wrong key" in out) == (1, True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_checks_the_signature_as_documented(unpacked: Path, key: Ed25519PrivateKey) -> None:
    assert OPENSSL in (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")
    (unpacked / "evidence.pub").write_bytes(public_pem(key.public_key()))

    def check() -> int:
        return subprocess.run(OPENSSL.split(), cwd=unpacked, capture_output=True, check=False).returncode  # noqa: S603

    assert check() == 0
    (unpacked / "manifest.json").write_bytes(b"{}")
    assert check() == 1


def test_the_extracted_script_names_the_altered_file(tmp_path: Path, unpacked: Path, key: Ed25519PrivateKey) -> None:
    pub = tmp_path / "evidence.pub"
    pub.write_bytes(public_pem(key.public_key()))
    events = unpacked / "events.ndjson"
    events.write_bytes(events.read_bytes().replace(b"203.0.113.7", b"203.0.113.8"))
    status, out, _ = run(unpacked / "verify.py", "--key", str(pub))
    assert status == 1
    assert "altered     events.ndjson" in out
    assert out.splitlines()[-1].startswith("NOT VERIFIED: ")
    assert "events.ndjson altered" in out.splitlines()[-1]
    before = sorted(path.name for path in unpacked.iterdir())
    assert before == sorted(FILES)


def test_the_extracted_script_tells_what_gives_nothing_to_check(tmp_path: Path, unpacked: Path) -> None:
    script = unpacked / "verify.py"
    status, _, err = run(script, str(tmp_path / "absent.zip"))
    assert (status, "absent.zip" in err) == (2, True)
    (tmp_path / "bad.pub").write_bytes(b"\xff")
    status, _, err = run(script, "--key", str(tmp_path / "bad.pub"))
    assert (status, "not an Ed25519 public key" in err) == (2, True)


def test_the_scripts_main_runs_here_too(
    pack_path: Path, tmp_path: Path, key: Ed25519PrivateKey, capsys: pytest.CaptureFixture[str]
) -> None:
    pub = tmp_path / "evidence.pub"
    pub.write_bytes(public_pem(key.public_key()))
    assert main([str(pack_path), "--key", str(pub)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("VERIFIED")


def test_a_missing_pack_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        verify_pack(tmp_path / "absent.zip", None)
