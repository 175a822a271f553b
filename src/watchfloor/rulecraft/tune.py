"""Proposes exclusions from a rule, from judged history: none that would take a true positive away.

What a draft takes away is not reckoned but tried: the rule runs over its matches again with the draft applied.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.files import RuleFile
from watchfloor.detect.sigma.filters import apply_filters, compile_filter
from watchfloor.detect.sigma.parse import Parsed, parse_file
from watchfloor.errors import GateError
from watchfloor.normalize import Source
from watchfloor.rulecraft.draft import filter_draft, suppression_drafts
from watchfloor.rulecraft.exclusion import Exclusion, Matches, exclusions
from watchfloor.rulecraft.judged import Judged, Match
from watchfloor.rulecraft.looks import looks
from watchfloor.rulecraft.suppression import apply, events_of
from watchfloor.rulecraft.suppression_file import suppression_of
from watchfloor.rulecraft.trial import trial

Form = Literal["filter", "suppression"]
FORMS: tuple[Form, ...] = ("filter", "suppression")

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""A draft is tried as if it never expired."""

SHOWN_HIDES = 3
"""How many of the records that a suppression hides are in its test."""


class Tuned(msgspec.Struct, frozen=True):
    """A draft that was tried: what it takes away of the wrong and of the open matches, and what must be said of it."""

    draft: str
    exclusions: tuple[Exclusion, ...]
    wrong: tuple[Match, ...]
    open: tuple[Match, ...]
    warnings: tuple[str, ...] = ()


def tune(rule: CompiledRule, found: Judged, hits: Sequence[Match], sources: Sequence[Source], form: Form) -> Tuned:
    """Exclusions that take false positives away and no true positive, nor what the rule's own tests (``hits``) demand.

    Raises:
        GateError: There is none to propose; says why.
    """
    wrong, right, open_ = found.of("wrong"), [*found.of("right"), *hits], found.of("open")
    if not wrong:
        raise GateError("no match of the rule has the label of a false positive: there is nothing to take away")
    if not right:
        raise GateError("no match is labelled a true positive and the rule has no hits: nothing shows what must stay")
    every = [*wrong, *right, *open_]
    seen = looks(every, sources, rule, vendor=form == "filter")
    cuts = (len(wrong), len(wrong) + len(right))
    features = seen.features
    made = exclusions(Matches(features[: cuts[0]], features[cuts[0] : cuts[1]], features[cuts[1] :]), seen.anchors)
    if not made:
        raise GateError("whatever would take a false positive away would take a true positive away, too")
    if form == "filter":
        draft = filter_draft(rule, made, seen.written)
        taken = _taken_by_filter(draft, rule, sources)
    else:
        raws = [[wrong[at].raw for at in sorted(one.wrong)[:SHOWN_HIDES]] for one in made]
        draft = suppression_drafts(rule, made, seen.written, hides=raws, keeps=right[0].raw)
        taken = _taken_by_suppressions(draft, rule, sources)
    lost = [match for match in right if taken([match])]
    if lost:
        raise GateError(f"the exclusion would take {lost[0].place} away, which must stay")
    return Tuned(draft, tuple(made), tuple(taken(wrong)), tuple(taken(open_)), tuple(_warnings(made)))


def _warnings(made: Sequence[Exclusion]) -> Iterator[str]:
    for one in made:
        if one.chosen:
            names = " and ".join(one.fields)
            yield f"an attacker chooses {names}: who knows of this exclusion can hide behind it"


Taken = Callable[[Sequence[Match]], list[Match]]
"""Gives the matches that are taken away."""


def _taken_by_filter(draft: str, rule: CompiledRule, sources: Sequence[Source]) -> Taken:
    (parsed,) = parse_file(RuleFile("the draft", draft.encode()))
    if not isinstance(parsed, Parsed):
        raise parsed
    (narrowed,), _ = apply_filters([rule], [compile_filter(parsed.rule, parsed.place)])  # type: ignore[arg-type]

    def taken(matches: Sequence[Match]) -> list[Match]:
        stay = _lines(matches, narrowed, sources)
        return [match for at, match in enumerate(matches, start=1) if at not in stay]

    return taken


def _lines(matches: Sequence[Match], rule: CompiledRule, sources: Sequence[Source]) -> set[int]:
    found = trial([one.raw for one in matches], sources, RuleSet((rule,))).findings if matches else []
    return {origin.line for finding in found for origin in finding.origins}


def _taken_by_suppressions(draft: str, rule: CompiledRule, sources: Sequence[Source]) -> Taken:
    finished = {"owner": "nobody", "reason": "to be tried", "expires": date.max}
    made = [suppression_of(entry | finished, Path("the draft")) for entry in yaml.safe_load(draft)["suppressions"]]

    def taken(matches: Sequence[Match]) -> list[Match]:
        if not matches:
            return []
        tried = trial([one.raw for one in matches], sources, RuleSet((rule,)))
        _, hidden = apply(made, tried.findings, _ANY_TIME, events_of(tried.events))
        lines = {origin.line for one in hidden for origin in one.finding.origins}
        return [match for at, match in enumerate(matches, start=1) if at in lines]

    return taken
