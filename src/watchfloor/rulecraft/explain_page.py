"""An explanation as a page of its own."""

from watchfloor.rulecraft.explain import Explanation
from watchfloor.rulecraft.explain_text import log_source_words
from watchfloor.rulecraft.page import page


def explanation_page(explanation: Explanation, event: str) -> str:
    """The HTML of an explanation; ``event`` says where the event was read."""
    return page(
        "explain.html.j2",
        explanation=explanation,
        rule=explanation.rule.rule,
        event=event,
        log_source=log_source_words(explanation),
    )
