"""The draws of the market null, made and counted once for all gates that ask for them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

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
from quantlaxmi.gates.path.session_days import SessionDays
from quantlaxmi.gates.reasons import NO_RERUN, not_enough
from quantlaxmi.gates.resampling.chain_counts import chain_counts
from quantlaxmi.gates.resampling.draws import SweepFailed, count_text, sum_details
from quantlaxmi.gates.resampling.grid_search import search_of
from quantlaxmi.gates.resampling.market_comparison import basis_sd, compared_with_data
from quantlaxmi.gates.resampling.market_draws import (
    LEAST_POSITIVE,
    MOST_TRIES,
    NAME,
    MarketDraws,
)
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import Inconclusive, Json, MonteCarlo, decimal_text, rounded
from quantlaxmi.run.rerun import Rerun

__all__ = ["MarketCounts", "Prepared", "market_counts", "prepare"]


#: Where `FEW_DRAWS` count among so many made, enough of any more would: a tenth is enough, and at a
#: share below that this happens in fewer than one of two million.
_SURE: Final = 10


@dataclass(frozen=True, slots=True)
class MarketCounts:
    """The draws of both kinds, counted; of option sessions there is one kind.

    Attributes
    ----------
    drifting : MonteCarlo or None
        None of option sessions.
    driftless : MonteCarlo
    n_settings : int
        Settings of which every draw took the largest statistic.
    details : dict
        What they were made from and what they were like.
    """

    drifting: MonteCarlo | None
    driftless: MonteCarlo
    n_settings: int
    details: dict[str, Json]

    @property
    def deciding(self) -> MonteCarlo:
        """The kind with the larger p."""
        kinds = (self.driftless,) if self.drifting is None else (self.drifting, self.driftless)
        return max(kinds, key=lambda count: count.p_value)

    def sentence(self, context: GateContext) -> str:
        """What was asked, and the answer with its limit."""
        level, deciding = context.policy.alpha, self.deciding
        p = float(deciding.p_value)
        shown = f"p > {level}" if deciding.stopped else f"larger p = {p:.6g}"
        n = self.n_settings
        who = "the strategy" if n == 1 else f"the best of {counted(n, 'setting[s]')}"
        if self.drifting is None:
            return (
                f"Option chains of fair variance on which {who} did at least as well, by "
                f"{self.details['unit']}: {count_text(deciding, 'in all')}; "
                f"{shown.replace('larger p', 'p')}, limit {level}."
            )
        return (
            f"Sign-flipped markets on which {who} did at least as well: "
            f"{count_text(self.drifting, 'with the drift of the data')}, "
            f"{count_text(self.driftless, 'without')}; {shown}, limit {level}."
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the draws are made from."""

    replays: Replays
    own: Sums
    n_settings: int
    drifting: MarketDraws
    driftless: MarketDraws


def _identity(context: GateContext, rerun: Rerun, replays: Replays) -> Sums:
    """The run over unmoved shifts, which has to be the run to the last record.

    Raises
    ------
    EngineError
        When it is not.
    """
    market, run = replays.room(), rerun.run
    for drift in (True, False):
        if not replays.flips.apply(market.signs, market.quotes, market.depth, drift):
            raise EngineError(f"the identity draw of {NAME} has prices that are not positive")
        if market.quotes.any() or market.depth.any():
            raise EngineError(f"the identity draw of {NAME} moved a price")
    for name, table in replays.session(market).engine.tables().items():
        if table.tobytes() != getattr(run.exact, name).tobytes():
            raise EngineError(f"the identity draw of {NAME} gave other {name} than the replay")
    own = replays.sums(market)
    gross = context.increments().gross
    found = (own.total * replays.scale, own.squares * replays.scale**2, own.trips, own.held_ns)
    trips = len(context.path.trips)
    expected = (sum(gross), sum(g * g for g in gross), trips, _held_ns(context))
    if not own.followed or found != expected:
        raise EngineError(
            f"the identity draw of {NAME} gave gross, squares, trips and time {found}, the "
            f"replay {expected}"
        )
    return own


def _held_ns(context: GateContext) -> int:
    """Time in position of the run itself."""
    ts, held, since = context.decision_points.ts_ns, 0, None
    for row, bundle in context.path.changes:
        if since is not None:
            held += int(ts[row]) - since
        since = int(ts[row]) if bundle else None
    return held if since is None else held + int(ts[-1]) - since


def _least_arrangements(context: GateContext, free: int, details: dict[str, Json]) -> None:
    """Hold the distinct markets that so many free signs make to the policy.

    Raises
    ------
    Inconclusive
    """
    if free < 64 and 2**free < context.policy.min_arrangements:
        raise Inconclusive(
            not_enough("Distinct arrangements", 2**free, context.policy.min_arrangements), details
        )


