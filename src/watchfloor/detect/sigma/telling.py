"""How much a text tells: of texts that are equally long, some are in nearly every record."""

import re

_COMMON = re.compile(
    r"c:\\|program files(?: \(x86\))?|\\windows\\|\\users\\|\\system32\\|\\appdata\\|\.exe|\.dll|microsoft"
    r"|powershell|https?://|cmd|\\software\\|\\currentversion\\"
)
"""Texts that make a longer one no rarer, because ordinary records are full of them."""


def telling(text: str) -> int:
    """How many characters of a folded text make it rarer.

    >>> telling("mimikatz"), telling("powershell -enc")
    (8, 5)
    """
    return len(_COMMON.sub("", text))
