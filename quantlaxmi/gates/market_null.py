"""Market null: would the strategy have earned as much had the market's moves had random signs?"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from quantlaxmi.errors import (
    ConfigError,
    EngineError,
    FixedPointOverflow,
    StrategyError,
    first_cause,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import BoundError
from quantlaxmi.gates.path.trip_gross import trip_gross
from quantlaxmi.gates.reasons import NO_RERUN, not_enough, too_large
from quantlaxmi.gates.resampling.companion_nulls import (
    CompanionNull,
    judge_against_companions,
    trip_gains,
)
from quantlaxmi.gates.resampling.draws import SweepFailed, sum_details
from quantlaxmi.gates.resampling.grid_search import search_of
from quantlaxmi.gates.resampling.market_comparison import basis_sd, compared_with_data
from quantlaxmi.gates.resampling.market_draws import (
    LEAST_POSITIVE,
    LOOKED_DRAWS,
    MOST_TRIES,
    NAME,
    STREAM,
    MarketDraws,
    driftless_wanted,
)
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    PermutationResult,
    ResultSpec,
    decimal_text,
    rounded,
)
from quantlaxmi.run.rerun import Rerun

__all__ = ["GATE", "companion_null", "evaluate"]

RESULT = ResultSpec(NAME, "test", PermutationResult, {"kind": "market"})


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The draws of a market null, or why there are none.

    Attributes
    ----------
    drifting : CompanionNull
        With the data's drift; the text says why where there are none.
    driftless : CompanionNull
        Without; only where the others could pass.
    details : dict
    """

    drifting: CompanionNull
    driftless: CompanionNull
    details: dict[str, Json]

    @property
    def deciding(self) -> CompanionNull:
        """Those with the larger p."""
        first, second = self.drifting.count, self.driftless.count
        if first is None or second is None or second.p_value <= first.p_value:
            return self.drifting
        return self.driftless


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
    gains = trip_gross(context.path.trips, context.decision_points)
    found = (own.total * replays.scale, own.squares * replays.scale**2, own.trips, own.held_ns)
    expected = (context.path.gross, sum(g * g for g in gains), len(gains), _held_ns(context))
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


def _rule(context: GateContext, draws: MarketDraws) -> tuple[str, dict[str, Json]]:
    """What is drawn, for the sentence, and which draws count, for the details."""
    least = context.policy.min_trades
    null = "sign-flipped markets" if draws.drift else "sign-flipped markets without drift"
    who = "the strategy" if len(draws.configs) == 1 else "one of the settings"
    if draws.conditional:
        rule = f"A market counts where {who} made {least} round trips, as on the data."
    else:
        null += " with any number of round trips"
        rule = (
            f"On {draws.enough} of {LOOKED_DRAWS} markets {who} made {least} round trips: all "
            "count, and the level is that over all runs, those not judged among them."
        )
    return null, {
        "conditional_on_trips": draws.conditional,
        "rule": rule,
        "draws_looked_at": draws.looked,
        "draws_with_trips": draws.enough,
    }


def _count(
    context: GateContext, rerun: Rerun, draws: MarketDraws, details: dict[str, Json]
) -> CompanionNull:
    """Make the draws and count them; what they were like goes to `details`.

    Raises
    ------
    Inconclusive
    """
    signs = "Sign-flipped markets" if draws.drift else "Sign-flipped markets without drift"
    try:
        draws.begin()
        details |= {
            "markets_tried": draws.tries,
            "positive_share": rounded(draws.positive / draws.tries),
        }
        if draws.drift:
            details |= compared_with_data(context, rerun, draws)
        if not draws.has_positive_prices:
            raise Inconclusive(
                f"{signs} whose prices stay positive: {draws.positive} of {draws.tries}, at least "
                f"{LEAST_POSITIVE:.0%} needed. Test on a shorter segment."
            )
        null, rule = _rule(context, draws)
        details |= rule
        count = draws.count()
    except SweepFailed as failed:
        raise Inconclusive(failed.reason) from failed
    needed = min(draws.wanted, math.ceil(1 / context.policy.level) - 1)
    if not count.stopped and count.draws < needed:
        raise Inconclusive(
            not_enough(
                f"{signs} with {context.policy.min_trades} round trips",
                f"{count.draws} of {MOST_TRIES * draws.wanted}",
                needed,
            )
        )
    return CompanionNull(count, null)


