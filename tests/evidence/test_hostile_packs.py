"""Packs made to fool, to flood or to hang: each gets one clear line, nothing is written, nothing takes long."""

import io
import json
import os
import resource
import stat
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchfloor.evidence import verify_pack
from watchfloor.evidence.verification import VerificationReport

Members = dict[str, bytes]
Rezip = Callable[[list[tuple[zipfile.ZipInfo | str, bytes]]], bytes]


@pytest.fixture(autouse=True)
def nothing_written_or_hung(tmp_path: Path) -> Iterator[None]:
    started = time.process_time()
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"hostile.zip", "folder", "fifo"}
    assert time.process_time() - started < 5


@pytest.fixture
def judge(tmp_path: Path, key: Ed25519PrivateKey) -> Callable[[bytes], VerificationReport]:
    def run(pack: bytes) -> VerificationReport:
        path = tmp_path / "hostile.zip"
        path.write_bytes(pack)
        report = verify_pack(path, key.public_key())
        assert not report.verified
        assert not report.intact
        assert all(line.isascii() and line.isprintable() for line in report.lines())
        assert report.lines()[-1].startswith("NOT VERIFIED: ")
        return report

    return run


Judge = Callable[[bytes], VerificationReport]


def words_for(report: VerificationReport, name: str) -> str:
    return next(f"{one.status}: {one.words}" for one in report.files if one.path == name)


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK\5\6", b"not a zip" * 100, b"\0" * 100_000, b"PK\5\6" + b"\xff" * 18]
)
def test_what_is_no_zip(judge: Judge, content: bytes) -> None:
    assert "zip" in judge(content).container


def test_an_empty_zip_has_no_manifest(judge: Judge) -> None:
    assert words_for(judge(b"PK\5\6" + b"\0" * 18), "manifest.json").startswith("missing")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_a_truncated_pack(judge: Judge, packed: bytes, share: float) -> None:
    assert "zip" in judge(packed[: int(len(packed) * share)]).container


def test_bytes_before_after_and_between(judge: Judge, packed: bytes) -> None:
    end = bytearray(packed[-22:])
    index_size, index_start = struct.unpack("<LL", end[12:20])
    shifted = end[:16] + struct.pack("<L", index_start + 4) + end[20:]
    assert "added" in judge(packed + b"more").container
    assert "added" in judge(b"more" + packed).container
    assert "added" in judge(packed[:-2] + b"\4\0more").container
    assert "belong to no file" in judge(packed[:index_start] + b"more" + packed[index_start:-22] + shifted).container
    inside = packed[:index_start] + packed[index_start : index_start + index_size] + b"more" + packed[-22:]
    assert "added" in judge(inside).container


def test_two_files_of_one_name(judge: Judge, members: Members) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("case.json", b"{}")
    report = judge(out.getvalue())
    assert words_for(report, "case.json") == "unexpected: occurs 2 times: nobody can tell which one counts"


@pytest.mark.parametrize(
    "name",
    [
        "../case.json",
        "/etc/passwd",
        "a/b.json",
        "C:\\x.json",
        "Case.json",
        "CASE.JSON",
        "case.json ",
        "case.json/",
        "\u0441ase.json",
        "case\u202e.json",
        "\x1b[2Jcase.json",
        ".hidden",
        "..",
        "a" * 5000,
        "case.json\x00.txt",
    ],
)
def test_names_that_no_pack_has(judge: Judge, rezip: Rezip, members: Members, name: str) -> None:
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name
    report = judge(rezip([*members.items(), (entry, b"{}")]))
    if not report.container:
        assert [one.status for one in report.files if one.words == "not a name that a pack uses"] == ["unexpected"]
        assert {one.path for one in report.files if one.status == "ok"} == set(members)


def test_a_link_a_folder_and_a_device(judge: Judge, rezip: Rezip, members: Members) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO):
        entry = zipfile.ZipInfo("case.json")
        entry.external_attr = (kind | 0o777) << 16
        rest = [(name, content) for name, content in members.items() if name != "case.json"]
        report = judge(rezip([*rest, (entry, b"/etc/passwd")]))
        assert words_for(report, "case.json") == "unexpected: not a regular file"


def test_a_bomb_is_refused_by_its_declared_size(judge: Judge, rezip: Rezip, members: Members) -> None:
    pack = bytearray(rezip([*members.items(), ("bomb.json", b"\0" * 1_000_000)]))
    index = pack.rfind(b"PK\1\2")
    pack[index + 24 : index + 28] = struct.pack("<L", 0xFFFF_FFFE)
    assert "would unpack to" in judge(bytes(pack)).container


