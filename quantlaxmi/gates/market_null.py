"""Market null: would the strategy have earned as much had the market's moves had random signs?"""

from __future__ import annotations

from quantlaxmi.gates.carried_by import carried_by
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.resampling.market_counts import market_counts
from quantlaxmi.gates.resampling.market_draws import NAME
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import GateResult, PermutationResult, ResultSpec, Verdict

__all__ = ["GATE", "evaluate"]

#: What a passed rule that is short gamma is told.
UNSEEN_MOVES = "Net short gamma: a premium for moves that did not happen is not excluded."

RESULT = ResultSpec(NAME, "test", PermutationResult, {"kind": "market"})


def evaluate(context: GateContext) -> list[GateResult]:
    """Market null: shared random signs of the mid increments, the strategy run again (test).

    A *state* is a valid book of an instrument, an *increment* the difference of twice the mid from
    one state to the next, an *instant* a receive time at which increments happen. A draw has one
    fair sign an instant, shared by all instruments. Where it is minus, a *drifting* draw turns the
    deviation of the increment from the instrument's mean increment over the segment, a *driftless*
    one the increment itself. Bids, asks, levels, trades and marks follow the mid; spreads, sizes,
    stamps and validity stay. Bars that a strategy reads move with their quotes, and a turned one is
    turned over (`BarFlips`); their lows stay positive too. After a set F of turned increments the
    prices of an instrument with n increments of sum T have moved by
    ``-sum(F) + half-even(|F| * T / n)``, driftless by ``-sum(F)``: integers. The strategy is run on
    that market with the run's own latency, fees, funding and limits.

    Statistic: Z = S/sqrt(Q) of the gross of 200 clock buckets (`path.clock_buckets`), compared in
    exact integers; ties count against the strategy. Where the strategy declares a grid (and
    ``grid_search`` is not ``"off"``), the statistic of a draw is the largest over the grid's
    settings and the run's own.

    The run has `min_trades` round trips, and a draw counts where at least one searched setting made
    as many; the largest statistic is over those. Markets on which a valid book is not positive are
    drawn again, `MAX_TRIES` times at most. Counts are kept for each kind of drift: 199 draws; 17
    exceedances stop them and FAIL; where 4 to 16 leave the level open, that kind goes on to 1,999,
    where 100 stop it and FAIL. The larger p decides.

    Sessions of option chains have another null: the fair-variance null
    (`quantlaxmi.options.FairVarianceNull`), which draws the sign of the underlying's moves and
    prices the chain again, with recorded spreads. There Z is over session days from ten days on,
    and over bundles (from flat to flat) below; there is one kind of draws. Bundles held overnight
    or off the chain cannot be rebuilt.

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
    counts = market_counts(context)
    passed = counts.deciding.p_value <= context.policy.level
    reason = counts.sentence(context)
    if not passed:
        exponent = context.ledger_exponent - 1
        reason += f" {carried_by(context.amounts, exponent)} {_advice(context)}"
    elif counts.details.get("short_gamma"):
        reason += f" {UNSEEN_MOVES}"
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return [RESULT.result(verdict, reason, counts.deciding, counts.details)]


def _advice(context: GateContext) -> str:
    """What to do where the strategy did no better than on drawn markets."""
    amounts = context.amounts
    if 0 < amounts.net < 2 * (amounts.net - amounts.gross):
        return "That needs no timing: read premium."
    return "No better than chance here: change the signal, or test on more data."


GATE = Gate(NAME, "g2", (RESULT,), MarketNullSettings, evaluate, dear=True, needs_code=True)
