"""Where commands about rules write what was asked for."""

from pathlib import Path

from watchfloor.errors import argument


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        InputError: It cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file.

    Raises:
        InputError: It cannot be written.
    """
    with argument(path):
        path.write_bytes(data)
