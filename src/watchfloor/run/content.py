"""The content of a run: sources, detections, playbooks, actions, policies; loaded once, what failed beside it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.catalog import Folder, folders, roots
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.noise import NoiseFilter
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import ContentError
from watchfloor.inventory import Asset, read_assets
from watchfloor.normalize import Source, load_sources
from watchfloor.normalize.loading import Loaded
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library, load_library
from watchfloor.run.workers import Recipe, Workers

_NOTHING = Reference()


class Content(msgspec.Struct, frozen=True, dict=True):
    """What runs work with; ``errors`` names what did not load and why, and harms nothing else."""

    sources: tuple[Source, ...]
    rules: RuleSet
    keyed: tuple[KeyedOperator[Any], ...]
    playbooks: Library
    engine: PolicyEngine
    roots: tuple[Path, ...]
    errors: tuple[ContentError, ...] = ()
    assets: Mapping[str, Asset] = {}

    @cached_property
    def detector(self) -> SigmaDetector:
        """``rules``, compiled when first needed, once for all runs."""
        return SigmaDetector(self.rules)

    def workers(
        self,
        number: int,
        source: str | None = None,
        *,
        reference: Reference = _NOTHING,
        filters: Sequence[NoiseFilter] = (),
        geo: Sequence[Path] = (),
        exchange: Path | None = None,
    ) -> Workers:
        """What normalizes, tags and matches, long input in a number of processes.

        ``source`` is the name of the one source that every record is of, ``reference`` what enrichment knows,
        ``filters`` what is told to be noise, by its number, ``geo`` are MaxMind DB files,
        ``exchange`` is where running processes are told what is new.

        Raises:
            InputError: There is no source of that name.
        """
        rules, detector = self.rules, self.detector
        if filters:
            rules = msgspec.structs.replace(rules, rules=(*rules.rules, *(one.rule for one in filters)))
            detector = SigmaDetector(rules)
        recipe = Recipe(rules, source, reference=reference, filters=len(filters), geo=tuple(geo))
        return Workers(recipe, self.sources, detector, workers=number, exchange=exchange)


def load_content(
    *,
    rules: Sequence[Path] = (),
    user: Iterable[Path] = (),
    inventory: Path | None = None,
    load: Callable[[Sequence[Path]], RuleSet] = load_rules,
    sources: Callable[[Sequence[Path]], Loaded] = load_sources,
) -> Content:
    """The built-in content, the user's in its place where names are the same, and the Sigma rules of ``rules`` on top.

    ``load`` gives the Sigma rules of paths, ``sources`` the log sources of content roots.

    Raises:
        ContentError: The ``inventory`` cannot be read; without it, policy would guard less than was declared.
        InputError: A path of ``rules`` holds no rules, or a root of ``user`` no content.
    """
    places = roots(user)
    loaded, source_errors = sources(places)
    keyed, keyed_errors = load_keyed(places)
    detections = folders("detections", under=places)
    ruleset = load([*(path for folder in detections for path in _rule_paths(folder)), *rules])
    ruleset.require(rules)
    library = load_library(places)
    engine, policy_errors = PolicyEngine.load(places, library.actions.values())
    nothing = [
        ContentError(str(folder.path), "neither detection.yml nor detection.py")
        for folder in detections
        if not any((folder.path / name).exists() for name in ("detection.yml", "detection.py"))
    ]
    errors = (*source_errors, *keyed_errors, *nothing, *ruleset.errors, *library.errors, *policy_errors)
    declared = read_assets(inventory) if inventory else {}
    return Content(loaded, ruleset, keyed, library, engine, places, errors, declared)


def _rule_paths(folder: Folder) -> list[Path]:
    """What may hold a folder's Sigma rules; named itself, ``detection.yml`` is an error if it is none."""
    named = folder.path / "detection.yml"
    return [named, folder.path] if named.exists() else [folder.path]
