"""The pages of rules, which look like the report."""

from pathlib import Path
from typing import Any

from watchfloor.console.page import page as console_page

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, **context: Any) -> str:
    """A page of :data:`TEMPLATES`, as the text of an HTML file to be written in UTF-8."""
    return console_page(template, TEMPLATES, **context)
