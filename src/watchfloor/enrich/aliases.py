r"""The names that one event gives to one account, as entity ids.

An alias is an entity id of its own (``user:alice@example.com``, ``user:corp\alice``, ``user:sid:S-1-5-21-…``,
``user:arn:aws:iam::…``, ``user:okta:00u…``); aliases that one event gives to the same account are links between them.

A name that whoever acts may choose is nobody's: the session of an AWS role is known by its role and its name together,
and by a mail address only where IAM Identity Center or a source identity vouches for it.
"""

import re
from functools import lru_cache

import msgspec

from watchfloor.enrich.aws import IDENTITY_CENTER, Principal, named_by_identity_center, principal_of
from watchfloor.enrich.places import NETBIOS, is_of_host, on_host

WINDOWS = "windows"
"""The namespace of Windows' own logs, in which a host is also the domain of the accounts that exist on it alone."""

MAX_MAIL = 320
"""The longest mail address there is: 64 characters, ``@``, 255 characters (RFC 5321, 4.5.3.1)."""

MAX_NAME = 1024
"""A longer name or id is none: the longest ARN of a user or role has some 700 characters."""

_PERSON_SID = re.compile(r"S-1-(?:5-21|12-1)-\d[\d-]*")
_SYSTEM_DOMAINS = frozenset(
    {"nt authority", "nt service", "window manager", "font driver host", "iis apppool", "nt virtual machine"}
)
_SYSTEM_NAMES = frozenset({"system", "local service", "network service", "anonymous logon", "-", "", "n/a", "unknown"})
_SERVICE_ACCOUNT = "system:serviceaccount:"
_GUEST = "#ext#@"
_ENTRA = frozenset({"azure", "m365", "entra", "microsoft"})
_NOT_IN_MAIL = re.compile(r"[\\/:\s]")
_NO_DOMAIN = frozenset({"", "-", ".", "workgroup", "nt authority\\"})


class Account(msgspec.Struct, frozen=True):
    """What an event says of an account; ``namespace`` is whose opaque ids they are, ``host`` where it was seen.

    ``issuer`` is the role that a session was issued by.
    """

    namespace: str
    uid: str | None = None
    uid_alt: str | None = None
    email_addr: str | None = None
    name: str | None = None
    domain: str | None = None
    host: str | None = None
    issuer: str | None = None


@lru_cache(maxsize=1 << 16)
def aliases_of(account: Account) -> tuple[str, ...]:
    r"""The entity ids that the event gives to this account, best first; none for the machine's own accounts.

    >>> aliases_of(Account("okta", uid="00u1", email_addr="Alice@example.com", name="Alice A"))
    ('user:alice@example.com', 'user:okta:00u1')
    >>> aliases_of(Account("windows", uid="S-1-5-18", name="SYSTEM", domain="NT AUTHORITY"))
    ()
    >>> aliases_of(Account("windows", uid="S-1-5-21-1-2-3-1104", name="alice", domain="CORP"))
    ('user:corp\\alice', 'user:sid:S-1-5-21-1-2-3-1104')
    >>> aliases_of(Account("aws", uid_alt="arn:aws:sts::111122223333:assumed-role/Deploy/ceo@example.com"))
    ('user:arn:aws:sts::111122223333:assumed-role/Deploy/ceo@example.com',)
    """
    if _is_system(account):
        return ()
    distinct = {f"user:{text}" for text in _texts(account) if text and len(text) <= MAX_NAME}
    return tuple(sorted(distinct, key=preference))


def _texts(account: Account) -> list[str | None]:
    if (account.uid or "").startswith(_SERVICE_ACCOUNT):
        # Its namespace is no domain: anybody may call one as a domain of Windows, and an account in it as anybody.
        return [_id(account.uid, account.namespace)]
    principal = principal_of(account.uid_alt)
    if principal is not None and principal.kind in {"assumed-role", "federated-user"}:
        return _of_session(account, principal)
    opaque = [_opaque(account.uid, account), _opaque(account.uid_alt, account)]
    if principal is not None and principal.kind != "user":
        # A user may have the name of a role, or of the account's root user.
        return opaque
    return [_mail(account.email_addr, account), _mail(account.name, account), _named(account), *opaque]


