"""Pages that look like the report, and are as inert: no script, nothing loaded, any string of a log or rule escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchfloor.console.hyphens import hyphenated
from watchfloor.console.report import TEMPLATES as REPORT
from watchfloor.console.svg_marks import mark
from watchfloor.console.text import isolated, printed
from watchfloor.console.words import count

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, **context: Any) -> str:
    """A page of :data:`TEMPLATES`, as the text of an HTML file to be written in UTF-8."""
    return _environment().get_template(template).render(css=_css(), mark=mark(), **context)


@cache
def _css() -> Markup:
    files = (REPORT / "report.css", TEMPLATES / "rules.css")
    return Markup("\n".join(file.read_text(encoding="utf-8") for file in files))  # noqa: S704 - our own files


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES), FileSystemLoader(REPORT)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printed,
    )
    environment.filters.update(log=isolated, count=count, hyphens=hyphenated)
    return environment
