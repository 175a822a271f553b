"""Which targets of a mapping can give something, worked out once for all records with the same names.

An expression looks at a record through the paths that it names, its conditions included. Where none of these can lead
anywhere, because the record lacks the names that they begin with, it gives what it gives of an empty record, mostly
nothing. So records with the same names at the top, and in the objects that the mapping goes into, share a plan: the
targets that are worth asking, in their order, and the values of those that are the same for each of these records.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from watchfloor.normalize.coerce import Coercer, text_of
from watchfloor.normalize.expression import compile_expression, plain_path, reads_of
from watchfloor.normalize.narrow import NOTHING, narrowed
from watchfloor.normalize.paths import Getter, segments

MAX_PLANS = 4_096


class Target(NamedTuple):
    """An attribute of an event, and the expression that its value comes from.

    ``sources`` are the paths that a value is taken from.
    """

    path: str
    definition: Any
    coerce: Coercer
    sources: tuple[str, ...] = ()


class Step(NamedTuple):
    """What is done for one target: take ``first``, or ``second`` of it, from a record; or ``get``; or the ``value``."""

    path: str
    coerce: Coercer
    is_text: bool
    first: str | None = None
    second: str | None = None
    get: Getter | None = None
    value: Any = None


class Plans:
    """The plans of a mapping; bounded."""

    def __init__(self, targets: Sequence[Target], absent: frozenset[str]) -> None:
        self._targets = targets
        self._absent = absent
        # One or two names deep; None below the first if the path is not plain there.
        self._reads = [[(path, *_begin(path)) for path in set(reads_of(target.definition))] for target in targets]
        self._deep = sorted({first for reads in self._reads for _, first, second in reads if second is not None})
        self._narrow: dict[tuple[int, frozenset[str]], tuple[Any, Getter]] = {}
        self._objects: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._plans: dict[Any, tuple[Step, ...]] = {}

    def _plan(self, record: dict[str, Any]) -> tuple[Step, ...]:
        key: Any = tuple(record)
        inside = self._objects.get(key)
        if inside is None:
            if len(self._objects) >= MAX_PLANS:
                self._objects.clear()
            inside = self._objects[key] = tuple(name for name in self._deep if name in record)
        if inside:
            key = (key, *[_below(record[name]) for name in inside])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = tuple(self._steps(record))
        return plan

    def attributes(self, record: dict[str, Any]) -> dict[str, Any]:
        """The attributes that the targets give of a record."""
        plan = self._plan(record)
        absent = self._absent
        made: dict[str, Any] = {}
        for path, coerce, is_text, first, second, get, value in plan:
            if first is not None:
                value = record[first] if second is None else record[first][second]  # noqa: PLW2901 - taken here
                if value.__class__ is str:
                    if value in absent:
                        continue
                    if is_text:
                        made[path] = value
                        continue
            elif get is not None:
                value = get(record)  # noqa: PLW2901 - taken here
            else:
                made[path] = value
                continue
            if value is not None and (value := coerce(value)) is not None:
                made[path] = value
        return made

    def _steps(self, record: dict[str, Any]) -> Iterable[Step]:
        for number, (target, reads) in enumerate(zip(self._targets, self._reads, strict=True)):
            active = frozenset(path for path, first, second in reads if _leads_anywhere(record, first, second))
            definition, get = self._narrowed(number, active)
            if definition is NOTHING:
                continue
            first, second = _direct(plain_path(definition), record)
            if first is not None:
                yield Step(target.path, target.coerce, target.coerce is text_of, first, second)
            elif active:
                yield Step(target.path, target.coerce, is_text=False, get=get)
            elif (value := target.coerce(get(record))) is not None:
                yield Step(target.path, target.coerce, is_text=False, value=value)

    def _narrowed(self, number: int, active: frozenset[str]) -> tuple[Any, Getter]:
        """The expression of a target, if only these paths can lead anywhere."""
        found = self._narrow.get((number, active))
        if found is None:
            if len(self._narrow) >= MAX_PLANS:
                self._narrow.clear()
            definition = narrowed(self._targets[number].definition, active, self._absent)
            get = compile_expression({"value": None} if definition is NOTHING else definition, self._absent)
            found = self._narrow[number, active] = (definition, get)
        return found


def _begin(path: str) -> tuple[str, str | None]:
    """The first two names of a path; the second only where it is surely looked for in an object."""
    (first, selector), *more = segments(path)
    return first, more[0][0] if more and selector is None else None


def _below(value: Any) -> Any:
    """What of a value decides on the plan: the names of an object, or that it is none."""
    return tuple(value) if value.__class__ is dict else value.__class__


def _leads_anywhere(record: dict[str, Any], first: str, second: str | None) -> bool:
    if first not in record:
        return False
    value = record[first]
    return second is None or not isinstance(value, dict) or second in value


def _direct(path: str | None, record: dict[str, Any]) -> tuple[str | None, str | None]:
    """The names by which a plain path is taken from records of this plan without a call."""
    parts = segments(path) if path else []
    if not parts or len(parts) > 2 or any(selector is not None for _, selector in parts):
        return None, None
    first = parts[0][0]
    if len(parts) == 1:
        return first, None
    return (first, parts[1][0]) if record[first].__class__ is dict else (None, None)
