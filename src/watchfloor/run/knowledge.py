"""What enrichment knows before an event comes: who is who, what is worth how much, what is known to be bad."""

import msgspec

from watchfloor.enrich import IdentityGraph
from watchfloor.enrich.assets import ASSETS, asset_table
from watchfloor.enrich.indicators import indicator_tables
from watchfloor.operator import Reference
from watchfloor.run.content import Content
from watchfloor.run.identities import identity_store
from watchfloor.run.offer import Given
from watchfloor.settings import DataFolder
from watchfloor.store.indicators import IndicatorStore


def known_of(folder: DataFolder, content: Content, tenant: str, graph: IdentityGraph) -> Reference:
    """A graph of identities, the inventory of the content and the indicators of a data folder, as reference tables.

    Raises:
        StoreError: The database cannot be read.
    """
    listed = graph.publish()
    return msgspec.structs.replace(
        listed, tables={**listed.tables, **assets_of(content), **_indicators(folder, tenant)}
    )


def given_of(folder: DataFolder, content: Content, tenant: str) -> Given:
    """What people and feeds say: the directories, decisions and indicators of a data folder, the content's inventory.

    Raises:
        StoreError: The database cannot be read.
    """
    with identity_store(folder) as store:
        people, decisions = store.people(tenant), store.decisions(tenant)
    return Given(people, decisions, {**assets_of(content), **_indicators(folder, tenant)})


def assets_of(content: Content) -> dict[str, dict[str, str]]:
    """The inventory as reference tables."""
    return {ASSETS: asset_table(content.assets.values())}


def _indicators(folder: DataFolder, tenant: str) -> dict[str, dict[str, str]]:
    """The indicators; each counts for the events of its own time."""
    store = IndicatorStore(folder.database)
    try:
        return indicator_tables(store.valid(tenant))
    finally:
        store.close()
