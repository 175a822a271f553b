"""Gives memory back that was used and is free: what allocators keep of each thread's peak adds up to its multiple."""

import ctypes

import pyarrow as pa

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of the GNU C library alone."""


def give_back() -> None:
    """Give back what Arrow and the C library keep for later; takes some milliseconds, and what comes next some more."""
    pa.default_memory_pool().release_unused()
    if _TRIM is not None:
        _TRIM(0)
