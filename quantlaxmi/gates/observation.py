"""What gates see of a finished run: its totals, its round trips, its decision points, its path.

Decision points and path are dear, and some runs have no path: each is made when it is first asked
for, once, and so is the failure to make it. A gate that asks for neither judges every run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from quantlaxmi.errors import EngineError, StrategyError
from quantlaxmi.execution.run_terms import run_terms
from quantlaxmi.fixed import int128_array
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.context import Amounts, GateContext
from quantlaxmi.gates.keys import check_seed, gate_seed
from quantlaxmi.gates.path.base_fees import BaseBuys, base_buys
from quantlaxmi.gates.path.bucket_costs import BucketCosts, bucket_costs
from quantlaxmi.gates.path.clock_buckets import Increments, distinct_stamps, increments_of
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.market_steps import MarketSteps, market_steps
from quantlaxmi.gates.path.round_trips import (
    PathError,
    TradePath,
    TradeRecords,
    build_path,
)
from quantlaxmi.gates.path.session_days import SessionDays, net_by_day, session_days
from quantlaxmi.gates.reasons import NO_CLOCK, NO_ROLES
from quantlaxmi.gates.results import Inconclusive
from quantlaxmi.gates.thresholds import Thresholds
from quantlaxmi.run.exact_run import gross_in_all, net_in_all, rounding_until
from quantlaxmi.run.note_rounding import currency_weights
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.schema import FillFlag, IntColumn
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
            return PathError(NO_ROLES)
        try:
            path = path_of(self._run, self.decision_points)
        except PathError as error:
            return error
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

    def market_steps(self, most: int) -> MarketSteps | None:
        """Net PnL by steps of the clock, and a price.

        Raises
        ------
        Inconclusive
            The market is one of option chains.
        """
        if self.sessions is not None:
            raise Inconclusive(NO_CLOCK)
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


def _funding_of(run: Run) -> int:
    """What a run received in funding, attribution scale."""
    paid = zip(run.weights, run.exact.accounts, strict=True)
    return 10 * sum(weight * account.funding for weight, account in paid)


def _weighed(run: Run, amounts: IntColumn) -> list[int]:
    """Amounts of fills in the currency of results."""
    if run.conversion is not None and len(amounts):
        weights = run.weights
        amounts = amounts * np.array(
            [weights[i] for i in run.exact.fills["instrument"].tolist()], dtype=object
        )
    return list(amounts.tolist())


def _borrow_of(run: Run) -> int:
    """What a run paid in interest, attribution scale."""
    paid = zip(run.weights, run.exact.accounts, strict=True)
    return 10 * sum(weight * account.borrow for weight, account in paid)


def _notes_of(run: Run) -> tuple[tuple[int, int], ...]:
    """Sums of fees that are rounded, and their units, attribution scale."""
    rows = run.exact.notes
    if not len(rows):
        return ()
    totals = int128_array(rows["total_hi"], rows["total_lo"]).tolist()
    weights, unit = currency_weights(run.instruments, run.weights), 10**-run.exact.ledger_exponent
    return tuple(
        (10 * weights[k] * total, 10 * weights[k] * unit)
        for k, total in zip(rows["currency"].tolist(), totals, strict=True)
    )


def _base_buys(run: Run) -> BaseBuys:
    """What fees in base took of a run's buys."""
    terms = run_terms(run.instruments, run.costs, run.config.limits).base_fees
    if not terms:
        return BaseBuys()
    fills = run.exact.fills
    fees = int128_array(fills["fee_hi"], fills["fee_lo"]).tolist()
    return base_buys(fills, fees, run.exact.scales, terms)


def path_of(run: Run, points: DecisionPoints) -> TradePath:
    """Round trips and positions of a run at its decision points.

    Raises
    ------
    PathError
        When the run has no path there.
    """
    _check_trims(run)
    costs = run.exact.attributions
    borrow = _weighed(run, costs.borrow)
    records = TradeRecords(
        decisions=run.exact.decisions,
        legs=run.exact.legs,
        fills=run.exact.fills,
        gross=_weighed(run, costs.gross),
        cost=_weighed(run, costs.slippage + costs.fee) if len(costs) else [],
        borrow=borrow,
        funding=_funding_of(run),
        open_borrow=_borrow_of(run) - sum(borrow),
        buys=_base_buys(run),
    )
    return build_path(
        records,
        seq=points.seq,
        mid2=points.mid2,
        units=attribution_units(points),
    )


def _check_trims(run: Run) -> None:
    """Refuse a run in which funding was settled while the legs of a bundle were unmatched.

    Raises
    ------
    PathError
        The rows of the decisions do not tell what was held then.
    """
    fills, settled = run.exact.fills, run.exact.funding["fills_before"]
    late = np.flatnonzero((fills["flags"] & (FillFlag.TRIM | FillFlag.HEDGE_OUT)) != 0)
    if not len(late) or not len(settled):
        return
    decisions, first = np.unique(fills["decision"], return_index=True)
    begun = first[np.searchsorted(decisions, fills["decision"][late])]
    between = np.searchsorted(settled, late, "right") > np.searchsorted(settled, begun, "right")
    if between.any():
        trim = int(late[between][0])
        raise PathError(
            f"Funding was settled before fill {trim} had matched the legs of decision "
            f"{int(fills['decision'][trim])}: the rows of the decisions do not tell what was held."
        )


def amounts_of(run: Run) -> Amounts:
    """Totals of a run of one currency or with a conversion, compared with its ledger.

    Raises
    ------
    EngineError
        When attributed gross, slippage, fees, funding and interest are not the ledger's net.
    """
    fills, costs = run.exact.fills, run.exact.attributions
    traded = fills[(fills["flags"] & FillFlag.SETTLED) == 0]  # what is settled is not traded
    units = [
        10 * scale * weight for scale, weight in zip(run.exact.scales, run.weights, strict=True)
    ]
    notional = sum(
        price * qty * units[i]
        for price, qty, i in zip(
            traded["price"].tolist(),
            traded["qty"].tolist(),
            traded["instrument"].tolist(),
            strict=True,
        )
    )
    amounts = Amounts(
        gross=gross_in_all(run),
        slippage=sum(_weighed(run, costs.slippage)),
        fees=sum(_weighed(run, costs.fee)),
        funding=_funding_of(run),
        borrow=_borrow_of(run),
        notional=notional,
        fills=len(fills),
        rounding=int(rounding_until(run, np.array([run.segment.last_ts_ns]))[0]),
        notes=_notes_of(run),
    )
    if amounts.net != net_in_all(run):
        raise EngineError(
            f"the attributed net is {amounts.net}, the ledger's {net_in_all(run)}, at "
            f"10**{run.ledger_exponent - 1}"
        )
    return amounts


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
