"""Where addresses are, by files that the tests write; and files that are damaged."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from watchfloor.enrich.locations import Locations, place_of, system_of
from watchfloor.errors import InputError
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_operator

CITY = {
    "country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
    "city": {"names": {"en": "Berlin"}},
    "location": {"latitude": 52.5, "longitude": 13.4},
}
ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}
COLUMNS = ["country", "region", "city", "lat", "long"]


def write(path: Path, *networks: tuple[str, dict[str, Any]], kind: str = "Test") -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    for network, record in networks:
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [
        write(tmp_path / "city.mmdb", ("203.0.113.0/24", CITY), ("2001:db8::/32", {"country": {"iso_code": "FR"}})),
        write(tmp_path / "asn.mmdb", ("203.0.113.0/24", ASN)),
    ]


def place(row: dict[str, Any]) -> list[Any]:
    return [row[f"src_endpoint.location.{name}"] for name in COLUMNS]


def test_an_address_gets_its_place_and_its_system(files: list[Path]) -> None:
    batch = batch_of(
        {"src_endpoint.ip": "203.0.113.9"},
        {"src_endpoint.ip": "2001:db8::9"},
        {"src_endpoint.ip": "198.51.100.1"},
        {"src_endpoint.ip": "no address"},
        {},
    )
    with Locations(files) as locations:
        check_operator(locations, batch)
        first, second, *others = locations.process(batch).to_pylist()
    assert place(first) == ["DE", "Land Berlin", "Berlin", 52.5, 13.4]
    assert first["src_endpoint.autonomous_system.number"] == 64500
    assert first["src_endpoint.autonomous_system.name"] == "Example Net"
    assert first["tags"] == ["geo=city.mmdb", "geo=asn.mmdb"]
    assert place(second) == ["FR", None, None, None, None]
    assert second["tags"] == ["geo=city.mmdb"]
    assert all(place(row) == [None] * 5 and row["tags"] is None for row in others)


def test_what_the_vendor_says_stays_whole(files: list[Path]) -> None:
    batch = batch_of({"src_endpoint.ip": "203.0.113.9", "src_endpoint.location.country": "US"})
    with Locations(files) as locations:
        (row,) = locations.process(batch).to_pylist()
    assert place(row) == ["US", None, None, None, None]
    assert row["src_endpoint.autonomous_system.number"] == 64500


def test_without_files_nothing_happens() -> None:
    batch = batch_of({"src_endpoint.ip": "203.0.113.9"})
    assert Locations().process(batch) is batch


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for name, data in (("empty.mmdb", b""), ("text.mmdb", b"hello" * 1000), ("zero.mmdb", bytes(100_000))):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=name):
            Locations([path])
    with pytest.raises(InputError, match="No such file"):
        Locations([tmp_path / "none.mmdb"])
    with pytest.raises(InputError):
        Locations([tmp_path])


def test_a_file_that_was_cut_or_damaged_costs_no_event(files: list[Path], tmp_path: Path) -> None:
    whole = files[0].read_bytes()
    batch = batch_of(*[{"src_endpoint.ip": ip} for ip in ("203.0.113.9", "2001:db8::9", "198.51.100.1", "::")])
    opened = 0
    for step in range(0, len(whole), max(len(whole) // 150, 1)):
        for data in (whole[:step], whole[step:], whole[:step] + b"\xff" * 64 + whole[step + 64 :]):
            path = tmp_path / "damaged.mmdb"
            path.write_bytes(data)
            with suppress(InputError), Locations([path]) as locations:
                opened += 1
                assert locations.process(batch).num_rows == 4
    assert opened > 20


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"country": 5, "city": [], "subdivisions": {}, "location": "x"}, (None,) * 5),
        ({"country": {"iso_code": "D" * 1000}}, ("D" * 256, None, None, None, None)),
        ({"location": {"latitude": 1e300, "longitude": float("nan")}}, (None,) * 5),
        ({"country_code": "DE", "region": "Berlin", "lat": "x", "lng": 13.4}, ("DE", "Berlin", None, None, 13.4)),
        ({"subdivisions": [{"iso_code": "BE"}]}, (None, "BE", None, None, None)),
    ],
)
def test_records_of_any_shape(record: dict[str, Any], found: tuple[Any, ...]) -> None:
    assert place_of(record) == found


@pytest.mark.parametrize("number", [True, -1, 0, 1 << 40, "AS", "AS²", "9" * 5000, None, [], 1.5])
def test_a_number_of_no_system_is_none(number: Any) -> None:
    assert system_of({"asn": number, "as_name": 7}) == (None, None)
