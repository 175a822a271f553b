"""Labels: what people decided about findings, cases or entities. One JSON object a line (section 12 of the design)."""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from watchfloor.case import Disposition
from watchfloor.errors import InputError, argument, storing


class Label(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision; it names a finding or case by ``uid``, or an ``entity``.

    ``case`` is the case that was decided on, where a finding has the label of its case.
    """

    disposition: Disposition
    by: str
    at: str
    reason: str
    uid: str | None = None
    entity: str | None = None
    case: str | None = None

    def __post_init__(self) -> None:
        """A label is about one thing."""
        if (self.uid is None) == (self.entity is None):
            raise ValueError("a label names a uid or an entity, and not both")


_DECODER = msgspec.json.Decoder(Label)


def read_labels(path: Path) -> Iterator[Label]:
    """The labels of a file, in its order.

    Raises:
        InputError: The file cannot be read, or a line is not a label; names the line.
    """
    with argument(path):
        lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _DECODER.decode(line)
        except (msgspec.MsgspecError, ValueError) as error:
            raise InputError(f"{path}:{number}: {error}") from error


def append_label(path: Path, label: Label) -> None:
    """Add a label to a file; what was said before stays, the last word on a uid counts.

    Raises:
        StoreError: The file cannot be written.
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            # People write this file, too, and editors need not end its last line.
            start = b"" if _ends_a_line(file) else b"\n"
            file.write(start + msgspec.json.encode(label) + b"\n")


def _ends_a_line(file: BinaryIO) -> bool:
    if not file.seek(0, io.SEEK_END):
        return True
    file.seek(-1, io.SEEK_END)
    return file.read(1) == b"\n"


def by_uid(labels: Iterable[Label]) -> dict[str, Label]:
    """The last label of each uid."""
    return {label.uid: label for label in labels if label.uid is not None}


def votes(labels: Mapping[str, Label], findings: Iterable[tuple[str, str]]) -> list[tuple[str, Disposition]]:
    """What labels by uid say of rules, given each finding as (rule id, uid).

    The label of a case is one decision, however many findings a rule has in it.
    """
    counted = {(rule, labels[uid].case or uid): labels[uid].disposition for rule, uid in findings if uid in labels}
    return [(rule, disposition) for (rule, _), disposition in counted.items()]
