"""Renders an investigation as one HTML file: no script, nothing loaded from elsewhere, any string of a log inert.

Three layers keep strings inert. Jinja escapes whatever a template prints; it was made visible before
(:mod:`watchfloor.console.text`), as the environment's ``finalize`` and the ``log`` filter see to; and the page's
Content-Security-Policy would run and load nothing even so.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchfloor.case import Case
from watchfloor.console.card import CardHead, card, card_head
from watchfloor.console.findings import by_rule
from watchfloor.console.heatmap import SHOWN_CELLS, Column, heat_map
from watchfloor.console.hyphens import hyphenated
from watchfloor.console.model import LoadFailure, ReportModel
from watchfloor.console.overview import overview
from watchfloor.console.svg_activity import activity_strip
from watchfloor.console.svg_marks import icon, mark
from watchfloor.console.text import isolated, printed
from watchfloor.console.words import count, duration, percent, when

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_CARDS = 25
"""Cases with a card of their own; the others are lines of a list."""
CARD_CHARACTERS, ROW_CHARACTERS = 3_000_000, 1_300_000
"""How much all cards and all lines may take, so that the file stays below 5 MB whatever the logs hold."""
SHOWN_LETTERS, SHOWN_REASONS = 60, 40


def render_report(model: ReportModel) -> str:
    """The report of a model, as the text of an HTML file to be written in UTF-8; the same model gives the same text."""
    cases = model.ranked
    heads = [card_head(case, rank, model) for rank, case in enumerate(cases, start=1)]
    cards = list(_within(CARD_CHARACTERS, _cards(cases[:SHOWN_CARDS], model)))
    rows = list(_within(ROW_CHARACTERS, _rows(cases[len(cards) :], heads[len(cards) :], model)))
    matrix = heat_map(cases, model.techniques)
    groups = _by_reason(model.load_failures)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            run=model.run,
            view=overview(model),
            heads=heads,
            glance=SHOWN_CARDS,
            cards=cards,
            rows=rows,
            strip=activity_strip(model.activity, cases),
            matrix=matrix,
            matrix_columns=_matrix_columns(matrix),
            lit=any(column.cells for column in matrix),
            cells=SHOWN_CELLS,
            letters=model.dead_letters[:SHOWN_LETTERS],
            letters_left=max(0, len(model.dead_letters) - SHOWN_LETTERS),
            failures=len(model.load_failures),
            failure_groups=groups[:SHOWN_REASONS],
            groups_left=max(0, len(groups) - SHOWN_REASONS),
            css=_css(),
            mark=mark(),
        )
    )


def _cards(cases: tuple[Case, ...], model: ReportModel) -> Iterator[Markup]:
    template = _environment().get_template("card.html.j2")
    for rank, case in enumerate(cases, start=1):
        yield Markup(template.render(card=card(case, rank, model)))  # noqa: S704 - rendered with autoescape


def _rows(cases: tuple[Case, ...], heads: list[CardHead], model: ReportModel) -> Iterator[Markup]:
    template = _environment().get_template("row.html.j2")
    for case, head in zip(cases, heads, strict=True):
        rules = by_rule(case.findings, model.techniques)
        yield Markup(template.render(head=head, rules=rules))  # noqa: S704 - rendered with autoescape


def _within(characters: int, parts: Iterator[Markup]) -> Iterator[Markup]:
    """The first parts that fit; the size of a page is bounded by what it shows, not by what it was given."""
    for part in parts:
        characters -= len(part)
        if characters < 0:
            return
        yield part


def _by_reason(failures: tuple[LoadFailure, ...]) -> list[tuple[str, list[str]]]:
    paths: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        paths[failure.reason].append(failure.path)
    return sorted(((reason, sorted(group)) for reason, group in paths.items()), key=lambda one: (-len(one[1]), one[0]))


def _matrix_columns(matrix: tuple[Column, ...]) -> str:
    """CSS columns: wide where something was seen, narrow elsewhere."""
    return " ".join("minmax(0,1fr)" if column.cells else "26px" for column in matrix)


@cache
def _css() -> Markup:
    return Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printed,
    )
    environment.filters.update(
        log=isolated, hyphens=hyphenated, count=count, percent=percent, when=when, width=_width, seconds=_seconds
    )
    environment.globals.update(icon=icon)
    return environment


def _width(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.1f}%"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(int(seconds * 1000))
