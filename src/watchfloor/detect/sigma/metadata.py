"""What a rule says about itself, besides when it is true.

Sigma lets a rule carry attributes of its own. Ours are, beside ``title`` and ``level``: ``use_case`` (the name of the
use case it serves), ``runbook`` (what to do, in words) and ``decisive`` (``true``: a match alone opens a case).
"""

import re
from uuid import NAMESPACE_URL, uuid5

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from watchfloor.detect.sigma.place import Place
from watchfloor.errors import ContentError
from watchfloor.finding import Level, Rule

_TECHNIQUE = re.compile(r"t[0-9]{4}(\.[0-9]{3})?")
_TACTIC = re.compile(r"[a-z]+([-_][a-z]+)*")
_LEVELS: dict[str, Level] = {
    "INFORMATIONAL": "informational",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}


def describe(rule: SigmaRule | SigmaCorrelationRule, place: Place) -> Rule:
    """The rule's metadata as findings carry it; a rule without a level is of medium level.

    Raises:
        ContentError: An attribute of ours has the wrong type.
    """
    attack = [tag.name.lower() for tag in rule.tags if tag.namespace == "attack"]
    return Rule(
        id=str(rule.id) if rule.id is not None else _derived_id(rule),
        title=_line(rule.title),
        level=_LEVELS[rule.level.name] if rule.level is not None else "medium",
        description=(rule.description or "").strip(),
        use_case=_text(rule, "use_case", place),
        tactics=tuple(dict.fromkeys(_tactic(name) for name in attack if _TACTIC.fullmatch(name))),
        techniques=tuple(dict.fromkeys(name.upper() for name in attack if _TECHNIQUE.fullmatch(name))),
        false_positives=tuple(str(one) for one in rule.falsepositives or ()),
        runbook=_text(rule, "runbook", place),
        decisive=_decisive(rule, place),
        path=place.path,
    )


def _derived_id(rule: SigmaRule | SigmaCorrelationRule) -> str:
    """An id for a rule that has none: it stays while title and log source do; of a correlation, title and name."""
    if isinstance(rule, SigmaCorrelationRule):
        return str(uuid5(NAMESPACE_URL, f"sigma-correlation:{rule.title}\0{rule.name or ''}"))
    source = rule.logsource
    parts = (rule.title, source.product or "", source.category or "", source.service or "")
    return str(uuid5(NAMESPACE_URL, "sigma:" + "\0".join(parts)))


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(rule: SigmaRule | SigmaCorrelationRule, name: str, place: Place) -> str | None:
    value = rule.custom_attributes.get(name)
    if value is not None and not isinstance(value, str):
        raise place.error(f"{name} must be text", name)
    return value.strip() if value else None


def _decisive(rule: SigmaRule | SigmaCorrelationRule, place: Place) -> bool:
    value = rule.custom_attributes.get("decisive", False)
    if not isinstance(value, bool):
        raise _not_boolean(place)
    return value


def _not_boolean(place: Place) -> ContentError:
    return place.error("decisive must be true or false", "decisive")


def _tactic(tag: str) -> str:
    name = tag.replace("_", "-")
    return _RENAMED.get(name, name)


_RENAMED = {"stealth": "defense-evasion", "defense-impairment": "defense-evasion"}
"""Later versions of ATT&CK split a tactic in two; cases speak of version 18's."""