def test_a_bomb_that_hides_its_size_stops_there(judge: Judge, rezip: Rezip, members: Members) -> None:
    pack = bytearray(rezip([*members.items(), ("bomb.json", b"\0" * 50_000_000)]))
    index = pack.rfind(b"PK\1\2")
    pack[index + 24 : index + 28] = struct.pack("<L", 10)
    assert words_for(judge(bytes(pack)), "bomb.json").startswith("unexpected")
    listed = json.loads(members["manifest.json"])
    listed["files"].append({"path": "bomb.json", "sha256": "0" * 64, "size": 10})
    pack = bytearray(
        rezip([*{**members, "manifest.json": json.dumps(listed).encode()}.items(), ("bomb.json", b"\0" * 50_000_000)])
    )
    index = pack.rfind(b"PK\1\2")
    pack[index + 24 : index + 28] = struct.pack("<L", 10)
    assert "cannot be unpacked" in words_for(judge(bytes(pack)), "bomb.json")


def test_an_index_of_a_million_files_is_not_read(judge: Judge, packed: bytes) -> None:
    index_size, index_start = struct.unpack("<LL", packed[-10:-2])
    index = packed[index_start : index_start + index_size] * 3000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 27_000, 27_000, len(index), index_start, 0)
    assert "its index is too large" in judge(packed[:index_start] + index + end).container
    many = zipfile.ZipInfo("x.json")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(100):
            many = zipfile.ZipInfo(f"x{number}.json")
            archive.writestr(many, b"")
    assert "its index is too large" in judge(out.getvalue()).container


def test_a_second_index_in_zip64_is_not_read(judge: Judge, packed: bytes) -> None:
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9, 9, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(packed) - 22, 1)
    assert judge(packed[:-22] + record + locator + packed[-22:]).container


def test_a_second_index_hidden_in_a_comment_is_not_read(judge: Judge, packed: bytes) -> None:
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 46, 0)
    comment = record + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    last = packed.rfind(b"PK\1\2")
    entry = packed[last : last + 32] + struct.pack("<H", len(comment)) + packed[last + 34 : -22] + comment
    index_size = struct.unpack("<L", packed[-10:-6])[0] + len(comment)
    end = packed[-22:-10] + struct.pack("<L", index_size) + packed[-6:]
    assert "its index is too large" in judge(packed[:last] + entry + end).container


def test_extra_data_at_a_file(judge: Judge, rezip: Rezip, members: Members) -> None:
    for name, value in (("extra", b"\xfe\xca\4\0more"), ("comment", b"more")):
        entry = zipfile.ZipInfo("case.json")
        setattr(entry, name, value)
        rest = [(name, content) for name, content in members.items() if name != "case.json"]
        assert "carries extra data" in judge(rezip([*rest, (entry, members["case.json"])])).container


def test_overlapping_files(judge: Judge, packed: bytes) -> None:
    pack = bytearray(packed)
    first = pack.find(b"PK\1\2")
    second = pack.find(b"PK\1\2", first + 1)
    pack[second + 42 : second + 46] = pack[first + 42 : first + 46]
    assert judge(bytes(pack)).container


def test_a_method_that_packs_do_not_use_and_encryption(judge: Judge, members: Members, packed: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert {one.status for one in judge(out.getvalue()).files} == {"unexpected"}
    pack = bytearray(packed)
    pack[pack.find(b"PK\1\2") + 8] |= 1
    assert words_for(judge(bytes(pack)), "assessment.json").startswith("unexpected: encrypted")


def manifest_with(members: Members, **changes: object) -> Members:
    manifest = json.loads(members["manifest.json"])
    manifest.update(changes)
    return {**members, "manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"", "not JSON"),
        (b"null", "no proper format"),
        (b"[]", "no proper format"),
        (b"[" * 900_000, "nested too deeply"),
        (b'{"a":' * 150_000, "nested too deeply"),
        (b"9" * 900_000, "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"format":"watchfloor-evidence/1","format":"x"}', "a name occurs twice"),
        (b'{"format":NaN}', "NaN is not JSON"),
        (b'{"format":"watchfloor-evidence/2\\u202e"}', '"watchfloor-evidence/2\\u202e"'),
        (b" " * (2 << 20), "larger than"),
    ],
    ids=["empty", "null", "list", "deep", "deep-object", "number", "utf16", "twice", "nan", "format", "huge"],
)
def test_manifests_that_are_none(judge: Judge, rezip: Rezip, members: Members, manifest: bytes, words: str) -> None:
    report = judge(rezip(list({**members, "manifest.json": manifest}.items())))
    assert words in words_for(report, "manifest.json")
    assert "manifest.json altered" in report.lines()[-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"files": [{"path": "/etc/passwd", "sha256": "0" * 64, "size": 1}]},
        {"files": [{"path": "../../x.json", "sha256": "0" * 64, "size": 1}]},
        {"files": [{"path": "manifest.json", "sha256": "0" * 64, "size": 1}]},
        {"files": [{"path": "a.json", "sha256": "0" * 64, "size": 1}] * 2},
        {"files": [{"path": "a.json", "sha256": "0" * 64, "size": -1}]},
        {"files": [{"path": "a.json", "sha256": "0" * 64, "size": True}]},
        {"files": [{"path": "a.json", "sha256": "0" * 64, "size": 1e999}]},
        {"files": [{"path": "a.json", "sha256": "zz", "size": 1}]},
        {"files": [{"path": 7}]},
        {"files": [None]},
        {"files": {}},
        {"chain": None},
        {"chain": {"size": 10**400, "root": "0" * 64, "signature": "0" * 128}},
        {"signer": {"public_key": "0" * 63}},
        {"case": ["case-1"]},
    ],
)
def test_manifests_of_the_wrong_shape(judge: Judge, rezip: Rezip, members: Members, changes: dict[str, object]) -> None:
    report = judge(rezip(list(manifest_with(members, **changes).items())))
    words = words_for(report, "manifest.json")
    assert words.startswith("altered: ")
    assert "see signature" not in words


