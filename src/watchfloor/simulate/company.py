"""The simulated company: its people, their accounts in every product, their devices, and its servers.

The roster is fixed, so that scenarios can cast people by title; the seed decides who they are.
"""

import string
import uuid
from random import Random
from typing import Literal, NamedTuple

import msgspec

from watchfloor.simulate.places import CHROME_MAC, CHROME_WINDOWS, EDGE_WINDOWS, SITES, Agent, Place, Site, home

CLOUD_TEAMS = frozenset({"engineering", "platform", "it"})
"""Teams that work in AWS."""

_GIVEN = (
    *("Aino", "Amara", "Anders", "Anika", "Arun", "Beatriz", "Benedikt", "Carla", "Chidi", "Clara", "Daniela"),
    *("Dmitri", "Elif", "Emeka", "Esther", "Farid", "Felix", "Greta", "Hana", "Henrik", "Ines", "Ivo", "Jana"),
    *("Jonas", "Kaia", "Karim", "Kenji", "Lena", "Leo", "Lucia", "Malik", "Mara", "Mei", "Milo", "Nadia", "Nils"),
    *("Noor", "Olga", "Omar", "Paula", "Priya", "Quentin", "Rafael", "Rosa", "Ruth", "Samir", "Sofia", "Tariq"),
    *("Tessa", "Tomas", "Uma", "Viktor", "Wen", "Yara", "Yusuf", "Zora"),
)
_FAMILY = (
    *("Abara", "Adler", "Almeida", "Andersen", "Bakker", "Baumann", "Becker", "Bianchi", "Brandt", "Castro"),
    *("Chaudhry", "Conti", "Dahl", "Diallo", "Ekberg", "Engel", "Faber", "Ferreira", "Fischer", "Fuchs", "Gruber"),
    *("Haas", "Hansen", "Haddad", "Horvat", "Ito", "Jansen", "Kaya", "Keller", "Koch", "Kovac", "Krause", "Lang"),
    *("Lindqvist", "Lorenz", "Marek", "Mbeki", "Meyer", "Moreau", "Nakata", "Novak", "Okafor", "Olsen", "Park"),
    *("Pereira", "Petrov", "Rossi", "Sato", "Schuster", "Silva", "Stein", "Tanaka", "Torres", "Vargas", "Vogel"),
    *("Wagner", "Weber", "Winter", "Yilmaz", "Zimmer"),
)


class Seat(NamedTuple):
    """A line of the roster: a title, its team, the number of its office, its laptop's system, and how many have it."""

    title: str
    team: str
    site: int
    system: Literal["windows", "macos"]
    heads: int = 1


ROSTER = (
    Seat("Chief executive", "executive", 0, "macos"),
    Seat("Chief financial officer", "executive", 0, "windows"),
    Seat("Finance lead", "finance", 0, "windows"),
    Seat("Accountant", "finance", 0, "windows", 3),
    Seat("Payroll specialist", "finance", 1, "windows"),
    Seat("Sales director", "sales", 2, "windows"),
    Seat("Account manager", "sales", 1, "windows", 3),
    Seat("Account manager", "sales", 2, "windows", 2),
    Seat("Support agent", "support", 1, "windows", 3),
    Seat("Support agent", "support", 0, "windows"),
    Seat("Software engineer", "engineering", 0, "macos", 4),
    Seat("Software engineer", "engineering", 1, "macos", 3),
    Seat("Platform engineer", "platform", 0, "macos", 2),
    Seat("Platform engineer", "platform", 1, "windows"),
    Seat("IT lead", "it", 0, "windows"),
    Seat("IT operations engineer", "it", 0, "windows"),
    Seat("Systems administrator", "it", 1, "windows"),
    Seat("People partner", "people", 0, "windows", 2),
    Seat("Legal counsel", "legal", 0, "windows"),
    Seat("Logistics planner", "logistics", 0, "windows", 3),
    Seat("Logistics planner", "logistics", 2, "windows", 3),
    Seat("Front desk", "facilities", 0, "windows"),
)
"""Who works here."""


