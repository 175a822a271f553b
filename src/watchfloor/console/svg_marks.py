"""Small pictures: the mark of the product, the ring of a risk, the icons of entities and verdicts."""

from collections.abc import Iterable
from math import pi

from markupsafe import Markup

from watchfloor.case import TACTICS
from watchfloor.console.svg import element, group, picture
from watchfloor.console.words import count, percent, tactic_name

RING = 27
"""Radius of a risk ring, in CSS pixels."""

_PATHS = {
    "user": "M8 8.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM2 14.4c0-3 2.7-4.9 6-4.9s6 1.9 6 4.9",
    "host": "M1.8 2.6h12.4v8.2H1.8zM5.4 13.8h5.2M8 10.8v3",
    "address": "M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6ZM1.6 8h12.8"
    "M8 1.6c-4.2 4-4.2 8.8 0 12.8 4.2-4 4.2-8.8 0-12.8",
    "app": "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM11.5 9v5M9 11.5h5",
    "resource": "M2.4 4c0-1.2 2.5-2.2 5.6-2.2s5.6 1 5.6 2.2v8c0 1.2-2.5 2.2-5.6 2.2S2.4 13.2 2.4 12Z"
    "M2.4 4c0 1.2 2.5 2.2 5.6 2.2s5.6-1 5.6-2.2M2.4 8c0 1.2 2.5 2.2 5.6 2.2s5.6-1 5.6-2.2",
    "more": "M3 8h.01M8 8h.01M13 8h.01",
    "permit": "M2.6 8.6 6.2 12.2 13.4 4.2",
    "needs-approval": "M8 4.2v4.2l2.8 1.8M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6Z",
    "deny": "M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8",
}
_KINDS = {"peer": "host", "device": "host", "actor": "user", "ip": "address", "mailbox": "resource", "role": "resource"}


def kind_of(entity_type: str) -> str:
    """The kind an entity is drawn as: ``user``, ``host``, ``address``, ``app``, ``resource``.

    >>> kind_of("peer"), kind_of("bucket")
    ('host', 'resource')
    """
    kind = _KINDS.get(entity_type, entity_type)
    return kind if kind in {"user", "host", "address", "app", "more"} else "resource"


def strokes(name: str) -> Markup:
    """The strokes of an icon, within 16 by 16."""
    return element("path", d=_PATHS[name], class_="stroke")


def icon(name: str) -> Markup:
    """An icon beside words that say the same, hence hidden from those who listen."""
    return element(
        "svg", strokes(name), class_=f"icon i-{name}", viewBox="0 0 16 16", width=16, height=16, aria_hidden="true"
    )


def mark() -> Markup:
    """The mark of the product: a watchtower and its light."""
    return element(
        "svg",
        element("path", d="M9 12h14l-1.6 5H10.6ZM12 17l-1.5 11M20 17l1.5 11M11.3 22.5h9.4M13 12V8.5L16 6l3 2.5V12"),
        element("path", d="M24.5 8.5l4-1.8M24.5 11h4M7.5 8.5l-4-1.8M7.5 11h-4", class_="light"),
        class_="mark",
        viewBox="0 0 32 32",
        width=34,
        height=34,
        aria_hidden="true",
    )


def ring(probability: float, level: str) -> Markup:
    """A probability as the filled part of a ring, with its number inside."""
    around = 2 * pi * RING
    filled = around * min(1.0, max(0.0, probability))
    arc = {"cx": 35.0, "cy": 35.0, "r": float(RING)}
    return picture(
        element("circle", class_="ring-rest", **arc),
        group(
            element("circle", class_=f"ring-part s-{level}", stroke_dasharray=f"{filled:.1f} {around:.1f}", **arc),
            transform="rotate(-90 35 35)",
        ),
        element("text", percent(probability), x=35, y=40.5, class_="ring-text", text_anchor="middle"),
        label=f"Probability of an attack: {percent(probability)}",
        width=70,
        height=70,
    )


def tactic_strip(tactics: Iterable[str]) -> Markup:
    """The fourteen tactics as a row of squares, those of a case filled: how far an attack went, at a glance."""
    present = set(tactics)
    names = [tactic_name(tactic) for tactic in TACTICS if tactic in present]
    squares = [
        element("rect", x=9 * index, y=1, width=7, height=10, rx=2, class_="on" if tactic in present else "off")
        for index, tactic in enumerate(TACTICS)
    ]
    label = f"{count(len(names), 'tactic')} of {len(TACTICS)}: {', '.join(names)}" if names else "No tactic named"
    return picture(*squares, label=label, width=9 * len(TACTICS) - 2, height=12)
