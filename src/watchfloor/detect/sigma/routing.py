"""Which rules apply to a record, by its log source or its OCSF class."""

from collections.abc import Sequence

import msgspec

from watchfloor.detect.sigma.columns import OCSF, ocsf_class
from watchfloor.detect.sigma.condition import CompiledRule, predicates
from watchfloor.detect.sigma.scan import Ids
from watchfloor.native import KEYWORDS, decode_logsources


class Route(msgspec.Struct, frozen=True):
    """The rules that apply to a kind of record; those of them that look at every record; whether any reads keywords."""

    rules: Ids
    sleepless: Ids
    keywords: bool


class Router:
    """Finds the route of a record; each kind of record is worked out once."""

    def __init__(self, rules: Sequence[CompiledRule], sleepless: Ids) -> None:
        self._rules = tuple(rules)
        self._sleepless = sleepless
        self._classes = [ocsf_class(rule.logsource) if rule.logsource.product == OCSF else None for rule in rules]
        self._keywords = frozenset(
            index for index, rule in enumerate(rules) if any(p.column == KEYWORDS for p in predicates(rule.condition))
        )
        self._routes: dict[tuple[str, int | None], Route] = {}

    def route(self, logsources: str, class_uid: int | None) -> Route:
        """The route of records with this text of ``native.logsource`` and this OCSF class."""
        key = (logsources, class_uid)
        if key not in self._routes:
            self._routes[key] = self._route(logsources, class_uid)
        return self._routes[key]

    def _route(self, logsources: str, class_uid: int | None) -> Route:
        served = decode_logsources(logsources)
        chosen = frozenset(
            index
            for index, (rule, uid) in enumerate(zip(self._rules, self._classes, strict=True))
            if (
                uid in {None, class_uid}
                if rule.logsource.product == OCSF
                else any(rule.logsource.served_by(one) for one in served)
            )
        )
        return Route(chosen, chosen & self._sleepless, not chosen.isdisjoint(self._keywords))
