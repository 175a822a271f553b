"""Impossible travel: one person logs in at two places that no journey joins.

Speed is the great-circle distance, less the uncertainty of geolocation, over the time between the logins. An address
whose place one product tells has that place in the others too. Two addresses of one network operator are no journey:
a company's VPN, a carrier. How many people share an address is not known here, where each person is judged alone;
an exit that many share shows as many people with this finding, and correlation does not join cases by it.

Sources: https://attack.mitre.org/techniques/T1078/004/, Sinnott (1984) for the haversine formula.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, at, both, lasting, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

AUTHENTICATION, LOGON = 3002, 1
EARTH_KM = 6371.0
UNCERTAINTY_KM = 100.0
AIRLINER_KMH = 900.0
SHORTEST_KM = 500.0
COUNTRY_CHANGE = timedelta(hours=1)
LONGEST = timedelta(hours=24)

_FALSE_POSITIVES = (
    "A VPN or a proxy with its exit abroad.",
    "An address whose place the geolocation database has wrong.",
)
_RUNBOOK = """\
Ask the person where they are, by telephone. Is one of the addresses a VPN that they use?
If one login is not theirs, end its session, reset password and factors, and look at what the session did.
"""
TRAVEL = Rule(
    id="1aa2b2b3-0652-4abd-aad8-1a00ec11f6b6",
    title="One person logged in at two places that no journey joins",
    level="medium",
    description="Nobody travels that fast: one of the two logins is somebody else, or comes through a VPN.",
    use_case="impossible_travel",
    tactics=("initial-access",),
    techniques=("T1078.004",),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
)
OTHER_DEVICE = Rule(
    id="aa140ff2-b254-4dbf-9999-4fb3f39df5d5",
    title="One person logged in at two places that no journey joins, with two different devices",
    level="high",
    description="Nobody travels that fast, and the second login used a program that the person had not used before.",
    use_case="impossible_travel",
    tactics=("initial-access",),
    techniques=("T1078.004",),
    false_positives=_FALSE_POSITIVES,
    runbook=_RUNBOOK,
)


class Place(NamedTuple):
    """Where an address is, and whose network it is in."""

    country: str | None
    city: str | None
    lat: float | None
    long: float | None
    network: int | None

    @property
    def words(self) -> str:
        """The place in a sentence."""
        return ", ".join(shown(part) for part in (self.city, self.country) if part)


def distance(a: Place, b: Place) -> float | None:
    """The great-circle distance in km; nothing without coordinates.

    >>> hamburg = Place("Germany", "Hamburg", 53.55, 9.99, None)
    >>> tokyo = Place("Japan", "Tokyo", 35.68, 139.77, None)
    >>> round(distance(hamburg, tokyo), -2)
    9000.0
    """
    if a.lat is None or a.long is None or b.lat is None or b.long is None:
        return None
    phi, psi = math.radians(a.lat), math.radians(b.lat)
    half = math.sin((psi - phi) / 2) ** 2
    half += math.cos(phi) * math.cos(psi) * math.sin(math.radians(b.long - a.long) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, max(0.0, half))))


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Neighbouring logins at two places; each pair of places once."""
    places = _places(rows)
    said: set[frozenset[str]] = set()
    agents: set[str] = set()
    before: Row | None = None
    for row in rows:
        place = places.get(row["entity.address"])
        if place is None:
            continue
        if before is not None:
            pair = frozenset((places[before["entity.address"]].words, place.words))
            if pair not in said and (made := _journey(before, row, places, new_agent=_agent(row) not in agents)):
                said.add(pair)
                yield made
        agents.add(_agent(row))
        before = row


def _places(rows: Sequence[Row]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for row in rows:
        if row["entity.address"] is not None and row["src_endpoint.location.country"] is not None:
            found.setdefault(
                row["entity.address"],
                Place(
                    row["src_endpoint.location.country"],
                    row["src_endpoint.location.city"],
                    row["src_endpoint.location.lat"],
                    row["src_endpoint.location.long"],
                    row["src_endpoint.autonomous_system.number"],
                ),
            )
    return found


def _agent(row: Row) -> str:
    return row["http_request.user_agent"] or ""


def _journey(a: Row, b: Row, places: dict[str, Place], *, new_agent: bool) -> Judgement | None:
    one, other = places[a["entity.address"]], places[b["entity.address"]]
    elapsed = b["time"] - a["time"]
    if (one.network is not None and one.network == other.network) or elapsed > LONGEST.total_seconds() * 1000:
        return None
    terms: tuple[Term, ...]
    away = distance(one, other)
    if away is None:
        if one.country == other.country or elapsed > COUNTRY_CHANGE.total_seconds() * 1000:
            return None
        terms = (Term("minutes", round(elapsed / 60_000, 1), "Only the countries of the addresses are known."),)
        pace = ""
    else:
        hours = max(elapsed, 60_000) / 3_600_000
        speed = (away - UNCERTAINTY_KM) / hours
        if away <= SHORTEST_KM or speed <= AIRLINER_KMH:
            return None
        pace = f": {away:,.0f} km, {speed:,.0f} km/h"
        terms = (
            Term("distance_km", round(away), f"Great-circle distance; {UNCERTAINTY_KM:.0f} km are taken off."),
            Term("hours", round(hours, 2), "Time between the two logins."),
            Term("speed_kmh", round(speed), f"An airliner makes {AIRLINER_KMH:.0f} km/h."),
        )
    return Judgement(
        rule=OTHER_DEVICE if new_agent and b["http_request.user_agent"] else TRAVEL,
        summary=(
            f"{name_of(b['entity.user'])} logged in from {_where(a, one)} at {at(a['time'])} and from "
            f"{_where(b, other)} {lasting(elapsed)} later{pace}."
        ),
        rows=[a, b],
        terms=terms,
        bucket="|".join(sorted((one.words, other.words))),
    )


def _where(row: Row, place: Place) -> str:
    # A product that gives no place is quoted with the address alone.
    return place.words if row["src_endpoint.location.country"] is not None else name_of(row["entity.address"])


DETECTORS = (
    Sessions(
        name="impossible_travel",
        key="entity.user",
        gap=LONGEST,
        columns=(
            "src_endpoint.location.country",
            "src_endpoint.location.city",
            "src_endpoint.location.lat",
            "src_endpoint.location.long",
            "src_endpoint.autonomous_system.number",
            "http_request.user_agent",
        ),
        select=both(
            one_of("class_uid", (AUTHENTICATION,)),
            one_of("activity_id", (LOGON,)),
            one_of("status_id", (SUCCESS,)),
            one_of("source", ("okta_system_log", "m365_unified_audit", "aws_cloudtrail")),
        ),
        judge=judge,
        max_rows=1024,
    ),
)
