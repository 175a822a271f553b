"""Pages that look like the report, and are as inert: no script, nothing loaded, any string of a log or rule escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from watchfloor.console.hyphens import hyphenated
from watchfloor.console.report import TEMPLATES
from watchfloor.console.svg_marks import mark
from watchfloor.console.text import isolated, printed
from watchfloor.console.words import count


def page(template: str, folder: Path = TEMPLATES, **context: Any) -> str:
    """A page of a folder's template, with its style sheets, as the text of an HTML file to be written in UTF-8."""
    return _environment(folder).get_template(template).render(css=_css(folder), mark=mark(), **context)


@cache
def _css(folder: Path) -> Markup:
    files = dict.fromkeys((TEMPLATES / "report.css", *sorted(folder.glob("*.css"))))
    return Markup("\n".join(file.read_text(encoding="utf-8") for file in files))  # noqa: S704 - our own files


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(TEMPLATES)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printed,
    )
    environment.filters.update(log=isolated, count=count, hyphens=hyphenated)
    return environment
