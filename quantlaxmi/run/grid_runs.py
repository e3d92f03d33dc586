"""Many settings of one strategy over one market, each reduced to its equity in clock buckets.

What settings share is made once: costs, the tables, the mids at the ends of the buckets. A setting
is then one pass of the engine without the GIL, and its equity is summed by a kernel from the
engine's records; no ledger and no curve is built in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.equity_buckets import equity_buckets
from quantlaxmi._ext.trip_times import trip_times
from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.parallel import cores
from quantlaxmi.parallel.threads import Progress, iterate_in_order
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.grid_market import GridMarket, bind_setting, in_order
from quantlaxmi.run.note_rounding import currency_weights, note_rows, rounding_at
from quantlaxmi.run.records import Account
from quantlaxmi.run.session import Session
from quantlaxmi.schema import I64
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.unchanged import check_unchanged
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.holdout import refuse_sealed

__all__ = ["GridRuns", "SettingRun", "grid_runs"]


@dataclass(frozen=True, eq=False)
class SettingRun:
    """What is kept of the run of one setting.

    Attributes
    ----------
    config : StrategyConfig or None
        None: the strategy as it was given.
    halves : ndarray of int64, shape (2, n_ends)
        Equity at each end, upper and lower 64 bits; see `equity`.
    trips : ndarray of int64, shape (3, n_closed)
        When the opening and the closing of each closed round trip were decided, and when the
        closing was filled, ns.
    is_open : bool
        Whether a position is open at the end of the run.
    n_fills : int
    net_by_instrument : tuple of int
        Net of each instrument at the end of the run, at the exponent of `equity`; rounding of
        contract notes is of no instrument.
    """

    config: StrategyConfig | None
    halves: I64
    trips: I64
    is_open: bool
    n_fills: int
    net_by_instrument: tuple[int, ...]

    @property
    def equity(self) -> list[int]:
        """Equity at each end, at the ledger exponent - 1; before the first fill it is 0."""
        found: list[int] = int128_array(*self.halves).tolist()
        return found

    @property
    def net(self) -> list[int]:
        """Increment of equity in each bucket."""
        equity = self.equity
        return [b - a for a, b in zip([0, *equity], equity, strict=False)]


@dataclass(frozen=True, eq=False)
class GridRuns:
    """The runs of several settings over one market.

    Attributes
    ----------
    ends : ndarray of int64, shape (n_ends,)
        Last stamp of each bucket, ns, ascending.
    runs : tuple of SettingRun
        In the order of the settings given.
    """

    ends: I64
    runs: tuple[SettingRun, ...]


def _reduced(market: GridMarket, config: StrategyConfig | None, session: Session) -> SettingRun:
    """What is kept of a finished session."""
    engine = session.engine
    accounts, mids = engine.accounts(), session.last_mids().tolist()
    tables = engine.tables(last=True)
    fills, (funding, paid_ns) = tables["fills"], market.settled(tables["funding"])
    scales = [term[1] for term in session.terms]
    halves = np.zeros((2, len(market.ends)), np.int64)
    try:
        equity_buckets(
            fills,
            funding,
            paid_ns,
            in_order(tables["borrow"], tables["borrow"]["ts_ns"])[0],
            np.array(scales, np.int64),
            market.packed_weights,
            market.loans(session),
            market.ends,
            market.mid2,
            halves,
        )
        trips, is_open = trip_times(fills, _decided_ns(fills, tables), len(scales))
    except OverflowError as error:
        raise FixedPointOverflow("grid_runs", (str(error),)) from None
    halves = _after_notes(market, session, fills, halves)
    marked = zip(accounts, mids, scales, market.weights, strict=True)
    nets = tuple(Account.marked(b, mid, scale).net * w for b, mid, scale, w in marked)
    return SettingRun(config, halves, trips, is_open, len(fills), nets)


def _after_notes(market: GridMarket, session: Session, fills: npt.NDArray[Any], halves: I64) -> I64:
    """Equity at the ends with what rounding of contract notes adds to the fees."""
    costs, exponent = market.config.costs, session.ledger_exponent
    notes = note_rows(fills, session.instruments, costs, exponent, market.segment)
    if not len(notes):
        return halves
    at = np.searchsorted(notes["ts_ns"], market.ends, side="right")
    added = rounding_at(notes, currency_weights(session.instruments, market.weights), at)
    return np.stack(int128_halves(int128_array(*halves) - added))


def _decided_ns(fills: npt.NDArray[Any], tables: dict[str, npt.NDArray[Any]]) -> I64:
    """When each fill was decided; a closing of the engine's own is decided when it is filled."""
    decided = fills["decision"]
    found = np.ascontiguousarray(fills["ts_ns"])
    own = decided >= 0
    if own.any():
        found = np.where(own, tables["decisions"]["ts_ns"][np.where(own, decided, 0)], found)
    return found


def grid_runs(
    segment: MarketData,
    strategy: Strategy | BoundStrategy,
    configs: Sequence[StrategyConfig | None],
    ends: I64,
    *,
    config: RunConfig,
    weights: Sequence[int] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> GridRuns:
    """Run a strategy with each of several settings and keep its equity in clock buckets.

    Parameters
    ----------
    segment : MarketData
        A segment, or a window of it: then every run is fresh, warmed on the messages before it.
    strategy : Strategy or BoundStrategy
        Of the class that is run. A bound one has its own settings alone.
    configs : sequence of StrategyConfig or None
        None is the strategy as it is given.
    ends : ndarray of int64, shape (n_ends,)
        Last stamp of each bucket, ascending, as `quantlaxmi.gates.path.clock_buckets` cuts them.
    config : RunConfig
        Costs, limits, latency; with ``flatten`` what is open at the last message is closed there.
    weights : sequence of int, optional
        By instrument, what its money is multiplied by; 1 by default.
    threads : int, optional
        All by default; a strategy that is no kernel runs on one. Results do not depend on it.
    progress : callable, optional
        Called with settings done and settings in all.

    Returns
    -------
    GridRuns
        Equity equals that of `quantlaxmi.run.equity.equity_curve`, to the last unit.

    Raises
    ------
    StrategyError
        A setting cannot be run; of several the first.
    FixedPointOverflow
        Money does not fit.
    HoldoutError
        Some rows are sealed in the trial ledger that is in use.

    Examples
    --------
    >>> import numpy as np
    >>> from quantlaxmi import open_segment
    >>> from quantlaxmi.run.config import RunConfig
    >>> from quantlaxmi.strategies.registry import StrategyRegistry
    >>> segment = open_segment("data/planted")
    >>> strategy = StrategyRegistry().create("basis_capture")
    >>> ends = np.array([segment.last_ts_ns])
    >>> found = grid_runs(segment, strategy, [strategy.config], ends, config=RunConfig())
    >>> found.runs[0].n_fills
    1212
    """
    refuse_sealed(segment)
    market = GridMarket(segment, config, ends, weights)
    bounds = [bind_setting(strategy, one, segment) for one in configs]
    kernels = all(bound.form == "kernel" for bound in bounds)

    def one(index: int) -> SettingRun:
        bound = bounds[index]
        if bound.form == "python":  # it has state of its own, made anew for the run
            bound = bind_setting(strategy, configs[index], segment)
        return _reduced(market, configs[index], market.run(bound))

    found = iterate_in_order(
        one, range(len(configs)), threads=cores(threads) if kernels else 1, progress=progress
    )
    runs = tuple(found)
    check_unchanged(segment)
    return GridRuns(ends, runs)
