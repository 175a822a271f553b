"""Cedar itself: the schema with the declared actions, the parsed policies, and one evaluation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import cedarpy
import msgspec
import orjson

from watchfloor.errors import ContentError
from watchfloor.finding import SEVERITY_ID
from watchfloor.policy.request import DeclaredAction, PolicyRequest, Resource
from watchfloor.policy.rules import Policy

SCHEMA = Path(__file__).with_name("policy.cedarschema")
ENTITY_TYPES = {"user": "User", "host": "Host", "app": "App", "address": "Address", "resource": "Resource"}

_NAME = re.compile(r"[a-z][a-z0-9_]{2,79}")
_OPERATIONS = re.compile(r'^action\s+("[a-z", \n-]+")\s+in \[([a-z]+)\] appliesTo', re.MULTILINE)


class Evaluation(msgspec.Struct, frozen=True):
    """Cedar's answer: allowed or not, the ids of the policies that determined it, and what could not be evaluated."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def operations() -> dict[str, str]:
    """The schema's operations, each with its class.

    >>> operations()["suspend-account"]
    'contain'
    """
    found = _OPERATIONS.findall(SCHEMA.read_text())
    return {name: kind for names, kind in found for name in re.findall(r'"([a-z-]+)"', names)}


def build_schema(actions: Iterable[DeclaredAction]) -> tuple[cedarpy.Schema, dict[str, DeclaredAction], list[str]]:
    """The schema with the declared actions; the actions in it, by name; and why others are not in it."""
    known = operations()
    fit: dict[str, DeclaredAction] = {}
    problems: list[str] = []
    for action in actions:
        problem = _misfit(action, known)
        if problem:
            problems.append(problem)
        else:
            fit[action.id] = action
    lines = [_declaration(fit[name]) for name in sorted(fit)]
    return cedarpy.Schema.from_str("\n".join([SCHEMA.read_text(), *lines])), fit, problems


def _misfit(action: DeclaredAction, known: Mapping[str, str]) -> str | None:
    if not _NAME.fullmatch(action.id) or action.id in {*known, *known.values(), "approve"}:
        return f"{action.id[:80]!r} cannot be the name of an action"
    if known.get(action.operation) != action.kind:
        return f"{action.id}: operation {action.operation!r} of class {action.kind!r} is not in the policy schema"
    if not action.targets or not set(action.targets) <= set(ENTITY_TYPES):
        return f"{action.id}: targets must be some of {', '.join(ENTITY_TYPES)}"
    return None


def _declaration(action: DeclaredAction) -> str:
    types = ", ".join(ENTITY_TYPES[target] for target in action.targets)
    return (
        f'action "{action.id}" in ["{action.operation}"] '
        f"appliesTo {{ principal: [Actor], resource: [{types}], context: Circumstances }};"
    )


class Evaluator:
    """Parsed policies and schema, ready to be asked many times."""

    def __init__(self, policies: Sequence[Policy], schema: cedarpy.Schema) -> None:
        document = {
            "staticPolicies": {policy.id: policy.body for policy in policies},
            "templates": {},
            "templateLinks": [],
        }
        try:
            self._policies = cedarpy.PolicySet.from_json_str(orjson.dumps(document).decode())
        except ValueError as error:
            raise ContentError("policies", f"Cedar refuses the set: {error}") from error
        self._schema = schema

    def evaluate(
        self, request: PolicyRequest, facts: DeclaredAction | None, approvals: Mapping[str, int]
    ) -> Evaluation:
        """Ask Cedar once, with approvals counted by role; ``facts`` is ``None`` for the approval of a step."""
        try:
            entities = orjson.dumps([_actor(request), _resource(request.resource)]).decode()
            asked = _request(request, facts, approvals)
            result = cedarpy.is_authorized(asked, self._policies, entities, self._schema)
        except (ValueError, TypeError) as error:
            return Evaluation(allowed=False, errors=(f"{type(error).__name__}: {error}",))
        return Evaluation(
            allowed=result.allowed,
            policies=tuple(sorted(result.diagnostics.reasons)),
            errors=tuple(sorted(result.diagnostics.errors)),
        )


def names_resource(body: Any) -> bool:
    """Whether a policy's body names a single resource, as ``resource == Host::"host:dc-01"`` does."""
    if isinstance(body, dict):
        named = body.get("type") in ENTITY_TYPES.values() and "id" in body
        return named or any(names_resource(value) for value in body.values())
    return isinstance(body, list) and any(names_resource(value) for value in body)


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": _uid(kind, name)}


def _actor(request: PolicyRequest) -> dict[str, Any]:
    actor = request.actor
    return {
        "uid": _uid("Actor", actor.id),
        "attrs": {"id": actor.id, "kind": _ref("Kind", actor.kind)},
        "parents": [_uid("Role", role) for role in actor.roles],
    }


def _resource(resource: Resource) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "criticality": _ref("Criticality", resource.criticality),
        "environment": resource.environment,
    }
    if resource.type == "user":
        attrs["is_admin"] = resource.is_admin
        attrs["is_service_account"] = resource.principal != "person"
        attrs["is_break_glass"] = resource.is_break_glass
    elif resource.type == "host":
        attrs["is_server"] = resource.is_server
        attrs["is_domain_controller"] = resource.is_domain_controller
    return {"uid": _uid(ENTITY_TYPES[resource.type], resource.id), "attrs": attrs, "parents": []}


def _request(request: PolicyRequest, facts: DeclaredAction | None, approvals: Mapping[str, int]) -> dict[str, Any]:
    now = request.context
    return {
        "principal": _uid("Actor", request.actor.id),
        "action": _uid("Action", request.action),
        "resource": _uid(ENTITY_TYPES[request.resource.type], request.resource.id),
        "context": {
            "level": SEVERITY_ID[now.level],
            "risk": {"__extn": {"fn": "decimal", "arg": decimal(now.risk)}},
            "sources": now.sources,
            "autonomy": now.autonomy,
            "approvals": dict(approvals),
            "proposer": now.proposer,
            "hour": now.hour,
            "targets_last_hour": now.targets_last_hour,
            "kill_switch": now.kill_switch,
            "reversible": facts.reversible if facts else True,
            "impact": _ref("Impact", facts.impact_level if facts else "low"),
        },
    }


def decimal(risk: float) -> str:
    """A probability as a Cedar decimal: four places, rounded down, so that a threshold is reached and not neared.

    >>> decimal(0.8), decimal(0.79999), decimal(float("nan"))
    ('0.8000', '0.7999', '0.0000')
    """
    bounded = min(max(risk, 0.0), 1.0) if isfinite(risk) else 0.0
    return str(Decimal(repr(bounded)).quantize(Decimal("0.0001"), rounding=ROUND_FLOOR))
