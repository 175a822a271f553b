"""Files of one JSON object a line, read with an error that names the line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from watchfloor.errors import InputError

T = TypeVar("T")

MAX_LINE = 64 << 20
"""Bytes of one line."""


def read_lines(path: Path, decode: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
    """Each line that is not blank, decoded, with its 1-based number.

    Raises:
        InputError: The file cannot be read, or ``decode`` refuses a line with a :class:`ValueError` (those of msgspec
            are); names the line.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise InputError(f"{path}:{number}: a line of more than {MAX_LINE} bytes")
                if line.strip():
                    yield number, _decoded(line, decode, f"{path}:{number}")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _decoded(line: bytes, decode: Callable[[bytes], T], place: str) -> T:
    try:
        return decode(line)
    except RecursionError as error:
        raise InputError(f"{place}: nested too deeply") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"{place}: {error}") from error
