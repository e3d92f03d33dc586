"""How far apart the snapshots of a chain session are."""

from __future__ import annotations

import numpy as np

from quantlaxmi.schema import ChainFlag
from quantlaxmi.segment.market_data import MarketData

__all__ = ["median_interval"]


def median_interval(market: MarketData) -> int | None:
    """Return the median time between consecutive snapshots of an option chain.

    Parameters
    ----------
    market : MarketData

    Returns
    -------
    int or None
        Nanoseconds: of an even number the lower one in the middle, so that it is an interval that
        occurs. None where there are not two snapshots at different times.
    """
    chain = market.columns("chain")
    if not len(chain["seq"]):
        return None
    times = chain["ts_ns"][chain["flags"] & ChainFlag.LAST != 0]
    intervals = np.diff(times)
    intervals = np.sort(intervals[intervals > 0])
    return int(intervals[(len(intervals) - 1) // 2]) if len(intervals) else None
