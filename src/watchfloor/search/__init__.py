"""The search of the lake: a small language, compiled to DuckDB with every value a parameter, run inside limits.

``docs/search.md`` describes the language. A query goes through these files in this order: ``words`` (text to
tokens), ``parse`` (tokens to :mod:`watchfloor.search.syntax`), ``bounds`` (which files can hold what it looks for) and
``seeking`` (which of their row groups), ``condition`` and ``pipeline`` (to SQL), ``engine`` (to rows, by ``reading``).
"""

from watchfloor.search.engine import Limits, Searcher
from watchfloor.search.parse import parse

__all__ = ["Limits", "Searcher", "parse"]
