"""What gates see of a finished run: its totals, its round trips, its decision points, its path.

Decision points and path are dear, and some runs have no path: each is made when it is first asked
for, once, and so is the failure to make it. A gate that asks for neither judges every run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import EngineError, StrategyError
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.context import Amounts, GateContext
from quantlaxmi.gates.keys import check_seed, gate_seed
from quantlaxmi.gates.path.bucket_costs import BucketCosts, bucket_costs
from quantlaxmi.gates.path.bundle_path import BundlePath, bundle_path
from quantlaxmi.gates.path.clock_buckets import (
    Increments,
    distinct_stamps,
    increments_at,
    increments_of,
)
from quantlaxmi.gates.path.day_steps import day_steps
from quantlaxmi.gates.path.entry_filter import entry_filter
from quantlaxmi.gates.path.market_steps import MarketSteps, market_steps
from quantlaxmi.gates.path.round_trips import PathError, TradePath
from quantlaxmi.gates.path.session_days import (
    DAYS_OF_SUMS,
    SessionDays,
    net_by_day,
    session_days,
)
from quantlaxmi.gates.path.snapshot_grid import snapshot_grid
from quantlaxmi.gates.run_records import amounts_of, check_trims, path_of, records_of
from quantlaxmi.gates.thresholds import Thresholds
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.schema import FillFlag
from quantlaxmi.strategies.grid_file import Grid

if TYPE_CHECKING:
    from quantlaxmi.run.decision_points import DecisionPoints
    from quantlaxmi.run.result import Run

__all__ = ["RunObservation", "amounts_of", "context_of", "path_of", "with_grid"]


class RunObservation:
    """The observation of a finished run.

    Parameters
    ----------
    run : Run
        Made without flattening.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @functools.cached_property
    def decision_points(self) -> DecisionPoints:
        """The rows at which the strategy could have decided."""
        from quantlaxmi.run.decision_points import decision_points

        return decision_points(self._run)

    @property
    def path(self) -> TradePath:
        """The run's actions at decision points.

        Raises
        ------
        PathError
            When the run has no path there.
        EngineError
            When the path's net is not the ledger's.
        """
        found = self._path
        if isinstance(found, PathError):
            raise found.with_traceback(None)
        return found

    @functools.cached_property
    def sessions(self) -> SessionDays | None:
        """Session days of a market of option chains; None of any other market."""
        return session_days(self._run.segment)

    @functools.cached_property
    def net_by_day(self) -> tuple[int, ...]:
        """Increments of equity over the session days; empty of other markets."""
        return () if self.sessions is None else net_by_day(self._run, self.sessions)

    @functools.cached_property
    def _path(self) -> TradePath | PathError:
        if self.sessions is not None:
            found = self._bundles
            return found if isinstance(found, PathError) else found.path
        try:
            path = path_of(self._run, self.decision_points)
        except PathError as error:
            return error
        return self._checked(path)

    @property
    def bundles(self) -> BundlePath:
        """The run's bundles over the snapshots of option sessions.

        Raises
        ------
        PathError
            The run has none that could stand elsewhere.
        EngineError
            When their net is not the ledger's.
        """
        found = self._bundles
        if isinstance(found, PathError):
            raise found.with_traceback(None)
        return found

    @functools.cached_property
    def _bundles(self) -> BundlePath | PathError:
        run, days = self._run, self.sessions
        assert days is not None
        try:
            check_trims(run)
            grid = snapshot_grid(run, entry_filter(run))
            by_day = days.n_days >= DAYS_OF_SUMS
            found = bundle_path(run, records_of(run), grid, by_day=by_day)
        except PathError as error:
            return error
        self._checked(found.path)
        return found

    def _checked(self, path: TradePath) -> TradePath:
        """The path, whose net is the ledger's."""
        # What rounding of a day's note adds belongs to no trip.
        if path.net != self.amounts.net + self.amounts.rounding:
            raise EngineError(
                f"the path's net is {path.net}, the ledger's {self.amounts.net}, at "
                f"10**{self.ledger_exponent - 1}"
            )
        return path

    @functools.cached_property
    def amounts(self) -> Amounts:
        """Totals of the ledger."""
        return amounts_of(self._run)

    @functools.cached_property
    def n_trips(self) -> int:
        """Round trips of the ledger, an open one among them."""
        return count_round_trips(self._run.exact.fills)

    @functools.cached_property
    def distinct_stamps(self) -> int:
        """Distinct times of the market's messages, counted up to the number of clock buckets."""
        return distinct_stamps(self._run.segment)

    @functools.cached_property
    def increments(self) -> Increments:
        """The run's money in clock buckets."""
        return increments_of(self._run)

    @functools.cached_property
    def bucket_costs(self) -> BucketCosts:
        """Fees and notional in the clock buckets."""
        return bucket_costs(self._run, self.increments.ends)

    @functools.cached_property
    def day_increments(self) -> Increments:
        """The run's money in the session days of option chains."""
        assert self.sessions is not None
        return increments_at(self._run, self.sessions.ends)

    def market_steps(self, most: int) -> MarketSteps | None:
        """Net PnL by steps of the clock, or by session days, and a price."""
        if self.sessions is not None:
            return day_steps(self._run, self.sessions, self.net_by_day)
        return market_steps(self._run, most)

    @functools.cached_property
    def premium_events(self) -> int:
        """Events that earn without timing: fills as maker, settlements of a position."""
        fills, funding = self._run.exact.fills, self._run.exact.funding
        makers = int((fills["flags"] & FillFlag.MAKER != 0).sum())
        paid = (funding["amount_hi"] != 0) | (funding["amount_lo"] != 0)
        return makers + int(paid.sum())

    @property
    def ledger_exponent(self) -> int:
        """Exponent of the run's money."""
        return self._run.ledger_exponent