def _least_arrangements(context: GateContext, free: int) -> None:
    """Hold the distinct markets that so many free signs make to the policy.

    Raises
    ------
    Inconclusive
    """
    if free < 64 and 2**free < context.policy.min_arrangements:
        raise Inconclusive(
            not_enough("Distinct arrangements", 2**free, context.policy.min_arrangements)
        )


def _draw(
    context: GateContext, rerun: Rerun, details: dict[str, Json]
) -> tuple[CompanionNull, CompanionNull]:
    """Make the draws, with drift and without.

    Raises
    ------
    Inconclusive
    """
    context.report_progress(NAME, 0, context.settings(MarketNullSettings).n_draws)
    try:
        replays = Replays(context, rerun, context.key(STREAM))
        replays.keep_bound([None])
    except (BoundError, StrategyError) as error:
        raise Inconclusive(str(error)) from error
    details |= {
        "instants": replays.flips.n_instants,
        "free_signs": replays.flips.n_free,
        "increments": replays.flips.n_increments,
    }
    _least_arrangements(context, replays.flips.n_free)
    try:
        own = _identity(context, rerun, replays)
    except (StrategyError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"The strategy cannot be run again: {first_cause(error).rstrip('.')}."
        ) from error
    try:
        search = search_of(context, rerun, replays, own)
    except (StrategyError, ConfigError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"A setting of the grid cannot be run: {first_cause(error).rstrip('.')}."
        ) from error
    details |= {
        "settings_searched": len(search.configs),
        "grid_search": search.reason,
        **sum_details(own.total, own.squares),
        "gross": decimal_text(context.path.gross, context.decision_points.ledger_exponent - 1),
    }

    def made(drift: bool) -> MarketDraws:
        spread = functools.partial(basis_sd, context, rerun, replays)
        return MarketDraws(context, replays, search.configs, own, spread, drift)

    drifting = _count(context, rerun, made(True), details)
    assert drifting.count is not None
    if drifting.count.p_value > context.policy.level:
        return drifting, CompanionNull(None, "the markets with the data's drift decide")
    without: dict[str, Json] = {
        "draws_wanted": driftless_wanted(context.settings(MarketNullSettings).n_draws),
        "free_signs": replays.flips.n_moving,
    }
    details["driftless_draws"] = without
    _least_arrangements(context, replays.flips.n_moving)
    return drifting, _count(context, rerun, made(False), without)


def _made(context: GateContext, rerun: Rerun | None) -> _Drawn:
    """The draws, or why there are none."""
    details: dict[str, Json] = {
        "trips": len(context.path.trips),
        "rows": len(context.decision_points.seq),
    }
    try:
        context.require_trips()
        if rerun is None:
            raise Inconclusive(NO_RERUN)
        return _Drawn(*_draw(context, rerun, details), details)
    except Inconclusive as error:
        none = CompanionNull(None, error.reason)
        return _Drawn(none, none, details)


def _drawn(context: GateContext) -> _Drawn:
    """The draws, made once for the gates that use them."""
    rerun, policy = context.rerun, context.policy
    found: _Drawn = context.memo.get(
        (context.path, context.decision_points, rerun),
        (
            NAME,
            context.key(STREAM),
            context.settings(MarketNullSettings),
            policy.alpha,
            policy.min_trades,
            policy.min_arrangements,
            policy.extend_factor,
        ),
        lambda: _made(context, rerun),
    )
    return found


