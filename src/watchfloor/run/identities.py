"""Who is who, from the store into a graph and back."""

from collections.abc import Iterator
from contextlib import contextmanager

from watchfloor.enrich import IdentityGraph
from watchfloor.settings import DataFolder
from watchfloor.store.identities import IdentityStore


@contextmanager
def identity_store(folder: DataFolder) -> Iterator[IdentityStore]:
    """The store of a data folder."""
    store = IdentityStore(folder.database)
    try:
        yield store
    finally:
        store.close()


def known_identities(folder: DataFolder, tenant: str) -> IdentityGraph:
    """A graph of what directories list and people decided; it knows of no event yet."""
    with identity_store(folder) as store:
        return IdentityGraph(store.people(tenant), store.decisions(tenant))


def whole_identities(folder: DataFolder, tenant: str, version: int | None = None) -> IdentityGraph:
    """A graph of all that is known, directories and decisions as of a version."""
    with identity_store(folder) as store:
        return IdentityGraph(
            store.people(tenant, version), store.decisions(tenant, version), store.links(tenant), store.noted(tenant)
        )


def keep_links(folder: DataFolder, tenant: str, graph: IdentityGraph) -> None:
    """Keep what the events of a run showed, in place of what those of an earlier run did."""
    with identity_store(folder) as store:
        store.replace_learned(tenant, graph.links, graph.noted)
