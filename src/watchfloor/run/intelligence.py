"""Indicators from the store as what enrichment knows."""

from watchfloor.enrich.indicators import indicator_tables
from watchfloor.settings import DataFolder
from watchfloor.store.indicators import IndicatorStore


def indicators_of(folder: DataFolder, tenant: str) -> dict[str, dict[str, str]]:
    """The reference tables of the indicators of a data folder; each counts for the events of its own time."""
    store = IndicatorStore(folder.database)
    try:
        return indicator_tables(store.valid(tenant))
    finally:
        store.close()
