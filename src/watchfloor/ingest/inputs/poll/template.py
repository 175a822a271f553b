"""Texts with ``{name}`` in them, filled from settings."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def names(text: str) -> set[str]:
    """The names in a template.

    >>> sorted(names("{login}/{tenant}/oauth2"))
    ['login', 'tenant']
    """
    return set(_NAME.findall(text))


def fill(text: str, values: Mapping[str, str], quoting: Callable[[str], str] = str) -> str:
    """The template with each name replaced, once: what a value holds is never read as a template.

    >>> fill("/orgs/{org}/audit-log", {"org": "a/../b"}, segment)
    '/orgs/a%2F..%2Fb/audit-log'

    Raises:
        KeyError: A name has no value.
    """
    return _NAME.sub(lambda found: quoting(values[found[1]]), text)


def segment(text: str) -> str:
    """A value as a part of a URL's path."""
    return quote(text, safe="")
