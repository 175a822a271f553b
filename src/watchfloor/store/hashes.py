r"""Which file hashes (MD5, SHA-1, SHA-256 and the like) the events of a file name, as a sorted list of CRC-32.

Hashes of files rest inside a JSON column, which a search for one of them would have to read as a whole. The list
says of a file that a hash is not in it, or that it may be: a false alarm for one of some 4 billion times the length
of the list. Somebody who makes collisions makes a search slower, not wrong.
"""

import re
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable

import pyarrow as pa

_HASH = re.compile(rb'"value":"([0-9A-Fa-f]{32,128})"')


def hashes_of(rest: pa.ChunkedArray) -> set[int]:
    """What stands for the hashes in a column of JSON texts as orjson writes them.

    >>> len(hashes_of(pa.chunked_array([['{"value":"' + "Ab" * 16 + '"}', '{"value":"short"}', None]])))
    1
    """
    found: set[bytes] = set()
    for chunk in rest.chunks:
        text = _text(chunk)
        if text is not None:
            found.update(_HASH.findall(text))
    return set(map(zlib.crc32, map(bytes.lower, found)))


def packed(hashes: Iterable[int]) -> bytes:
    """The list as it is kept."""
    return array("I", sorted(hashes)).tobytes()


def may_hold(hashes: bytes, value: str) -> bool:
    """Whether a list may have a hash in it.

    >>> may_hold(packed([zlib.crc32(b"ab" * 16)]), "AB" * 16)
    True
    >>> may_hold(packed([]), "ab" * 16)
    False
    """
    known = memoryview(hashes).cast("I")
    wanted = zlib.crc32(value.lower().encode("utf-8", "surrogatepass"))
    at = bisect_left(known, wanted)
    return at < len(known) and known[at] == wanted


def _text(chunk: pa.Array) -> memoryview | None:
    """All texts of an array as they lie in memory, one behind the other."""
    _, offsets, data = chunk.buffers()
    if data is None or not len(chunk):
        return None
    places = memoryview(offsets).cast("i")
    return memoryview(data)[places[chunk.offset] : places[chunk.offset + len(chunk)]]