def test_a_manifest_that_lists_nothing(judge: Judge, rezip: Rezip, members: Members) -> None:
    report = judge(rezip(list(manifest_with(members, files=[]).items())))
    assert words_for(report, "events.ndjson") == "unexpected: manifest.json does not list it"


def test_a_manifest_that_lists_thousands_of_files(judge: Judge, rezip: Rezip, members: Members) -> None:
    files = [{"path": f"f{number}.json", "sha256": "0" * 64, "size": 1} for number in range(9000)]
    report = judge(rezip(list(manifest_with(members, files=files).items())))
    assert words_for(report, "manifest.json") == "altered: lists more than 64 files"
    assert len(report.lines()) < 20


HOSTILE_JSON = [
    b"",
    b"null",
    b"[]",
    b"7",
    b"\xff",
    b"[" * 500_000,
    b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    b'{"size":8,"root":"x","records":[]}',
    b'{"metadata":{"uid":"\\ud800"},"enrichments":[],"raw_data":"\\ud800","raw_data_hash":{"value":"'
    + b"0" * 64
    + b'"}}',
    b'{"metadata":7,"finding_info":[],"unmapped":"x"}',
]


@pytest.mark.parametrize(
    "name", ["case.json", "assessment.json", "chain.json", "findings.ndjson", "decisions.ndjson", "events.ndjson"]
)
@pytest.mark.parametrize("content", HOSTILE_JSON, ids=range(len(HOSTILE_JSON)))
def test_any_file_of_hostile_json(judge: Judge, rezip: Rezip, members: Members, name: str, content: bytes) -> None:
    report = judge(rezip(list({**members, name: content}.items())))
    assert words_for(report, name).startswith("altered")


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"seq": 1.5},
        {"seq": 0, "prev": "1" * 64, "hash": "0" * 64},
        {"seq": 5, "prev": "0" * 64, "hash": "0" * 64, "body": {"\ud800": 1}},
        {"seq": 5, "prev": "0" * 64, "hash": "0" * 64, "body": [1e308, 10**300]},
    ],
)
def test_a_chain_of_hostile_records(judge: Judge, rezip: Rezip, members: Members, record: object) -> None:
    chain = json.loads(members["chain.json"])
    chain["records"] = [{"record": record, "proof": []}]
    report = judge(rezip(list({**members, "chain.json": json.dumps(chain).encode()}.items())))
    assert report.chain.status == "broken"


def test_an_endless_line_is_not_kept_in_memory(judge: Judge, rezip: Rezip, members: Members) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = judge(rezip(list({**members, "events.ndjson": b" " * (70 << 20)}.items())))
    assert "line 1 is longer than" in report.contents.words
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert verify_pack(tmp_path / "fifo", None).container == "neither a file nor a folder"


def test_hostile_folders(tmp_path: Path, members: Members, key: Ed25519PrivateKey) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_bytes(content)
    assert verify_pack(folder, key.public_key()).verified
    (folder / "case.json").unlink()
    (folder / "case.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "more.json")
    (folder / "sub").mkdir()
    report = verify_pack(folder, key.public_key())
    assert words_for(report, "case.json") == "unexpected: not a regular file"
    assert words_for(report, "more.json") == "unexpected: not a regular file"
    assert words_for(report, '"sub"') == "unexpected: not a name that a pack uses"
    for number in range(100):
        (folder / f"f{number}.json").touch()
    assert "more than 64 files" in verify_pack(folder, None).container
