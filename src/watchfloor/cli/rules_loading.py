"""The rules and log sources that a command is about, and in words those that did not load."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.cache import RuleCache
from watchfloor.errors import ContentError, InputError
from watchfloor.normalize.loading import SourceCache

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
    return RuleCache(_cache_folder() / "rules", _say)


@cache
def source_cache() -> SourceCache:
    """The user's cache of log sources, which says on standard error why it cannot be used."""
    return SourceCache(_cache_folder() / "sources", _say)


def _say(note: str) -> None:
    stderr().print(visible(note), markup=False, soft_wrap=True)


def _cache_folder() -> Path:
    """What is kept between runs: the user's cache, as the XDG base directories have it."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "watchfloor"


def tell_errors(errors: Sequence[ContentError]) -> None:
    """Name what did not load on standard error."""
    console = stderr()
    for error in errors[:SHOWN]:
        console.print(visible(f"not loaded: {error}"), markup=False, soft_wrap=True)
    if len(errors) > SHOWN:
        console.print(f"… and {len(errors) - SHOWN:,} more that did not load", markup=False)
