"""What can be wrong with a rule, and where it says so."""

from typing import Any, Literal

import msgspec

from watchfloor.finding import Rule
from watchfloor.rulecraft.authored import Authored

Severity = Literal["error", "warning"]
Kind = Literal["load", "never", "always", "alternative", "duplicate", "field", "metadata", "logsource"]
KINDS: tuple[Kind, ...] = ("load", "never", "always", "alternative", "duplicate", "field", "metadata", "logsource")
"""The kinds of problems, gravest first."""

METADATA = ("id", "description", "level", "tags", "falsepositives", "author", "date")
"""What a rule says of itself, besides its title, which Sigma demands."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong: an ``error`` if the rule cannot do its work, else a ``warning``."""

    severity: Severity
    kind: Kind
    path: str
    line: int | None
    reason: str
    rule: str = ""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.severity}: {self.reason}"


def problem(rule: Rule, text: Authored, severity: Severity, kind: Kind, reason: str, *keys: str) -> Problem:
    """A problem at a key of what the author wrote, or at the nearest one above it."""
    return Problem(severity, kind, rule.path, text.line(*keys), reason, rule.id)


def missing_metadata(rule: Rule, text: Authored) -> list[Problem]:
    """What a rule or correlation does not say of itself, as one warning."""
    missing = [name for name in METADATA if not _is_given(text.attributes.get(name))]
    if not missing:
        return []
    return [problem(rule, text, "warning", "metadata", f"says nothing of its {', '.join(missing)}", missing[0])]


def _is_given(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)
