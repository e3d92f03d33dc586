"""One simulated run through both suites, and the choice among the settings of its grid.

The verdict is the one of both suites. Gates that could not change it are not asked: the market null
and the selection test, which share their draws, are dear, and the other guards can only take a PASS
away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from quantlaxmi.calibrate.study import LETTERS, choose, context_of, decided, run_case
from quantlaxmi.calibrate.worlds.world import BOTH, EQUITY, MARKET, SELECTION, WALK_FORWARD, Case
from quantlaxmi.gates import (
    cost_sensitivity,
    delay,
    equity,
    look_ahead,
    market_null,
    net_positive,
    premium,
    random_entry,
    regimes,
    selection,
    walk_forward,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.forward.choice import Trained, best_of
from quantlaxmi.gates.forward.training import run_settings, settings_of
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import GateResult, Verdict, combine
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.run.result import Run
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["CHOICES", "choose_by_net", "judge_both"]

#: Gates of G2 that cost little, those that search, and those that can only take a PASS away.
_CHEAP: Final[tuple[Gate, ...]] = (net_positive.GATE, equity.GATE, premium.GATE)
_LAST: Final[tuple[Gate, ...]] = (look_ahead.GATE, delay.GATE, random_entry.GATE)
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
    g2, g3 = _asked(context, _CHEAP), _asked(context, [walk_forward.GATE])
    if market or not _both_decided(g2, g3):
        g2 += _asked(context, [market_null.GATE])
        g3 += _asked(context, [selection.GATE])
    if not _both_decided(g2, g3):
        g3 += _asked(context, _GUARDS)
        g2 += _asked(context, _LAST)
    shown = {EQUITY, WALK_FORWARD} | ({MARKET, SELECTION} if market else set())
    letters = {
        r.gate: LETTERS[r.verdict] for r in g2 + g3 if r.gate in shown and r.verdict in LETTERS
    }
    verdict = combine((SuiteResult("g2", tuple(g2)).verdict, SuiteResult("g3", tuple(g3)).verdict))
    return letters | {BOTH: LETTERS[verdict]}


def _both_decided(g2: Sequence[GateResult], g3: Sequence[GateResult]) -> bool:
    """Whether the verdict is FAIL whatever the gates say that were not asked."""
    failed = {r.verdict for r in g3 if r.role != "diagnosis"}
    return Verdict.FAIL in failed or decided(g2)


def _asked(context: GateContext, gates: Sequence[Gate]) -> list[GateResult]:
    return [result for gate in gates for result in gate.judge(context)]
