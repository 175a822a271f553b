"""Exclusions as drafts that somebody has to finish: a Sigma filter, or suppressions. Neither changes a rule."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml
from sigma.types import SigmaString

from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.rulecraft.exclusion import Exclusion, Feature

_TO_FILL = "# A draft. Fill in owner, reason and expires before it is used; until then nobody answers for it.\n"


def filter_draft(rule: CompiledRule, exclusions: Sequence[Exclusion], written: Mapping[Feature, str]) -> str:
    """A Sigma filter, as YAML."""
    named = [f"exclusion_{at}" for at in range(1, len(exclusions) + 1)]
    parts = {"product": rule.logsource.product, "category": rule.logsource.category, "service": rule.logsource.service}
    fields = [_fields(one, written) for one in exclusions]
    made = {
        "title": f"Exclusion from {rule.rule.title}",
        "id": str(uuid5(NAMESPACE_URL, f"watchfloor-exclusion:{rule.rule.id}:{fields!r}")),
        "status": "experimental",
        "owner": "",
        "reason": "",
        "expires": "",
        "logsource": {name: part for name, part in parts.items() if part},
        "filter": {
            "rules": [rule.rule.id],
            **dict(zip(named, fields, strict=True)),
            "condition": f"not {named[0]}" if len(named) == 1 else f"not ({' or '.join(named)})",
        },
    }
    return _TO_FILL + _yaml(made)


def suppression_drafts(
    rule: CompiledRule,
    exclusions: Sequence[Exclusion],
    written: Mapping[Feature, str],
    *,
    hides: Sequence[Sequence[bytes]],
    keeps: bytes,
) -> str:
    """A file of suppressions, as YAML, one for each exclusion: tested by records that each hides, and one to keep."""
    entries = [
        {
            "id": f"{_slug(rule.rule.title)}-{at}",
            "rule": rule.rule.id,
            "owner": "",
            "reason": "",
            "expires": "",
            "scope": {"fields": _fields(one, written)},
            "test": {"hides": [_text(record) for record in records], "keeps": [_text(keeps)]},
        }
        for at, (one, records) in enumerate(zip(exclusions, hides, strict=True), start=1)
    ]
    return _TO_FILL + _yaml({"suppressions": entries})


def _fields(exclusion: Exclusion, written: Mapping[Feature, str]) -> dict[str, str | list[str]]:
    made: dict[str, str | list[str]] = {}
    for field, values in exclusion.fields.items():
        texts = [sigma_text(written[field, value]) for value in values]
        made[field] = texts[0] if len(texts) == 1 else texts
    return made


def sigma_text(value: str) -> str:
    r"""A value as Sigma writes it: its wildcards are no wildcards, and its backslashes stay as many as they are.

    >>> print(sigma_text(r"C:\a.exe"), sigma_text("what?*"), sigma_text(r"\\host\share"))
    C:\a.exe what\?\* \\\\host\\share
    """
    if list(SigmaString(value).s) == [value]:
        return value
    return re.sub(r"([\\*?])", r"\\\1", value)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "rule"


def _text(record: bytes) -> str:
    return record.decode("utf-8", "replace")


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    return text
