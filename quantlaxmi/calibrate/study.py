"""One simulated run through the gates as they ship, and the letter of each result.

A run is PASS, FAIL or INCONCLUSIVE: P, F, I. The look-ahead and delay guards and the random
baseline are dear and can only take a PASS away, so they are asked only where the verdict still
depends on them: it is that of the whole suite.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from quantlaxmi.calibrate.markets import COSTS
from quantlaxmi.calibrate.worlds.world import EITHER, EQUITY, MARKET, PREMIUM, TIMING, Case
from quantlaxmi.gates import (
    delay,
    equity,
    look_ahead,
    market_null,
    net_positive,
    premium,
    random_entry,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.edge import Edge, edge_of
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.gates.results import GateResult, Verdict
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.ledger import without_ledger

__all__ = [
    "LETTERS",
    "Settings",
    "choose",
    "context_of",
    "decided",
    "finished",
    "grid_strategies",
    "judge",
    "run_case",
]

LETTERS = {Verdict.PASS: "P", Verdict.FAIL: "F", Verdict.INCONCLUSIVE: "I"}
#: Gates that decide, cheap ones first; those after the tests can only take a PASS away.
_FIRST: tuple[Gate, ...] = (net_positive.GATE, equity.GATE, premium.GATE)
_LAST: tuple[Gate, ...] = (delay.GATE, random_entry.GATE, look_ahead.GATE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the counts depend on besides the experiments.

    Attributes
    ----------
    seed : int
    draws, extended : int
        Draws of each kind of the market null: first, and where they leave the level open. One less
        than a multiple of 20, so that the level is 5 %.
    market_every : int
        Of the runs without an edge, the market null is asked in every so many alone, and where the
        verdict depends on it. It has a rate over the former, which no result chose.
    """

    seed: int
    draws: int = 199
    extended: int = 1999
    market_every: int = 1

    def policy(self, *, search: bool = False, short: bool = False) -> GatePolicy:
        """The gates' default policy; the random baseline has fewer draws.

        Parameters
        ----------
        search : bool
            Whether the market null searches the parameter grid in every draw.
        short : bool
            Whether the market null ends at the first number of draws.
        """
        return _policy(self.draws, self.draws if short else max(self.draws, self.extended), search)


@functools.lru_cache(maxsize=16)
def _policy(draws: int, extended: int, search: bool) -> GatePolicy:
    """Made once for all runs: reading a policy takes as long as a backtest."""
    return GatePolicy(
        extend_factor=1,
        random_entry={"n_sims": 999, "n_neutral_pairs": 2, "max_net_bundles": 0},
        market_null={
            "n_draws": draws,
            "n_draws_extended": extended,
            "grid_search": "auto" if search else "off",
        },
    )


def run_case(case: Case, strategy: Strategy | None = None, *, costs: str = "free") -> Run:
    """Run the case's strategy, or another one, on its market; `costs` is a name of `COSTS`."""
    with without_ledger():
        return backtest(case.segment, strategy or case.strategy, costs=COSTS[costs])


def context_of(run: Run, policy: GatePolicy) -> GateContext:
    """What gates are given to judge a run, with the seed of a verdict; they only judge."""
    made = G2AntiOverfitSuite.from_run(run, policy=policy, threads=1).context
    return replace(made, describes=False)


def grid_strategies(strategy: Strategy) -> list[Strategy]:
    """The strategy with every setting of its parameter grid, in the grid's order."""
    return [type(strategy)(config) for config in grid_configs(strategy)]


def choose(case: Case, policy: GatePolicy) -> Strategy:
    """The best strategy of the case's parameter grid by the market null's statistic.

    Only strategies with enough round trips to be judged are compared, where there are any; the
    first of equals is taken.
    """
    context = context_of(run_case(case), policy)
    assert context.rerun is not None
    replays = Replays(context, context.rerun, 0)
    made = [
        (one, replays.sums(replays.room(), one.config)) for one in grid_strategies(case.strategy)
    ]
    judged = [entry for entry in made if entry[1].trips >= context.policy.min_trades] or made
    best, top = judged[0]
    for one, sums in judged[1:]:
        if not studentised_at_least(top.total, top.squares, sums.total, sums.squares):
            best, top = one, sums
    return best


def judge(run: Run, policy: GatePolicy, *, market: bool = True) -> dict[str, str]:
    """The letters of the tests and of the verdict by edge.

    Parameters
    ----------
    run : Run
    policy : GatePolicy
    market : bool
        Whether the market null is asked where the verdict does not depend on it; where it is not
        asked it has no letter.

    Returns
    -------
    dict of str to str
        By name of `worlds.world.TESTS`. Of timing and premium a P is a verdict of that edge, an I
        an INCONCLUSIVE verdict, and an F any other.
    """
    context = context_of(run, policy)
    results = _asked(context, _FIRST)
    if market or not decided(results):
        results += _asked(context, [market_null.GATE])
    results = finished(context, results)
    edge = edge_of(results)
    letters = {r.gate: LETTERS[r.verdict] for r in results if r.gate in (EQUITY, MARKET)}
    if not market:
        letters.pop(MARKET, None)
    return letters | _by_edge(edge)


def _asked(context: GateContext, gates: Sequence[Gate]) -> list[GateResult]:
    return [result for gate in gates for result in gate.judge(context)]


def decided(results: Sequence[GateResult]) -> bool:
    """Whether the verdict is FAIL whatever the gates say that were not asked."""
    failed = {r.role for r in results if r.verdict is Verdict.FAIL}
    return "guard" in failed or ("premium" in failed and bool(failed & {"test", "timing guard"}))


def finished(context: GateContext, results: Sequence[GateResult]) -> list[GateResult]:
    """The results with those of the gates that can only take a PASS away, until one has."""
    found = list(results)
    for gate in _LAST:
        if decided(found):
            break
        found += _asked(context, [gate])
    return found


def _by_edge(edge: Edge) -> dict[str, str]:
    letter = LETTERS[edge.verdict]
    not_this = "I" if letter == "I" else "F"
    return {
        TIMING: "P" if edge.kind == "timing" else not_this,
        PREMIUM: "P" if edge.kind == "premium" else not_this,
        EITHER: letter,
    }
