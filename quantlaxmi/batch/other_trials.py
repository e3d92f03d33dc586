"""What a trial ledger knows besides what a catalog has: trials on the data of its discoveries.

The reports of a sweep know of no ledger, so that equal items have equal bytes whatever else ran.
Who reads the discoveries asks the ledger, as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.trials.ledger import TrialLedger
from quantlaxmi.trials.records import Extent, Trial

__all__ = ["OtherTrials", "other_trials"]


@dataclass(frozen=True, slots=True)
class OtherTrials:
    """Trials of a ledger that bear on the data of an item.

    Attributes
    ----------
    count : int
        Each once; the item's own among them, where the ledger has them.
    not_searched : int
        Those whose settings the item did not search: of other settings, other code, another
        strategy, or on other data of the same market.
    """

    count: int
    not_searched: int


def other_trials(
    catalog: Catalog, found: FamilyResult, ledger: TrialLedger
) -> dict[str, OtherTrials]:
    """What a ledger knows of the data of every discovery.

    Parameters
    ----------
    catalog : Catalog
    found : FamilyResult
        Of this catalog.
    ledger : TrialLedger
        Read up to now.

    Returns
    -------
    dict of str to OtherTrials
        By the key of the item.

    Raises
    ------
    CatalogError
        The report of a discovery is missing or was changed.
    """
    trials = ledger.trials()
    extents = {one.data.segment: one.data for one in trials}
    return {
        item.key: _of(item, trials, extents.get(item.row.planned.segment_digest), catalog)
        for item in found.discoveries
    }


def _of(
    item: FamilyItem, trials: tuple[Trial, ...], extent: Extent | None, catalog: Catalog
) -> OtherTrials:
    """Where the ledger has no trial on the segment, its time range says what bears on it."""
    planned = item.row.planned
    searched = set(catalog.item(item.key).inputs["configs"])
    bearing = {one.key for one in trials if _bears(one.data, item, extent)}
    own = {
        key
        for key in bearing
        if (key.segment, key.strategy, key.code)
        == (planned.segment_digest, planned.strategy_id, planned.code_digest)
        and key.config in searched
    }
    return OtherTrials(len(bearing), len(bearing) - len(own))


def _bears(data: Extent, item: FamilyItem, extent: Extent | None) -> bool:
    if extent is not None:
        return data.counts_for(extent)
    planned = item.row.planned
    # The symbols are not known, so all are taken: one too many is no harm.
    return data.first_ns <= planned.last_ts_ns and planned.first_ts_ns <= data.last_ns
