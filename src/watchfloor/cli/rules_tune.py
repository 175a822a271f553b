"""``rules tune``: a draft of an exclusion, from what people decided about a rule's findings."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from watchfloor.catalog import roots
from watchfloor.cli.options import Content, Rules
from watchfloor.cli.progress import stderr
from watchfloor.cli.rules_loading import source_cache, tell_errors
from watchfloor.cli.rules_output import write_text
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.detect.sigma import RuleSet
from watchfloor.errors import InputError
from watchfloor.learn import by_uid, read_labels
from watchfloor.rulecraft.authored import Texts, authored
from watchfloor.rulecraft.chosen import choose_rule
from watchfloor.rulecraft.judged import Judged, Match, hits, judged
from watchfloor.rulecraft.replay import replay
from watchfloor.rulecraft.tune import FORMS, Form, Tuned, tune

SHOWN = 10
LINE = 1_000


def run_tune(
    rule: Annotated[str, typer.Argument(help="A rule's file; or its id, name or title, with --rules.")],
    paths: Annotated[list[str], typer.Argument(help="History: files, folders or -.", metavar="PATH...")],
    *,
    labels: Annotated[
        Path, typer.Option("--labels", help="What people decided: a data folder's labels.ndjson.", metavar="FILE")
    ],
    rules: Rules = None,
    form: Annotated[str, typer.Option("--as", help=f"{' or '.join(FORMS)}.")] = "filter",
    out: Annotated[Path | None, typer.Option("--out", help="Write the draft to a file.", metavar="FILE")] = None,
    content: Content = None,
) -> None:
    """Propose the smallest exclusion that takes false positives away and no true positive; the rule stays as it is.

    The draft is YAML for somebody to finish: a Sigma filter, or a suppression. Exit 1 if there is none to propose.
    """
    if form not in FORMS:
        raise InputError(f"{form!r} is not one of {', '.join(FORMS)}")
    decided = by_uid(read_labels(labels))
    chosen = choose_rule(rule, rules or ()).rule
    sources, errors = source_cache().load(roots(content or ()))
    tell_errors(errors)
    alone = RuleSet((chosen,))
    found = judged(chosen, replay(paths, alone, sources, clock=system_clock), decided)
    text = Texts(authored([Path(chosen.rule.path.partition("!")[0])])).of(chosen.rule)
    own = hits(chosen, text, alone, sources, clock=system_clock)
    tuned = tune(chosen, found, own, sources, msgspec.convert(form, Form))
    if out is not None:
        write_text(out, tuned.draft)
    else:
        sys.stdout.write(tuned.draft)
    _tell(tuned, found, own)


def _tell(tuned: Tuned, found: Judged, own: Sequence[Match]) -> None:
    right, wrong = len(found.of("right")), len(found.of("wrong"))
    _say(f"takes {len(tuned.wrong):,} of {wrong:,} false positives away")
    _say(f"keeps all {right:,} true positives" + (f" and {len(own):,} hits of the rule's own tests" if own else ""))
    if tuned.open:
        entities = Counter(entity for match in tuned.open for entity in match.entities)
        whose = ", ".join(f"{name} {number:,}" for name, number in entities.most_common(SHOWN))
        _say(f"would hide {len(tuned.open):,} findings that nobody has judged false: {whose}")
        for match in tuned.open[:SHOWN]:
            _say(f"  {match.place}")
        if len(tuned.open) > SHOWN:
            _say(f"  … and {len(tuned.open) - SHOWN:,} more")
    else:
        _say("would hide nothing else of this history")
    if found.more:
        _say(f"{found.more:,} further findings without a label were not looked at")
    for warning in tuned.warnings:
        _say(f"warning: {warning}")


def _say(line: str) -> None:
    stderr().print(Text(visible(line, LINE)), soft_wrap=True)
