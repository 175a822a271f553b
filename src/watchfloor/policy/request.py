"""The question that policy answers: who wants to do which action to what, in which circumstances.

Facts about the action itself (class, reversibility, impact) are not in the request: the engine takes them from the
action's declaration, so that nobody who asks can understate them.
"""

from typing import Annotated, Literal, Protocol

import msgspec

from watchfloor.finding import Level
from watchfloor.inventory import Criticality, Principal, ResourceType

ActionClass = Literal["contain", "notify", "collect", "revert", "approve"]
ImpactLevel = Literal["low", "medium", "high"]
ApproverRole = Literal["analyst", "incident_commander", "asset_owner"]

ROLES: tuple[ApproverRole, ...] = ("analyst", "incident_commander", "asset_owner")
"""The roles that people approve in, least authority first."""

APPROVE = "approve"
"""The one action that is not content: a person approves a proposed step."""


class DeclaredAction(Protocol):
    """What policy needs to know of a declared action; :class:`watchfloor.respond.action.Action` provides it."""

    @property
    def id(self) -> str:
        """The action's name, e.g. ``okta_suspend_user``."""

    @property
    def kind(self) -> str:
        """Its class: contain, notify, collect or revert."""

    @property
    def operation(self) -> str:
        """What it does whatever the vendor: ``suspend-account``; one of the schema's operations."""

    @property
    def connector(self) -> str:
        """The system it acts in."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The entity types it applies to."""

    @property
    def reversible(self) -> bool:
        """Whether the state before it can be had back."""

    @property
    def impact_level(self) -> str:
        """How much work it stops: low, medium or high."""


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks: ``agent:watchfloor`` or ``person:alice@example.com``, with the roles that it holds."""

    id: str
    roles: tuple[str, ...] = ()
    kind: Literal["agent", "person"] = "agent"


WATCHFLOOR = Actor("agent:watchfloor", ("responder",))
"""The product itself, which proposes."""


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the action is done to, and what is known of it. ``principal`` says what stands behind an account."""

    type: ResourceType
    id: str
    criticality: Criticality = "unknown"
    environment: str = "unknown"
    principal: Principal = "person"
    is_admin: bool = False
    is_break_glass: bool = False
    is_server: bool = False
    is_domain_controller: bool = False


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's approval, given in one role."""

    by: str
    role: ApproverRole


class Circumstances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When and why it is asked. ``policy.cedarschema`` says what each field means."""

    level: Level = "medium"
    risk: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    sources: Annotated[int, msgspec.Meta(ge=0)] = 0
    autonomy: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    approvals: tuple[Approval, ...] = ()
    proposer: str = WATCHFLOOR.id
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 12
    targets_last_hour: Annotated[int, msgspec.Meta(ge=0)] = 0
    kill_switch: bool = False


class PolicyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole question; ``action`` is the name of a declared action, or ``approve``."""

    action: str
    resource: Resource
    actor: Actor = WATCHFLOOR
    context: Circumstances = Circumstances()

    def counted(self) -> dict[str, int]:
        """How many approvals count, by role.

        A person counts once, in the role of the first approval; the actor, the proposer and agents never count.

        >>> given = (Approval("person:bob", "analyst"), Approval("agent:watchfloor", "analyst"))
        >>> PolicyRequest("x", Resource("user", "user:eve"), context=Circumstances(approvals=given)).counted()
        {'analyst': 1, 'incident_commander': 0, 'asset_owner': 0}
        """
        first: dict[str, str] = {}
        for approval in self.context.approvals:
            first.setdefault(approval.by, approval.role)
        for nobody in (self.actor.id, self.context.proposer):
            first.pop(nobody, None)
        counts: dict[str, int] = dict.fromkeys(ROLES, 0)
        for by, role in first.items():
            if not by.startswith("agent:"):
                counts[role] += 1
        return counts
