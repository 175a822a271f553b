"""The needle index of a lake file, beside it: which row groups may have a needle, and what times each has.

It is made of what is in the file, and can be made again: where it is missing, is of another version, or is not whole,
the file is read as one that may hold anything. Layout, in little endian: a header; of each row group its first and
last time; where each bucket begins; the CRC-32 of each bucket; the buckets. A needle's number (32 bits) says its
bucket by its first bits and is known there by its next 16; a bucket has these in ascending order, then the row group
of each.
"""

import os
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.store.needles import needles_of

SUFFIX = ".needles"
_MAGIC = b"WFNEEDL1"
_HEADER = struct.Struct("<8sQ16sIIII")
_ANY = (-(1 << 63), (1 << 63) - 1)
_IN_A_BUCKET = 512
_KNOWN_BITS = 16
_MOST_GROUPS = 1 << 16
_WIDE = pa.scalar(16, pa.uint64())
_UNICODE = pa.__version__.encode()[:16]
"""Whose letters have which lower case hangs on the library that says so."""

Code = Literal["B", "H"]
"""Numbers of 8 or of 16 bits."""

Span = tuple[int, int]
"""The first and the last time (ms) of a row group, both included."""


class NeedleWriter:
    """Takes the row groups of a file one after the other."""

    def __init__(self) -> None:
        self._needles: list[pa.Array] = []
        self._spans: list[Span] = []

    def add(self, rows: pa.Table) -> None:
        """Take the next row group, which has at least the columns :data:`watchfloor.store.needles.READ`."""
        times = rows.column("time")
        span = pc.min_max(times).as_py()
        # A row without a time is in no span.
        self._spans.append((span["min"], span["max"]) if rows.num_rows and not times.null_count else _ANY)
        numbers = pc.shift_left(needles_of(rows).cast(pa.uint64()), _WIDE)
        self._needles.append(pc.bit_wise_or(numbers, pa.scalar(len(self._needles), pa.uint64())))

    def write(self, place: Path, *, size: int) -> None:
        """Write the index of a file of that size (bytes), whose path is ``place``; on disk when this returns.

        A file with more row groups than a number can name gets none.

        Raises:
            OSError: The folder cannot be written.
        """
        target = index_of(place)
        if len(self._spans) >= _MOST_GROUPS:
            target.unlink(missing_ok=True)
            return
        part = target.with_name(f".{target.name}")
        with part.open("wb") as out:
            out.write(self._bytes(size))
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)

    def _bytes(self, size: int) -> bytes:
        pairs = pa.concat_arrays(self._needles) if self._needles else pa.array([], pa.uint64())
        pairs = pairs.take(pc.array_sort_indices(pairs))
        bits = min((len(pairs) // _IN_A_BUCKET).bit_length(), 16)
        buckets = pc.shift_right(pairs, pa.scalar(48 - bits, pa.uint64()))
        counts = {one["values"]: one["counts"] for one in pc.value_counts(buckets).to_pylist()}
        begins = array("I", accumulate((counts.get(bucket, 0) for bucket in range(1 << bits)), initial=0))
        known = _narrow(pc.shift_right(pairs, pa.scalar(48 - bits - _KNOWN_BITS, pa.uint64())), "H")
        groups = _narrow(pairs, _code(len(self._spans)))
        bodies = [bytes(known[begin:end]) + bytes(groups[begin:end]) for begin, end in pairwise(begins)]
        checks = array("I", map(zlib.crc32, bodies))
        head = b"".join(struct.pack("<qq", *span) for span in self._spans) + begins.tobytes() + checks.tobytes()
        header = _HEADER.pack(_MAGIC, size, _UNICODE, len(self._spans), bits, len(pairs), zlib.crc32(head))
        return b"".join((header, head, *bodies))


class Needles:
    """The index of one file, open; ``spans`` are the times of its row groups."""

    def __init__(self, descriptor: int, spans: tuple[Span, ...], begins: "array[int]", checks: "array[int]") -> None:
        self._descriptor = descriptor
        self.spans = spans
        self._begins = begins
        self._checks = checks
        self._code = _code(len(spans))
        self._width = 2 + array(self._code).itemsize
        self._body = _HEADER.size + len(spans) * 16 + (len(begins) + len(checks)) * 4

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        os.close(self._descriptor)

    def groups(self, numbers: Collection[int]) -> set[int] | None:
        """The row groups that may have one of some needles; ``None``: any, since the index is not whole."""
        bits = len(self._checks).bit_length() - 1
        wanted: defaultdict[int, list[int]] = defaultdict(list)
        for number in numbers:
            wanted[number >> (32 - bits)].append(number >> (32 - bits - _KNOWN_BITS) & 0xFFFF)
        found: set[int] = set()
        for bucket, mine in wanted.items():
            begin, end = self._begins[bucket], self._begins[bucket + 1]
            body = os.pread(self._descriptor, (end - begin) * self._width, self._body + begin * self._width)
            if zlib.crc32(body) != self._checks[bucket]:
                return None
            known = memoryview(body)[: (end - begin) * 2].cast("H")
            groups = memoryview(body)[(end - begin) * 2 :].cast(self._code)
            for one in mine:
                found.update(groups[bisect_left(known, one) : bisect_right(known, one)])
        return found


def index_of(place: Path) -> Path:
    """Where the index of a file is."""
    return place.with_suffix(SUFFIX)


def open_needles(place: Path, *, size: int) -> Needles | None:
    """The index of a file of that size (bytes) to be used in a ``with``; ``None``: it has none that is of use."""
    try:
        descriptor = os.open(index_of(place), os.O_RDONLY)
    except OSError:
        return None
    found = _read(descriptor, size)
    if found is None:
        os.close(descriptor)
    return found


def _read(descriptor: int, size: int) -> Needles | None:
    try:
        magic, of_size, unicode, groups, bits, pairs, check = _HEADER.unpack(os.pread(descriptor, _HEADER.size, 0))
        is_ours = (magic, of_size, unicode) == (_MAGIC, size, _UNICODE.ljust(16, b"\0"))
        if not is_ours or bits > 16 or groups >= _MOST_GROUPS:
            return None
        buckets = 1 << bits
        head = os.pread(descriptor, groups * 16 + (2 * buckets + 1) * 4, _HEADER.size)
    except (OSError, struct.error):
        return None
    whole = _HEADER.size + len(head) + pairs * (2 + array(_code(groups)).itemsize)
    if zlib.crc32(head) != check or os.fstat(descriptor).st_size != whole:
        return None
    spans = tuple(struct.iter_unpack("<qq", head[: groups * 16]))
    begins = array("I", head[groups * 16 : groups * 16 + (buckets + 1) * 4])
    return Needles(descriptor, spans, begins, array("I", head[groups * 16 + (buckets + 1) * 4 :]))


def _code(groups: int) -> Code:
    return "B" if groups <= 256 else "H"


def _narrow(values: pa.Array, code: Code) -> "memoryview[int]":
    """The low bits of numbers as an array of C."""
    kind = pa.uint8() if code == "B" else pa.uint16()
    mask = pa.scalar((1 << kind.bit_width) - 1, pa.uint64())
    data = pc.bit_wise_and(values, mask).cast(kind).buffers()[1]
    held: memoryview[int] = memoryview(data or b"").cast("B").cast(code)
    return held[: len(values)]
