"""Selection: would the best of all settings that were tried have done as well by chance?"""

from __future__ import annotations

from quantlaxmi.counted import counted
from quantlaxmi.gates import premium
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.forward.training import run_settings, settings_of
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.session_days import DAYS_OF_SUMS
from quantlaxmi.gates.reasons import NO_RERUN, not_enough
from quantlaxmi.gates.resampling.grid_search import tried_settings
from quantlaxmi.gates.resampling.market_counts import market_counts
from quantlaxmi.gates.resampling.selection_figures import selection_figures
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    SelectionResult,
    Verdict,
)
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.run.rerun import Rerun

__all__ = ["GATE", "evaluate"]

NAME = "selection"
RESULT = ResultSpec(NAME, "test", SelectionResult)
SHOWN = ResultSpec(f"{NAME}.statistics", "diagnosis")


def _judge(context: GateContext, n: int, lost: int, details: dict[str, Json]) -> GateResult:
    """The test, where there was a choice.

    Raises
    ------
    Inconclusive
        As the market null is, where settings that were tried cannot be run, and where a premium
        was chosen.
    """
    if n == 1 and not lost:
        known = "the trial ledger has no other" if context.trials is not None else "others unknown"
        reason = f"Settings tried: 1, {known}. Nothing was chosen, so nothing is to be allowed for."
        return RESULT.result(Verdict.NOT_APPLICABLE, reason, None, details)
    counts = market_counts(context, everything=True)
    details |= counts.details
    passed = counts.deciding.p_value <= context.policy.level
    if passed and lost:
        raise Inconclusive(
            f"Settings tried that cannot be run here, of other code or strategies: {lost}, none is "
            f"allowed for. {counts.sentence(context)} Run the code of the ledger, or seal data "
            "that nobody has tried.",
            details,
        )
    reason = counts.sentence(context)
    if not passed and premium.GATE.judge(context)[0].verdict is Verdict.PASS:
        raise Inconclusive(
            f"{reason} Funding or spread carries this run (see premium), which markets of chance "
            "do not tell: its choice among settings is not tested. Judge this one setting on data "
            "that nobody has tried.",
            details | {"premium": True},
        )
    if not passed:
        reason += " The best of so many is no better than chance: test this setting on new data."
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return RESULT.result(verdict, reason, counts.deciding, details)


def _statistics(context: GateContext, rerun: Rerun, n: int, details: dict[str, Json]) -> GateResult:
    """What other measures of selection say; it decides nothing.

    Over option sessions they are of the increments of session days.

    Raises
    ------
    Inconclusive
        Below ten session days.
    """
    days = context.sessions
    if days is not None and days.n_days < DAYS_OF_SUMS:
        raise Inconclusive(not_enough("Session days", days.n_days, DAYS_OF_SUMS))
    tried, lost = tried_settings(context, rerun)
    settings = (*settings_of(context, rerun), *tried)
    grid = run_settings(context, rerun, settings, ends=None if days is None else days.ends)
    known = 0 if context.trials is None else len(context.trials.keys)
    trials = max(n + lost, known)  # a setting that was tried on several data is several trials
    segment = rerun.run.segment
    details |= selection_figures(context, grid, trials, segment.last_ts_ns - segment.first_ts_ns)
    said = "the trial ledger" if context.trials is not None else "the grid, other trials unknown"
    advice = "They decide nothing: see what each assumes."
    if trials == 1:
        reason = f"Probability that the Sharpe ratio is above 0: {_shown(details, 'psr')}. {advice}"
        return SHOWN.result(Verdict.SHOWN, reason, None, details)
    reason = (
        f"Deflated Sharpe ratio over {counted(trials, 'trial[s]')} ({said}): "
        f"{_shown(details, 'dsr')}; "
        f"probability of backtest overfitting {_shown(details, 'pbo')}; p of superior predictive "
        f"ability {_shown(details, 'spa_p_value')}. {advice}"
    )
    return SHOWN.result(Verdict.SHOWN, reason, None, details)


def _shown(details: dict[str, Json], name: str) -> str:
    value = details.get(name)
    return f"{value:.4g}" if isinstance(value, float | int) else "none"


def evaluate(context: GateContext) -> list[GateResult]:
    """The best of all settings that were tried, against their best on markets of chance (test).

    The draws, their two kinds, the statistic Z, the condition on round trips and the stopping are
    those of the market null, and so is the stream of random numbers: one set of draws serves both
    gates. A draw takes the largest Z over every setting of the grid, of the trial ledger for these
    data, and the run's own, also where the policy turns the market null's own search off.

    Null hypothesis: that of the market null, for every setting at once.

    Where one setting alone is known the gate is NOT APPLICABLE. Settings of other strategies or of
    other code cannot be run here: where the others pass, their number makes the gate INCONCLUSIVE.

    Z is of gross, so that a premium (funding, spread) cannot be told from chance by it. Where the
    premium result of G2 passes and this one would not, the gate is INCONCLUSIVE: how a premium was
    chosen is not tested. With one setting that is not asked.

    Other measures are shown with it: probabilistic and deflated Sharpe ratio, their 2026
    revision, the shortest track records, the probability of backtest overfitting, superior
    predictive ability, StepM, the model confidence set, Simes, Storey, and the difference to the
    best other setting.

    Cannot see: trials that nobody wrote down, here or elsewhere; what the market null cannot see;
    the best of many premiums.

    Source: Westfall and Young (1993), Resampling-based multiple testing; White (2000), A reality
    check for data snooping, Econometrica 68.

    Parameters
    ----------
    context : GateContext
        With ``rerun``.

    Raises
    ------
    Inconclusive
        Where there is no strategy to run.
    EngineError
        When the identity draw is not the replay.
    """
    rerun = context.rerun
    if rerun is None:
        raise Inconclusive(NO_RERUN)
    tried, lost = tried_settings(context, rerun)
    n = len(settings_of(context, rerun)) + len(tried)
    details: dict[str, Json] = {"settings": n, "settings_not_run": lost}
    if context.trials is not None:
        details["trials_in_ledger"] = len(context.trials.keys)
    try:
        judged = _judge(context, n, lost, details)
    except Inconclusive as error:
        judged = RESULT.unanswered(error.reason, details | error.details)
    if not context.describes:
        return [judged, SHOWN.unanswered("Only the verdict was asked for.", {})]
    shown: dict[str, Json] = {}
    try:
        statistics = _statistics(context, rerun, n, shown)
    except Inconclusive as error:
        statistics = SHOWN.unanswered(error.reason, shown)
    return [judged, statistics]


GATE = Gate(NAME, "g3", (RESULT, SHOWN), NoSettings, evaluate, dear=True, needs_code=True)
