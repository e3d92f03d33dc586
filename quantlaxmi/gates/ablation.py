"""Ablation: is it the declared signals that earn, and what does each filter do?"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from quantlaxmi.errors import (
    ConfigError,
    EngineError,
    FixedPointOverflow,
    StrategyError,
    first_cause,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.increments import bucket_step, net_by_bucket, run_equity
from quantlaxmi.gates.reasons import NO_RERUN, not_enough
from quantlaxmi.gates.resampling.paired_bootstrap import Bootstrap, resample
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.parallel.threads import run_in_order
from quantlaxmi.run.exact_run import net_in_all
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.block_length import MILLION
from quantlaxmi.stats.stepm import stepm

if TYPE_CHECKING:
    from quantlaxmi.run.rerun import Rerun
    from quantlaxmi.run.result import Run

__all__ = ["GATE", "SIGNALS", "evaluate"]

NAME = "ablation"
SIGNALS = ResultSpec("ablation.signals", "diagnosis", AblationResult, {"removed": []})


class AblationSettings(Settings, frozen=True, kw_only=True):
    """What ``[ablation]`` holds.

    Attributes
    ----------
    n_bootstrap : int
        Draws of the stationary bootstrap.
    max_buckets, min_buckets : int
        Most clock buckets that differences are taken in, and the fewest that are judged.
    """

    n_bootstrap: Annotated[int, Bounds(ge=99, le=10**6)] = 2_000
    max_buckets: Annotated[int, Bounds(ge=30, le=100_000)] = 1_000
    min_buckets: Annotated[int, Bounds(ge=30, le=100_000)] = 100


@dataclass(frozen=True, slots=True)
class _Without:
    """The run with one thing taken away, or why there is none."""

    run: Run | None
    problem: str = ""


def evaluate(context: GateContext) -> list[GateResult]:
    """Run the strategy without its signals, and without each filter (diagnoses).

    Every declared signal holds its neutral value throughout one re-run; the difference of the two
    runs' net PnL is taken in clock buckets (equity increments: fees, funding and the open position
    count) and resampled by the stationary bootstrap, both runs in the same order.

    Null hypothesis: the signals add nothing, the mean difference is not above 0. It
    passes when p, the share of draws whose sum lies at least as far above the observed one as
    that lies above 0, is at most alpha; equally, when the one-sided lower limit of the difference
    is above 0. A neutral run that never trades is the normal case: the difference is then the
    strategy's own PnL.

    Buckets: the shortest clock length that gives at most `max_buckets`, which is 400 to
    1,000 of them. They are *not* held above the longest trip: marked positions spread a trip over
    its buckets, and without an edge those increments are unpredictable however long it lasts, so
    that a single long trip would only take observations away. Dependence that is there, within
    trips or in volatility, is what the blocks are for; their mean length is chosen from the
    differences (Patton, Politis and White 2009). [False passes at 5 %, 800 runs a cell: 3.4-6.2 %
    at 600 buckets for independent, clustered, heavy-tailed and autocorrelated moves, short and
    long trips; 5.1-8.4 % at 30 buckets. Percentile limits: 4.4-6.2 and 6.9-8.4 %, studentised ones
    4.8-6.5 and 8.1-11.2 %.]

    A filter switched off alone is a diagnosis: taking away a cooldown adds good trades too. StepM
    over all filters that are on controls the chance of any false WARN at alpha.

    Cannot see: whether the signals were chosen by looking at this data; signals that a strategy
    computes and does not name; what two filters do only together.

    Source: Politis and Romano (1994); Romano and Wolf (2005).

    Parameters
    ----------
    context : GateContext

    Returns
    -------
    list of GateResult
        Of the signals, then of each filter that is on, in the settings' order. That of the signals
        warns where they add nothing measurable, and is NOT APPLICABLE without declared signals.

    Raises
    ------
    EngineError
        When a run's buckets are not its ledger.
    """
    rerun = context.rerun
    if rerun is None:
        raise Inconclusive(NO_RERUN)
    bound = rerun.run.strategy
    removed = tuple(_signal_name(rerun, k) for k in bound.signals)
    filters = tuple(bound.config.filters()) if rerun.strategy is not None else ()
    jobs: list[Callable[[], Run]] = []
    if removed:
        jobs.append(lambda: rerun.again(neutral=bound.signals))
    jobs += [_without_filter(rerun, name) for name in filters]
    runs = _run_all(context, jobs, alone=bound.form != "kernel")
    study = _Study(context, rerun)
    if removed:
        whole = study.signals(removed, runs.pop(0))
    else:
        reason = "Declared signals to take away: none."
        whole = SIGNALS.result(Verdict.NOT_APPLICABLE, reason)
    return [whole, *study.filters(filters, runs)]


def _signal_name(rerun: Rerun, slot: int) -> str:
    bound = rerun.run.strategy
    if slot >= len(bound.features):
        return bound.named_signals[slot - len(bound.features)]
    spec = bound.features[slot]
    instruments = rerun.run.instruments
    named = (instruments[a].symbol if 0 <= a < len(instruments) else str(a) for a in spec.args)
    return f"{spec.name}({', '.join(named)})"


def _never_asked(own: Run, neutral: Run) -> tuple[str, ...]:
    """The strategy's own signals that neither run passed through, where both objects are at hand.

    A neutral run may never come to a place at which the run itself asks, and the reverse.
    """
    asked: set[str] = set()
    for run in (own, neutral):
        found = getattr(run.strategy.instance, "signals_asked", None)
        if found is None:
            return ()
        asked |= found
    return tuple(name for name in own.strategy.named_signals if name not in asked)


def _without_filter(rerun: Rerun, name: str) -> Callable[[], Run]:
    return lambda: rerun.again(settings=rerun.run.strategy.config.without(name))


def _run_all(context: GateContext, jobs: list[Callable[[], Run]], *, alone: bool) -> list[_Without]:
    """Every re-run, in order; compiled kernels side by side, Python one after another."""

    def attempt(job: Callable[[], Run]) -> _Without:
        try:
            return _Without(job())
        except (StrategyError, ConfigError, FixedPointOverflow) as error:
            return _Without(None, first_cause(error))

    return run_in_order(
        attempt,
        jobs,
        threads=1 if alone else context.threads,
        progress=lambda done, total: context.report_progress(NAME, done, total),
    )


class _Study:
    """The run's own buckets, and what other runs are against them."""

    def __init__(self, context: GateContext, rerun: Rerun) -> None:
        run = rerun.run
        self.context, self.run = context, run
        self.settings = context.settings(AblationSettings)
        self.exponent = run.ledger_exponent - 1
        self.step_ns = bucket_step(
            run.segment.first_ts_ns, run.segment.last_ts_ns, self.settings.max_buckets
        )
        self.problem = ""
        self.curve, equity = run_equity(run, self.step_ns)
        self.own = [b - a for a, b in itertools.pairwise([0, *equity])]
        if self.own != net_by_bucket(run, self.curve):
            raise EngineError("the run's buckets by fills are not those of its ledger")
        if len(self.own) < self.settings.min_buckets:
            self.problem = not_enough(
                f"Buckets of {self._length()}", len(self.own), self.settings.min_buckets
            )

    def _length(self) -> str:
        return f"{decimal_text(self.step_ns, -9)} s"

    def _money(self, amount: int) -> str:
        return f"{rounded(float(Fraction(amount) * Fraction(10) ** self.exponent)):.9g}"

    def _buckets(self, run: Run) -> list[int]:
        return net_by_bucket(run, self.curve)

    def _details(self, run: Run) -> dict[str, Json]:
        """Figures of the run with and without something."""
        return {
            "net": decimal_text(net_in_all(self.run), self.exponent),
            "net_without": decimal_text(net_in_all(run), self.exponent),
            "decisions": self.run.n_decisions,
            "decisions_without": run.n_decisions,
        }

    def _resampling(self, found: Bootstrap) -> dict[str, Json]:
        return {
            "bucket_seconds": decimal_text(self.step_ns, -9),
            "buckets": len(self.own),
            "block_length": decimal_text(found.block, -6),
            "draws": len(found.sums[0]),
        }

    def signals(self, removed: tuple[str, ...], without: _Without) -> GateResult:
        """All signals neutral together should hurt."""
        never = () if without.run is None else _never_asked(self.run, without.run)
        found = self._signals(removed, without)
        if not never:
            return found
        details: dict[str, Json] = {**found.details, "never_asked": list(never)}
        text = f"Declared and never passed through ctx.signal: {', '.join(never)}."
        if set(never) < set(removed):
            return replace(found, reasons=(f"{found.reasons[0]} {text}",), details=details)
        text += " Nothing was taken away: pass them through, or do not declare them."
        return replace(
            found, verdict=Verdict.WARN, reasons=(text,), monte_carlo=None, details=details
        )

    def _signals(self, removed: tuple[str, ...], without: _Without) -> GateResult:
        context, names = self.context, ", ".join(removed)
        spec = replace(SIGNALS, labels={"removed": list(removed)})
        if without.run is None:
            reason = f"Run with {names} neutral: failed with {without.problem}. Let it run so."
            return spec.unanswered(reason)
        lost = net_in_all(self.run) - net_in_all(without.run)
        details = self._details(without.run)
        details["lost"] = decimal_text(lost, self.exponent)
        details["trips"] = context.n_trips
        if few := context.too_few_trips():
            return spec.unanswered(few, details)
        if self.problem:
            return spec.unanswered(self.problem, details)
        other = self._buckets(without.run)
        found = resample(
            context,
            SIGNALS.name,
            [[a - b for a, b in zip(self.own, other, strict=True)]],
            self.settings.n_bootstrap,
            grow=True,
        )
        count = found.count(0)
        limit = found.lower_limit(0, context.policy.level)
        details |= self._resampling(found)
        details["lost_lower_limit"] = None if limit is None else decimal_text(limit, self.exponent)
        passed = count.p_value <= context.policy.level
        grown = f", grown from {self.settings.n_bootstrap}" if count.extended else ""
        reason = (
            f"Net PnL with {names} neutral: {self._money(net_in_all(without.run))} instead of "
            f"{self._money(net_in_all(self.run))}. Bootstrap draws without a loss: "
            f"{count.exceedances} of {count.draws}{grown}, p = {float(count.p_value):.6g}, "
            f"limit {context.policy.alpha}."
        )
        if passed:
            return spec.result(Verdict.SHOWN, reason, count, details)
        reason += " The signals add nothing measurable: change them, or test on more data."
        return spec.result(Verdict.WARN, reason, count, details)

    def filters(self, names: tuple[str, ...], runs: list[_Without]) -> list[GateResult]:
        """One diagnosis for each filter; StepM over those that could be switched off."""
        judged: list[tuple[str, Run]] = []
        made: dict[str, GateResult] = {}
        for name, without in zip(names, runs, strict=True):
            if without.run is None:
                text = f"Run without this filter alone: failed with {without.problem}."
                made[name] = self._diagnosis(name, Verdict.SHOWN, text, {})
            elif self.problem:
                details = self._filter_details(name, without.run)
                text = f"{self._outcome(without.run)} {self.problem}"
                made[name] = self._diagnosis(name, Verdict.SHOWN, text, details)
            else:
                judged.append((name, without.run))
        if judged:
            made |= self._judge(judged)
        return [made[name] for name in names]

    def _judge(self, judged: list[tuple[str, Run]]) -> dict[str, GateResult]:
        level = self.context.policy.level
        series = [
            [b - a for a, b in zip(self.own, self._buckets(run), strict=True)] for _, run in judged
        ]
        found = resample(
            self.context, f"{NAME}.filters", series, self.settings.n_bootstrap, grow=False
        )
        made = {}
        for k, (p, (name, run)) in enumerate(
            zip(stepm(found.own, found.sums), judged, strict=True)
        ):
            details = self._filter_details(name, run) | self._resampling(found)
            details["harm_p_value"] = rounded(float(p))
            details["filters_judged"] = len(judged)
            interval = found.interval(k, level)
            details["gained_interval"] = (
                None if interval is None else [decimal_text(v, self.exponent) for v in interval]
            )
            text = self._outcome(run)
            if any(series[k]):
                if interval is not None:
                    low, high = (self._money(v) for v in interval)
                    share = decimal_text(*_percent(1 - level))
                    text += f" {share} % interval of the change {low} to {high},"
                text += f" p of harm {float(p):.6g}, warning at {self.context.policy.alpha}."
            verdict = Verdict.WARN if p <= level else Verdict.SHOWN
            if verdict is Verdict.WARN:
                text += " The filter costs money here: loosen it."
            made[name] = self._diagnosis(name, verdict, text, details)
        return made

    def _filter_details(self, name: str, run: Run) -> dict[str, Json]:
        config, off = self.run.strategy.config, run.strategy.config
        return {
            "value": config.as_texts()[name],
            "off": off.as_texts()[name],
            "limits": config.filters()[name].limits,
            **self._details(run),
            "gained": decimal_text(net_in_all(run) - net_in_all(self.run), self.exponent),
        }

    def _outcome(self, run: Run) -> str:
        tables = (
            (run.exact.decisions, self.run.exact.decisions),
            (run.exact.legs, self.run.exact.legs),
        )
        if all(a.tobytes() == b.tobytes() for a, b in tables):
            return "Decisions that this filter alone prevents: none."
        return (
            f"Net PnL without this filter: {self._money(net_in_all(run))} instead of "
            f"{self._money(net_in_all(self.run))}, decisions {run.n_decisions} instead of "
            f"{self.run.n_decisions}."
        )

    @staticmethod
    def _diagnosis(name: str, verdict: Verdict, text: str, details: dict[str, Json]) -> GateResult:
        spec = ResultSpec(f"{NAME}.{name}", "diagnosis", AblationResult, {"removed": [name]})
        return spec.result(verdict, text, None, details)


def _percent(share: Fraction) -> tuple[int, int]:
    """A share as percent, for `decimal_text`."""
    return int(share * 100 * MILLION), -6


GATE = Gate(
    NAME,
    "g2",
    (SIGNALS,),
    AblationSettings,
    evaluate,
    dear=True,
    added=AblationResult,
    needs_code=True,
    kernels="stationary_bootstrap",
)