def prepare(
    context: GateContext, rerun: Rerun, details: dict[str, Json], everything: bool
) -> Prepared:
    """Run the identity draw and find the settings that are searched.

    Raises
    ------
    Inconclusive
        Where the strategy or a setting cannot be run again, or there are too few arrangements.
    """
    try:
        replays = Replays(context, rerun, context.key(NAME))
        replays.keep_bound([None])
    except (BoundError, StrategyError) as error:
        raise Inconclusive(str(error), details) from error
    details |= {
        "instants": replays.flips.n_instants,
        "free_signs": replays.flips.n_free,
        "free_signs_driftless": replays.flips.n_moving,
        "increments": replays.flips.n_increments,
    }
    _least_arrangements(context, replays.flips.n_free, details)
    _least_arrangements(context, replays.flips.n_moving, details)
    try:
        own = _identity(context, rerun, replays)
    except (StrategyError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"The strategy cannot be run again: {first_cause(error).rstrip('.')}.", details
        ) from error
    try:
        search = search_of(context, rerun, replays, own, everything=everything)
        passes = SettingPasses(replays, search.configs)
        passes.prove(search.sums or (own,))
    except (StrategyError, ConfigError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"A setting of the grid cannot be run: {first_cause(error).rstrip('.')}.", details
        ) from error
    details |= {
        "settings_searched": len(search.configs),
        "grid_search": search.reason,
        **sum_details(own.total, own.squares),
        "gross": decimal_text(sum(context.increments().gross), context.ledger_exponent - 1),
    }
    spread = functools.partial(basis_sd, context, rerun, replays)
    drifting, driftless = (
        MarketDraws(context, replays, search.configs, passes, own, spread, drift, search.label)
        for drift in (True, False)
    )
    return Prepared(replays, own, len(search.configs), drifting, driftless)


def _begin(
    context: GateContext,
    rerun: Rerun,
    draws: MarketDraws,
    shown: dict[str, Json],
    details: dict[str, Json],
) -> None:
    """Make the first draws, and say in `shown` what they are like.

    Raises
    ------
    Inconclusive
    """
    draws.begin()
    shown["markets_tried"] = draws.tries
    shown["positive_share"] = rounded(draws.positive / draws.tries)
    if draws.drift:
        shown |= compared_with_data(context, rerun, draws)
    if draws.positive < LEAST_POSITIVE * draws.tries:
        raise Inconclusive(
            f"Sign-flipped markets whose prices stay positive: {draws.positive} of "
            f"{draws.tries}, at least {LEAST_POSITIVE:.0%} needed. Test on a shorter segment.",
            details,
        )


def _count(
    context: GateContext,
    rerun: Rerun,
    draws: MarketDraws,
    details: dict[str, Json],
    *,
    few: bool = False,
) -> MonteCarlo:
    """Make the draws of one kind and count them; what they were like goes to `details`.

    Parameters
    ----------
    few : bool
        Whether it is enough to know that enough draws would count.

    Raises
    ------
    Inconclusive
    """
    kind = "drifting" if draws.drift else "driftless"
    shown: dict[str, Json] = {}
    details[kind] = shown
    try:
        if context.describes:
            _begin(context, rerun, draws, shown, details)
        count, every = draws.count(few=few)
        if few and not count.stopped and every.draws > _SURE:
            few = False
            count, every = draws.count()
    except SweepFailed as failed:
        raise Inconclusive(failed.reason, details) from failed
    shown["count"] = count.to_json()
    shown["unconditional_draws"] = every.draws
    shown["unconditional_p_value"] = rounded(
        float(Fraction(every.exceedances + 1, every.draws + 1))
    )
    wanted = draws.wanted(count)
    if not few and not count.stopped and count.draws < wanted:
        raise Inconclusive(
            f"Sign-flipped markets ({kind}) on which the strategy made "
            f"{counted(context.policy.min_trades, 'round trip[s]')}: {count.draws} of "
            f"{MOST_TRIES * wanted}, at "
            f"least {wanted} needed. Run on more data.",
            details,
        )
    return count


def market_counts(context: GateContext, *, everything: bool = False) -> MarketCounts:
    """Make the draws of both kinds of drift and count them; for the same question only once.

    Parameters
    ----------
    context : GateContext
    everything : bool
        Search every setting that is known, also where the policy turns the search off.

    Raises
    ------
    Inconclusive
        Where the strategy cannot be judged on drawn markets; with what is known all the same.
    EngineError
        When the identity draw is not the replay.
    """
    off = context.settings(MarketNullSettings).grid_search == "off"
    asked = (context.key(NAME), context.policy.policy_hash, everything and off)

    def make() -> MarketCounts | Inconclusive:
        try:
            return _counted(context, everything)
        except Inconclusive as error:
            return error

    found = context.memo.get((context.rerun, context.grid), ("market_counts", *asked), make)
    if isinstance(found, Inconclusive):
        raise found.with_traceback(None)
    counts: MarketCounts = found
    return counts


def _counted(context: GateContext, everything: bool) -> MarketCounts:
    rerun = context.rerun
    details: dict[str, Json] = {"trips": context.n_trips}
    context.require_trips(details)
    if context.sessions is not None:
        return _of_chains(context, context.sessions, details, everything)
    context.increments(details)
    details |= {"trips": len(context.path.trips), "rows": len(context.decision_points.seq)}
    if rerun is None:
        raise Inconclusive(NO_RERUN, details)
    context.report_progress(NAME, 0, context.settings(MarketNullSettings).n_draws)
    made = prepare(context, rerun, details, everything)
    drifting = _count(context, rerun, made.drifting, details)
    # A kind that stopped fails the test. A study of verdicts has no use for the other, but where
    # too few of its draws count the test is INCONCLUSIVE.
    few = drifting.stopped and not context.describes
    driftless = _count(context, rerun, made.driftless, details, few=few)
    return MarketCounts(drifting, driftless, made.n_settings, details)


def _of_chains(
    context: GateContext, days: SessionDays, details: dict[str, Json], everything: bool
) -> MarketCounts:
    rerun = context.rerun
    if rerun is None:
        raise Inconclusive(NO_RERUN, details)
    context.report_progress(NAME, 0, context.settings(MarketNullSettings).n_draws)
    made = chain_counts(context, rerun, days, details, everything=everything)
    return MarketCounts(None, made.count, made.n_settings, details)
