"""A strategy run again over option chains of the fair-variance null."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.bucket_sums import bucket_sums
from quantlaxmi._ext.trip_sums import trip_sums
from quantlaxmi.errors import FixedPointOverflow, InputError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import BoundError
from quantlaxmi.gates.path.session_bundles import nights_held
from quantlaxmi.gates.path.session_days import DAYS_OF_SUMS, SessionDays
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Moved, Replays, Sums
from quantlaxmi.options import ChainRows, DrawnChain, FairVarianceNull, chain_history
from quantlaxmi.parallel import cores
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import I64, TABLES
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy

__all__ = ["ChainReplays", "DrawnMarket", "EachAlone"]


def _none() -> I64:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class DrawnMarket(Moved):
    """One drawn market of option chains.

    Attributes
    ----------
    tops : ndarray of int64, shape (8, n_snapshots, n_rows)
        Its quotes; at first those of the recorded market.
    drawn : DrawnChain or None
        What they stand around.
    below : int
        Mids below a tick.
    quotes_of_rows : mapping of str to ndarray, optional
        Columns of the table ``chain`` that differ on it: all settings read the same ones.
    """

    tops: I64 = field(default_factory=_none)
    drawn: DrawnChain | None = None
    below: int = 0
    quotes_of_rows: Mapping[str, npt.NDArray[Any]] | None = None


class ChainReplays(Replays):
    """Runs a strategy over drawn chains, at their quotes; see `Replays` for what is not said here.

    The market has one kind of draws. Sums are of session days from ten days on, and of bundles
    (from flat to flat) below. A run that holds a contract to its end on drawn chains is not
    followed, and counts against the strategy: nothing there says what it is settled at. Nor can a
    position be held overnight, since every day begins at its recorded chain. As the run that is
    judged holds none, draws on which one is held do not count: they are told to have no bundles.

    Parameters
    ----------
    context : GateContext
        With a run to make again, over option chains.
    rerun : Rerun
    key : int
    days : SessionDays

    Attributes
    ----------
    rows : ChainRows
    null : FairVarianceNull
    by_day : bool
        Whether sums are of session days.

    Raises
    ------
    BoundError
        The chain cannot be rebuilt, or money units do not fit their integers.
    """

    def __init__(self, context: GateContext, rerun: Rerun, key: int, days: SessionDays) -> None:
        run = rerun.run
        self._rerun, self.key, self._rooms = rerun, key, []
        self._tables: dict[str, Mapping[str, npt.NDArray[Any]]] = {
            name: run.segment.columns(name) for name in TABLES
        }
        self.depth_index = None
        self.quiet_rows = None
        try:
            self.rows: ChainRows = chain_history(self._tables["chain"], run.instruments)
            self.null = FairVarianceNull(self.rows.history)
        except InputError as error:
            raise BoundError(f"The chain cannot be rebuilt: {error}.") from None
        units = [5 * s * w for s, w in zip(run.exact.scales, run.weights, strict=True)]
        self.scale = math.gcd(*units)
        weights = [u // self.scale for u in units]
        if max(weights) >= 2**63:
            raise BoundError(f"A money unit of {max(weights)} times the finest, the limit is 2^63.")
        self._weights = np.array(weights, np.int64)
        self._ends, self._end_ns = days.ends, int(days.ends[-1])
        self._last_snapshots = np.searchsorted(self.rows.history.ts_ns, days.ends, "right") - 1
        self.by_day = days.n_days >= DAYS_OF_SUMS
        self._bounds: dict[bytes, BoundStrategy] = {}
        self.threads = cores(context.threads) if rerun.run.strategy.form == "kernel" else 1

    def room(self) -> DrawnMarket:
        """Arrays for the draws of one thread; at first they are the recorded market."""
        chain, tops = self.null.room(), self.rows.history.tops
        return DrawnMarket(chain.signs, _none(), _none(), tops=tops.copy())

    def move(self, draw: int, moved: Moved, drift: bool = True) -> Moved:
        """Make the market of a draw in the arrays of `moved`; there is one kind of them."""
        assert isinstance(moved, DrawnMarket)
        moved.draw, moved.tries, moved.accepted = draw, 1, True
        moved.drawn = self.null.draw(self.key, draw, moved.drawn)
        _, moved.below = self.null.quotes(moved.drawn, moved.tops)
        moved.quotes_of_rows = None
        return moved

    def tables(self, moved: Moved) -> dict[str, Mapping[str, npt.NDArray[Any]]]:
        """The recorded columns, with the quotes of a market."""
        assert isinstance(moved, DrawnMarket)
        if moved.quotes_of_rows is None:
            moved.quotes_of_rows = self.rows.table_of(moved.tops)
        return {**self._tables, "chain": {**self._tables["chain"], **moved.quotes_of_rows}}

    def _mids(self, moved: DrawnMarket) -> I64:
        """Twice the mid of every instrument at the end of every day; 0 where it is not quoted."""
        side = np.where(self.rows.put_of, 2, 0)[:, None]
        row, at = self.rows.row_of[:, None], self._last_snapshots[None, :]
        bid, ask = moved.tops[side, at, row], moved.tops[side + 1, at, row]
        made: I64 = np.where((row >= 0) & (bid > 0) & (ask > bid), bid + ask, 0)
        return made

    def sums(self, moved: Moved, config: StrategyConfig | None = None) -> Sums:
        """Sums of the strategy on a drawn market.

        Raises
        ------
        StrategyError, FixedPointOverflow, EngineError
            The run cannot go on.
        """
        assert isinstance(moved, DrawnMarket)
        engine, mid2 = self.session(moved, config).engine, self._mids(moved)
        last = np.ascontiguousarray(mid2[:, -1])
        try:
            status, total, squares, trips, held_ns = trip_sums(
                engine, self._weights, last, self._end_ns
            )
            followed = status == 0  # else a decision saw no book, or a contract ended in hand
            if self.by_day and followed:
                followed, total, squares = bucket_sums(engine, self._weights, self._ends, mid2)
        except OverflowError as error:
            raise FixedPointOverflow("market null", (str(error),)) from None
        if not followed:
            return Sums(False, 0, 0, 0, 0)
        nights = nights_held(engine.tables()["fills"], self._ends)
        return Sums(True, total, squares, 0 if nights else trips, held_ns)


class EachAlone(SettingPasses):
    """Settings of a draw, each run by itself: sums of bundles and days are not those of lanes.

    Parameters
    ----------
    configs : sequence of StrategyConfig or None
    """

    def __init__(self, configs: Sequence[StrategyConfig | None]) -> None:
        self._configs, self.are_lanes = tuple(configs), False

    @property
    def at_once(self) -> int:
        """1: a draw is made by itself."""
        return 1
