"""Cuts the lines of a growing file into records."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where reading goes on.

    ``number`` lines or records are before it; ``skipping`` says whether it is inside a line that is left out.
    """

    offset: int = 0
    number: int = 0
    skipping: bool = False


class Cut(NamedTuple):
    """Records with their positions from 1, where to go on behind them, and how many lines were too long."""

    raw: list[bytes]
    line: list[int]
    position: list[int]
    place: Place
    too_long: int


def cut_lines(data: bytes, place: Place, *, most: int, final: bool) -> Cut:
    r"""The whole lines of ``data``, which stands at ``place``; a last one without its end waits, unless ``final``.

    Blank lines are counted, and are no records. A line longer than ``most`` bytes is left out; of one that does not end
    in ``data``, at least ``most + 1`` bytes must be given to see it.

    >>> cut_lines(b"a\r\n\nb\nc", Place(), most=10, final=False)
    Cut(raw=[b'a', b'b'], line=[1, 3], position=[1, 3], place=Place(offset=6, number=3, skipping=False), too_long=0)
    """
    start, count = 0, place.number
    if place.skipping:
        start = data.find(b"\n") + 1
        if not start and not final:
            return Cut([], [], [], Place(place.offset + len(data), count, skipping=True), 0)
        start = start or len(data)
        count += 1
    end = len(data) if final else data.rfind(b"\n", start) + 1
    lines = data[start:end].split(b"\n") if end > start else []
    if lines and not lines[-1]:
        lines.pop()
    numbers = list(range(count + 1, count + 1 + len(lines)))
    raw = [line.rstrip(b"\r") for line in lines]
    too_long = 0
    if not all(raw) or (raw and max(map(len, raw)) > most):
        too_long = sum(len(line) > most for line in raw)
        kept = [(line, number) for line, number in zip(raw, numbers, strict=True) if 0 < len(line) <= most]
        raw, numbers = [line for line, _ in kept], [number for _, number in kept]
    end = max(end, start)
    count += len(lines)
    skipping = len(data) - end > most
    if skipping:
        end = len(data)
    reached = Place(place.offset + end, count, skipping)
    return Cut(raw, numbers, numbers, reached, too_long + skipping)
