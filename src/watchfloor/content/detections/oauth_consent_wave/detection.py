"""Several people consent to the same application on one day: phishing for consent.

Source: https://attack.mitre.org/techniques/T1528/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, bursts, distinct, length, listed, name_of, one_of, shown
from watchfloor.session import Judgement, Row, Sessions

PEOPLE = 3
DAY = timedelta(hours=24)

RULE = Rule(
    id="0207c893-6dd0-43b2-a369-cd7d92bc8cbb",
    title="Several people let the same application into their accounts on one day",
    level="high",
    description="A new application that several people consent to within a day spreads by a mail or a message.",
    use_case="oauth_grants",
    tactics=("initial-access", "credential-access"),
    techniques=("T1528", "T1566.002"),
    false_positives=("An application that the company recommends to its people.",),
    runbook="""\
Who makes the application, and how did people come to it? Ask two of them.
If it came by a strange mail, disable its service principal for the tenant, which ends all grants at once.
Then look at what it read in each mailbox.
""",
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """Consents of several people within a day."""
    given = [row for row in rows if row["status_id"] != FAILURE]
    for burst in bursts(given, least=PEOPLE, span=DAY, of=lambda row: row["entity.actor"]):
        people = [name_of(one) for one in distinct(burst, "entity.actor")]
        # The account that a consent is about is the application's.
        name = shown(" ".join(distinct(burst, "user.name")[:1]))
        yield Judgement(
            rule=RULE,
            summary=(
                f"{len(people)} people consented to the application {name} ({name_of(burst[0]['entity.app'])}) within "
                f"{length(burst)}: {listed(people)}."
            ),
            rows=burst,
            terms=(Term("people", len(people), f"{len(people)} different people consented."),),
            since=burst[0]["time"],
        )


DETECTORS = (
    Sessions(
        name="oauth_consent_wave",
        key="entity.app",
        gap=DAY,
        columns=("status_id", "user.name"),
        select=one_of("metadata.event_code", ("Consent to application.", "app.oauth2.as.consent.grant")),
        judge=judge,
        max_rows=512,
    ),
)