def _of_session(account: Account, principal: Principal) -> list[str | None]:
    # What others than AWS call a session may be the name that the caller chose, too.
    own = [account.uid_alt, _id(account.uid, "aws") if account.namespace == "aws" else None]
    mail = _mail(account.email_addr, account)
    if named_by_identity_center(principal, account.issuer):
        return [mail, *own]
    if principal.owner.startswith(IDENTITY_CENTER) or not mail:
        return own
    # A source identity vouches for the person, but sessions of others may have the same name.
    return [mail]


def preference(entity_id: str) -> tuple[int, int, str]:
    r"""Sorts the aliases of one person: a mail address says most to a reader, then ``DOMAIN\name``, an ARN, other ids.

    >>> min(["user:okta:00u1", "user:alice@example.com", r"user:corp\alice"], key=preference)
    'user:alice@example.com'
    """
    text = entity_id.partition(":")[2]
    domain, _, name = text.partition("\\" if "\\" in text else "/")
    named = bool(name) and ":" not in domain and not name.startswith("S-1-")
    ranks = (is_mail(text), named, text.startswith("arn:"), not domain or not name, True)
    return ranks.index(True), len(text), text


def is_issued(entity_id: str) -> bool:
    r"""Whether a product or a directory issued a name, so that nobody chose it: an id with its namespace, or an ARN.

    >>> is_issued("user:okta:00u1"), is_issued("user:alice@example.com"), is_issued(r"user:corp\alice")
    (True, False, False)
    """
    domain, colon, rest = entity_id.partition(":")[2].partition(":")
    return bool(colon and rest) and not any(one in domain for one in "\\/@")


def is_mail(text: str) -> bool:
    """Whether a text has the form of a mail address.

    >>> is_mail("alice@example.com"), is_mail("AROAEXAMPLE:alice@example.com")
    (True, False)
    """
    if "@" not in text or len(text) > MAX_MAIL or _NOT_IN_MAIL.search(text):
        return False
    local, _, domain = text.partition("@")
    return bool(local) and "@" not in domain and domain.find(".") > 0 and not domain.endswith(".")


def _is_system(account: Account) -> bool:
    uid = account.uid or ""
    if uid.startswith("S-1-") and not _PERSON_SID.fullmatch(uid):
        return True
    if account.name is None:
        return False
    name, domain = account.name.lower(), (account.domain or "").lower()
    return domain in _SYSTEM_DOMAINS or (not uid and name in _SYSTEM_NAMES)


def _mail(text: str | None, account: Account) -> str | None:
    if not text or not is_mail(text):
        return None
    mail = text.lower()
    guest, mark, _ = mail.partition(_GUEST)
    if not mark or account.namespace not in _ENTRA:
        return mail
    # The host's name of a guest is the guest's address with its @ made an underscore, which no mail domain has.
    home = "@".join(guest.rsplit("_", 1))
    return home if is_mail(home) else mail


def _opaque(uid: str | None, account: Account) -> str | None:
    if not uid:
        return None
    if uid.startswith("S-1-"):
        return _sid(uid, account)
    if uid.startswith("arn:"):
        return uid
    return _mail(uid, account) or _id(uid, account.namespace)


def _id(uid: str | None, namespace: str) -> str | None:
    return f"{namespace}:{uid}" if uid else None


def _sid(sid: str, account: Account) -> str | None:
    if not _PERSON_SID.fullmatch(sid):
        return None
    domain, host = (account.domain or "").lower(), _short(account.host)
    if not host or not is_of_host(sid) or (domain not in _NO_DOMAIN and domain != host[:NETBIOS]):
        return f"sid:{sid}"
    return on_host(host, sid)


def _named(account: Account) -> str | None:
    name = account.name
    if not name or name.lower() in _SYSTEM_NAMES or name.upper().startswith("S-1-") or is_mail(name):
        return None
    domain, host = (account.domain or "").lower(), _short(account.host)
    if domain not in _NO_DOMAIN:
        return f"{domain}\\{name.lower()}"
    # A bare name means something only where it was seen; without a place it identifies nobody.
    if not host:
        return None
    return f"{host}\\{name.lower()}" if account.namespace == WINDOWS else f"{host}/{name}"


def _short(host: str | None) -> str:
    return (host or "").partition(".")[0].lower()
