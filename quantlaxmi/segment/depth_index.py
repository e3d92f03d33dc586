"""One depth index of market data, made when it is first asked for and kept as long as the data."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.segment.window import Window

__all__ = ["depth_index_of"]

#: By market data: rows of the depth table when it was read, and the index, where there can be one.
_KEPT: WeakKeyDictionary[MarketData, tuple[int, DepthIndex | None]] = WeakKeyDictionary()


def depth_index_of(market: MarketData) -> DepthIndex | None:
    """Return the index of a market's depth, with which runs visit messages instead of rows.

    Making it takes as long as three or four runs over the depth, so it is worth it for who runs
    often over the same market: gates and their draws. It goes when the market data go. A window
    that begins with its whole uses the index of the whole, where that is at hand.

    Parameters
    ----------
    market : MarketData

    Returns
    -------
    DepthIndex or None
        None where there is no depth, where the market is an object that no index can be kept for
        (it has no hash, or cannot be referred to weakly), or where the table cannot be indexed: a
        row breaks the rules of segments, a price is outside a tenth of int64, or the index would
        exceed a gibibyte. Runs then rebuild the book row by row.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> segment = open_segment("data/planted")
    >>> index = depth_index_of(segment)
    >>> index.n_messages == segment.counts["depth"].messages
    True
    >>> depth_index_of(segment) is index
    True
    """
    depth = market.columns("depth")
    rows = len(depth["seq"])
    if rows == 0:
        return None
    if isinstance(market, Window) and market.warmup_seq == market.source.first_seq:
        kept = _KEPT.get(market.source)
        if kept is not None and kept[0] >= rows:
            return kept[1]
    try:
        kept = _KEPT.get(market)
    except TypeError:
        return None
    # While a horizon is in force the table is shorter: such an index is made anew when it is over.
    if kept is None or kept[0] < rows:
        try:
            kept = rows, DepthIndex(depth, len(market.instruments))
        except ValueError:
            kept = rows, None
        _KEPT[market] = kept
    return kept[1]
