"""Makes any string of a log safe to look at: nothing invisible, nothing that moves other text, nothing endless.

:func:`visible` is for terminals and for what is escaped later, :func:`isolated` and :func:`printed` are for HTML. No
control, format, private, unassigned or surrogate character is left, so that no escaping can be undone by one.
"""

from unicodedata import east_asian_width

import regex
from markupsafe import Markup, escape

LIMIT = 600
"""How many characters of a string are shown where the caller names no limit of its own."""

_HIDDEN = regex.compile(
    r"(?:([\p{C}\p{Default_Ignorable_Code_Point}"  # controls, bidi marks, surrogates, fillers, tags
    r"\p{Zl}\p{Zp}[\p{Z}--[ ]]\u2800"  # separators and blanks that are not a plain space
    r"⟦])"  # else a log could imitate our own notation
    r"|(?<=\p{M}{4})(\p{M}))"  # accents stacked over neighbouring lines
    r"(?:\1|\2)*",  # a run of the same one
    regex.V1,
)
_BREAKS = {"\r\n": "↵", "\n": "↵", "\r": "↵", "\t": "⇥"}
_BREAK = regex.compile(r"\r\n|[\n\r\t]")
_UNIT = regex.compile(r"⟦U\+[^⟧]+⟧|.")
_RUN = 3
"""From how many on a run of the same hidden character is written once, with its length."""


def visible(text: str, limit: int = LIMIT) -> str:
    r"""The text with each hidden character written out as ``⟦U+202E⟧``, cut in the middle if longer than ``limit``.

    Three and more of the same are written once, with their number. Line breaks show as ``↵`` and tabs as ``⇥``. Stacked
    accents are written out from the fifth on. The result is at most ``limit`` characters long, plus the note that says
    how long the text was.

    >>> visible("invoice\u202egpj.exe")
    'invoice⟦U+202E⟧gpj.exe'
    >>> visible("a" * 40 + "b" * 40, limit=12)
    'aaaaaaaa … [80 characters] … bbbb'
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    if len(text) <= limit and len(shown := _reveal(text)) <= limit:
        return shown
    head = limit - limit // 3
    return f"{_head(text, head)} … [{len(text):,} characters] … {_tail(text, limit - head)}"


def isolated(text: str, limit: int) -> Markup:
    """The visible text escaped for HTML, and kept from turning the text around it.

    >>> isolated("<b>", 9)
    Markup('<bdi>&lt;b&gt;</bdi>')
    """
    return Markup(f"<bdi>{escape(visible(text, limit))}</bdi>")  # noqa: S704 - escaped here


def printed(value: object) -> object:
    """What a template prints, made visible unless it is markup already: the ``finalize`` of an environment."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def brief(text: str, width: int) -> str:
    """The visible text in at most ``width`` cells, cut in the middle without a note, for labels in pictures.

    >>> brief("priya.raman@example.com", 13)
    'priya.ra….com'
    """
    units = _UNIT.findall(visible(text, 4 * width))
    if sum(map(cells, units)) <= width:
        return "".join(units)
    tail = width // 3
    return f"{_whole_units(units, width - tail - 1)}…{_whole_units(units[::-1], tail, backwards=True)}"


def cells(text: str) -> int:
    """How many columns a text takes where East Asian wide characters take two.

    >>> cells("abc"), cells("漢字")
    (3, 4)
    """
    return len(text) + sum(east_asian_width(char) in {"W", "F"} for char in text)


def _reveal(text: str) -> str:
    broken = _BREAK.sub(lambda found: _BREAKS[found[0]], text)
    return str(_HIDDEN.sub(_written, broken))


def _written(found: regex.Match[str]) -> str:
    run, code = found[0], f"U+{ord(found[0][0]):04X}"
    return f"⟦{code}⟧" * len(run) if len(run) < _RUN else f"⟦{code} \N{MULTIPLICATION SIGN}{len(run)}⟧"


def _head(text: str, width: int) -> str:
    shown = _reveal(text[:width])
    return shown if len(shown) <= width else _whole_units(_UNIT.findall(shown), width)


def _tail(text: str, width: int) -> str:
    shown = _reveal(text[-width:]) if width else ""
    return shown if len(shown) <= width else _whole_units(_UNIT.findall(shown)[::-1], width, backwards=True)


def _whole_units(units: list[str], width: int, *, backwards: bool = False) -> str:
    kept: list[str] = []
    used = 0
    for unit in units:
        used += cells(unit)
        if used > width:
            break
        kept.append(unit)
    return "".join(kept[::-1] if backwards else kept)
