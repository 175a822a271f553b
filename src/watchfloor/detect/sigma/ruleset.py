"""A set of rules, loaded: what can be matched, and what cannot, with the reason."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.errors import ContentError, InputError


class RuleSet(msgspec.Struct, frozen=True):
    """The rules that loaded, in the order of their paths, and an error for each thing that did not.

    Correlations come after those that they refer to; the rules in ``silent`` (ids) only serve correlations. The paths
    in ``bare`` hold nothing of Sigma, loaded or not.
    """

    rules: tuple[CompiledRule, ...] = ()
    errors: tuple[ContentError, ...] = ()
    correlations: tuple[LinkedCorrelation, ...] = ()
    silent: frozenset[str] = frozenset()
    bare: tuple[Path, ...] = ()

    def require(self, paths: Iterable[Path]) -> None:
        """Check that each of these paths holds rules.

        Raises:
            InputError: One does not.
        """
        for path in paths:
            if path in self.bare:
                raise InputError(f"{path}: holds no Sigma rules")
