"""Market null: would the strategy have earned as much had the market's moves had random signs?"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction

from quantlaxmi.errors import (
    ConfigError,
    EngineError,
    FixedPointOverflow,
    StrategyError,
    first_cause,
)
from quantlaxmi.gates.carried_by import carried_by
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import BoundError
from quantlaxmi.gates.reasons import NO_RERUN, not_enough
from quantlaxmi.gates.resampling.draws import SweepFailed, count_text, sum_details
from quantlaxmi.gates.resampling.grid_search import search_of
from quantlaxmi.gates.resampling.market_comparison import basis_sd, compared_with_data
from quantlaxmi.gates.resampling.market_draws import (
    LEAST_POSITIVE,
    MOST_TRIES,
    NAME,
    MarketDraws,
)
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    MonteCarlo,
    PermutationResult,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.run.rerun import Rerun

__all__ = ["GATE", "evaluate"]

RESULT = ResultSpec(NAME, "test", PermutationResult, {"kind": "market"})


@dataclass(frozen=True, slots=True)
class _Prepared:
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


def _prepare(context: GateContext, rerun: Rerun, details: dict[str, Json]) -> _Prepared:
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
        search = search_of(context, rerun, replays, own)
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
        MarketDraws(context, replays, search.configs, own, spread, drift) for drift in (True, False)
    )
    return _Prepared(replays, own, len(search.configs), drifting, driftless)


def _count(
    context: GateContext, rerun: Rerun, draws: MarketDraws, details: dict[str, Json]
) -> MonteCarlo:
    """Make the draws of one kind and count them; what they were like goes to `details`.

    Raises
    ------
    Inconclusive
    """
    kind = "drifting" if draws.drift else "driftless"
    shown: dict[str, Json] = {}
    details[kind] = shown
    try:
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
        count, every = draws.count()
    except SweepFailed as failed:
        raise Inconclusive(failed.reason, details) from failed
    shown["count"] = count.to_json()
    shown["unconditional_draws"] = every.draws
    shown["unconditional_p_value"] = rounded(
        float(Fraction(every.exceedances + 1, every.draws + 1))
    )
    wanted = draws.wanted(count)
    if not count.stopped and count.draws < wanted:
        raise Inconclusive(
            f"Sign-flipped markets ({kind}) on which the strategy made "
            f"{context.policy.min_trades} round trips: {count.draws} of {MOST_TRIES * wanted}, at "
            f"least {wanted} needed. Run on more data.",
            details,
        )
    return count


def evaluate(context: GateContext) -> list[GateResult]:
    """Market null: shared random signs of the mid increments, the strategy run again (test).

    A *state* is a valid book of an instrument, an *increment* the difference of twice the mid from
    one state to the next, an *instant* a receive time at which increments happen. A draw has one
    fair sign an instant, shared by all instruments. Where it is minus, a *drifting* draw turns the
    deviation of the increment from the instrument's mean increment over the segment, a *driftless*
    one the increment itself. Bids, asks, levels, trades and marks follow the mid; spreads, sizes,
    stamps and validity stay. After a set F of turned increments the prices of an instrument with n
    increments of sum T have moved by ``-sum(F) + half-even(|F| * T / n)``, driftless by
    ``-sum(F)``: integers. The strategy is run on that market with the run's own latency, fees,
    funding and limits.

    Statistic: Z = S/sqrt(Q) of the gross of 200 clock buckets (`path.clock_buckets`), compared in
    exact integers; ties count against the strategy. Where the strategy declares a grid (and
    ``grid_search`` is not ``"off"``), the statistic of a draw is the largest over the grid's
    settings and the run's own.

    The run has `min_trades` round trips, and a draw counts where at least one searched setting made
    as many; the largest statistic is over those. Markets on which a valid book is not positive are
    drawn again, `MAX_TRIES` times at most. Counts are kept for each kind of drift: 199 draws; 17
    exceedances stop them and FAIL; where 4 to 16 leave the level open, that kind goes on to 1,999,
    where 100 stop it and FAIL. The larger p decides.

    Null hypothesis: given their magnitudes and instants, the signs of the increments (or of their
    deviations) are independent and fair; for a pair, the basis is a random walk.

    Cannot see: an edge in the drift, in the size of moves, or in costs and funding; losses that the
    sample does not have, because magnitudes are given: the equity test stands next to it for that;
    slow mean reversion, whose round trips are fewer on the drawn markets (the unconditional p is
    shown); a choice among settings that are not searched.

    Source: sign-flipping under the null of symmetric increments, Fisher (1935), The design of
    experiments, sec. 21; Good (2005), Permutation, parametric and bootstrap tests, ch. 3;
    the largest over a search, Westfall and Young (1993), Resampling-based multiple testing;
    p-value Phipson and Smyth (2010).

    Parameters
    ----------
    context : GateContext
        With ``rerun``.

    Raises
    ------
    Inconclusive
        Below the policy's numbers of round trips and arrangements, below 200 distinct times, where
        the strategy cannot be run again or fails on a drawn market, where fewer than a tenth of the
        markets stay positive, and where too few draws count.
    EngineError
        When the identity draw is not the replay.
    """
    rerun = context.rerun
    details: dict[str, Json] = {"trips": context.n_trips}
    context.require_trips(details)
    context.increments(details)
    details |= {"trips": len(context.path.trips), "rows": len(context.decision_points.seq)}
    if rerun is None:
        raise Inconclusive(NO_RERUN, details)
    context.report_progress(NAME, 0, context.settings(MarketNullSettings).n_draws)
    made = _prepare(context, rerun, details)
    drifting = _count(context, rerun, made.drifting, details)
    driftless = _count(context, rerun, made.driftless, details)
    deciding = max(drifting, driftless, key=lambda count: count.p_value)
    passed = deciding.p_value <= context.policy.level
    p = float(deciding.p_value)
    shown = f"p > {context.policy.alpha}" if deciding.stopped else f"larger p = {p:.6g}"
    who = "the strategy" if made.n_settings == 1 else f"the best of {made.n_settings} settings"
    reason = (
        f"Sign-flipped markets on which {who} did at least as well: "
        f"{count_text(drifting, 'with the drift of the data')}, "
        f"{count_text(driftless, 'without')}; {shown}, limit {context.policy.alpha}."
    )
    if not passed:
        exponent = context.ledger_exponent - 1
        reason += f" {carried_by(context.amounts, exponent)} {_advice(context)}"
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return [RESULT.result(verdict, reason, deciding, details)]


def _advice(context: GateContext) -> str:
    """What to do where the strategy did no better than on drawn markets."""
    amounts = context.amounts
    if 0 < amounts.net < 2 * (amounts.net - amounts.gross):
        return "That needs no timing: read premium."
    return "No better than chance here: change the signal, or test on more data."


GATE = Gate(NAME, "g2", (RESULT,), MarketNullSettings, evaluate, dear=True)
