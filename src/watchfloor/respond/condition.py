"""Conditions of playbooks: what must be true of a target's findings for a playbook or a branch to apply.

Every field that is given must hold; a list holds if any of its members does; an empty condition always holds.
"""

from typing import Annotated, Literal

import msgspec

from watchfloor.finding import LEVELS, Level

PrincipalKind = Literal["person", "service", "machine", "built-in"]
Trait = Literal["admin", "service", "built-in", "root", "role-session"]
"""What events say of an account: ``root`` is an AWS account's own, ``role-session`` acted as an AWS role."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of a target from the findings that it is the subject of, and from their events."""

    sources: frozenset[str] = frozenset()
    use_cases: frozenset[str] = frozenset()
    tactics: frozenset[str] = frozenset()
    techniques: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    level: Level = "informational"
    risk: float = 0.0


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A declarative condition.

    ``sources`` names log sources, whole or up to an underscore (``okta`` is ``okta_system_log``); ``techniques`` match
    their sub-techniques; ``traits`` are what the events say of the target.
    """

    sources: tuple[str, ...] = ()
    use_cases: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    min_level: Level = "informational"
    min_risk: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0

    def holds(self, facts: Facts) -> bool:
        """Whether the condition is true of the facts.

        >>> Condition(sources=("okta",)).holds(Facts(sources=frozenset({"okta_system_log"})))
        True
        >>> Condition(min_risk=0.5).holds(Facts(risk=0.4))
        False
        """
        return (
            self.allows(facts)
            and (not self.use_cases or not facts.use_cases.isdisjoint(self.use_cases))
            and (not self.tactics or not facts.tactics.isdisjoint(self.tactics))
            and (not self.techniques or _any_prefixed(self.techniques, facts.techniques, "."))
        )

    def allows(self, facts: Facts) -> bool:
        """Whether all but the purposes (use cases, tactics, techniques) hold."""
        return (
            facts.risk >= self.min_risk
            and LEVELS.index(facts.level) >= LEVELS.index(self.min_level)
            and (not self.sources or _any_prefixed(self.sources, facts.sources, "_"))
            and (not self.traits or not facts.traits.isdisjoint(self.traits))
        )


class Applies(Condition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a playbook is proposed, for each target of type ``entity``; ``principals`` matter for accounts only.

    ``use_cases``, ``tactics`` and ``techniques`` are three ways to say what it is for: one of any of them is enough.
    """

    entity: Literal["user", "host", "app", "address"]
    principals: tuple[PrincipalKind, ...] = ("person",)

    def holds(self, facts: Facts) -> bool:
        """Whether the playbook is for a target with these facts."""
        return self.allows(facts) and (
            not (self.use_cases or self.tactics or self.techniques)
            or not facts.use_cases.isdisjoint(self.use_cases)
            or not facts.tactics.isdisjoint(self.tactics)
            or _any_prefixed(self.techniques, facts.techniques, ".")
        )


def _any_prefixed(wanted: tuple[str, ...], have: frozenset[str], joint: str) -> bool:
    return any(name == one or name.startswith(one + joint) for name in have for one in wanted)
