"""Case-insensitive text, as Sigma compares it by default."""


def fold(text: str) -> str:
    """The text without case, character by character: Unicode simple case folding.

    The result is as long as the input, so that ``?`` stays one character and a position found in the folded text is a
    position in the text. Characters whose full folding is longer (``ß``, ``İ``) keep to their simple folding: ``ß``
    equals ``ẞ``, not ``ss``.

    >>> fold("PowerShell STRAẞE")
    'powershell straße'
    >>> len(fold("İstanbul")) == len("İstanbul")
    True
    """
    folded = text.casefold()
    return folded if len(folded) == len(text) else "".join(map(_simple, text))


def _simple(character: str) -> str:
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character
