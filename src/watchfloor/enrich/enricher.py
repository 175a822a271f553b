"""Fills the ``entity.*`` columns: who, to whom, on which host, from which address.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"source": "okta_system_log", "actor.user.uid": "00u1", "actor.user.email_addr": "A@example.com"})
>>> Enricher().process(batch).column("entity.actor").to_pylist()
['user:a@example.com']
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from watchfloor.enrich.aliases import Account, aliases_of
from watchfloor.enrich.reading import Reading
from watchfloor.enrich.resolving import Resolver
from watchfloor.operator import Reference

_LOOPBACK = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_ACCOUNTS = frozenset({"entity.actor", "entity.user"})
_SERVICE = 4


class Enricher:
    """Stateless, given the reference tables: the same events and the same epoch give the same tags."""

    def __init__(self, reference: Reference | None = None) -> None:
        self._resolver = Resolver(reference)

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its entity columns set; the source names ``app``, which is kept, and ``resource``.

        What an earlier pass found stays where the columns at hand say nothing: the lake may give no evidences.
        """
        reading = Reading(batch)
        hosts = reading.hosts()
        found: dict[str, list[str | None]] = {
            "entity.actor": _first_aliases(reading.accounts("actor.user")),
            "entity.user": _without_apps(batch, _first_aliases(reading.accounts("user"))),
            "entity.host": hosts,
            "entity.peer": _peers(reading, hosts),
            "entity.address": _addresses(reading),
            "entity.app": [None] * batch.num_rows,
            "entity.resource": [None] * batch.num_rows,
        }
        times = batch.column("time").to_pylist()
        for name, ids in found.items():
            position = batch.schema.get_field_index(name)
            named = [new or old for new, old in zip(ids, batch.column(position).to_pylist(), strict=True)]
            resolved = self._resolver.resolve(named, times)
            if name in _ACCOUNTS:
                # The account of a computer is nobody.
                resolved = [one if one is not None and one.startswith("user:") else None for one in resolved]
            batch = batch.set_column(position, batch.schema.field(position), pa.array(resolved, pa.string()))
        return batch


def _first_aliases(accounts: Iterable[Account | None]) -> list[str | None]:
    return [next(iter(aliases_of(account)), None) if account else None for account in accounts]


def _without_apps(batch: pa.RecordBatch, users: list[str | None]) -> list[str | None]:
    """An application's service principal is no second entity beside the application that the source names."""
    columns = (users, batch.column("user.type_id").to_pylist(), batch.column("entity.app").to_pylist())
    return [None if kind == _SERVICE and app else user for user, kind, app in zip(*columns, strict=True)]


def _peers(reading: Reading, hosts: list[str | None]) -> list[str | None]:
    """The machine at the other end: the destination, or where a logon came from if that is the host itself."""
    names, addresses, sources = (
        reading.column(name) for name in ("dst_endpoint.hostname", "dst_endpoint.ip", "src_endpoint.hostname")
    )
    return [
        next((peer for peer in _ends(name, ip, source) if peer != host), None)
        for name, ip, source, host in zip(names, addresses, sources, hosts, strict=True)
    ]


def _ends(name: str | None, ip: str | None, source: str | None) -> Iterator[str]:
    if name:
        yield f"host:{name.lower()}"
    elif ip and ip not in _LOOPBACK:
        yield f"address:{ip}"
    if source:
        yield f"host:{source.lower()}"


def _addresses(reading: Reading) -> list[str | None]:
    return [f"address:{ip}" if ip and ip not in _LOOPBACK else None for ip in reading.column("src_endpoint.ip")]
