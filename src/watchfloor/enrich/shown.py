"""What the events of a batch show of who is who: which aliases are one account, which hosts and devices there are.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"source": "okta_system_log", "actor.user.uid": "00u1", "actor.user.email_addr": "a@example.com"})
>>> shown_by(batch).links[0].b
'user:okta:00u1'
"""

from collections.abc import Iterator, Sequence
from functools import reduce

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.enrich.aliases import MAX_NAME, WINDOWS, Account, aliases_of
from watchfloor.enrich.identity import IdentityGraph
from watchfloor.enrich.reading import ACCOUNT, ALERTS, Reading
from watchfloor.identity import Link, Noted

_ISSUER = "actor.session.issuer"
_HOST = ("device.hostname", "device.uid")
_NAMED = (*_HOST, _ISSUER, *(f"{prefix}.{name}" for prefix in ("actor.user", "user") for name in ACCOUNT))
_MORE = ("source", "time", "metadata.uid")


class Shown(msgspec.Struct, frozen=True):
    """What events show: each pair of aliases once, with the first event and the time of the last, and what else."""

    links: tuple[Link, ...]
    noted: tuple[Noted, ...]


def learn(graph: IdentityGraph, batch: pa.RecordBatch) -> None:
    """Add what the events of a batch show to a graph."""
    shown = shown_by(batch)
    for link in shown.links:
        graph.add(link)
    for one in shown.noted:
        graph.note(one)


def shown_by(batch: pa.RecordBatch) -> Shown:
    """What the events of a batch show."""
    table = _named(batch)
    links: list[Link] = []
    noted = dict.fromkeys(_hosts(table))
    for prefix, more in (("actor.user", (_ISSUER,)), ("user", ())):
        for account, first, last, uid in _accounts(table, prefix, more):
            best, *rest = aliases_of(account) or ("",)
            links += [Link(best, other, uid, first, last) for other in rest]
            if best:
                noted[Noted("account", best)] = None
    return Shown(tuple(links), tuple(noted))


def _named(batch: pa.RecordBatch) -> pa.Table:
    """The columns that name somebody; an alert's from its evidences, too, as :class:`Reading` has them."""
    alerts = pc.is_in(batch.column("class_uid"), pa.array(list(ALERTS), batch.schema.field("class_uid").type))
    table = pa.Table.from_batches([batch.select([*_MORE, *_NAMED])])
    if not pc.any(alerts).as_py():
        return table
    rows = pc.indices_nonzero(alerts)
    reading = Reading(batch.take(rows))
    told = table.take(rows)
    for name in _NAMED:
        told = told.set_column(told.schema.get_field_index(name), name, pa.array(reading.column(name), pa.string()))
    return pa.concat_tables([table.filter(pc.invert(alerts)), told])


def _accounts(table: pa.Table, prefix: str, more: Sequence[str]) -> Iterator[tuple[Account, int, int, str]]:
    """The accounts that events name as ``prefix``, each once: with the times of the first and last, and the first."""
    columns = [f"{prefix}.{name}" for name in ACCOUNT]
    some = table.filter(reduce(pc.or_, (pc.is_valid(table.column(name)) for name in columns)))
    if not some.num_rows:
        return
    order = pc.sort_indices(some, [("time", "ascending")])
    some = some.take(order).append_column("place", order)
    keys = ["source", "device.hostname", *more, *columns]
    found = some.group_by(keys, use_threads=False).aggregate(
        [("time", "min"), ("time", "max"), ("metadata.uid", "first"), ("place", "min")]
    )
    # In the order in which they came: of several links that cannot all be followed, the first is.
    for row in found.sort_by("place_min").to_pylist():
        named = {name: _short(row[f"{prefix}.{name}"]) for name in ACCOUNT}
        if any(named.values()):
            issuer = _short(row[_ISSUER]) if more else None
            namespace = row["source"].partition("_")[0]
            account = Account(namespace, **named, host=_short(row["device.hostname"]), issuer=issuer)
            yield account, row["time_min"], row["time_max"], row["metadata.uid_first"]


def _hosts(table: pa.Table) -> Iterator[Noted]:
    found = table.select(["source", *_HOST]).group_by(["source", *_HOST], use_threads=False).aggregate([])
    for row in found.to_pylist():
        namespace, name, uid = row["source"].partition("_")[0], _short(row[_HOST[0]]), _short(row[_HOST[1]])
        device = f"host:{namespace}:{uid}"
        if name or uid:
            yield Noted("host" if namespace == WINDOWS else "other host", f"host:{name.lower()}" if name else device)
        if name and uid:
            yield Noted("device", device, f"host:{name.lower()}")


def _short(text: str | None) -> str | None:
    """A text that may name something; a longer one is none."""
    return text if text and len(text) <= MAX_NAME else None
