"""Where requests come from: offices, homes, the VPN, other people's networks.

All addresses are reserved for documentation (RFC 5737, RFC 3849) or private (RFC 1918); the autonomous systems are
those of RFC 5398. Cities are real, because vendors write real ones.
"""

from typing import Literal

import msgspec


class City(msgspec.Struct, frozen=True):
    """A city as a geolocation database knows it."""

    name: str
    state: str
    country: str
    postal: str
    lat: float
    lon: float


class Place(msgspec.Struct, frozen=True):
    """A vantage point on the internet: an address, where it is said to be, and whose network it is in."""

    address: str
    city: City
    asn: int
    as_org: str
    domain: str
    proxy: bool = False


class Site(msgspec.Struct, frozen=True):
    """An office. ``utc_offset`` is in hours and ignores summer time; ``network`` is the prefix of its internal /16."""

    name: str
    egress: Place
    utc_offset: float
    network: str


class Agent(msgspec.Struct, frozen=True):
    """A user agent, raw and as Okta parses it."""

    raw: str
    os: str
    browser: str
    device: Literal["Computer", "Mobile", "Unknown"] = "Computer"


HAMBURG = City("Hamburg", "Free and Hanseatic City of Hamburg", "Germany", "20457", 53.5413, 9.9841)
BOSTON = City("Boston", "Massachusetts", "United States", "02210", 42.3480, -71.0466)
SINGAPORE = City("Singapore", "Central Singapore", "Singapore", "018956", 1.2830, 103.8513)
FRANKFURT = City("Frankfurt am Main", "Hesse", "Germany", "60313", 50.1155, 8.6842)
TOKYO = City("Tokyo", "Tokyo", "Japan", "100-0005", 35.6812, 139.7671)
DUBLIN = City("Dublin", "Leinster", "Ireland", "D02", 53.3440, -6.2672)
REYKJAVIK = City("Reykjavik", "Capital Region", "Iceland", "101", 64.1470, -21.9408)
PANAMA = City("Panama City", "Panama", "Panama", "0801", 8.9824, -79.5199)

SITES = (
    Site("Hamburg", Place("192.0.2.10", HAMBURG, 64496, "northwind harbor gmbh", "northwind.example"), 1, "10.20"),
    Site("Boston", Place("192.0.2.74", BOSTON, 64497, "northwind harbor inc.", "northwind.example"), -5, "10.30"),
    Site("Singapore", Place("192.0.2.138", SINGAPORE, 64498, "northwind harbor pte", "northwind.example"), 8, "10.40"),
)
SERVERS = "10.20.10"
"""Prefix of the server network."""
VPN_POOL = "10.99.0"
"""Prefix of the addresses that VPN clients get."""

VPN_EGRESS = Place("192.0.2.200", FRANKFURT, 64496, "northwind harbor gmbh", "northwind.example")
HOTEL = Place("198.51.100.201", TOKYO, 64505, "sakura hospitality networks", "hotel-wifi.example")
BUILD_FARM = Place("198.51.100.240", DUBLIN, 64506, "build runners ltd", "runners.example")
CONNECTOR = Place("198.51.100.251", DUBLIN, 64506, "integration cloud ltd", "integrations.example")

BULLETPROOF = Place("203.0.113.45", REYKJAVIK, 64511, "frostline hosting ehf", "frostline.example")
MAIL_COLLECTOR = Place("203.0.113.46", REYKJAVIK, 64511, "frostline hosting ehf", "frostline.example")
SPRAYER = Place("203.0.113.190", PANAMA, 64510, "canal transit s.a.", "canal-transit.example", proxy=True)

_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36"
_WINDOWS = _CHROME.format("Windows NT 10.0; Win64; x64")
_MAC = _CHROME.format("Macintosh; Intel Mac OS X 10_15_7")
CHROME_WINDOWS = Agent(_WINDOWS, "Windows 10", "CHROME")
EDGE_WINDOWS = Agent(_WINDOWS + " Edg/134.0.0.0", "Windows 10", "EDGE")
CHROME_MAC = Agent(_MAC, "Mac OS X", "CHROME")
FIREFOX_LINUX = Agent("Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0", "Linux", "FIREFOX")
SCRIPT = Agent("python-requests/2.32.3", "Unknown", "UNKNOWN", "Unknown")


def home(city: City, number: int) -> Place:
    """The home connection of the person with that number, 1 to 180."""
    return Place(f"198.51.100.{number}", city, 64500 + number % 4, "neighbourhood broadband", "broadband.example")
