"""One run of a cell through the gates as they ship, and what each test said."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.calibrate.cells import Case, searched
from quantlaxmi.calibrate.markets import COSTS
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict, combine
from quantlaxmi.gates.suites import G2AntiOverfitSuite
from quantlaxmi.replay import Run, backtest
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["MARKET", "SUITE", "TESTS", "Settings", "choose", "judge", "run_case"]

#: Gates that hold a test; the calibrated ones, in the suite's order.
TESTS = ("random_entry", "label_permutation", "time_shift")
MARKET = "market_permutation"
#: All tests together.
SUITE = "suite"
_LETTERS = {Verdict.PASS: "P", Verdict.FAIL: "F", Verdict.INCONCLUSIVE: "I"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a calibration's numbers depend on, but for the cells.

    Attributes
    ----------
    seed : int
    draws : int
        Of every Monte Carlo test; `draws` + 1 should be a multiple of 20, for a level of 5 %.
    """

    seed: int
    draws: int

    def policy(self, gates: tuple[str, ...] = TESTS, *, net: bool = False) -> GatePolicy:
        """The gates' policy: its defaults, with few draws and without what is not judged.

        Re-runs stop at the exceedance from which the test cannot pass any more, so the verdict
        is that of all draws.
        """
        return GatePolicy(
            g2_gates=gates,
            n_sims=self.draws,
            n_perms=self.draws,
            n_market_draws=self.draws,
            stop_exceedances=(self.draws + 1) // 20,
            n_neutral_pairs=2,
            extend_factor=1,
            max_net_bundles=16 if net else 0,
        )


def run_case(case: Case, strategy: Strategy | None = None) -> Run:
    """The run of a case, or of another strategy on its market."""
    return backtest(case.segment, strategy or case.strategy, costs=COSTS)


def choose(case: Case) -> Strategy:
    """The strategy of the case's grid that earned most before costs; the first of equals."""
    return max(searched(case.strategy), key=lambda one: run_case(case, one).gross_pnl)


def judge(run: Run, settings: Settings, gates: tuple[str, ...] = TESTS) -> dict[str, str]:
    """What each test says of a run: P, F or I; `SUITE` says it of all together.

    Parameters
    ----------
    run : Run
    settings : Settings
    gates : tuple of str
        By their names in the policy.
    """
    suite = G2AntiOverfitSuite.from_run(
        run, policy=settings.policy(gates), seed=settings.seed, threads=1
    )
    tests = [r for r in suite.run().results if r.role == "test"]
    found = {r.gate: _LETTERS[r.verdict] for r in tests}
    if len(tests) > 1:
        found[SUITE] = _LETTERS[combine(r.verdict for r in tests)]
    return found
