"""Fills the ``entity.*`` columns: who, to whom, on which host, from which address."""

from collections.abc import Iterator

import pyarrow as pa

from watchfloor.enrich.aliases import Account, aliases_of
from watchfloor.enrich.identity import IDENTITY, Link
from watchfloor.operator import Reference

_ACCOUNT = ("uid", "uid_alt", "email_addr", "name", "domain")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


class Enricher:
    """Stateless, given the reference tables: the same events and the same epoch give the same tags."""

    def __init__(self, reference: Reference | None = None) -> None:
        self._identity = (reference or Reference()).tables.get(IDENTITY, {})

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its entity columns set; ``app`` and ``resource``, which the source names, are kept."""
        hosts = _hosts(batch)
        columns = {
            "entity.actor": self._resolve(_first_aliases(batch, "actor.user", hosts)),
            "entity.user": self._resolve(_without_apps(batch, _first_aliases(batch, "user", hosts))),
            "entity.host": self._resolve(hosts),
            "entity.peer": self._resolve(_peers(batch, hosts)),
            "entity.address": _addresses(batch),
        }
        for name, values in columns.items():
            position = batch.schema.get_field_index(name)
            batch = batch.set_column(position, batch.schema.field(position), pa.array(values, pa.string()))
        return batch

    def _resolve(self, ids: list[str | None]) -> list[str | None]:
        table = self._identity
        return [table.get(one, one) if one is not None else None for one in ids]


def links(batch: pa.RecordBatch) -> Iterator[Link]:
    """The identity links that the events of a batch show, each pair of aliases once."""
    hosts = _hosts(batch)
    uids = batch.column("metadata.uid").to_pylist()
    seen = set()
    for prefix in ("actor.user", "user"):
        for account, uid in zip(_accounts(batch, prefix, hosts), uids, strict=True):
            if account is None or account in seen:
                continue
            seen.add(account)
            best, *rest = aliases_of(account) or ("",)
            for other in rest:
                yield Link(best, other, uid)


def host_ids(batch: pa.RecordBatch) -> set[str]:
    """The hosts of a batch."""
    return {host for host in _hosts(batch) if host is not None}


def _column(batch: pa.RecordBatch, name: str) -> list[str | None]:
    values: list[str | None] = batch.column(name).to_pylist()
    return values


def _hosts(batch: pa.RecordBatch) -> list[str | None]:
    return [f"host:{name.lower()}" if name else None for name in _column(batch, "device.hostname")]


def _accounts(batch: pa.RecordBatch, prefix: str, hosts: list[str | None]) -> Iterator[Account | None]:
    sources = _column(batch, "source")
    columns = [_column(batch, f"{prefix}.{name}") for name in _ACCOUNT]
    # The session is that of who acts; a session that an event issues to somebody else has its role in its ARN.
    issuers = _column(batch, "actor.session.issuer") if prefix == "actor.user" else [None] * len(hosts)
    for source, host, issuer, *values in zip(sources, hosts, issuers, *columns, strict=True):
        if any(values):
            place = host.partition(":")[2] if host else None
            uid, uid_alt, email_addr, name, domain = values
            yield Account((source or "").partition("_")[0], uid, uid_alt, email_addr, name, domain, place, issuer)
        else:
            yield None


def _first_aliases(batch: pa.RecordBatch, prefix: str, hosts: list[str | None]) -> list[str | None]:
    accounts = _accounts(batch, prefix, hosts)
    return [next(iter(aliases_of(account)), None) if account else None for account in accounts]


_SERVICE = 4


def _without_apps(batch: pa.RecordBatch, users: list[str | None]) -> list[str | None]:
    """An application's service principal is no second entity beside the application that the source names."""
    columns = (users, batch.column("user.type_id").to_pylist(), batch.column("entity.app").to_pylist())
    return [None if kind == _SERVICE and app else user for user, kind, app in zip(*columns, strict=True)]


def _peers(batch: pa.RecordBatch, hosts: list[str | None]) -> list[str | None]:
    """The machine at the other end: the destination, or where a logon came from if that is the host itself."""
    names, addresses, sources = (
        _column(batch, name) for name in ("dst_endpoint.hostname", "dst_endpoint.ip", "src_endpoint.hostname")
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


def _addresses(batch: pa.RecordBatch) -> list[str | None]:
    return [f"address:{ip}" if ip and ip not in _LOOPBACK else None for ip in _column(batch, "src_endpoint.ip")]
