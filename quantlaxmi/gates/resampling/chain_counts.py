"""The market null of option sessions: draws of the fair-variance null, counted."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.counted import counted
from quantlaxmi.errors import (
    ConfigError,
    EngineError,
    FixedPointOverflow,
    StrategyError,
    first_cause,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import BoundError
from quantlaxmi.gates.path.session_bundles import net_gamma, not_rebuilt
from quantlaxmi.gates.path.session_days import SessionDays
from quantlaxmi.gates.resampling.chain_replays import ChainReplays, EachAlone
from quantlaxmi.gates.resampling.draws import SweepFailed, sum_details
from quantlaxmi.gates.resampling.grid_search import NAME, search_of
from quantlaxmi.gates.resampling.market_draws import MOST_TRIES, MarketDraws
from quantlaxmi.gates.resampling.market_replays import Sums
from quantlaxmi.gates.results import Inconclusive, Json, MonteCarlo, decimal_text
from quantlaxmi.run.rerun import Rerun

__all__ = ["ChainCounts", "chain_counts", "prepare_chains"]


@dataclass(frozen=True, slots=True)
class ChainCounts:
    """Draws of the fair-variance null, counted.

    Attributes
    ----------
    count : MonteCarlo
    n_settings : int
        Settings of which every draw took the largest statistic.
    """

    count: MonteCarlo
    n_settings: int


def chain_counts(
    context: GateContext,
    rerun: Rerun,
    days: SessionDays,
    details: dict[str, Json],
    *,
    everything: bool,
) -> ChainCounts:
    """Run the strategy on drawn chains and count those on which it did at least as well.

    Parameters
    ----------
    context, rerun, days, details, everything
        As `prepare_chains` takes them; what the draws were like is added to `details` too.

    Raises
    ------
    Inconclusive
        As there, or too few draws count.
    EngineError
        The identity draw is not the replay.
    """
    draws = prepare_chains(context, rerun, days, details, everything=everything)
    return ChainCounts(_count(context, draws, details), len(draws.configs))


def prepare_chains(
    context: GateContext,
    rerun: Rerun,
    days: SessionDays,
    details: dict[str, Json],
    *,
    everything: bool,
) -> MarketDraws:
    """Run the identity draw and find the settings that are searched.

    Parameters
    ----------
    context : GateContext
    rerun : Rerun
    days : SessionDays
    details : dict
        What the draws are made from is added.
    everything : bool
        Search every setting that is known, also where the policy turns the search off.

    Raises
    ------
    Inconclusive
        Chain, rule or some bundles cannot be rebuilt, or the strategy cannot be run again.
    EngineError
        The identity draw is not the replay.
    """
    if getattr(rerun.run.strategy.strategy, "trades_skew", False):
        raise Inconclusive(
            "Market null cannot rebuild rules on the skew: its own moves drop out of drawn chains. "
            "Judge it by its session days, by the equity test.",
            details,
        )
    try:
        replays = ChainReplays(context, rerun, context.key(NAME), days)
        replays.keep_bound([None])
    except (BoundError, StrategyError) as error:
        raise Inconclusive(str(error), details) from error
    overnight, off = not_rebuilt(rerun.run, replays.rows, replays.null, days)
    details |= {
        "null": "fair variance",
        "unit": "session days" if replays.by_day else "bundles",
        "session_days": days.n_days,
        "snapshots": replays.rows.history.n_snapshots,
        "expiries_not_rebuilt": replays.null.missing,
        "bundles_overnight": overnight,
        "bundles_off_chain": off,
        "short_gamma": net_gamma(rerun.run, replays.rows, replays.null) < 0,
    }
    # Drawn chains end elsewhere than at the recorded settlement price.
    settled = int((rerun.run.exact.settled["position"] != 0).sum())
    if overnight or off or settled:
        which = f"{overnight} overnight, {off} off-chain"
        if settled:
            details["positions_settled"] = settled
            which += f", {counted(settled, 'position[s]')} settled"
        raise Inconclusive(
            f"Market null cannot rebuild these bundles ({which}). "
            "Close within the day, in strikes that the chain quotes.",
            details,
        )
    own = _identity(context, rerun, replays, details)
    try:
        search = search_of(context, rerun, replays, own, everything=everything)
    except (StrategyError, ConfigError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"A setting of the grid cannot be run: {first_cause(error).rstrip('.')}.", details
        ) from error
    details |= {
        "settings_searched": len(search.configs),
        "grid_search": search.reason,
        **sum_details(own.total, own.squares),
        "gross": decimal_text(own.total * replays.scale, context.ledger_exponent - 1),
    }
    passes = EachAlone(search.configs)
    return MarketDraws(
        context, replays, search.configs, passes, own, lambda _: None, False, search.label
    )


def _identity(
    context: GateContext, rerun: Rerun, replays: ChainReplays, details: dict[str, Json]
) -> Sums:
    """The run over the recorded quotes, which has to be the run to the last record.

    Raises
    ------
    Inconclusive
        The strategy cannot be run again.
    EngineError
        It is another run.
    """
    market = replays.room()
    try:
        tables = replays.session(market).engine.tables()
        own = replays.sums(market)
    except (StrategyError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"The strategy cannot be run again: {first_cause(error).rstrip('.')}.", details
        ) from error
    for name, table in tables.items():
        if table.tobytes() != getattr(rerun.run.exact, name).tobytes():
            raise EngineError(f"the identity draw of {NAME} gave other {name} than the replay")
    gross, found = context.amounts.gross, own.total * replays.scale
    if not own.followed or found != gross:
        raise EngineError(f"the identity draw of {NAME} gave gross {found}, the replay {gross}")
    return own


def _count(context: GateContext, draws: MarketDraws, details: dict[str, Json]) -> MonteCarlo:
    """Make the draws and count them.

    Raises
    ------
    Inconclusive
    """
    try:
        count, every = draws.count()
    except SweepFailed as failed:
        raise Inconclusive(failed.reason, details) from failed
    details["count"] = count.to_json()
    details["unconditional_draws"] = every.draws
    wanted = draws.wanted(count)
    if not count.stopped and count.draws < wanted:
        raise Inconclusive(
            "Drawn chains on which the strategy made "
            f"{counted(context.policy.min_trades, 'bundle[s]')} and held "
            "none overnight: "
            f"{count.draws} of {MOST_TRIES * wanted}, at least {wanted} needed. Run on more data.",
            details,
        )
    return count
