"""Where addresses are: country, region, city, coordinates and autonomous system, by MaxMind DB files of the user's own.

What the vendor put into the event stays; only where it says nothing the files are asked, the first one that knows
counts. An event that got a place from a file has the tag ``geo=FILE``, since that is a guess of another kind.

Records are read in the shape of MaxMind's City, Country and ASN databases and of IPinfo's. The library is an extra:
``watchfloor[geo]``.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from watchfloor.enrich.tags import with_tags
from watchfloor.errors import InputError

if TYPE_CHECKING:
    from maxminddb import Reader

Place = tuple[str | None, str | None, str | None, float | None, float | None]
"""Country, region, city, latitude, longitude."""

System = tuple[int | None, str | None]
"""Number and name of an autonomous system."""

_SOURCE = "src_endpoint"
_PLACE = tuple(f"{_SOURCE}.location.{name}" for name in ("country", "region", "city", "lat", "long"))
_SYSTEM = tuple(f"{_SOURCE}.autonomous_system.{name}" for name in ("number", "name"))
_NO_PLACE: Place = (None, None, None, None, None)
_NO_SYSTEM: System = (None, None)

MAX_KNOWN = 65_536
"""How many addresses are remembered."""

MAX_TEXT = 256


class Locations:
    """An operator: stateless, given the files. Close it, or use it as a context manager.

    ``broken`` counts the addresses whose record could not be read.

    Args:
        files: MaxMind DB files, the best first.

    Raises:
        InputError: A file is none, or the library is not there.
    """

    def __init__(self, files: Sequence[Path] = ()) -> None:
        self._readers = [(path.name, _open(path)) for path in files]
        self._known: dict[str, tuple[Place, System, tuple[str, ...]]] = {}
        self.broken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for _, reader in self._readers:
            reader.close()

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with places and autonomous systems where it had none."""
        if not self._readers:
            return batch
        addresses = batch.column(f"{_SOURCE}.ip").to_pylist()
        found = {address: self._look_up(address) for address in set(addresses) if address is not None}
        if not any(files for _, _, files in found.values()):
            return batch
        tags: dict[int, list[str]] = {}
        for names, which in ((_PLACE, 0), (_SYSTEM, 1)):
            columns = [batch.column(name).to_pylist() for name in names]
            for row, address in enumerate(addresses):
                if address is None or any(column[row] is not None for column in columns):
                    continue
                values = found[address][which]
                if any(value is not None for value in values):
                    tags[row] = [f"geo={file}" for file in found[address][2]]
                    for column, value in zip(columns, values, strict=True):
                        column[row] = value
            batch = _with_columns(batch, names, columns)
        return with_tags(batch, tags)

    def _look_up(self, address: str) -> tuple[Place, System, tuple[str, ...]]:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            known = self._known[address] = self._read(address)
        return known

    def _read(self, address: str) -> tuple[Place, System, tuple[str, ...]]:
        place, system, files = _NO_PLACE, _NO_SYSTEM, []
        try:
            parsed = ip_address(address)
        except ValueError:
            return place, system, ()
        for name, reader in self._readers:
            try:
                record = reader.get(parsed)
            except (RuntimeError, ValueError):
                # A damaged file costs no event its road; InvalidDatabaseError is a RuntimeError.
                self.broken += 1
                continue
            if isinstance(record, dict):
                here, theirs = place_of(record), system_of(record)
                if (place == _NO_PLACE and here != _NO_PLACE) or (system == _NO_SYSTEM and theirs != _NO_SYSTEM):
                    files.append(name)
                place = here if place == _NO_PLACE else place
                system = theirs if system == _NO_SYSTEM else system
        return place, system, tuple(files)


def place_of(record: Mapping[str, Any]) -> Place:
    """The place that a record names.

    >>> place_of({"country": {"iso_code": "DE"}, "city": {"names": {"en": "Berlin"}}, "location": {"latitude": 52.5}})
    ('DE', None, 'Berlin', 52.5, None)
    >>> place_of({"country": "DE", "lat": "52.5"})
    ('DE', None, None, 52.5, None)
    """
    country, location = record.get("country"), record.get("location")
    regions = record.get("subdivisions")
    region = regions[0] if isinstance(regions, list) and regions else record.get("region")
    code = _of(country, "iso_code") if isinstance(country, dict) else record.get("country_code") or country
    spot = location if isinstance(location, dict) else record
    latitude = _number(spot.get("latitude", spot.get("lat")), 90)
    longitude = _number(spot.get("longitude", spot.get("lng")), 180)
    return _text(code), _name(region), _name(record.get("city")), latitude, longitude


def system_of(record: Mapping[str, Any]) -> System:
    """The autonomous system that a record names.

    >>> system_of({"autonomous_system_number": 64500, "autonomous_system_organization": "Example"})
    (64500, 'Example')
    >>> system_of({"asn": "AS64500", "as_name": "Example"})
    (64500, 'Example')
    """
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else None
    valid = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 32
    return number if valid else None, _text(record.get("autonomous_system_organization", record.get("as_name")))


def _open(path: Path) -> "Reader":
    try:
        from maxminddb import InvalidDatabaseError, open_database  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(f"{path}: needs the library for MaxMind DB files: install watchfloor[geo]") from error
    try:
        return open_database(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except InvalidDatabaseError as error:
        raise InputError(f"{path}: no MaxMind DB file: {error}") from error


def _with_columns(batch: pa.RecordBatch, names: Iterable[str], columns: Iterable[list[Any]]) -> pa.RecordBatch:
    for name, column in zip(names, columns, strict=True):
        at = batch.schema.get_field_index(name)
        field = batch.schema.field(at)
        batch = batch.set_column(at, field, pa.array(column, field.type))
    return batch


def _name(value: Any) -> str | None:
    if isinstance(value, dict):
        return _text(_of(value.get("names"), "en")) or _text(value.get("iso_code"))
    return _text(value)


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def _number(value: Any, most: float) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -most <= number <= most else None
