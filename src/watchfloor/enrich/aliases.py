r"""The names that one event gives to one account, as entity ids.

An alias is an entity id of its own (``user:alice@example.com``, ``user:corp\alice``, ``user:sid:S-1-5-21-…``,
``user:arn:aws:iam::…``, ``user:okta:00u…``); aliases that one event gives to the same account are links between them.
"""

import re
from functools import lru_cache

import msgspec

_MAIL = re.compile(r"[^@\s\\/]+@[^@\s\\/]+\.[^@\s\\/]+")
_PERSON_SID = re.compile(r"S-1-(?:5-21|12-1)-\d[\d-]*")
_SYSTEM_DOMAINS = frozenset(
    {"nt authority", "nt service", "window manager", "font driver host", "iis apppool", "nt virtual machine"}
)
_SYSTEM_NAMES = frozenset({"system", "local service", "network service", "anonymous logon", "-", "", "n/a", "unknown"})
_NO_DOMAIN = frozenset({"", "-", ".", "workgroup", "nt authority\\"})
_RANKS = (_MAIL.fullmatch, re.compile(r"[^:]+\\.+").fullmatch)


class Account(msgspec.Struct, frozen=True):
    """What an event says of an account; ``namespace`` is whose opaque ids they are, ``host`` where it was seen."""

    namespace: str
    uid: str | None = None
    uid_alt: str | None = None
    email_addr: str | None = None
    name: str | None = None
    domain: str | None = None
    host: str | None = None


@lru_cache(maxsize=1 << 16)
def aliases_of(account: Account) -> tuple[str, ...]:
    r"""The entity ids that the event gives to this account, best first; none for the machine's own accounts.

    >>> aliases_of(Account("okta", uid="00u1", email_addr="Alice@example.com", name="Alice A"))
    ('user:alice@example.com', 'user:okta:00u1')
    >>> aliases_of(Account("windows", uid="S-1-5-18", name="SYSTEM", domain="NT AUTHORITY"))
    ()
    >>> aliases_of(Account("windows", uid="S-1-5-21-1-2-3-1104", name="alice", domain="CORP"))
    ('user:corp\\alice', 'user:sid:S-1-5-21-1-2-3-1104')
    """
    if _is_system(account):
        return ()
    found = [_mail(account.email_addr), _mail(account.name), _named(account)]
    if not _is_local(account):
        # Cloned machines share their machine SID: a local account's SID is not unique beyond its host.
        found += [_opaque(account.uid, account.namespace), _opaque(account.uid_alt, account.namespace)]
    distinct = {f"user:{text}" for text in found if text}
    return tuple(sorted(distinct, key=preference))


def preference(entity_id: str) -> tuple[int, int, str]:
    r"""Sorts the aliases of one person: a mail address says most to a reader, then ``DOMAIN\name``, then opaque ids.

    >>> min(["user:okta:00u1", "user:alice@example.com", r"user:corp\alice"], key=preference)
    'user:alice@example.com'
    """
    text = entity_id.partition(":")[2]
    rank = next((position for position, matches in enumerate(_RANKS) if matches(text)), len(_RANKS))
    return rank, len(text), text


def _is_system(account: Account) -> bool:
    uid = account.uid or ""
    if uid.startswith("S-1-") and not _PERSON_SID.fullmatch(uid):
        return True
    if account.name is None:
        return False
    name, domain = account.name.lower(), (account.domain or "").lower()
    return name.endswith("$") or domain in _SYSTEM_DOMAINS or (not uid and name in _SYSTEM_NAMES)


def _is_local(account: Account) -> bool:
    host = (account.host or "").partition(".")[0].lower()
    return bool(host) and (account.domain or "").lower() == host and (account.uid or "").startswith("S-1-")


def _mail(text: str | None) -> str | None:
    return text.lower() if text and _MAIL.fullmatch(text) else None


def _opaque(uid: str | None, namespace: str) -> str | None:
    if not uid:
        return None
    if uid.startswith("S-1-"):
        return f"sid:{uid}" if _PERSON_SID.fullmatch(uid) else None
    if uid.startswith("arn:"):
        return uid
    return _mail(uid) or f"{namespace}:{uid}"


def _named(account: Account) -> str | None:
    name = account.name
    if not name or name.lower() in _SYSTEM_NAMES or _MAIL.fullmatch(name):
        return None
    domain = (account.domain or "").lower()
    if domain in _NO_DOMAIN:
        # A bare name means something only where it was seen; without a place it identifies nobody.
        domain = (account.host or "").partition(".")[0].lower()
    return f"{domain}\\{name.lower()}" if domain else None
