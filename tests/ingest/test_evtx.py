"""Binary Windows event logs: real ones, cut off, damaged, and files that only claim to be one."""

import gzip
import hashlib
import io
import random
import struct
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from tests.ingest.conftest import framed

from watchfloor.ingest import Limits
from watchfloor.ingest.evtx import EventLog
from watchfloor.testing.evtx_writer import CHUNK_BYTES, FILE_HEADER_BYTES, WindowsEvent, evtx

HOSTILE = '<script>"\\ \u202e\n\u00e9 \U0001f600 & ]]>'


def event(number: int, **data: str) -> WindowsEvent:
    return WindowsEvent(
        provider="Microsoft-Windows-Security-Auditing",
        provider_guid=UUID("54849625-5478-4994-a5ba-3e3b0328c30d"),
        event_id=4624,
        version=2,
        task=12544,
        channel="Security",
        computer="ws-17.example.com",
        time=1_772_366_400_123 + number,
        user_sid="S-1-5-18",
        data={"TargetUserName": f"user{number}", "IpAddress": "192.0.2.7", **data},
    )


LOG = evtx([event(number) for number in range(100)])
PER_CHUNK = LOG[:-CHUNK_BYTES].count(b"**\0\0") // 2


def noise(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_128(bytes([seed])).digest(size)


def names(result: Any) -> list[str]:
    return [orjson.loads(raw)["Event"]["EventData"]["TargetUserName"] for raw in result.raw]


def test_a_whole_log(ingest: Any) -> None:
    result = ingest(evtx([event(7, Note=HOSTILE, Empty="")]))
    assert result.lines == [1]
    assert not result.letters
    assert orjson.loads(result.raw[0]) == {
        "Event": {
            "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            "System": {
                "Provider": {
                    "#attributes": {
                        "Name": "Microsoft-Windows-Security-Auditing",
                        "Guid": "54849625-5478-4994-A5BA-3E3B0328C30D",
                    }
                },
                "EventID": 4624,
                "Version": 2,
                "Level": 0,
                "Task": 12544,
                "Opcode": 0,
                "Keywords": "0x8020000000000000",
                "TimeCreated": {"#attributes": {"SystemTime": "2026-03-01T12:00:00.130000Z"}},
                "EventRecordID": 1,
                "Correlation": None,
                "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 8}},
                "Channel": "Security",
                "Computer": "ws-17.example.com",
                "Security": {"#attributes": {"UserID": "S-1-5-18"}},
            },
            "EventData": {"TargetUserName": "user7", "IpAddress": "192.0.2.7", "Note": HOSTILE, "Empty": ""},
        }
    }


def test_many_chunks_in_order(ingest: Any) -> None:
    result = ingest(LOG)
    assert len(LOG) == FILE_HEADER_BYTES + 3 * CHUNK_BYTES
    assert names(result) == [f"user{number}" for number in range(100)]
    assert result.lines == list(range(1, 101))


def test_from_a_pipe_an_archive_and_compressed(ingest: Any) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("Security.evtx", LOG)
    assert names(ingest("-", stdin=io.BytesIO(LOG))) == names(ingest(LOG))
    assert names(ingest(gzip.compress(LOG))) == names(ingest(LOG))
    result = ingest(out.getvalue())
    assert result.places[99] == ("log!Security.evtx", 100, None)


@pytest.mark.parametrize("keep", [3 * CHUNK_BYTES + 2000, CHUNK_BYTES + 40_000, FILE_HEADER_BYTES + 20_000])
def test_cut_off(ingest: Any, keep: int) -> None:
    result = ingest(LOG[:keep])
    count = len(result.raw)
    assert names(result) == [f"user{number}" for number in range(count)]
    assert count > 100 * (keep - FILE_HEADER_BYTES) // len(LOG) - 5
    assert result.reasons == [f"log:{count + 1}: event log cut off inside a chunk"]


def test_cut_off_inside_the_header(ingest: Any) -> None:
    assert ingest(LOG[:3000]).reasons == ["log:1: event log cut off inside its header"]
    assert ingest(LOG[:8]).reasons == ["log:1: event log cut off inside its header"]


