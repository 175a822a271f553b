"""Zip archives: members are read as files are; nothing in an archive can hurt."""

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from watchfloor.ingest import Limits


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


MEMBERS = {
    "b/trail.json": b'{"Records":[{"a":1},{"a":2}]}',
    "a.json.gz": gzip.compress(b'{"a":3}\n{"a":4}\n'),
    "ual.csv": b"Name,Id\nx,1\n",
    "inner.zip": archive({"deep.json": b'{"a":5}'}),
}
RAW = [b'{"a":1}', b'{"a":2}', b'{"a":3}', b'{"a":4}', b'{"Name":"x","Id":"1"}', b'{"a":5}']


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members(ingest: Any, method: int) -> None:
    result = ingest(archive(MEMBERS, method))
    assert result.raw == RAW
    assert result.places[0] == ("log!b/trail.json", 1, 0)
    assert result.places[3] == ("log!a.json.gz", 2, None)
    assert result.places[5] == ("log!inner.zip!deep.json", 1, None)
    assert not result.letters


def test_an_archive_that_arrives_as_a_stream(ingest: Any) -> None:
    assert ingest(gzip.compress(archive(MEMBERS))).raw == RAW
    assert ingest("-", stdin=io.BytesIO(archive(MEMBERS))).raw == RAW
    result = ingest(gzip.compress(archive(MEMBERS)), limits=Limits(spool_bytes=100))
    assert result.reasons == ["log:1: an archive inside a stream, larger than the limit of 100 bytes"]


def test_archives_inside_archives_inside_archives(ingest: Any) -> None:
    result = ingest(archive({"a.json": b'{"a":1}', "two.zip": archive({"three.zip": archive(MEMBERS)}), "b": b"{}"}))
    assert result.raw == [b'{"a":1}', b"{}"]
    assert result.reasons == ["log!two.zip!three.zip:1: an archive inside an archive inside an archive is not opened"]


def test_an_encrypted_member(ingest: Any) -> None:
    data = bytearray(archive({"secret.json": b'{"a":1}', "open.json": b'{"b":2}'}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    result = ingest(bytes(data))
    assert result.raw == [b'{"b":2}']
    assert result.reasons == ["log!secret.json:1: encrypted archive member"]


def test_a_damaged_member(ingest: Any) -> None:
    data = bytearray(archive({"bad.json": b'{"a":1}\n' * 100, "good.json": b'{"b":2}'}, zipfile.ZIP_STORED))
    data[data.index(b'{"a":1}')] ^= 1
    result = ingest(bytes(data))
    assert result.raw[-1] == b'{"b":2}'
    assert any("damaged archive member (Bad CRC-32" in reason for reason in result.reasons)


@pytest.mark.parametrize("keep", [20, 150, -30])
def test_cut_off(ingest: Any, keep: int) -> None:
    result = ingest(archive(MEMBERS)[:keep])
    assert not result.raw
    assert len(result.letters) == 1
    assert "not a whole zip archive" in result.reasons[0]


def test_empty(ingest: Any) -> None:
    assert ingest(archive({})).reasons == ["log:1: an archive without files"]
    assert ingest(archive({"folder/": b""})).reasons == ["log:1: an archive without files"]
    assert ingest(archive({"a": b""})).reasons == ["log!a:1: empty file"]


def test_names_never_leave_the_archive(ingest: Any, tmp_path: Path) -> None:
    names = ["../../evil.json", "/etc/evil.json", "C:\\evil.json", "a\nb\u202e\x1b[31m.json"]
    before = sorted(tmp_path.rglob("*"))
    result = ingest(archive(dict.fromkeys(names, b"{}")))
    assert sorted(tmp_path.rglob("*")) == [*before, tmp_path / "log"]
    assert [row["path"] for row in result.rows] == [
        "log!../../evil.json",
        "log!/etc/evil.json",
        "log!C:\\evil.json",
        "log!a\\nb\\u202e\\x1b[31m.json",
    ]


def test_a_bomb_in_one_member(ingest: Any) -> None:
    result = ingest(archive({"a.json": b'{"a":1}\n' + b"\n" * (100 << 20), "b.json": b'{"b":2}'}))
    assert b'{"a":1}' in result.raw
    assert any("log!a.json:" in reason and "200 times its size" in reason for reason in result.reasons)
    assert result.reasons[-1] == "log:1: the members together decompress to more than the limit; the rest is not read"


def test_a_bomb_of_many_members(ingest: Any) -> None:
    members = {f"{number}.json": b'{"a":1}\n' + b"\n" * (3 << 20) for number in range(40)}
    result = ingest(archive(members), limits=Limits(ratio_after=40 << 20))
    assert 10 < len(result.raw) < 40
    assert result.reasons[-1] == "log:1: the members together decompress to more than the limit; the rest is not read"


def test_limits_of_an_archive(ingest: Any) -> None:
    members = {f"{number}.json": b'{"a":1}\n' * 100 for number in range(5)}
    result = ingest(archive(members), limits=Limits(members=3))
    assert len(result.raw) == 300
    assert result.reasons == ["log:1: more than the limit of 3 members; the rest is not read"]
    result = ingest(archive(members), limits=Limits(archive_bytes=2000))
    assert len(result.raw) == 200
    assert result.reasons[-1].startswith("log:1: the members together")
    result = ingest(archive(members), limits=Limits(stream_bytes=700))
    assert not result.raw
    assert len(result.letters) == 5


@pytest.mark.parametrize("kind", ["zip", "zip64"])
def test_a_directory_that_claims_to_be_huge(ingest: Any, kind: str) -> None:
    data = bytearray(archive({"a.json": b"{}"}))
    if kind == "zip64":
        data += struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
        data += struct.pack("<4sIQI", b"PK\x06\x07", 0, len(data) - 56, 1)
        data += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    else:
        data[-10:-6] = struct.pack("<I", 0xFFFFFFF0)
    result = ingest(bytes(data))
    assert not result.raw
    assert len(result.letters) == 1
    assert result.reasons == ["log:1: a directory larger than 100,000 members need"]


def test_damage_anywhere_is_a_dead_letter_or_harmless(ingest: Any) -> None:
    data = archive({"a.json": b'{"a":1}\n{"b":2}\n', "b.csv": b"Name,Id\nx,1\n"})
    for position in range(0, len(data), 3):
        for byte in (0, 0xFF, data[position] ^ 0x41):
            broken = bytearray(data)
            broken[position] = byte
            result = ingest(bytes(broken))
            assert result.raw or result.letters
