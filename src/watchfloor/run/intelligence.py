"""Indicators from the store as what enrichment knows."""

from watchfloor.enrich.indicators import indicator_tables
from watchfloor.operator import Reference
from watchfloor.settings import DataFolder
from watchfloor.store.indicators import IndicatorStore


def known_indicators(folder: DataFolder, tenant: str) -> Reference:
    """The indicators of a data folder that are not revoked; each counts for the events of its own time."""
    store = IndicatorStore(folder.database)
    try:
        return Reference(1, indicator_tables(store.valid(tenant)))
    finally:
        store.close()
