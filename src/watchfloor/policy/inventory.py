"""What is known of a resource: declared in an inventory file, else told by events or guessed from its name.

A guess can only add protection: it may make an account a service account or a host a domain controller, which policy
guards, never a critical one harmless. What nobody declared has the criticality ``unknown``.

A name that ends in ``$`` says nothing: computer accounts do, and anybody may make an account that does too. Enrichment
knows the computers, and gives their accounts to their hosts.

What events say of an account (see :mod:`watchfloor.enrich.traits`) counts before its name. The root user of an AWS
account is its break-glass identity. Conventions that the guesses read: well-known SIDs name built-in principals
(Microsoft, "Well-known SIDs").
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from watchfloor.catalog import read_yaml
from watchfloor.errors import ContentError
from watchfloor.event import Entity
from watchfloor.policy.request import Resource, ResourceType

MAX_NAME = 512

_TYPES: Mapping[str, ResourceType] = {
    "user": "user",
    "host": "host",
    "app": "app",
    "address": "address",
    "resource": "resource",
}
_WORD = r"(?:^|[^a-z0-9]){}(?:$|[^a-z])"
_BUILT_IN = re.compile(
    r"(?:^|[\\:/])(?:system|local ?service|network ?service|anonymous logon|dwm-\d+|umfd-\d+|localsystem)$"
    r"|(?:^|:)s-1-5-(?:7|18|19|20)$|(?:^|:)s-1-5-(?:80|90|96)-"
    r"|nt authority\\|nt service\\|window manager\\|font driver host\\"
    r"|\.amazonaws\.com$|awsservicerolefor|(?:^|:)system@okta\.com$|(?:^|:)app@sharepoint$"
)
_WORKLOAD = re.compile(r"\.iam\.gserviceaccount\.com$|@lambda$")
_SERVICE = re.compile(_WORD.format(r"(?:svc|service|serviceaccount|sa|bot|robot|daemon|automation|noreply)"))
_ADMIN = re.compile(r"administrator|(?:^|[^a-z0-9])(?:[a-z]{0,3}admin|adm|root)(?:$|[^a-z])")
_BREAK_GLASS = re.compile(r"break-?_?glass|emergency-?_?(?:access|admin|account)")
_CONTROLLER = re.compile(_WORD.format(r"(?:[a-z]{0,6}dc|domaincontroller|addc)\d*"))
_SERVER = re.compile(_WORD.format(r"(?:srv|server|sql|exch|exchange|fileserver|fs|web|db|app|mail|print)\d*"))


class Inventory(msgspec.Struct, frozen=True):
    """Declared resources by entity id."""

    declared: dict[str, Resource] = {}

    def describe(self, entity: Entity, traits: frozenset[str] = frozenset()) -> Resource:
        """What is declared of an entity, else what events say of it and its name suggests.

        >>> Inventory().describe(Entity("user", "user:svc-backup", "svc-backup")).principal
        'service'
        """
        return self.declared.get(entity.id) or guess(entity, traits)


def guess(entity: Entity, traits: frozenset[str] = frozenset()) -> Resource:
    """A resource with the protection that ``traits`` and its name suggest."""
    kind = _TYPES.get(entity.type, "resource")
    texts = {entity.id[:MAX_NAME].lower(), entity.name[:MAX_NAME].lower()}
    if kind == "user":
        return _account(entity.id, texts, traits)
    if kind == "host":
        controller = _any(_CONTROLLER, texts)
        return Resource(
            "host", entity.id, is_server=controller or _any(_SERVER, texts), is_domain_controller=controller
        )
    return Resource(kind, entity.id)


def _account(name: str, texts: set[str], traits: frozenset[str]) -> Resource:
    break_glass = "root" in traits or _any(_BREAK_GLASS, texts)
    admin = break_glass or "admin" in traits or _any(_ADMIN, texts)
    if "built-in" in traits or _any(_BUILT_IN, texts):
        return Resource("user", name, principal="built-in")
    if "service" in traits or _any(_WORKLOAD, texts) or _any(_SERVICE, texts):
        return Resource("user", name, principal="service", is_admin=admin, is_break_glass=break_glass)
    return Resource("user", name, is_admin=admin, is_break_glass=break_glass)


def _any(pattern: re.Pattern[str], texts: set[str]) -> bool:
    return any(pattern.search(text) for text in texts)


def load_inventory(path: Path) -> Inventory:
    """An inventory file: ``resources``, a list of objects with the fields of :class:`Resource`.

    Raises:
        ContentError: It cannot be read, has an unknown field or names an id twice.
    """
    document = read_yaml(path)
    try:
        resources = msgspec.convert(document.get("resources"), tuple[Resource, ...])
    except msgspec.ValidationError as error:
        raise ContentError(str(path), f"resources: {error}") from error
    declared = {resource.id: resource for resource in resources}
    if len(declared) < len(resources):
        raise ContentError(str(path), "an id is declared twice")
    return Inventory(declared)
