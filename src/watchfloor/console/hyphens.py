"""Places where the long words of technique names may break in the narrow columns of the ATT&CK map."""

import regex
from markupsafe import Markup, escape

from watchfloor.console.text import visible

_LONG_WORD = regex.compile(r"[A-Za-z]{9,}")
_ONSET = "(?:[sctp]h|[bcdfgkpt][rl]|[b-df-hj-np-tv-z])(?=[aeiouy])"
_BREAK = regex.compile(
    rf"(?<=[a-z]{{3}})(?:(?<=[aeiou])|(?<=[aeiou][b-df-hj-np-tv-z]))(?<![sctp](?=h))(?={_ONSET}[a-z]{{2}})",
    regex.IGNORECASE,
)
"""Before the consonants that begin a syllable; near enough to hyphenation for English."""
_LENGTH = 60


def hyphenated(name: str) -> Markup:
    r"""The name, visible, isolated and escaped, with soft hyphens in its long words and a break after a slash.

    >>> hyphenated("Multi-Factor Authentication").replace("\xad", "|")
    Markup('<bdi>Multi-Factor Authen|ti|ca|tion</bdi>')
    """
    soft = _LONG_WORD.sub(lambda word: _BREAK.sub("\xad", word[0]), visible(name, _LENGTH))
    return Markup(f"<bdi>{escape(soft).replace('/', Markup('/<wbr>'))}</bdi>")  # noqa: S704 - escaped here
