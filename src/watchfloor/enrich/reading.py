"""What a batch says of accounts and hosts; an alert says it in its evidences."""

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa

from watchfloor.enrich.aliases import MAX_NAME, Account

ACCOUNT = ("uid", "uid_alt", "email_addr", "name", "domain")
ALERTS = frozenset({2004, 2006})
"""Detection finding and data security finding: an alert, which names whom and what it is about as evidence."""

_EVIDENCE = (
    ("user", ACCOUNT),
    ("device", ("hostname", "uid")),
    ("src_endpoint", ("ip", "hostname")),
)


class Reading:
    """The text columns of a batch by name, an alert's filled from its evidences where it says nothing itself.

    A batch without ``rest`` has no evidences.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._evidence = dict(_evidences(batch)) if "rest" in batch.schema.names else {}
        self._columns: dict[str, list[str | None]] = {}
        self.namespaces = [source.partition("_")[0] for source in batch.column("source").to_pylist()]

    def column(self, name: str) -> list[str | None]:
        """The values of a column, one a row; a text too long to name anything is none."""
        if name not in self._columns:
            values: list[str | None] = self._batch.column(name).to_pylist()
            for row, found in self._evidence.items():
                values[row] = found.get(name, values[row])
            self._columns[name] = [value if value and len(value) <= MAX_NAME else None for value in values]
        return self._columns[name]

    def hosts(self) -> list[str | None]:
        """The host of each row: by its name, where a sensor on it says it, else by the source's own id of the device.

        What a person calls their device is no name: they may choose that of any host.
        """
        named, uids = self.column("device.hostname"), self.column("device.uid")
        return [
            f"host:{name.lower()}" if name else f"host:{namespace}:{uid}" if uid else None
            for namespace, name, uid in zip(self.namespaces, named, uids, strict=True)
        ]

    def accounts(self, prefix: str) -> Iterator[Account | None]:
        """The account that each row names as ``actor.user`` or as ``user``."""
        columns = [self.column(f"{prefix}.{name}") for name in ACCOUNT]
        places = self.column("device.hostname")
        # The session is that of who acts; a session that an event issues to somebody else has its role in its ARN.
        issuers = self.column("actor.session.issuer") if prefix == "actor.user" else [None] * len(places)
        for namespace, host, issuer, *values in zip(self.namespaces, places, issuers, *columns, strict=True):
            if any(values):
                uid, uid_alt, email_addr, name, domain = values
                yield Account(namespace, uid, uid_alt, email_addr, name, domain, host, issuer)
            else:
                yield None


def _evidences(batch: pa.RecordBatch) -> Iterator[tuple[int, dict[str, str]]]:
    for row, class_uid in enumerate(batch.column("class_uid").to_pylist()):
        if class_uid not in ALERTS:
            continue
        evidences = orjson.loads(batch.column("rest")[row].as_py() or b"{}").get("evidences")
        if not isinstance(evidences, list):
            continue
        found: dict[str, str] = {}
        for part, names in _EVIDENCE:
            columns = [f"{part}.{name}" for name in names]
            if any(batch.column(column)[row].as_py() is not None for column in columns):
                continue
            objects = (_texts(one.get(part), names) for one in evidences if isinstance(one, dict))
            first: dict[str, str] = next((texts for texts in objects if texts), {})
            found.update((f"{part}.{name}", text) for name, text in first.items())
        yield row, found


def _texts(value: Any, names: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: value[name] for name in names if isinstance(value.get(name), str)}
