"""Checks, after use, that market data are still the verified ones."""

from __future__ import annotations

from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.segment.read import Segment
from quantlaxmi.segment.window import Window

__all__ = ["check_unchanged"]


def check_unchanged(data: MarketData) -> None:
    """Refuse results of a segment whose columns were changed while they were used.

    Rows in memory have no file and pass.

    Raises
    ------
    SegmentCorrupt
        As `Segment.check_unchanged`.
    """
    whole = data.source if isinstance(data, Window) else data
    if isinstance(whole, Segment):
        whole.check_unchanged()
