"""The inventory: what a company declares of its accounts and machines, in one file, YAML or CSV.

Enrichment tags events with it and policy guards by it; they meet here. A field that nobody knows is an error: an
inventory whose ``criticality`` is misspelt would guard less than its author thinks.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from watchfloor.catalog import read_yaml
from watchfloor.errors import ContentError

Criticality = Literal["low", "medium", "high", "critical", "unknown"]
ResourceType = Literal["user", "host", "app", "address", "resource"]
Principal = Literal["person", "service", "machine", "built-in"]

MAX_BYTES = 256 << 20
MAX_ASSETS = 1_000_000
_TEXT = 256
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})


class Asset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them; ``id`` is its entity id, ``host:web-1``, by any of its names, ``owner`` is who answers for it."""

    id: str
    type: ResourceType | None = None
    owner: str = ""
    criticality: Criticality = "unknown"
    environment: str = "unknown"
    principal: Principal = "person"
    is_admin: bool = False
    is_break_glass: bool = False
    is_server: bool = False
    is_domain_controller: bool = False

    def __post_init__(self) -> None:
        kind, colon, name = self.id.partition(":")
        if not colon or not name or kind not in get_args(ResourceType):
            raise ValueError(f"{self.id[:80]!r} is no entity id: user:…, host:…, app:…, address:… or resource:…")
        if self.type not in {None, kind}:
            raise ValueError(f"{self.id[:80]!r} is no {self.type}")
        if max(len(self.owner), len(self.environment)) > _TEXT:
            raise ValueError(f"an owner or environment of more than {_TEXT} characters")


def read_assets(path: Path) -> dict[str, Asset]:
    """The assets of a file by id: YAML with a list under ``resources``, or CSV with a line of names, by its ending.

    Raises:
        ContentError: It cannot be read, has an unknown field, a value that is none, or names an id twice.
    """
    entries = _csv(path) if path.suffix.lower() == ".csv" else _yaml(path)
    assets: dict[str, Asset] = {}
    for line, entry in entries:
        try:
            asset = msgspec.convert(entry, Asset)
        except msgspec.ValidationError as error:
            raise ContentError(str(path), f"resources: {error}", line=line) from error
        if asset.type == "host" or asset.id.startswith("host:"):
            asset = msgspec.structs.replace(asset, id=asset.id.lower())
        if asset.id in assets:
            raise ContentError(str(path), f"an id is declared twice: {asset.id[:80]}", line=line)
        assets[asset.id] = asset
        if len(assets) > MAX_ASSETS:
            raise ContentError(str(path), f"more than {MAX_ASSETS:,} resources")
    return assets


def _yaml(path: Path) -> Iterable[tuple[int | None, Any]]:
    resources = read_yaml(path).get("resources")
    if not isinstance(resources, list):
        raise ContentError(str(path), "resources: expected a list")
    return ((None, one) for one in resources)


def _csv(path: Path) -> Iterable[tuple[int | None, Mapping[str, Any]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContentError(str(path), f"larger than {MAX_BYTES >> 20} MiB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ContentError(str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ContentError(str(path), f"not UTF-8 at byte {error.start}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ContentError(str(path), f"not CSV: {error}", line=reader.line_num) from error
        if not header:
            header = [name.strip().lower() for name in row]
        elif any(row):
            if len(row) > len(header):
                raise ContentError(str(path), "more cells than names", line=reader.line_num)
            cells = zip(header, (cell.strip() for cell in row), strict=False)
            yield reader.line_num, {name: _cell(name, cell) for name, cell in cells if cell}


def _cell(name: str, cell: str) -> Any:
    if not name.startswith("is_"):
        return cell
    lower = cell.lower()
    return True if lower in _TRUE else False if lower in _FALSE else cell
