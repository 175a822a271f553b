"""gzip and zstandard: recognised by content, streamed, and good up to where they break."""

import gzip
import hashlib
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from watchfloor.ingest import Limits
from watchfloor.ingest.compression import gunzip, unzstd
from watchfloor.ingest.stream import CHUNK_BYTES

NOISE = hashlib.shake_128(b"noise").hexdigest(100_000).encode()
RECORDS = [b'{"id":%d,"noise":"%s"}' % (number, NOISE[40 * number : 40 * number + 40]) for number in range(5000)]
TEXT = b"\n".join(RECORDS) + b"\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstandard": zstandard.compress}


@pytest.fixture(params=PACKERS)
def pack(request: pytest.FixtureRequest) -> Any:
    return PACKERS[request.param]


def test_whole(ingest: Any, pack: Any) -> None:
    result = ingest(pack(TEXT))
    assert result.raw == RECORDS
    assert result.lines == list(range(1, 5001))
    assert not result.letters


def test_several_members_after_each_other(ingest: Any, pack: Any) -> None:
    result = ingest(pack(TEXT[:1000]) + pack(b"") + pack(TEXT[1000:]))
    assert result.raw == RECORDS
    assert result.lines == list(range(1, 5001))


def test_one_inside_the_other(ingest: Any) -> None:
    assert ingest(gzip.compress(zstandard.compress(gzip.compress(TEXT)))).raw == RECORDS


def test_too_many_inside_each_other(ingest: Any, pack: Any) -> None:
    data = TEXT
    for _ in range(5):
        data = pack(data)
    assert ingest(data).reasons == ["log:1: more than 4 compressions inside each other"]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_cut_off(ingest: Any, pack: Any, keep: float) -> None:
    data = pack(TEXT)
    result = ingest(data[: int(len(data) * keep)])
    assert result.raw == RECORDS[: len(result.raw)]
    assert len(result.raw) > 5000 * (keep - 0.15 if pack is gzip.compress else keep - 0.6)
    (letter,) = result.letters
    assert letter.reason.endswith("data is cut off")
    assert letter.origin.line == len(result.raw) + 1
    assert RECORDS[len(result.raw)].startswith(letter.raw)


def test_cut_off_behind_the_last_record(ingest: Any) -> None:
    result = ingest(gzip.compress(TEXT.rstrip())[:-4])
    assert result.raw == RECORDS
    assert result.reasons == ["log:5000: gzip data is cut off"]


def test_cut_off_inside_an_array(ingest: Any, pack: Any) -> None:
    data = pack(b'{"Records":[' + b",".join(RECORDS) + b"]}")
    result = ingest(data[: len(data) * 9 // 10])
    assert result.raw == RECORDS[: len(result.raw)]
    (letter,) = result.letters
    assert letter.reason.endswith("data is cut off")


@pytest.mark.parametrize("where", [0.3, 0.8])
def test_damaged(ingest: Any, pack: Any, where: float) -> None:
    data = bytearray(pack(TEXT))
    start = int(len(data) * where)
    data[start : start + 40] = bytes(40)
    result = ingest(bytes(data))
    assert result.raw[:100] == (RECORDS[:100] if result.raw else [])
    assert any("damaged" in reason for reason in result.reasons)


def test_wrong_checksum(ingest: Any) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    result = ingest(bytes(data))
    assert result.raw == RECORDS
    assert "damaged gzip data" in result.reasons[0]


def test_padding_and_garbage_behind(ingest: Any) -> None:
    assert not ingest(gzip.compress(TEXT) + bytes(1000)).letters
    result = ingest(gzip.compress(TEXT) + b"garbage")
    assert result.raw == RECORDS
    assert "damaged gzip data" in result.reasons[0]


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"])
def test_only_a_header(ingest: Any, head: bytes) -> None:
    result = ingest(head + b"\xff" * 100)
    assert not result.raw
    assert len(result.letters) == 1
    assert "data" in result.letters[0].reason


def test_empty_inside(ingest: Any, pack: Any) -> None:
    assert ingest(pack(b"")).reasons == ["log:1: empty file"]


def bomb(pack: str, lines: bytes, times: int) -> bytes:
    packer: Any = zstandard.ZstdCompressor().compressobj() if pack == "zstandard" else zlib.compressobj(wbits=31)
    parts = [packer.compress(lines) for _ in range(times)]
    return b"".join((*parts, packer.flush()))


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb(ingest: Any, name: str) -> None:
    filler = (b" " * 1023 + b"\n") * 1024
    Path("log").write_bytes(PACKERS[name](TEXT) + bomb(name, filler, 70))
    tracemalloc.start()
    result = ingest("log")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.raw == RECORDS
    (letter,) = result.letters
    assert (
        letter.reason
        == "decompresses to more than the limit of 200 times its size (from 64 MiB on); reading stopped there"
    )
    assert peak < 150 << 20


@pytest.mark.parametrize("unpack", [gunzip, unzstd])
def test_what_little_data_gives_comes_in_small_chunks(unpack: Any) -> None:
    packed = (gzip.compress if unpack is gunzip else zstandard.compress)(bytes(20 << 20))
    sizes = [len(chunk) for chunk in unpack([packed], Limits())]
    assert sum(sizes) == 20 << 20
    assert max(sizes) <= CHUNK_BYTES


def test_the_limit_of_a_stream(ingest: Any, pack: Any) -> None:
    result = ingest(pack(TEXT[:100_000]) + pack(TEXT[100_000:]), limits=Limits(stream_bytes=200_000))
    assert 0 < len(result.raw) < 5000
    assert result.raw == RECORDS[: len(result.raw)]
    assert "limit of 200,000 bytes" in result.letters[0].reason


def test_a_window_that_takes_too_much_memory(ingest: Any) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    result = ingest(packer.compress(TEXT) + packer.flush())
    assert "too much memory" in result.letters[0].reason
