"""The simulated company: its people under all their names."""

import ipaddress

import pytest

from watchfloor.simulate import company
from watchfloor.simulate.company import ROSTER
from watchfloor.simulate.places import BULLETPROOF, HOTEL, MAIL_COLLECTOR, SITES, SPRAYER, VPN_EGRESS

_RESERVED = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")]


def test_the_seed_decides_who_works_there() -> None:
    assert company(7) == company(7)
    assert {person.mail for person in company(7).people} != {person.mail for person in company(8).people}


@pytest.mark.parametrize("seed", range(5))
def test_every_name_of_a_person_is_theirs_alone(seed: int) -> None:
    people = company(seed).people
    assert len(people) == sum(seat.heads for seat in ROSTER) == 40
    for name in ("name", "mail", "account", "okta_id", "sid", "cloud_sid", "entra_id", "puid", "mailbox", "home"):
        assert len({getattr(person, name) for person in people}) == len(people), name
    assert len({person.device.address for person in people}) == len(people)


def test_people_are_cast_by_title() -> None:
    northwind = company(7)
    for seat in ROSTER:
        person = northwind.cast(seat.title)
        assert (person.title, person.team) == (seat.title, seat.team)
    with pytest.raises(StopIteration):
        northwind.cast("Astronaut")


def test_all_addresses_and_names_are_reserved() -> None:
    northwind = company(7)
    places = [*(site.egress for site in SITES), VPN_EGRESS, HOTEL, BULLETPROOF, MAIL_COLLECTOR, SPRAYER]
    places += [person.home for person in northwind.people]
    addresses = [place.address for place in places] + [person.device.address for person in northwind.people]
    for address in addresses:
        assert any(ipaddress.ip_address(address) in network for network in _RESERVED), address
    assert all(place.domain.endswith(".example") for place in places)
    assert all(64496 <= place.asn <= 64511 for place in places)
    assert all(person.mail.endswith("@northwind.example") for person in northwind.people)
    assert northwind.aws_account == "111122223333"
