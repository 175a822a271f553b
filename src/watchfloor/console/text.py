"""Makes any string of a log safe to look at: nothing invisible, nothing that moves other text, nothing endless.

Escaping for HTML, XML or a terminal is the caller's; what this module returns has no control, format, private,
unassigned or surrogate character left, so that no escaping can be undone by one.
"""

import regex

LIMIT = 600
"""How many characters of a string are shown where the caller names no limit of its own."""

_HIDDEN = regex.compile(
    r"[\p{C}\p{Default_Ignorable_Code_Point}"  # controls, bidi marks, surrogates, fillers, tags
    r"\p{Zl}\p{Zp}[\p{Z}--[ ]]\u2800"  # separators and blanks that are not a plain space
    r"⟦]"  # else a log could imitate our own notation
    r"|(?<=\p{M}{4})\p{M}",  # accents stacked over neighbouring lines
    regex.V1,
)
_BREAKS = {"\r\n": "↵", "\n": "↵", "\r": "↵", "\t": "⇥"}
_BREAK = regex.compile(r"\r\n|[\n\r\t]")
_UNIT = regex.compile(r"⟦U\+[0-9A-F]+⟧|.")


def visible(text: str, limit: int = LIMIT) -> str:
    r"""The text with each hidden character written out as ``⟦U+202E⟧``, cut in the middle if longer than ``limit``.

    Line breaks show as ``↵`` and tabs as ``⇥``. Stacked accents are written out from the fifth on. The result is at
    most ``limit`` characters long, plus the note that says how long the text was.

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


def _reveal(text: str) -> str:
    broken = _BREAK.sub(lambda found: _BREAKS[found[0]], text)
    return str(_HIDDEN.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", broken))


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
        used += len(unit)
        if used > width:
            break
        kept.append(unit)
    return "".join(kept[::-1] if backwards else kept)
