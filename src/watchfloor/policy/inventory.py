"""What is known of a resource: declared in the inventory, else told by events or guessed from its name.

A guess can only add protection: it may make an account a service account or a host a domain controller, which policy
guards, never a critical one harmless. What nobody declared has the criticality ``unknown``.

A name that ends in ``$`` says nothing: computer accounts do, and anybody may make an account that does too. Enrichment
knows the computers, and gives their accounts to their hosts.

What events say of an account (see :mod:`watchfloor.enrich.traits`) counts before its name. The root user of an AWS
account is its break-glass identity. Conventions that the guesses read: well-known SIDs name built-in principals
(Microsoft, "Well-known SIDs").
"""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from watchfloor.event import Entity
from watchfloor.inventory import Asset, ResourceType
from watchfloor.policy.request import Resource

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

    @classmethod
    def of(cls, assets: Iterable[Asset], entity_of: Callable[[str], str] = str) -> "Inventory":
        """The inventory of what is declared; ``entity_of`` gives the entity that a declared name stands for.

        >>> Inventory.of([Asset("host:dc-1", criticality="critical")]).declared["host:dc-1"].criticality
        'critical'
        """
        return cls({entity: _resource(asset, entity) for asset in assets for entity in (entity_of(asset.id),)})

    def describe(self, entity: Entity, traits: frozenset[str] = frozenset()) -> Resource:
        """What is declared of an entity, else what events say of it and its name suggests.

        >>> Inventory().describe(Entity("user", "user:svc-backup", "svc-backup")).principal
        'service'
        """
        return self.declared.get(entity.id) or guess(entity, traits)


def _resource(asset: Asset, entity: str) -> Resource:
    return Resource(
        _TYPES[entity.partition(":")[0]],
        entity,
        criticality=asset.criticality,
        environment=asset.environment,
        principal=asset.principal,
        is_admin=asset.is_admin,
        is_break_glass=asset.is_break_glass,
        is_server=asset.is_server,
        is_domain_controller=asset.is_domain_controller,
    )


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