def _currencies(run: Run) -> tuple[str, ...]:
    """Currencies of the money that a run and its re-runs may make; one with a conversion."""
    if run.conversion is not None:
        return (run.conversion.currency,)
    declared = (run.instruments[i].currency for i in run.strategy.instruments)
    return tuple(dict.fromkeys((*declared, *run.exact.traded_currencies)))


def context_of(
    run: Run,
    policy: Thresholds,
    *,
    seed: int | None = None,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
    maker: Callable[[Any], Any] | None = None,
) -> GateContext:
    """What the gates of any suite are given to judge a finished run.

    Parameters
    ----------
    run : Run
        Made without flattening.
    policy : Thresholds
    seed : int, optional
        Of the random draws. By default a hash of segment, settings searched and policy: the seed
        of a verdict (`gate_seed`).
    threads : int, optional
        Results do not depend on it.
    progress : callable, optional
        Called with (gate, draws done, draws in all).
    checkpoint : Checkpoint, optional
        Where counts of draws are kept, so that an interrupted suite goes on there.
    maker : callable, optional
        What made the strategy from the segment; the look-ahead guard makes it from beginnings.

    Raises
    ------
    ConfigError
        For a seed out of range.
    """
    from quantlaxmi.run.rerun import Rerun

    return GateContext(
        observed=RunObservation(run),
        policy=policy,
        seed=_derived_seed(run, policy) if seed is None else check_seed(seed),
        segment_digest=run.header.segment_digest,
        config_hash=run.header.config_hash,
        threads=threads,
        progress=progress,
        rerun=Rerun(run, maker),
        checkpoint=checkpoint,
        currencies=_currencies(run),
    )


def with_grid(context: GateContext, grid: Grid, *, seed: int | None = None) -> GateContext:
    """The context with settings to search, in place of those that the strategy declares.

    Parameters
    ----------
    context : GateContext
        As `context_of` gives it.
    grid : Grid
        The run's own settings are added where it does not have them.
    seed : int, optional
        As for `context_of`: by default the seed of a verdict over these settings.

    Raises
    ------
    StrategyError
        The strategy was given bound, so that no other setting of it can be run.
    """
    run = None if context.rerun is None else context.rerun.run
    if run is None or run.strategy.strategy is None:
        raise StrategyError("a grid needs a strategy that can be made again, not a bound one")
    grid = grid.including(run.strategy.config)
    derived = _derived_seed(run, context.policy, grid) if seed is None else check_seed(seed)
    return replace(context, grid=grid, seed=derived)


def _derived_seed(run: Run, policy: Thresholds, grid: Grid | None = None) -> int:
    """The seed of a verdict on a run."""
    from quantlaxmi.gates.resampling.grid_search import declared_grid

    hashes = [run.header.config_hash]
    hashes += [config.config_hash for config in declared_grid(run.strategy.strategy, policy, grid)]
    return gate_seed(run.header.segment_digest, hashes, policy.draws_hash)
