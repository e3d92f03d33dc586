"""One simulated run through the gates as they ship, and the verdict of each test."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.calibrate.null_markets import COSTS
from quantlaxmi.calibrate.scenarios import Case, grid_strategies
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.gates.results import Verdict, combine
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["MARKET", "SUITE", "TESTS", "Settings", "choose", "judge", "run_case"]

#: The gates with a test, which are calibrated, in the suite's order.
MARKET = "market_null"
TESTS = ("random_entry", "label_permutation", MARKET, "time_shift")
#: All tests together.
SUITE = "suite"
_LETTERS = {Verdict.PASS: "P", Verdict.FAIL: "F", Verdict.INCONCLUSIVE: "I"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the counts depend on besides the experiments.

    Attributes
    ----------
    seed : int
    draws : int
        Draws of every Monte Carlo test. `draws` + 1 should be a multiple of 20, so that the level
        is 5 %.
    """

    seed: int
    draws: int

    def policy(
        self, gates: tuple[str, ...] = TESTS, *, net: bool = False, search: bool = False
    ) -> GatePolicy:
        """The gates' default policy with few draws.

        Draws of the market null stop at the exceedance after which the test cannot pass, so that
        the verdict is that of all draws.
        """
        return GatePolicy(
            suites={"g2": gates},
            n_random_sides=self.draws,
            extend_factor=1,
            random_entry={
                "n_sims": self.draws,
                "n_neutral_pairs": 2,
                "max_net_bundles": 16 if net else 0,
            },
            label_permutation={"n_perms": self.draws},
            market_null={
                "n_draws": self.draws,
                "stop_exceedances": (self.draws + 1) // 20,
                "grid_search": "auto" if search else "off",
            },
        )


def run_case(case: Case, strategy: Strategy | None = None) -> Run:
    """Run the case's strategy, or another one, on its market."""
    return backtest(case.segment, strategy or case.strategy, costs=COSTS)


def choose(case: Case, *, net: bool = False) -> Strategy:
    """The best strategy of the case's parameter grid; the first of equals.

    Only strategies with enough round trips to be judged are compared, where there are any.

    Parameters
    ----------
    case : Case
    net : bool
        Whether net PnL decides; else the statistic of the tests does, which is before costs.
    """
    context = G2AntiOverfitSuite.from_run(run_case(case), threads=1).context
    assert context.rerun is not None
    replays = Replays(context, context.rerun, 0)
    made = [
        (one, replays.sums(replays.room(), one.config)) for one in grid_strategies(case.strategy)
    ]
    judged = [entry for entry in made if entry[1].trips >= context.policy.min_trades] or made
    if net:
        return max((one for one, _ in judged), key=lambda one: run_case(case, one).net_pnl)
    best, top = judged[0]
    for one, sums in judged[1:]:
        if not studentised_at_least(top.total, top.squares, sums.total, sums.squares):
            best, top = one, sums
    return best


def judge(
    run: Run, settings: Settings, gates: tuple[str, ...] = TESTS, *, search: bool = False
) -> dict[str, str]:
    """The verdict of each test on a run, as P, F or I; `SUITE` has that of all together.

    Parameters
    ----------
    run : Run
    settings : Settings
    gates : tuple of str
        Names of the gates in the policy.
    search : bool
        Whether the market null searches the strategy's parameter grid in every draw.
    """
    suite = G2AntiOverfitSuite.from_run(
        run, policy=settings.policy(gates, search=search), seed=settings.seed, threads=1
    )
    tests = [r for r in suite.run().results if r.role == "test"]
    found = {r.gate: _LETTERS[r.verdict] for r in tests}
    if len(tests) > 1:
        found[SUITE] = _LETTERS[combine(r.verdict for r in tests)]
    return found
