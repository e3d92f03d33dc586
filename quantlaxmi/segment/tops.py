"""Rows that set the top of a book: quotes, and rows of chain snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.recent import Recent
from quantlaxmi.segment.market_data import MarketData

__all__ = ["top_rows"]

_NAMES: Final = ("seq", "ts_ns", "instrument", "bid", "bid_qty", "ask", "ask_qty")
#: Of segments that have both; one table alone is not copied.
_joined: Final = Recent[Mapping[str, NDArray[Any]]](most=2)


def top_rows(market: MarketData) -> Mapping[str, NDArray[Any]]:
    """Return the rows that set a book's top, in the order of their messages.

    Parameters
    ----------
    market : MarketData

    Returns
    -------
    mapping of str to ndarray, each of shape (n_rows,)
        ``seq ts_ns instrument bid bid_qty ask ask_qty``, and whatever else the one table has that
        has rows. Rows of one snapshot share their ``seq``.
    """
    quotes, chain = market.columns("quotes"), market.columns("chain")
    if not len(chain["seq"]):
        return quotes
    if not len(quotes["seq"]):
        return chain
    return _joined.get((market,), (), lambda: _merged(quotes, chain))


def _merged(
    quotes: Mapping[str, NDArray[Any]], chain: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    order = np.argsort(np.concatenate([quotes["seq"], chain["seq"]]), kind="stable")
    return {name: np.concatenate([quotes[name], chain[name]])[order] for name in _NAMES}
