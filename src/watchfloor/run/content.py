"""The content of a run: sources, detections, playbooks, actions, policies; loaded once, what failed beside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.catalog import roots
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.sigma import RuleSet, load_rules
from watchfloor.errors import ContentError
from watchfloor.normalize import Source, load_sources
from watchfloor.operator import KeyedOperator
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library, load_library


class Content(msgspec.Struct, frozen=True):
    """What a run works with; ``errors`` names what did not load and why, and harms nothing else."""

    sources: tuple[Source, ...]
    rules: RuleSet
    keyed: tuple[KeyedOperator[Any], ...]
    library: Library
    engine: PolicyEngine
    errors: tuple[ContentError, ...] = ()


def load_content(*, rules: Sequence[Path] = (), user: Iterable[Path] = ()) -> Content:
    """The built-in content, the user's, and the Sigma rules of ``rules`` on top.

    Raises:
        InputError: A path of ``rules`` gives nothing readable.
    """
    places = roots(user)
    sources, source_errors = load_sources(places)
    keyed, keyed_errors = load_keyed(places)
    packs = [place / "detections" for place in places if (place / "detections").is_dir()]
    ruleset = load_rules([*packs, *rules])
    library = load_library(places)
    engine, policy_errors = PolicyEngine.load(places, library.actions.values())
    errors = (*source_errors, *keyed_errors, *ruleset.errors, *library.errors, *policy_errors)
    return Content(sources, ruleset, keyed, library, engine, errors)
