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
from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.fixed import int128_array, int_to_int128
from quantlaxmi.parallel import cores
from quantlaxmi.parallel.threads import Progress, iterate_in_order
from quantlaxmi.run.accrued import loans_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.ledger_lines import marks_at_times, paid_at
from quantlaxmi.run.records import Account
from quantlaxmi.run.replay import bind
from quantlaxmi.run.session import Session
from quantlaxmi.schema import I64, TABLES
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.depth_index import depth_index_of
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
        Net of each instrument at the end of the run, at the exponent of `equity`.
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


class _Market:
    """What all settings of a grid share."""

    def __init__(
        self,
        segment: MarketData,
        config: RunConfig,
        ends: I64,
        weights: Sequence[int] | None,
    ) -> None:
        self.segment, self.config, self.ends = segment, config.complete_for(segment), ends
        n = len(segment.instruments)
        self.tables = {name: segment.columns(name) for name in TABLES}
        self.depth_index = depth_index_of(segment)
        self.mid2 = marks_at_times(segment, ends, range(n))
        self.weights = (1,) * n if weights is None else tuple(weights)
        if max(self.weights, default=1) >= 2**63:
            raise FixedPointOverflow("grid_runs", self.weights)
        self._packed_loans: I64 | None = None
        self._paid_at: tuple[I64, I64] | None = None
        self.packed_weights = np.array(self.weights, np.int64)

    def run(self, bound: BoundStrategy) -> Session:
        """The finished session of one setting."""
        session = Session(self.segment.instruments, bound, self.config, self.segment.origin)
        session.engine.refuse_before(self.segment.first_seq)
        session.feed(self.tables, depth_index=self.depth_index)
        session.finish()
        return session

    def reduced(self, config: StrategyConfig | None, session: Session) -> SettingRun:
        """What is kept of a finished session."""
        engine = session.engine
        accounts, mids = engine.accounts(), session.last_mids().tolist()
        tables = engine.tables(last=True)
        fills, (funding, paid_ns) = tables["fills"], self._settled(tables["funding"])
        scales = [term[1] for term in session.terms]
        halves = np.zeros((2, len(self.ends)), np.int64)
        try:
            equity_buckets(
                fills,
                funding,
                paid_ns,
                _in_order(tables["borrow"], tables["borrow"]["ts_ns"])[0],
                np.array(scales, np.int64),
                self.packed_weights,
                self._loans(session),
                self.ends,
                self.mid2,
                halves,
            )
            trips, is_open = trip_times(fills, _decided_ns(fills, tables), len(scales))
        except OverflowError as error:
            raise FixedPointOverflow("grid_runs", (str(error),)) from None
        marked = zip(accounts, mids, scales, self.weights, strict=True)
        nets = tuple(Account.marked(b, mid, scale).net * w for b, mid, scale, w in marked)
        return SettingRun(config, halves, trips, is_open, len(fills), nets)

    def _loans(self, session: Session) -> I64:
        """At what each instrument is borrowed, as the kernel takes it: one for all settings."""
        if self._packed_loans is None:  # fractions are slow
            costs, exponent = self.config.costs, session.ledger_exponent
            loans = loans_of(session.instruments, costs, exponent)
            packed = [(num, *int_to_int128(den)) for num, den in loans]
            self._packed_loans = np.array(packed, np.int64).reshape(-1, 3)
        return self._packed_loans

    def _settled(self, funding: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], I64]:
        """Settlements in the order of their receive times."""
        if not len(funding):
            return funding, np.zeros(0, np.int64)
        due = np.stack([funding["seq"], funding["ts_ns"]])
        known = self._paid_at
        if known is None or not np.array_equal(known[0], due):
            # All settings meet the same settlements, as a rule.
            known = self._paid_at = due, paid_at(self.segment, funding)
        return _in_order(funding, known[1])


def _in_order(rows: npt.NDArray[Any], times: I64) -> tuple[npt.NDArray[Any], I64]:
    """Rows by their times; those of one time stay as they are."""
    if len(rows) and (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        return rows[order], np.ascontiguousarray(times[order])
    return rows, np.ascontiguousarray(times)


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
    market = _Market(segment, config, ends, weights)
    bounds = [_bound(strategy, one, segment) for one in configs]
    kernels = all(bound.form == "kernel" for bound in bounds)

    def one(index: int) -> SettingRun:
        bound = bounds[index]
        if bound.form == "python":  # it has state of its own, made anew for the run
            bound = _bound(strategy, configs[index], segment)
        return market.reduced(configs[index], market.run(bound))

    found = iterate_in_order(
        one, range(len(configs)), threads=cores(threads) if kernels else 1, progress=progress
    )
    runs = tuple(found)
    check_unchanged(segment)
    return GridRuns(ends, runs)


def _bound(
    strategy: Strategy | BoundStrategy, config: StrategyConfig | None, segment: MarketData
) -> BoundStrategy:
    """The strategy with one setting, for one run.

    Raises
    ------
    StrategyError
        It cannot be made from settings alone, or was given bound and keeps state of its own.
    """
    made: Strategy | BoundStrategy = strategy
    if config is not None:
        if isinstance(strategy, BoundStrategy):
            raise StrategyError(
                f"strategy {strategy.strategy_id!r} was given bound, so it has no other settings: "
                "give the strategy itself"
            )
        made = type(strategy).made_with(config)
        if made.config is not config:  # equal by chance, as defaults are
            raise StrategyError(
                f"strategy {made.strategy_id!r} does not keep the settings it is given"
            )
    elif isinstance(strategy, BoundStrategy) and strategy.form == "python":
        raise StrategyError(
            f"strategy {strategy.strategy_id!r} was given bound, so it cannot be run again "
            "afresh: give the strategy itself"
        )
    return bind(made, segment.instruments)
