"""The vendor's side of an event: what Sigma rules, written against the vendor's own field names, read.

Between normalization and detection a batch carries

* ``native.logsource``: the Sigma log sources that the record serves, ``product/category/service`` triples joined by
  ``;`` (dictionary-encoded; a record serves several: ``windows/process_creation/;windows//sysmon;windows//``),
* ``native.FIELD`` for each field of the decode plan: its text, or null where the record has none. A column is a string
  column, or a list of strings as soon as one row of the batch has several values,
* ``native.*``, only if a loaded rule searches keywords: the list of all leaf values of the record, or null if it is
  known to hold no keyword.

Numbers are their JSON text, booleans ``true`` and ``false``.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

import msgspec
import pyarrow as pa

from watchfloor.event import NATIVE

LOGSOURCE = NATIVE + "logsource"
ALL_VALUES = "*"
KEYWORDS = NATIVE + ALL_VALUES


class LogSource(msgspec.Struct, frozen=True, order=True):
    """A Sigma log source; an empty part is unspecified."""

    product: str = ""
    category: str = ""
    service: str = ""

    def served_by(self, served: "LogSource") -> bool:
        """Whether a record that serves ``served`` is of this log source: each part named here must be the same.

        >>> LogSource("windows").served_by(LogSource("windows", "process_creation"))
        True
        >>> LogSource(category="dns").served_by(LogSource("windows", "dns_query"))
        False
        """
        return (
            self.product in {"", served.product}
            and self.category in {"", served.category}
            and self.service in {"", served.service}
        )


class DecodePlan(msgspec.Struct, frozen=True):
    """Which vendor fields loaded rules name; nothing else is decoded for them.

    ``fields`` are read of every record, ``further`` ones of records that are of a log source. The field ``*`` is all
    values of a record: keywords are searched in them.
    """

    fields: frozenset[str] = frozenset()
    further: dict[LogSource, frozenset[str]] = {}

    def __or__(self, other: "DecodePlan") -> "DecodePlan":
        """The plan that serves both."""
        further = dict(self.further)
        for source, fields in other.further.items():
            further[source] = further.get(source, frozenset()) | fields
        return DecodePlan(self.fields | other.fields, further)

    def wanted(self, served: Iterable[LogSource]) -> frozenset[str]:
        """The fields that are read of a record that serves these log sources.

        >>> plan = DecodePlan(frozenset({"a"}), {LogSource("windows"): frozenset({"b"})})
        >>> sorted(plan.wanted([LogSource("windows", "", "security")])), sorted(plan.wanted([LogSource("okta")]))
        (['a', 'b'], ['a'])
        """
        sources = tuple(served)
        of = (fields for source, fields in self.further.items() if any(map(source.served_by, sources)))
        return self.fields.union(*of)


MayHold = Callable[[tuple[LogSource, ...]], AbstractSet[int]]
"""The rows with records that may hold a keyword which a rule looks for, if they serve these log sources."""

Seek = Callable[[pa.BinaryArray], MayHold]
"""Looks for keywords in the raw records of a batch."""


def encode_logsources(served: Iterable[LogSource]) -> str:
    """The text of ``native.logsource``.

    >>> encode_logsources([LogSource("okta", "", "okta")])
    'okta//okta'
    """
    return ";".join(f"{one.product}/{one.category}/{one.service}" for one in served)


def decode_logsources(text: str) -> tuple[LogSource, ...]:
    """The log sources that ``encode_logsources`` wrote.

    >>> [one.category for one in decode_logsources("windows/process_creation/;windows//")]
    ['process_creation', '']
    """
    return tuple(LogSource(*one.split("/")) for one in text.split(";") if one)