class Device(msgspec.Struct, frozen=True):
    """A laptop: its name in the domain, its address in the office, its browser, and its id in Okta."""

    host: str
    windows: bool
    address: str
    agent: Agent
    okta_id: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works here, under every name that the products know them by.

    ``sid`` is the account in the on-premises domain, ``cloud_sid`` the one that Exchange Online writes; they differ, as
    they do in a hybrid directory. ``puid`` is the key of mailbox records, ``entra_id`` that of sign-ins.
    """

    name: str
    mail: str
    account: str
    title: str
    team: str
    site: Site
    home: Place
    device: Device
    okta_id: str
    sid: str
    cloud_sid: str
    entra_id: str
    puid: str
    mailbox: str


class Server(msgspec.Struct, frozen=True):
    """A Windows server: its short name, its address, and what it is for."""

    name: str
    address: str
    role: str


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """The company: who works there and the ids of its tenants."""

    name: str
    domain: str
    netbios: str
    ad_domain: str
    domain_sid: str
    tenant_id: str
    aws_account: str
    home_region: str
    people: tuple[Person, ...]
    servers: tuple[Server, ...]

    def cast(self, title: str) -> Person:
        """The first person with that title.

        >>> company(7).cast("Finance lead").team
        'finance'
        """
        return next(person for person in self.people if person.title == title)

    def server(self, role: str) -> Server:
        """The server with that role."""
        return next(server for server in self.servers if server.role == role)

    def fqdn(self, host: str) -> str:
        """The full name of a host in the Windows domain."""
        return f"{host}.{self.ad_domain}"


def company(seed: int) -> Company:
    """Northwind Harbor, a shipping-software company of about forty people in three offices.

    The same seed gives the same company.

    >>> company(7) == company(7), company(7) == company(8)
    (True, False)
    """
    rng = Random(f"{seed}/company")  # noqa: S311 - reproducible, not secret
    domain_sid = _sid_authority(rng)
    cloud_sid = _sid_authority(rng)
    seats = [seat for seat in ROSTER for _ in range(seat.heads)]
    given, family = rng.sample(_GIVEN, len(seats)), rng.sample(_FAMILY, len(seats))
    people = tuple(
        _person(rng, seat, number, (given[number - 1], family[number - 1]), (domain_sid, cloud_sid))
        for number, seat in enumerate(seats, start=1)
    )
    return Company(
        name="Northwind Harbor",
        domain="northwind.example",
        netbios="NORTHWIND",
        ad_domain="corp.northwind.example",
        domain_sid=domain_sid,
        tenant_id=_uuid(rng),
        aws_account="111122223333",
        home_region="eu-central-1",
        people=people,
        servers=(
            Server("NWH-DC01", "10.20.10.5", "domain controller"),
            Server("NWH-FS01", "10.20.10.20", "file server"),
            Server("NWH-BK01", "10.20.10.30", "backup server"),
            Server("NWH-MGMT01", "10.20.10.40", "management server"),
        ),
    )


def _person(rng: Random, seat: Seat, number: int, names: tuple[str, str], authorities: tuple[str, str]) -> Person:
    given, family = names
    domain_sid, cloud_sid = authorities
    site = SITES[seat.site]
    windows = seat.system == "windows"
    agent = rng.choice((CHROME_WINDOWS, EDGE_WINDOWS)) if windows else CHROME_MAC
    device = Device(
        host=f"NWH-{'LT' if windows else 'MB'}{number:03d}",
        windows=windows,
        address=f"{site.network}.{30 + seat.site}.{10 + number}",
        agent=agent,
        okta_id="guo" + _token(rng, 17),
    )
    return Person(
        name=f"{given} {family}",
        mail=f"{given}.{family}@northwind.example".lower(),
        account=f"{given[0]}{family}".lower(),
        title=seat.title,
        team=seat.team,
        site=site,
        home=home(site.egress.city, number),
        device=device,
        okta_id="00u" + _token(rng, 17),
        sid=f"{domain_sid}-{1100 + number}",
        cloud_sid=f"{cloud_sid}-{25_600_000 + number}",
        entra_id=_uuid(rng),
        puid=f"1003200{rng.getrandbits(36):09X}",
        mailbox=_uuid(rng),
    )


def _token(rng: Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits, k=length))


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _sid_authority(rng: Random) -> str:
    return "S-1-5-21-" + "-".join(str(rng.randrange(10**9, 4 * 10**9)) for _ in range(3))
