"""Much downloaded, read or deleted in Microsoft 365 in little time, and whether from where the person works.

A person's own working day says where they work: the addresses of their earlier events in Okta and Microsoft 365, and
the countries that Okta knows of these addresses.

Sources: https://attack.mitre.org/techniques/T1213/002/, https://attack.mitre.org/techniques/T1114/002/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from watchfloor.finding import Rule, Term
from watchfloor.judging import FAILURE, bursts, but_not, distinct, length, listed, name_of, newcomers, one_of
from watchfloor.session import Judgement, Row, Sessions

DAY = timedelta(hours=14)
FRESH, SETTLED = timedelta(hours=3), timedelta(hours=1)
WINDOW = timedelta(minutes=60)

_ASK = """\
Ask the person, or for a planned task their superior, what it was for.
If it was not them, end the sessions, revoke the grants of applications, and reset password and factors.
"""
FILES_AWAY = Rule(
    id="c5fe20e3-ab83-4018-a8f6-bf77b0efce18",
    title="Files were downloaded in bulk from a place and with a program new to the person",
    level="high",
    description="Many files within an hour, from an address that the person began to use shortly before.",
    use_case="data_exfiltration",
    tactics=("collection", "exfiltration"),
    techniques=("T1213.002", "T1567"),
    false_positives=("A person who arrives at a hotel and prepares a meeting.",),
    runbook=_ASK + "List the files (ObjectId): they decide who must be told.\n",
)
FILES = Rule(
    id="f681e7da-05dc-47ba-8739-9da641a50ac2",
    title="A person downloaded many files in a short time",
    level="low",
    description="Many files within an hour, from where the person works: a task, or somebody who is about to leave.",
    use_case="insider_threat",
    tactics=("collection",),
    techniques=("T1213.002",),
    false_positives=("The preparation of a meeting.", "A new laptop that synchronizes."),
    runbook="Do the files belong to the person's work? Is the person about to leave the company?\n",
)
MAIL_AWAY = Rule(
    id="b02f2da7-de24-4076-bd33-f6822b5ceef3",
    title="A mailbox was read in bulk from a place and with a program new to the person",
    level="high",
    description="Mail was opened again and again within an hour, from an address that appeared shortly before.",
    use_case="data_exfiltration",
    tactics=("collection",),
    techniques=("T1114.002",),
    false_positives=("A new telephone that fetches the whole mailbox on a journey.",),
    runbook=_ASK + "Which application read it (AppId)? Which folders and messages (Folders)?\n",
)
MAIL = Rule(
    id="5416dddd-88d3-47db-bc2f-7872fcd9492c",
    title="A mailbox was read in bulk",
    level="low",
    description="Mail was opened again and again within an hour, from where the person works.",
    use_case="insider_threat",
    tactics=("collection",),
    techniques=("T1114.002",),
    false_positives=("A mail program that fetches the whole mailbox.",),
    runbook="Is a new mail program or application behind it?\n",
)
DELETED = Rule(
    id="593592a5-c2ee-4de9-abb3-05f934492dc3",
    title="A person deleted many files or mails in a short time",
    level="medium",
    description="Fifty deletions or more within an hour: spite, traces removed, or ransom in the cloud.",
    use_case="insider_threat",
    tactics=("impact",),
    techniques=("T1485",),
    false_positives=("The clean-up of a site that a project leaves.",),
    runbook="Ask the person. Restore from the recycle bin before it is emptied, and put a hold on it.\n",
)


class Kind(msgspec.Struct, frozen=True):
    """One kind of bulk: its operations, how many make it, its rule away from home and at home, and its words."""

    codes: tuple[str, ...]
    least: int
    away: Rule
    home: Rule
    verb: str


KINDS = (
    Kind(("FileDownloaded", "FileSyncDownloadedFull"), 50, FILES_AWAY, FILES, "downloaded {} files"),
    Kind(("MailItemsAccessed",), 50, MAIL_AWAY, MAIL, "opened mail {} times"),
    Kind(
        ("FileDeleted", "FileRecycled", "FolderDeleted", "FolderRecycled", "HardDelete", "SoftDelete"),
        50,
        DELETED,
        DELETED,
        "deleted files or mails {} times",
    ),
)
PRESENCE = (
    *("user.session.start", "user.authentication.sso", "user.authentication.auth_via_mfa", "UserLoggedIn"),
    *("FileAccessed", "FileModified", "FileUploaded", "Send"),
)


def judge(rows: Sequence[Row], _count: int) -> Iterator[Judgement]:
    """The bursts of each kind, those from a strange place apart."""
    strange = _strange(rows)
    for kind in KINDS:
        own = [row for row in rows if row["metadata.event_code"] in kind.codes]
        for away in (True, False):
            chosen = [row for row in own if (row["metadata.uid"] in strange) is away]
            for burst in bursts(chosen, least=kind.least, span=WINDOW):
                yield _judgement(kind, burst, away=away)


def _strange(rows: Sequence[Row]) -> set[str]:
    """The events whose address and program are both new, unless the address is known to be in the usual country."""
    countries: dict[str, str] = {}
    for row in rows:
        if row["entity.address"] is not None and row["src_endpoint.location.country"] is not None:
            countries.setdefault(row["entity.address"], row["src_endpoint.location.country"])
    places = newcomers(rows, lambda row: row["entity.address"], within=FRESH, settled=SETTLED)
    programs = newcomers(rows, _program, within=FRESH, settled=SETTLED)
    usual: set[str | None] = set()
    strange: set[str] = set()
    for row, place, program in zip(rows, places, programs, strict=True):
        country = countries.get(row["entity.address"])
        if not place:
            usual.add(country)
        elif program and (country is None or country not in usual):
            strange.add(row["metadata.uid"])
    return strange


def _program(row: Row) -> str:
    # An update of the same program changes only its digits.
    return _DIGITS.sub("", row["http_request.user_agent"] or "")


_DIGITS = re.compile(r"[0-9._]+")


def _judgement(kind: Kind, burst: Sequence[Row], *, away: bool) -> Judgement:
    addresses = [name_of(one) for one in distinct(burst, "entity.address")]
    apps = [name_of(one) for one in distinct(burst, "entity.app")]
    terms = [Term("events", len(burst), f"{len(burst)} operations within {length(burst)}.")]
    if away:
        terms.append(Term("new_addresses", len(addresses), f"New to the person that day: {listed(addresses)}."))
    return Judgement(
        rule=kind.away if away else kind.home,
        summary=(
            f"{name_of(burst[0]['entity.actor'])} {kind.verb.format(len(burst))} within {length(burst)} from "
            f"{listed(addresses)}{', with address and program new to them that day' if away else ''}"
            f"{f', through the application {listed(apps)}' if apps else ''}."
        ),
        rows=burst,
        terms=tuple(terms),
        bucket=f"{kind.codes[0]}:{away}",
        since=burst[0]["time"],
    )


_CODES = (*PRESENCE, *(code for kind in KINDS for code in kind.codes))

DETECTORS = (
    Sessions(
        name="m365_bulk_access",
        key="entity.actor",
        gap=DAY,
        columns=("metadata.event_code", "src_endpoint.location.country", "http_request.user_agent"),
        select=but_not(one_of("metadata.event_code", _CODES), one_of("status_id", (FAILURE,))),
        judge=judge,
    ),
)
