"""``rules explain``: why a rule matches an event, or does not."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from watchfloor.catalog import roots
from watchfloor.cli.options import Content, Rules, Source
from watchfloor.cli.rules_loading import source_cache
from watchfloor.cli.rules_output import write_text
from watchfloor.clock import system_clock
from watchfloor.rulecraft.chosen import choose_event, choose_rule
from watchfloor.rulecraft.explain import explain_rule, searches_of
from watchfloor.rulecraft.explain_page import explanation_page
from watchfloor.rulecraft.explain_text import explanation_tree


def explain(
    rule: Annotated[str, typer.Argument(help="A rule's file; or its id, name or title, with --rules.")],
    event: Annotated[str, typer.Argument(help="FILE:LINE, FILE:LINE[INDEX], FILE (its first record) or -.")],
    *,
    rules: Rules = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page, too.", metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output instead of text.")] = False,
    source: Source = None,
    content: Content = None,
) -> None:
    """The condition as a tree: each test true or false, the value seen and the pattern it met."""
    sources, _ = source_cache().load(roots(content or ()))
    chosen = choose_rule(rule, rules or ())
    batch = choose_event(event, chosen.rule, sources, clock=system_clock, source=source)
    searches = None if chosen.parsed is None else searches_of(chosen.parsed, chosen.rule)
    explanation = explain_rule(chosen.rule, batch, searches)
    if html is not None:
        write_text(html, explanation_page(explanation, event))
    if json:
        made = {
            "rule": chosen.rule.rule.id,
            "event": event,
            "matches": explanation.matches,
            "of_log_source": explanation.of_log_source,
            "condition": explanation.tree,
        }
        sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
    else:
        Console(file=sys.stdout, color_system=None, highlight=False).print(
            explanation_tree(explanation), soft_wrap=True
        )