def companion_null(context: GateContext) -> CompanionNull:
    """The market null as a companion of the tests of moved positions."""
    if NAME not in context.policy.suites.get("g2", ()):
        return CompanionNull(None, f"the policy does not list {NAME}")
    if context.rerun is None:
        return CompanionNull(None, "there is no run to make again")
    deciding = _drawn(context).deciding
    return deciding if deciding.count else CompanionNull(None, f"{NAME} is inconclusive")


def evaluate(context: GateContext) -> list[GateResult]:
    """Market null: shared random signs of the mid increments, the strategy run again (test).

    A *state* is a valid book of an instrument, an *increment* the difference of twice the mid from
    one state to the next, an *instant* a receive time at which increments happen. A draw has one
    fair sign an instant, shared by all instruments. Where it is minus, the deviation of the
    increment from the instrument's mean increment over the segment is turned over. Bids, asks,
    levels, trades and marks follow the mid; spreads, sizes, stamps and validity stay. After a set F
    of turned increments the prices of an instrument with n increments of sum T have moved by
    ``-sum(F) + half-even(|F| * T / n)``, an integer. The strategy is run on that market with the
    run's own latency, fees, funding and limits.

    Markets on which a valid book is not positive are drawn again, `MAX_TRIES` times at most, and
    draws on which the strategy made fewer than `min_trades` trips do not count: given that the
    prices are positive and the run is judged, all members of the orbit are equally likely. Where
    hardly any draw has the trips (under 2 of the first 200), all count, and the level holds over
    all runs instead of those that are judged (`market_draws`).

    Where the run's settings are of the strategy's declared grid (and ``grid_search`` is not
    ``"off"``), the statistic of every draw is the largest over the grid's settings that made the
    trips. The data's own largest is at least the run's, whatever it was chosen by, so the choice
    is accounted for.

    Null hypothesis: given their magnitudes and instants, the signs of the increments' deviations
    are independent and fair; for a pair, the basis is a random walk. Statistic: studentised gross,
    S/sqrt(Q) over the trips from flat to flat; ties count against the strategy.

    The mean is that of the data, so every market drawn has the data's drift and a drift of its own
    besides, while the data has its own alone: a rule against the level of a pair loses more on the
    drawn ones and would pass 6 % of the time. So a strategy that could pass has to beat a second
    kind of markets, whose increments themselves are turned over. Where the data has no drift these
    are a group's orbit, and the level is exact; where it has one they would take it for an edge. A
    fifth as many are drawn, 199 at least. Random sides have to be beaten too, and the largest p
    decides (`companion_nulls`).

    Cannot see: an edge in the drift (it is kept), in the size of moves, or in costs and funding;
    a rule that earns from moves shared within one instant only; a choice among settings that are
    not in the grid.

    Source: sign-flipping under the null of symmetric increments, Fisher (1935), The design of
    experiments, sec. 21; Good (2005), Permutation, parametric and bootstrap tests, ch. 3;
    the largest over a search, Westfall and Young (1993), Resampling-based multiple testing;
    stopping: Besag and Clifford (1991).

    Parameters
    ----------
    context : GateContext
        With ``rerun``.

    Raises
    ------
    Inconclusive
        Below the policy's numbers of round trips and arrangements, where the strategy cannot be
        run again or fails on a drawn market, where fewer than a tenth of the markets stay
        positive, and where too few draws count for a p at the level.
    EngineError
        When the identity draw is not the replay.
    """
    drawn = _drawn(context)
    drifting, driftless = drawn.drifting, drawn.driftless
    if drifting.count is None:
        raise Inconclusive(drifting.text, drawn.details)
    try:
        gains = trip_gains(context)
    except BoundError as error:
        raise Inconclusive(too_large(error), drawn.details) from error
    judged = judge_against_companions(context, NAME, drifting, gains, driftless=driftless)
    details = drawn.details | judged.details
    return [RESULT.result(judged.verdict, judged.reason, judged.deciding, details)]


GATE = Gate(NAME, "g2", (RESULT,), MarketNullSettings, evaluate)
