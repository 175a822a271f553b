"""A factor or a device enrolled from a country in which the person was not an hour ago.

Sources: https://attack.mitre.org/techniques/T1098/005/, https://attack.mitre.org/techniques/T1556/006/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import SUCCESS, at, both, name_of, newcomers, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

FOOTHOLDS = {"user.mfa.factor.activate": "a login factor", "device.user.add": "a device"}
PRESENCE = ("user.session.start", "user.authentication.sso", "user.authentication.auth_via_mfa")
DAY = timedelta(hours=16)
FRESH, SETTLED = timedelta(hours=3), timedelta(hours=1)

RULE = Rule(
    id="4a0f116e-039e-47ea-b5b2-a3a590e871c4",
    title="A login factor or a device was enrolled from a country new to the person",
    level="high",
    description=(
        "Earlier that day the person used the account in another country; from the new one, somebody added a way to "
        "come back."
    ),
    use_case="login_risk",
    tactics=("persistence", "initial-access"),
    techniques=("T1098.005", "T1556.006", "T1078.004"),
    false_positives=("A person who lands abroad and sets up a new phone there.", "A VPN exit in another country."),
    runbook="""\
Ask the person whether they are in that country and whether the factor or device is theirs.
If not, remove it, end all sessions and reset the password; then look at what the session did.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Enrolments from a country that appeared within three hours, after another one."""
    located = [row for row in rows if row["src_endpoint.location.country"] is not None]
    new = newcomers(located, _country, within=FRESH, settled=SETTLED)
    footholds: dict[str, list[Row]] = {}
    for row, is_new in zip(located, new, strict=True):
        if is_new and row["metadata.event_code"] in FOOTHOLDS:
            footholds.setdefault(_country(row), []).append(row)
    for country, enrolled in footholds.items():
        yield _judgement(country, enrolled, located)


def _country(row: Row) -> str:
    return str(row["src_endpoint.location.country"])


def _judgement(country: str, enrolled: Sequence[Row], located: Sequence[Row]) -> Judgement:
    arrival = next(row for row in located if _country(row) == country)
    elsewhere = [row for row in located if _country(row) != country and row["time"] <= arrival["time"]][-1]
    what = " and ".join(dict.fromkeys(FOOTHOLDS[row["metadata.event_code"]] for row in enrolled))
    return Judgement(
        rule=RULE,
        summary=(
            f"{name_of(enrolled[0]['entity.actor'])} added {what} from {shown(country)} at {at(enrolled[0]['time'])}; "
            f"the account was first used from there at {at(arrival['time'])}, and from {shown(_country(elsewhere))} at "
            f"{at(elsewhere['time'])}."
        ),
        rows=list({row["metadata.uid"]: row for row in (elsewhere, arrival, *enrolled)}.values()),
        terms=(
            Term("minutes", round((arrival["time"] - elsewhere["time"]) / 60_000, 1), "Between the two countries."),
            Term("footholds", len(enrolled), f"{len(enrolled)} enrolments from the new country."),
        ),
        bucket=country,
    )


DETECTORS = (
    Sessions(
        name="foothold_from_new_country",
        key="entity.actor",
        gap=DAY,
        columns=("metadata.event_code", "src_endpoint.location.country"),
        select=both(one_of("metadata.event_code", (*FOOTHOLDS, *PRESENCE)), one_of("status_id", (SUCCESS,))),
        judge=judge,
        max_rows=1024,
    ),
)