def test_a_compressed_log_that_breaks_off(ingest: Any) -> None:
    packed = gzip.compress(LOG)
    result = ingest(packed[: len(packed) // 2])
    assert names(result) == [f"user{number}" for number in range(len(result.raw))]
    assert len(result.raw) > 10
    assert [letter.reason for letter in result.letters] == ["gzip data is cut off"]


def test_a_damaged_record_stands_alone(ingest: Any) -> None:
    data = bytearray(LOG)
    start = data.index(b"**\0\0", FILE_HEADER_BYTES + 5000)
    data[start + 24 : start + 40] = b"\xff" * 16
    result = ingest(bytes(data))
    (letter,) = result.letters
    assert len(result.raw) == 99
    assert letter.reason.startswith("broken event log record (Failed to parse record number ")
    assert letter.origin.line == result.lines.index(letter.origin.line + 1) + 1


def test_a_damaged_record_header_costs_the_rest_of_its_chunk(ingest: Any) -> None:
    data = bytearray(LOG)
    start = data.index(b"**\0\0", FILE_HEADER_BYTES + 5000)
    data[start : start + 4] = b"XXXX"
    result = ingest(bytes(data))
    kept = result.letters[0].origin.line - 1
    assert names(result)[:kept] == [f"user{number}" for number in range(kept)]
    assert names(result)[kept:] == [f"user{number}" for number in range(PER_CHUNK, 100)]
    assert len(result.letters) == 1


def test_a_destroyed_chunk_stands_alone(ingest: Any) -> None:
    start = FILE_HEADER_BYTES + CHUNK_BYTES
    result = ingest(LOG[:start] + noise(CHUNK_BYTES) + LOG[start + CHUNK_BYTES :])
    assert names(result) == [f"user{number}" for number in (*range(PER_CHUNK), *range(2 * PER_CHUNK, 100))]
    assert result.reasons == [f"log:{PER_CHUNK + 1}: not an event log chunk"]


def test_unused_chunks_are_passed_over(ingest: Any) -> None:
    result = ingest(LOG + bytes(5 * CHUNK_BYTES + 17))
    assert len(result.raw) == 100
    assert not result.letters


@pytest.mark.parametrize("size", [5000, 70_000, 3_000_000])
@pytest.mark.parametrize("filler", ["zeros", "random", "ones"])
def test_a_binary_that_claims_to_be_a_log(ingest: Any, size: int, filler: str) -> None:
    body = {"zeros": bytes(size), "random": noise(size), "ones": b"\xff" * size}[filler]
    result = ingest(b"ElfFile\0" + body)
    assert not result.raw
    assert 1 <= len(result.letters) <= 2
    if filler != "zeros" and size > CHUNK_BYTES + FILE_HEADER_BYTES:
        assert (
            result.reasons[0] == f"log:1: not an event log chunk ({result.letters[0].size:,} bytes)"
            or size < 2 * CHUNK_BYTES
        )
        assert result.letters[0].size >= size - CHUNK_BYTES - FILE_HEADER_BYTES
    else:
        assert result.letters[0].reason in {"event log cut off inside a chunk", "no records in it"}


def test_a_chunk_of_garbage_behind_its_magic(ingest: Any) -> None:
    body = b"".join(b"ElfChnk\0" + noise(CHUNK_BYTES - 8, number) for number in range(20))
    result = ingest(LOG[:FILE_HEADER_BYTES] + body)
    assert not result.raw
    assert len(result.letters) == 20


def test_damage_anywhere(ingest: Any) -> None:
    log = evtx([event(number) for number in range(3)])
    used = FILE_HEADER_BYTES + 512 + 3 * 1800
    for seed in range(300):
        chance = random.Random(seed)  # noqa: S311 - damage, not secrets
        data = bytearray(log)
        for _ in range(chance.choice((1, 5, 50))):
            place = chance.randrange(FILE_HEADER_BYTES, used)
            data[place : place + 4] = chance.choice(
                (bytes(4), b"\xff" * 4, struct.pack("<I", 512), chance.randbytes(4))
            )
        result = ingest(bytes(data[: len(log)]))
        assert result.raw or result.letters


def test_a_record_that_is_too_long(ingest: Any) -> None:
    result = ingest(evtx([event(0), event(1, Long="x" * 9000), event(2)]), limits=Limits(record_bytes=5000))
    assert names(result) == ["user0", "user2"]
    assert result.reasons == ["log:2: longer than 5,000 bytes"]


@pytest.mark.parametrize("size", [1000, 4096, 65536, 100_000])
def test_however_cut(size: int) -> None:
    data = LOG[:-9000]
    whole = framed([data], EventLog, Limits())
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert framed(chunks, EventLog, Limits()) == whole


def test_an_event_that_fits_into_no_chunk() -> None:
    with pytest.raises(ValueError, match="event 1 does not fit"):
        evtx([event(0, Long="x" * 32_000)])
    with pytest.raises(ValueError, match="longer than 65,535 bytes"):
        evtx([event(0, Long="x" * 40_000)])


def test_an_empty_log(ingest: Any) -> None:
    Path("empty.evtx").write_bytes(evtx([]))
    assert ingest("empty.evtx").reasons == ["empty.evtx:1: no records in it"]
