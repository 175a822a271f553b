"""From Cedar's permit and forbid to permit, needs-approval and deny.

A step is evaluated as it is, then as if every approval were given; where only the second is allowed, it needs approval.
How many and of which role comes from ``@needs`` of the policies that stood in the way, is reduced to what is really
needed, and is proved by a third evaluation with exactly those approvals: an annotation that lies gives a denial.

What cannot be decided is denied: an undeclared action, a policy that fails to evaluate, no policy at all. If a policy
file does not load, nothing that changes the world is permitted until it does, for it may be the one that forbids.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import msgspec

from watchfloor.case import Decision, Verdict
from watchfloor.errors import ContentError
from watchfloor.policy.cedar import Evaluation, Evaluator, build_schema, names_resource, operations
from watchfloor.policy.request import APPROVE, ROLES, DeclaredAction, PolicyRequest
from watchfloor.policy.rules import Policy, load_policies

DEFAULT_DENY = "default-deny"
FAIL_CLOSED = "fail-closed"
PAGE = "Page the incident commander: nothing that Watchfloor can do by itself is open here."
REMEMBERED = 4096
"""How many rulings an engine keeps: a step's fallback and its policies' alternatives ask the same things again."""

_EVERYBODY: Mapping[str, int] = dict.fromkeys(ROLES, 99)


class Ruling(msgspec.Struct, frozen=True):
    """A verdict and the policies that determined it; ``needs`` are the approvals still missing, by role."""

    verdict: Verdict
    policies: tuple[Policy, ...] = ()
    needs: dict[str, int] = {}
    builtin: str = ""
    words: str = ""


class PolicyEngine:
    """Decides requests under a set of policies. Immutable; equal requests get equal decisions."""

    def __init__(
        self,
        policies: Sequence[Policy],
        evaluator: Evaluator,
        actions: Mapping[str, DeclaredAction],
        broken: Sequence[str] = (),
    ) -> None:
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in policies}
        self.actions = actions
        self._evaluator = evaluator
        self._broken = tuple(broken)
        self._ids_matter = any(names_resource(policy.body) for policy in policies)
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._rule)

    @classmethod
    def load(cls, roots: Iterable[Path], actions: Iterable[DeclaredAction]) -> tuple[Self, tuple[ContentError, ...]]:
        """The engine over the policies of the content roots, and what did not load.

        ``actions`` are the declared actions; only they can ever be permitted.
        """
        schema, fit, problems = build_schema(actions)
        policies, errors = load_policies(tuple(roots), schema, frozenset(operations()))
        engine = cls(policies, Evaluator(policies, schema), fit, [str(error) for error in errors])
        return engine, (*errors, *(ContentError("actions", problem) for problem in problems))

    def decide(self, request: PolicyRequest) -> Decision:
        """The decision, with the policies that determined it, their reasons, and alternatives that are open."""
        ruling = self.rule(request)
        if ruling.builtin:
            return Decision(ruling.verdict, (ruling.builtin,), (ruling.words,), (PAGE,))
        return Decision(
            verdict=ruling.verdict,
            policies=tuple(policy.id for policy in ruling.policies),
            reasons=tuple(policy.reason for policy in ruling.policies),
            alternatives=self._alternatives(request, ruling),
            approvals=spell(ruling.needs),
        )

    def rule(self, request: PolicyRequest) -> Ruling:
        """The bare verdict on a request."""
        if not self._ids_matter:
            # No policy can tell two resources of the same facts apart, so that one ruling serves both.
            request = msgspec.structs.replace(request, resource=msgspec.structs.replace(request.resource, id=""))
        return self._remembered(request)

    def _rule(self, request: PolicyRequest) -> Ruling:
        facts = self.actions.get(request.action)
        refusal = self._refusal(request, facts)
        if refusal is not None:
            return refusal
        given = request.counted()
        plain = self._evaluator.evaluate(request, facts, given)
        if plain.allowed and not plain.errors:
            return Ruling("permit", self._named(plain))
        granted = self._evaluator.evaluate(request, facts, _EVERYBODY)
        if errors := plain.errors + granted.errors:
            return Ruling("deny", builtin=FAIL_CLOSED, words=f"Cedar could not decide: {errors[0]}")
        if not granted.allowed:
            return self._denied(request, granted)
        return self._approvable(request, facts, given, plain, granted)

    def _refusal(self, request: PolicyRequest, facts: DeclaredAction | None) -> Ruling | None:
        kind = request.resource.type
        if facts is None:
            if request.action == APPROVE:
                return None
            return Ruling("deny", builtin=DEFAULT_DENY, words=f"No action {request.action[:80]!r} is declared.")
        if kind not in facts.targets:
            return Ruling("deny", builtin=DEFAULT_DENY, words=f"{facts.id} does not apply to a {kind}.")
        if self._broken and facts.kind in {"contain", "revert"}:
            words = f"A policy file does not load, so nothing is changed until it does: {self._broken[0]}"
            return Ruling("deny", builtin=FAIL_CLOSED, words=words)
        return None

    def _denied(self, request: PolicyRequest, evaluation: Evaluation) -> Ruling:
        if evaluation.policies:
            return Ruling("deny", self._named(evaluation))
        roles = ", ".join(request.actor.roles) or "no role"
        words = f"No policy permits {request.action} to {request.actor.id} ({roles})."
        return Ruling("deny", builtin=DEFAULT_DENY, words=words)

    def _approvable(
        self,
        request: PolicyRequest,
        facts: DeclaredAction | None,
        given: Mapping[str, int],
        plain: Evaluation,
        granted: Evaluation,
    ) -> Ruling:
        forbids, permit = self._named(plain), self._cheapest(granted)
        for gates in (forbids, (*forbids, permit)):
            enough = self._reduce(request, facts, given, _merge(gate.needs for gate in gates))
            if enough is not None:
                missing = {role: count - given[role] for role, count in enough.items() if count > given[role]}
                return Ruling("needs-approval", tuple(gate for gate in gates if enough.keys() & gate.needs), missing)
        lying = ", ".join(gate.id for gate in (*forbids, permit))
        words = f"The approvals that @needs names do not open the step; correct {lying}."
        return Ruling("deny", builtin=FAIL_CLOSED, words=words)

    def _cheapest(self, granted: Evaluation) -> Policy:
        """One permit is enough: the one that asks for the fewest people."""
        return min(self._named(granted), key=lambda policy: (sum(policy.needs.values()), policy.id))

    def _reduce(
        self, request: PolicyRequest, facts: DeclaredAction | None, given: Mapping[str, int], needs: dict[str, int]
    ) -> dict[str, int] | None:
        """``needs`` without the roles that the others make unnecessary; ``None`` if even all of it is not enough."""
        if not self._opens(request, facts, given, needs):
            return None
        kept = needs
        for role in ROLES:
            fewer = {name: count for name, count in kept.items() if name != role}
            if len(fewer) < len(kept) and self._opens(request, facts, given, fewer):
                kept = fewer
        return kept

    def _opens(
        self, request: PolicyRequest, facts: DeclaredAction | None, given: Mapping[str, int], needs: Mapping[str, int]
    ) -> bool:
        counts: dict[str, int] = {role: max(given[role], needs.get(role, 0)) for role in ROLES}
        evaluation = self._evaluator.evaluate(request, facts, counts)
        return evaluation.allowed and not evaluation.errors

    def _named(self, evaluation: Evaluation) -> tuple[Policy, ...]:
        return tuple(self.policies[name] for name in evaluation.policies)

    def _alternatives(self, request: PolicyRequest, ruling: Ruling) -> tuple[str, ...]:
        if ruling.verdict == "permit":
            return ()
        offers: dict[str, str] = {}
        for policy in ruling.policies:
            for name, text in self._offers(request, policy):
                offers.setdefault(name, text)
        if not offers and ruling.verdict == "deny":
            return (PAGE,)
        return tuple(offers.values())

    def _offers(self, request: PolicyRequest, policy: Policy) -> Iterator[tuple[str, str]]:
        """A policy's alternatives, by action; words that name no action stand for themselves."""
        if policy.alternative and not policy.instead:
            yield policy.alternative, policy.alternative
        for name in self.same_system(request.action, request.resource.type, policy.instead):
            verdict = self.rule(msgspec.structs.replace(request, action=name)).verdict
            if verdict != "deny":
                yield name, f"{name} ({verdict}): {policy.alternative}"

    def same_system(self, action: str, target: str, wanted: Iterable[str]) -> list[str]:
        """The declared actions of the wanted operations that work on such a target in the same system as ``action``.

        Where that system has none, those of any system that keeps evidence, for they are open to every target.
        """
        facts = self.actions.get(action)
        fit = [
            other
            for other in self.actions.values()
            if other.operation in set(wanted) and target in other.targets and other.id != action
        ]
        same = [other.id for other in fit if facts is not None and other.connector == facts.connector]
        return sorted(same or [other.id for other in fit if other.kind == "collect"])


def _merge(needs: Iterable[Mapping[str, int]]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for need in needs:
        for role, count in need.items():
            merged[role] = max(count, merged.get(role, 0))
    return merged


def spell(needs: Mapping[str, int]) -> tuple[str, ...]:
    """Missing approvals as texts, in the order of the roles' authority.

    >>> spell({"asset_owner": 1, "incident_commander": 1})
    ('1 incident_commander', '1 asset_owner')
    """
    return tuple(f"{needs[role]} {role}" for role in ROLES if needs.get(role))
