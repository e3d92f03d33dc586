"""One simulated run through both suites, and the choice among the settings of its grid.

The verdict is the one of both suites. Gates that could not change it are not asked: the market null
and the selection test, which share their draws, are dear, and the other guards can only take a PASS
away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from quantlaxmi.calibrate.study import LETTERS, choose, context_of, decided, finished, run_case
from quantlaxmi.calibrate.worlds.world import (
    BOTH,
    COSTS,
    EQUITY,
    MARKET,
    SELECTION,
    TENFOLD,
    WALK_FORWARD,
    Case,
)
from quantlaxmi.gates import (
    cost_sensitivity,
    equity,
    market_null,
    net_positive,
    premium,
    regimes,
    selection,
    walk_forward,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.cost_sensitivity import CostSensitivitySettings
from quantlaxmi.gates.forward.choice import Trained, best_of
from quantlaxmi.gates.forward.training import run_settings, settings_of
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import GateResult, Verdict, combine
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.run.result import Run
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["CHOICES", "choose_by_net", "judge_both", "judge_lasting"]

#: Gates of G2 that cost little.
_CHEAP: Final[tuple[Gate, ...]] = (net_positive.GATE, equity.GATE, premium.GATE)
#: Guards of G3.
_GUARDS: Final[tuple[Gate, ...]] = (regimes.GATE, cost_sensitivity.GATE)


def choose_by_net(case: Case, policy: GatePolicy) -> Strategy:
    """The best strategy of the case's grid by studentised net, as walk-forward chooses in a fold.

    The case's own strategy where no setting has both variance and round trips.
    """
    context = context_of(run_case(case), policy)
    assert context.rerun is not None
    run, settings = context.rerun.run, settings_of(context, context.rerun)
    configs = [case.strategy.config if one is None else one for one in settings]
    grid = run_settings(context, context.rerun, settings)
    first, last = run.segment.first_ts_ns, run.segment.last_ts_ns
    made = Trained(grid, first).choices(first, last + 1)
    best = best_of(made, [config.config_hash for config in configs])
    return case.strategy if best is None else type(case.strategy)(configs[best.index])


def _alone(case: Case, _: GatePolicy) -> Strategy:
    return case.strategy


#: How the setting that is judged was chosen among those of the grid.
CHOICES: dict[str, Callable[[Case, GatePolicy], Strategy]] = {
    "gross": choose,
    "net": choose_by_net,
    "alone": _alone,
}


def judge_both(run: Run, policy: GatePolicy, *, market: bool = True) -> dict[str, str]:
    """The letters of all tests, and of the verdict of both suites.

    Parameters
    ----------
    run : Run
    policy : GatePolicy
    market : bool
        Whether the market null and the selection test are asked where the verdict does not depend
        on them; where they are not asked they have no letter.

    Returns
    -------
    dict of str to str
        Where only one setting is known, selection has no letter either: nothing was chosen.
    """
    context = context_of(run, policy)
    g2, g3 = _tested(context, market=market)
    verdict = _verdict(context, g2, g3)
    return _letters(g2 + g3, market=market) | {BOTH: verdict}


def judge_lasting(run: Run, policy: GatePolicy) -> dict[str, str]:
    """The letters of all tests and of the guard on costs, and of two verdicts of both suites.

    Simulated rows move by 0.9 bps, the guard on costs asks for 0.5 bps a fill. Were every move ten
    times as large, and the rules' limits with them, each amount of gross would be ten times as
    large and no test would tell: then the guard would ask as it does here for a tenth.

    Parameters
    ----------
    run : Run
        Without costs.
    policy : GatePolicy
    """
    context = context_of(run, policy)
    g2, g3 = _tested(context, market=True)
    [regime], [cost] = ([r for r in gate.judge(context) if r.role == "guard"] for gate in _GUARDS)
    tenth = policy.settings(CostSensitivitySettings).extra_bps / 10
    changed = policy.replace(cost_sensitivity={"extra_bps": tenth})
    wide = [*_asked(replace(context, policy=changed), [cost_sensitivity.GATE]), regime]
    letters = _letters(g2 + g3, market=True) | {COSTS: LETTERS[cost.verdict]}
    letters[BOTH] = _verdict(context, g2, [*g3, regime, cost])
    letters[TENFOLD] = _verdict(context, g2, [*g3, *wide])
    return letters


def _tested(context: GateContext, *, market: bool) -> tuple[list[GateResult], list[GateResult]]:
    """Results of the tests and of what is cheap, of G2 and of G3."""
    g2, g3 = _asked(context, _CHEAP), _asked(context, [walk_forward.GATE])
    if market or not _both_decided(g2, g3):
        g2 += _asked(context, [market_null.GATE])
        g3 += _asked(context, [selection.GATE])
    return g2, g3


def _letters(results: Sequence[GateResult], *, market: bool) -> dict[str, str]:
    shown = {EQUITY, WALK_FORWARD} | ({MARKET, SELECTION} if market else set())
    return {r.gate: LETTERS[r.verdict] for r in results if r.gate in shown and r.verdict in LETTERS}


def _verdict(context: GateContext, g2: list[GateResult], g3: list[GateResult]) -> str:
    """The letter of both suites; gates that could not change it are not asked."""
    asked = {r.gate.partition(".")[0] for r in g3}
    if not _both_decided(g2, g3):
        g3 = g3 + _asked(context, [one for one in _GUARDS if one.name not in asked])
    if not _both_decided(g2, g3):
        g2 = finished(context, g2)
    made = (SuiteResult("g2", tuple(g2)), SuiteResult("g3", tuple(g3)))
    return LETTERS[combine(suite.verdict for suite in made)]


def _both_decided(g2: Sequence[GateResult], g3: Sequence[GateResult]) -> bool:
    """Whether the verdict is FAIL whatever the gates say that were not asked."""
    failed = {r.verdict for r in g3 if r.role != "diagnosis"}
    return Verdict.FAIL in failed or decided(g2)


def _asked(context: GateContext, gates: Sequence[Gate]) -> list[GateResult]:
    return [result for gate in gates for result in gate.judge(context)]
