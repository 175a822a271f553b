"""Writes SVG: every text and every attribute is made visible and escaped, so that a picture is as inert as the page."""

from markupsafe import Markup, escape

from watchfloor.console.text import visible

XMLNS = "http://www.w3.org/2000/svg"

Attribute = str | float | None


def element(name: str, *children: str | Markup, **attributes: Attribute) -> Markup:
    """One element; strings become text, :class:`Markup` is taken as it is.

    A trailing ``_`` is dropped from an attribute's name and other ``_`` become ``-``; ``None`` leaves it out.

    >>> element("text", "<b>", x=1.50, text_anchor="end", class_="axis")
    Markup('<text x="1.5" text-anchor="end" class="axis">&lt;b&gt;</text>')
    """
    written = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    content = "".join(str(child) if isinstance(child, Markup) else str(escape(visible(child))) for child in children)
    end = f">{content}</{name}>" if content else "/>"
    return Markup(f"<{name}{written}{end}")  # noqa: S704 - escaped above


def group(*children: Markup, **attributes: Attribute) -> Markup:
    """A ``<g>`` of elements."""
    return element("g", *children, **attributes)


def picture(*children: Markup, label: str, width: float | str, height: float, scales: bool = False) -> Markup:
    """A whole ``<svg>`` with its label for those who do not see it.

    With ``scales``, the picture has its own coordinates and shrinks with its column; else lengths are CSS pixels and
    percentages of the column, so that texts keep their size.
    """
    size: dict[str, Attribute] = (
        {"viewBox": f"0 0 {number(float(width))} {number(height)}"} if scales else {"width": width, "height": height}
    )
    return element("svg", element("title", label), *children, xmlns=XMLNS, role="img", aria_label=label, **size)


def number(value: float) -> str:
    """A coordinate with at most two decimals.

    >>> number(3.0), number(2.345), number(-0.001)
    ('3', '2.35', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def share(part: float) -> str:
    """A share of the column's width, as a percentage with two decimals.

    >>> share(0.12345)
    '12.35%'
    """
    return f"{number(100 * part)}%"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return str(escape(visible(value, 4000))) if isinstance(value, str) else number(value)
