"""Why a decision is what it is, what else is possible, and what would change it."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from watchfloor.case import Decision
from watchfloor.policy.desk import offered
from watchfloor.policy.engine import PolicyEngine, Ruling, spell
from watchfloor.policy.request import Circumstances, DeclaredAction, PolicyRequest

_RANK = {"deny": 0, "needs-approval": 1, "permit": 2}


class Because(msgspec.Struct, frozen=True):
    """A policy that determined the decision; ``place`` is empty for what no policy says."""

    policy: str
    effect: Literal["permit", "forbid", "default"]
    reason: str
    place: str = ""


class Change(msgspec.Struct, frozen=True):
    """Something that would have to be true for a milder answer, and the answer then."""

    words: str
    verdict: str
    approvals: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """A decision, unfolded."""

    request: PolicyRequest
    decision: Decision
    because: tuple[Because, ...]
    changes: tuple[Change, ...]


def explain(engine: PolicyEngine, request: PolicyRequest, fallback: Sequence[DeclaredAction] = ()) -> Explanation:
    """Unfold the decision on a request.

    Alternatives and changes are not guessed: each was evaluated, and is listed only because its answer is milder.
    ``fallback`` are actions to try in place of the request's.
    """
    ruling = engine.rule(request)
    decision = engine.decide(request)
    offers = offered(engine, request, fallback) if ruling.verdict != "permit" else {}
    rest = [text for text in decision.alternatives if text.partition(" ")[0] not in offers]
    return Explanation(
        request=request,
        decision=msgspec.structs.replace(decision, alternatives=(*offers.values(), *rest)),
        because=_because(ruling),
        changes=tuple(_changes(engine, request, ruling)),
    )


def _because(ruling: Ruling) -> tuple[Because, ...]:
    if ruling.builtin:
        return (Because(ruling.builtin, "default", ruling.words),)
    return tuple(Because(one.id, one.effect, one.reason, one.place) for one in ruling.policies)


def _changes(engine: PolicyEngine, request: PolicyRequest, ruling: Ruling) -> Iterator[Change]:
    if ruling.verdict == "needs-approval":
        yield Change(f"approval by {' and '.join(spell(ruling.needs))}", "permit")
    if ruling.verdict == "permit":
        return
    for words, other in _variations(request):
        then = engine.rule(other)
        fewer = sum(then.needs.values()) < sum(ruling.needs.values())
        if _RANK[then.verdict] > _RANK[ruling.verdict] or (
            then.verdict == ruling.verdict == "needs-approval" and fewer
        ):
            yield Change(words, then.verdict, spell(then.needs))


def _variations(request: PolicyRequest) -> Iterator[tuple[str, PolicyRequest]]:
    """The request with one fact changed, or the two that make evidence strong."""
    now = request.context
    if now.kill_switch:
        yield "the kill switch released", _with(request, now, kill_switch=False)
    if now.sources < 2:
        yield "a second independent source that shows it", _with(request, now, sources=2)
    if now.risk < 0.9:
        yield "a risk of 0.90", _with(request, now, risk=0.9)
    if now.sources < 2 and now.risk < 0.9:
        yield "a second independent source and a risk of 0.90", _with(request, now, sources=2, risk=0.9)
    if now.risk > 0.1:
        yield "a risk of 0.10", _with(request, now, risk=0.1)
    if now.targets_last_hour:
        yield "no other target in the last hour", _with(request, now, targets_last_hour=0)
    if now.autonomy < 3:
        yield "more autonomy for this class of action", _with(request, now, autonomy=3)
    if request.resource.criticality == "unknown":
        known = msgspec.structs.replace(request.resource, criticality="low")
        yield "the resource declared to be of low criticality", msgspec.structs.replace(request, resource=known)


def _with(request: PolicyRequest, now: Circumstances, **facts: object) -> PolicyRequest:
    return msgspec.structs.replace(request, context=msgspec.structs.replace(now, **facts))


def lines(explanation: Explanation) -> Iterator[str]:
    """The explanation for people, a fact at a time; it quotes the request, which may quote a log."""
    request, decision = explanation.request, explanation.decision
    yield f"{request.action} on {request.resource.id}, asked by {request.actor.id}: {decision.verdict}"
    yield from (f"  approval      {text}" for text in decision.approvals)
    for because in explanation.because:
        place = f" ({because.place})" if because.place else ""
        yield f"  because       {because.policy}{place}: {because.reason}"
    yield from (f"  instead       {text}" for text in decision.alternatives)
    for change in explanation.changes:
        approvals = f" by {' and '.join(change.approvals)}" if change.approvals else ""
        yield f"  would change  {change.words}: {change.verdict}{approvals}"
