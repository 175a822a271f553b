"""A playbook's workflow as a graph: what is wrong with it, and the order in which its steps come."""

from collections.abc import Callable, Iterator, Mapping

from watchfloor.respond.action import Action
from watchfloor.respond.condition import Condition
from watchfloor.respond.playbook import ActionStep, End, IfCondition, Parallel, Playbook, Start, WorkflowStep

Problem = tuple[str, tuple[str, ...]]
"""What is wrong, and the keys in the file where it stands."""

_LOWER = {"low": 0, "medium": 1, "high": 2}


def problems(playbook: Playbook, actions: Mapping[str, Action]) -> Iterator[Problem]:
    """Everything that is wrong with a playbook's workflow, gravest first: later ones presume that earlier ones pass."""
    graph = playbook.workflow
    shape = [*_shape(playbook), *_dangling(graph)]
    yield from shape
    if shape:
        return
    if cycle := _cycle(graph, playbook.workflow_start):
        yield f"steps go in a circle: {' -> '.join(cycle)}", ("workflow", cycle[0])
        return
    for name in sorted(set(graph) - _reach(graph, playbook.workflow_start)):
        yield f"step {name!r} cannot be reached", ("workflow", name)
    yield from _shared_branches(graph)
    unusable = list(_unusable(playbook, actions))
    yield from unusable
    if not unusable:
        yield from _evidence_last(playbook, actions)
        yield from _wrong_rollback(playbook, actions)


def walk(playbook: Playbook, take: Callable[[Condition], bool]) -> Iterator[tuple[str, ActionStep, bool]]:
    """The action steps in order of a run where all succeed: name, step, and whether it stands in a branch.

    ``take`` answers the decision points. Parallel branches come one after the other.
    """
    yield from _walk(playbook.workflow, playbook.workflow_start, take, branch=False)


def _walk(
    graph: Mapping[str, WorkflowStep], name: str | None, take: Callable[[Condition], bool], *, branch: bool
) -> Iterator[tuple[str, ActionStep, bool]]:
    while name is not None:
        step = graph[name]
        if isinstance(step, End):
            return
        if isinstance(step, ActionStep):
            yield name, step, branch
            name = step.on_completion or step.on_success
            continue
        for entry in _entries(step, take):
            yield from _walk(graph, entry, take, branch=True)
        name = step.on_completion


def _entries(step: WorkflowStep, take: Callable[[Condition], bool]) -> tuple[str, ...]:
    if isinstance(step, Parallel):
        return step.next_steps
    if isinstance(step, IfCondition):
        chosen = step.on_true if take(step.condition) else step.on_false
        return () if chosen is None else (chosen,)
    return ()


def _branches(step: WorkflowStep) -> tuple[str, ...]:
    if isinstance(step, Parallel):
        return step.next_steps
    if isinstance(step, IfCondition):
        return (step.on_true, *([step.on_false] if step.on_false else []))
    return ()


def _next(step: WorkflowStep) -> tuple[str, ...]:
    if isinstance(step, End):
        return ()
    if isinstance(step, ActionStep):
        return tuple(name for name in (step.on_completion, step.on_success, step.on_failure) if name)
    return (*_branches(step), step.on_completion)


def _shape(playbook: Playbook) -> Iterator[Problem]:
    graph = playbook.workflow
    if not isinstance(graph.get(playbook.workflow_start), Start):
        yield f"workflow_start {playbook.workflow_start!r} is no start step", ("workflow_start",)
    if not any(isinstance(step, End) for step in graph.values()):
        yield "the workflow has no end step", ("workflow",)
    for name, step in graph.items():
        if isinstance(step, Start) and name != playbook.workflow_start:
            yield f"step {name!r} is a second start", ("workflow", name)
        if isinstance(step, ActionStep):
            if bool(step.on_completion) == bool(step.on_success):
                yield f"step {name!r} needs either on_completion or on_success", ("workflow", name)
            elif step.on_completion and step.on_failure:
                yield f"step {name!r} has on_completion, so on_failure is never followed", ("workflow", name)


def _dangling(graph: Mapping[str, WorkflowStep]) -> Iterator[Problem]:
    for name, step in graph.items():
        for following in _next(step):
            if following not in graph:
                yield f"step {name!r} leads to {following!r}, which does not exist", ("workflow", name)


def _cycle(graph: Mapping[str, WorkflowStep], start: str) -> list[str]:
    """The steps of one circle, or nothing; the workflow has at most 64 steps, so recursion is bounded."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for following in _next(graph[name]):
            if found := visit(following, [*path, name]):
                return found
        done.add(name)
        return []

    for root in (start, *sorted(graph)):
        if found := visit(root, []):
            return found
    return []


def _reach(graph: Mapping[str, WorkflowStep], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(_next(graph[name]))
    return seen


def _shared_branches(graph: Mapping[str, WorkflowStep]) -> Iterator[Problem]:
    for name, step in graph.items():
        if not _branches(step):
            continue
        seen: set[str] = set()
        for entry in _next(step):
            part = _reach(graph, entry)
            if shared := sorted(part & seen):
                yield (
                    f"step {shared[0]!r} is in two branches of {name!r}: each ends in an end of its own",
                    (
                        "workflow",
                        name,
                    ),
                )
                return
            seen |= part


def _unusable(playbook: Playbook, actions: Mapping[str, Action]) -> Iterator[Problem]:
    for name, step in playbook.workflow.items():
        if not isinstance(step, ActionStep):
            continue
        for wanted in (step.action, *step.fallback):
            action = actions.get(wanted)
            if action is None:
                yield f"step {name!r}: no action {wanted!r} loads", ("workflow", name)
            elif playbook.applies.entity not in action.targets:
                yield f"step {name!r}: {wanted} does not apply to a {playbook.applies.entity}", ("workflow", name)
        if any(_graver(actions, step.action, other) for other in step.fallback):
            yield f"step {name!r}: a fallback must not stop more than {step.action} does", ("workflow", name)
        if step.ttl and step.action in actions and actions[step.action].undo is None:
            yield f"step {name!r}: a ttl needs an undo, and {step.action} has none", ("workflow", name)


def _graver(actions: Mapping[str, Action], action: str, other: str) -> bool:
    if action not in actions or other not in actions:
        return False
    return _LOWER[actions[other].impact.level] > _LOWER[actions[action].impact.level]


def _evidence_last(playbook: Playbook, actions: Mapping[str, Action]) -> Iterator[Problem]:
    for name, step, branch in walk(playbook, lambda _: True):
        kind = actions[step.action].kind
        if kind == "collect" and not branch:
            return
        if kind == "contain":
            yield f"step {name!r} changes the target before its evidence is kept", ("workflow", name)
            return


def _wrong_rollback(playbook: Playbook, actions: Mapping[str, Action]) -> Iterator[Problem]:
    undone = [name for name, step in playbook.workflow.items() if _undoable(step, actions)]
    if sorted(playbook.rollback) != sorted(undone):
        yield f"rollback must name each step that has an undo, once: {', '.join(undone)}", ("rollback",)
        return
    order = [name for name, _, _ in walk(playbook, lambda _: True) if name in undone]
    if [name for name in playbook.rollback if name in order] != order[::-1]:
        yield f"rollback must undo the last step first: {', '.join(order[::-1])}", ("rollback",)


def _undoable(step: WorkflowStep, actions: Mapping[str, Action]) -> bool:
    return isinstance(step, ActionStep) and actions[step.action].undo is not None
