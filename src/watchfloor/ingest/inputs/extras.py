"""Libraries that only some inputs need, and only whoever has such an input installs."""

import importlib
from typing import Any

from watchfloor.errors import InputError


def installed(name: str, *, extra: str) -> Any:
    """The module of this name, which comes with an extra of Watchfloor.

    >>> installed("no_such_library", extra="nats")
    Traceback (most recent call last):
    watchfloor.errors.InputError: this input needs no_such_library: install watchfloor[nats]

    Raises:
        InputError: It is not installed; says how it comes here.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"this input needs {name}: install watchfloor[{extra}]") from error
