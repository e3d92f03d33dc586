"""Walk-forward: would the settings chosen from the past alone have earned afterwards?"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError, FixedPointOverflow, StrategyError, first_cause
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.forward.folds import Fold, folds_of
from quantlaxmi.gates.forward.forward_details import fold_rows, shown_figures
from quantlaxmi.gates.forward.hall_test import HallTest, hall_test
from quantlaxmi.gates.forward.out_of_sample import OutOfSample, out_of_sample
from quantlaxmi.gates.forward.training import (
    TrainedFolds,
    run_settings,
    settings_of,
    trained_folds,
)
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.clock_buckets import BUCKETS, distinct_stamps
from quantlaxmi.gates.path.session_days import DAYS_OF_EQUITY
from quantlaxmi.gates.reasons import NO_CLOCK, NO_RERUN, more_data, not_enough
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    WalkForwardResult,
    rounded,
)
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import MarketData, Window
from quantlaxmi.settings import Bounds, Settings

__all__ = ["GATE", "WalkForwardSettings", "evaluate"]

NAME = "walk_forward"
RESULT = ResultSpec(NAME, "test", WalkForwardResult)
#: Folds that must have traded: one fold's choice is no procedure.
_LEAST_TRADED = 2


class WalkForwardSettings(Settings, frozen=True, kw_only=True):
    """What ``[walk_forward]`` holds.

    Attributes
    ----------
    folds : int
        Test windows of equal length.
    scheme : str
        ``"anchored"``: training begins with the data; ``"rolling"``: it is as long in every fold.
    train_share : Decimal
        Of the time, what only trains.
    purge_cap : Decimal
        Largest purge before a test window, as a share of its train window.
    min_buckets : int
        Distinct times in the test windows that are needed.
    """

    folds: Annotated[int, Bounds(ge=2, le=100)] = 6
    scheme: Literal["anchored", "rolling"] = "anchored"
    train_share: Annotated[Decimal, Bounds(ge="0.1", le="0.9")] = Decimal("0.4")
    purge_cap: Annotated[Decimal, Bounds(ge="0", le="0.5")] = Decimal("0.1")
    min_buckets: Annotated[int, Bounds(ge=20, le=BUCKETS)] = 100

    def folds_of(self, first_ns: int, last_ns: int) -> tuple[Fold, ...]:
        """The folds of a time; see `quantlaxmi.gates.forward.folds.folds_of`."""
        share = Fraction(self.train_share)
        return folds_of(first_ns, last_ns, self.folds, share, self.scheme == "rolling")


def _refuse_sessions(
    context: GateContext,
    settings: WalkForwardSettings,
    segment: MarketData,
    details: dict[str, Json],
) -> None:
    """Sessions of option chains have too few days out of sample, or are not cut by days yet.

    Raises
    ------
    Inconclusive
    """
    if context.sessions is None:
        return
    begin = settings.folds_of(segment.first_ts_ns, segment.last_ts_ns)[0].test_begin_ns
    days = int((context.sessions.ends >= begin).sum())
    details["session_days_out_of_sample"] = days
    if days < DAYS_OF_EQUITY:
        raise Inconclusive(not_enough("Session days out of sample", days, DAYS_OF_EQUITY), details)
    raise Inconclusive(NO_CLOCK, details)


def _stamps(
    context: GateContext, rerun: Rerun, folds: tuple[Fold, ...], details: dict[str, Json]
) -> int:
    """Distinct times in the test windows, at most as many as there are buckets.

    Raises
    ------
    Inconclusive
        Where there are too few.
    """
    begin, stop = folds[0].test_begin_ns, folds[-1].test_stop_ns
    stamps = distinct_stamps(Window.between(rerun.run.segment, begin, stop))
    least = context.settings(WalkForwardSettings).min_buckets
    details["out_of_sample_times"] = stamps
    if stamps < least:
        raise Inconclusive(not_enough("Distinct times out of sample", stamps, least), details)
    return stamps


def _test(
    context: GateContext, rerun: Rerun, trained: TrainedFolds, stamps: int, details: dict[str, Json]
) -> tuple[OutOfSample, HallTest]:
    """Run the test windows and judge their buckets.

    Raises
    ------
    Inconclusive
        Where too few folds traded, or all buckets are equal.
    """
    given = [
        None if one is None else (trained.grid.runs[one.index].config,) for one in trained.choices
    ]
    found = out_of_sample(context, rerun, trained.folds, given, stamps)
    total = len(trained.grid.runs) + len(trained.folds)
    context.report_progress(NAME, total, total)
    traded, exponent = sum(found.traded), context.ledger_exponent - 1
    details["folds"] = fold_rows(trained, found, exponent)
    details["traded_folds"] = traded
    details["round_trips"] = found.trips
    if not found.trips:
        raise Inconclusive(not_enough("Round trips out of sample", 0, 1), details)
    if traded < _LEAST_TRADED:
        raise Inconclusive(not_enough("Folds that traded", traded, _LEAST_TRADED), details)
    judged = hall_test(found.buckets, exponent, context.policy.alpha)
    if judged is None:
        raise Inconclusive(
            "Clock buckets with different increments out of sample: none. Run on more data.",
            details,
        )
    details |= judged.details
    details |= shown_figures(trained, found, rerun.run.instruments, exponent)
    return found, judged


def evaluate(context: GateContext) -> list[GateResult]:
    """Settings chosen from the past alone, judged on what came after (test).

    The clock is cut into folds. The first ``train_share`` of the time only trains; the rest is cut
    into ``folds`` test windows of equal length. In every fold the setting is chosen that had the
    largest studentised net (sum over root of the sum of squares) in the 200 clock buckets of the
    segment that ended before the test began less the *purge*: the longest holding, from decision
    to decision, of the round trips that closed in training, at most ``purge_cap`` of the train
    window. Of equal settings the one with the smaller config hash is taken. Settings without
    variance or round trips in training rank last; where all do, the fold stays flat.

    A test window is a fresh run of the chosen setting: features and state have followed all earlier
    messages, orders are refused before the window, it begins flat, and what is open at its end is
    closed at the book then, with its costs.

    Statistic: Hall's t (`quantlaxmi.stats.hall_t`) of the net increments of equity in equal clock
    buckets of all test windows together, as many as there are distinct times in them, at most 200.
    The test passes where it is at least the 1 - alpha quantile of Student's t.

    Null hypothesis: out of sample every increment has mean 0 given the past.

    Cannot see: losses that are not in the sample; that the strategy itself, its grid or the
    segment was chosen with knowledge of the test windows; what a strategy that is made from the
    segment has seen of them.

    Source: Pardo (2008), The evaluation and optimization of trading strategies, ch. 11; purging
    López de Prado (2018), Advances in financial machine learning, ch. 7; the statistic Hall (1992).

    Parameters
    ----------
    context : GateContext
        With ``rerun``.

    Raises
    ------
    Inconclusive
        Where the strategy or a setting cannot be run, and below the policy's number of distinct
        times; where no round trip or one fold alone traded.
    """
    rerun, details = context.rerun, dict[str, Json]()
    if rerun is None:
        raise Inconclusive(NO_RERUN, details)
    settings, segment = context.settings(WalkForwardSettings), rerun.run.segment
    details["scheme"] = settings.scheme
    if not segment.n_messages:
        raise Inconclusive(not_enough("Messages", 0, 1), details)
    _refuse_sessions(context, settings, segment, details)
    folds = settings.folds_of(segment.first_ts_ns, segment.last_ts_ns)
    stamps = _stamps(context, rerun, folds, details)
    searched = settings_of(context, rerun)
    total = len(searched) + len(folds)

    def tell(done: int, _: int) -> None:
        context.report_progress(NAME, done, total)

    try:
        grid = run_settings(context, rerun, searched, tell)
        details["settings"] = len(grid.runs)
        trained = trained_folds(rerun, grid, folds, Fraction(settings.purge_cap))
        found, judged = _test(context, rerun, trained, stamps, details)
    except (StrategyError, ConfigError, FixedPointOverflow) as error:
        raise Inconclusive(
            f"A setting cannot be run: {first_cause(error).rstrip('.')}.", details
        ) from error
    return [_judge(context, found, judged, details)]


def _judge(
    context: GateContext, found: OutOfSample, judged: HallTest, details: dict[str, Json]
) -> GateResult:
    """The verdict on what was found, as a sentence."""
    n, net = len(found.buckets), sum(found.nets)
    profitable = sum(one > 0 for one in found.nets)
    settings, folds = details["settings"], len(found.nets)
    how = (
        f"the best of {settings} settings chosen from the past in each of "
        f"{counted(folds, 'fold[s]')}"
    )
    if settings == 1:
        how = f"one setting run afresh in each of {counted(folds, 'fold[s]')}"
    reason = (
        f"Hall's t of net PnL out of sample in {counted(n, 'clock bucket[s]')}, {how}: "
        f"{float(judged.statistic):.6g}, at least {float(judged.quantile):.6g} needed "
        f"(p = {judged.p_value:.3g}); net {_plain(context, net)}, {profitable} of "
        f"{counted(sum(found.traded), 'traded fold[s]')} in profit."
    )
    if not judged.passed:
        more = more_data(float(judged.statistic), float(judged.quantile))
        reason += f" Search fewer settings, find a rule that lasts, or test on {more}."
        return RESULT.result(Verdict.FAIL, reason, None, details)
    loss = _plain(context, Fraction(net, 3))
    details["unseen_loss"] = loss
    reason += f" Unseen: a loss of {loss} once in {counted(n // 3, 'bucket[s]')} would erase this."
    return RESULT.result(Verdict.PASS, reason, None, details)


def _plain(context: GateContext, amount: Fraction | int) -> str:
    """An amount for a sentence."""
    return f"{rounded(float(amount * Fraction(10) ** (context.ledger_exponent - 1))):.6g}"


GATE = Gate(NAME, "g3", (RESULT,), WalkForwardSettings, evaluate, dear=True, needs_code=True)
