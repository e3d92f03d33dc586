"""Bars of contracts as assumed quotes on their ticks, within sessions of the dated table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.importers.bars.messages import BarTables, spread_out
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.importers.bars.sessions import GapRule
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.source import MAX_LISTED_GAPS

__all__ = ["ContractBars", "DatedSessions"]


class DatedSessions(GapRule):
    """Decisions wait over closed times; a bar is missing where a session has none.

    Parameters
    ----------
    interval_ns : int
        Length of a bar.
    sessions : sequence of (int, int)
        First instants and ends, ascending, none inside another.
    """

    def __init__(self, interval_ns: int, sessions: Sequence[tuple[int, int]]) -> None:
        super().__init__(interval_ns)
        spans = np.array(sessions, np.int64).reshape(-1, 2)
        self._opens, lengths = spans[:, 0], spans[:, 1] - spans[:, 0]
        self._lengths, self._before = lengths, np.cumsum(lengths) - lengths

    def _open_until(self, at: Int64Array) -> Int64Array:
        """Nanoseconds of sessions before each time."""
        k = np.maximum(np.searchsorted(self._opens, at, "right") - 1, 0)
        inside = np.clip(at - self._opens[k], 0, self._lengths[k])
        found: Int64Array = self._before[k] + inside
        return found

    def waits(self, ended: Int64Array, begun: Int64Array) -> NDArray[np.bool_]:
        """As `GapRule.waits`: over spans in which there is no session."""
        found: NDArray[np.bool_] = (begun > ended) & (
            self._open_until(begun) == self._open_until(ended)
        )
        return found

    def n_missing(self, start_ns: int, end_ns: int) -> int:
        """As `GapRule.n_missing`: bars that the sessions have."""
        start, end = self._open_until(np.array([start_ns, end_ns], np.int64)).tolist()
        return int(end - start) // self.interval_ns


class ContractBars(BarTables):
    """Bars whose quotes are rounded outward to the tick; those of an index have no size.

    A quote whose bid would be 0 has no size either, at both sides: nobody can trade at it.

    Parameters
    ----------
    all_series : sequence of Series
        By instrument.
    sources : sequence of object
        File of each series, for errors.
    rule : DatedSessions

    Attributes
    ----------
    instruments : list of Instrument
    bidless : int
        Quotes of which the bid would be 0.
    """

    NO_TICK: Final = 1

    def __init__(
        self, all_series: Sequence[Series], sources: Sequence[object], rule: DatedSessions
    ) -> None:
        self.instruments = instruments = [series.leg.instrument for series in all_series]
        lots = [one.lot for one in instruments]
        super().__init__(all_series, None, None, sources, lots, MAX_LISTED_GAPS, rule)
        self._ticks = [one.tick or self.NO_TICK for one in instruments]
        self._ends = [min(self.last_ns, one.expiry_ns or self.last_ns) for one in instruments]
        self.bidless = 0

    def _book(
        self, instrument: int, name: str, low: int, high: int
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        bid, ask, size = super()._book(instrument, name, low, high)
        self.bidless += int(np.count_nonzero(bid == 0))
        return bid, ask, np.where(bid > 0, size, 0)

    def _spread(
        self, instrument: int, name: str, low: int, high: int
    ) -> tuple[Int64Array, Int64Array]:
        series, tick = self._series[instrument], self._ticks[instrument]
        prices = np.array(series.column(name)[low:high])
        bid, ask = spread_out(prices, series.leg.half_spread_bps)
        bid, ask = bid // tick * tick, -(-ask // tick) * tick
        if len(prices):
            self._note_widest(instrument, prices, bid, ask)
        return bid.astype(np.int64), ask.astype(np.int64)
