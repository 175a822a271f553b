"""Whose names the ARNs of AWS hold: a session's name is the caller's to choose, a user's is the account's."""

from typing import NamedTuple

IDENTITY_CENTER = "AWSReservedSSO_"
"""How the roles begin that IAM Identity Center makes, and whose sessions it names after who signed in."""

_RESERVED = "role/aws-reserved/sso.amazonaws.com/"
"""The path of these roles; nobody else can make a role under ``/aws-reserved/``."""


class Principal(NamedTuple):
    """What an ARN says of who acts: ``kind`` is ``user``, ``role``, ``assumed-role``, ``federated-user`` or ``root``.

    ``owner`` is the role of a session, the name or path of anything else.
    """

    account: str
    kind: str
    owner: str = ""


def principal_of(arn: str | None) -> Principal | None:
    """The principal that an ARN of IAM or STS names; ``None`` for any other text.

    >>> principal_of("arn:aws:sts::111122223333:assumed-role/Deploy/ceo@example.com")
    Principal(account='111122223333', kind='assumed-role', owner='Deploy')
    >>> principal_of("arn:aws:iam::111122223333:root").kind
    'root'
    """
    parts = arn.split(":", 5) if arn else []
    if len(parts) < 6 or parts[0] != "arn" or parts[2] not in {"iam", "sts"}:
        return None
    kind, _, rest = parts[5].partition("/")
    return Principal(parts[4], kind, rest.partition("/")[0] if kind == "assumed-role" else rest)


def named_by_identity_center(principal: Principal, issuer: str | None) -> bool:
    """Whether the name of a session is the login of the person who signed in, since IAM Identity Center set it.

    ``issuer`` is the ARN of the session's role, where the record has it.
    """
    if not principal.owner.startswith(IDENTITY_CENTER):
        return False
    return issuer is None or issuer.split(":", 5)[-1].startswith(_RESERVED)
