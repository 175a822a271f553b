"""How much hostile input may cost."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on memory, disk and output; what exceeds one becomes a dead letter that states it.

    Attributes:
        record_bytes: The longest line, row or JSON element that is read as a record.
        same_reason: How many dead letters of one reason a file gives before the rest is only counted.
        stream_bytes: How much one compressed file or archive member may decompress to.
        archive_bytes: How much all members of one archive may decompress to.
        ratio: How many times its compressed size a stream or an archive may decompress to...
        ratio_after: ...once it has given this many bytes.
        members: How many members of one archive are read.
        spool_bytes: How large an archive may be that has to be copied aside because it arrives as a stream.
        layers: How many compressions or archives may be inside each other.
    """

    record_bytes: int = 16 << 20
    same_reason: int = 1000
    stream_bytes: int = 64 << 30
    archive_bytes: int = 256 << 30
    ratio: int = 200
    ratio_after: int = 64 << 20
    members: int = 100_000
    spool_bytes: int = 4 << 30
    layers: int = 4


def size_text(count: int) -> str:
    """A number of bytes, for people.

    >>> size_text(16 << 20), size_text(1500), size_text(64 << 30)
    ('16 MiB', '1,500 bytes', '64 GiB')
    """
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size and count % size == 0:
            return f"{count // size:,} {unit}"
    return f"{count:,} bytes"
