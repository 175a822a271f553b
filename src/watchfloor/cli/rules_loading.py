"""The rules that a command is about, and in words those that did not load."""

import os
from collections.abc import Sequence
from pathlib import Path

from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.cache import RuleCache
from watchfloor.errors import ContentError, InputError

SHOWN = 100
"""How many errors are shown one by one."""


def named_rules(paths: Sequence[Path]) -> RuleSet:
    """The rules of the paths; those that do not load are named on standard error.

    Raises:
        InputError: A path does not exist or holds no Sigma rules, or none of them loads.
    """
    ruleset = rule_cache().load(paths)
    ruleset.require(paths)
    tell_errors(ruleset.errors)
    if not (ruleset.rules or ruleset.correlations):
        raise InputError("none of the rules loads")
    return ruleset


def rule_cache() -> RuleCache:
    """The user's cache of loaded rules, which says on standard error why it cannot be used."""
    console = stderr()
    return RuleCache(_cache_folder(), lambda note: console.print(visible(note), markup=False, soft_wrap=True))


def _cache_folder() -> Path:
    """Where loaded rules are kept between runs: the user's cache, as the XDG base directories have it."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "watchfloor" / "rules"


def tell_errors(errors: Sequence[ContentError]) -> None:
    """Name what did not load on standard error."""
    console = stderr()
    for error in errors[:SHOWN]:
        console.print(visible(f"not loaded: {error}"), markup=False, soft_wrap=True)
    if len(errors) > SHOWN:
        console.print(f"… and {len(errors) - SHOWN:,} more that did not load", markup=False)
