"""Other measures of selection over the settings that were tried: figures that decide nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import Inconclusive, Json, rounded
from quantlaxmi.run.grid_runs import GridRuns
from quantlaxmi.stats.block_length import block_length
from quantlaxmi.stats.cscv import backtest_overfitting
from quantlaxmi.stats.deflated_sharpe import deflated_sharpe
from quantlaxmi.stats.ledoit_wolf import sharpe_difference
from quantlaxmi.stats.min_backtest import min_backtest
from quantlaxmi.stats.min_track_record import min_track_record
from quantlaxmi.stats.model_confidence_set import model_confidence_set
from quantlaxmi.stats.probabilistic_sharpe import probabilistic_sharpe
from quantlaxmi.stats.sharpe_at_benchmark import (
    min_track_record_at_benchmark,
    sharpe_probability,
)
from quantlaxmi.stats.simes import simes
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.stepm import stepm
from quantlaxmi.stats.storey import null_share
from quantlaxmi.stats.superior_predictive_ability import superior_predictive_ability

__all__ = ["selection_figures"]

#: Stream of the bootstrap; its random numbers follow from it.
_STREAM: Final = "selection.bootstrap"
_DRAWS: Final = 999
_BLOCKS: Final = 16
#: Settings that the bootstraps look at: the best ones by their statistic, where there are more.
_MOST: Final = 200
_YEAR_NS: Final = 365.25 * 86_400 * 1e9

F64 = npt.NDArray[np.float64]


def selection_figures(
    context: GateContext, grid: GridRuns, trials: int, span_ns: int
) -> dict[str, Json]:
    """Figures of the run's own setting among all that were tried.

    Parameters
    ----------
    context : GateContext
    grid : GridRuns
        Every setting over the whole segment, the run's own first.
    trials : int
        Trials that are known.
    span_ns : int
        The segment's time.

    Raises
    ------
    Inconclusive
        Where the run's own net does not vary.
    """
    nets = [run.net for run in grid.runs]
    table = np.array([[float(v) for v in net] for net in nets]).T
    ratios = _ratios(table)
    own, n = table[:, 0], len(table)
    if not np.ptp(own):
        raise Inconclusive("Buckets with different increments of equity: none.")
    details = _sharpe_figures(own, float(ratios[0]), ratios, trials, span_ns)
    details["trials"] = trials
    if len(nets) < 2:
        return details
    details["pbo"] = rounded(backtest_overfitting(table, min(_BLOCKS, n - n % 2)))
    order = sorted(range(len(nets)), key=lambda k: (-ratios[k], k))
    details["rank_of_own"] = order.index(0) + 1
    rival = next((k for k in order if k and np.ptp(table[:, k])), None)
    if rival is not None and (table[:, rival] != own).any():
        found = sharpe_difference(own, table[:, rival])
        details["difference_to_best_other"] = rounded(found.difference)
        details["difference_p_value"] = rounded(found.p_value)
    return details | _bootstrapped(context, nets, order)


def _ratios(table: F64) -> F64:
    """Mean over standard deviation of each column; 0 where nothing moved."""
    spread = table.std(axis=0)
    made: F64 = np.divide(table.mean(axis=0), spread, out=np.zeros(len(spread)), where=spread > 0)
    return made


def _sharpe_figures(
    own: F64, sharpe: float, ratios: F64, trials: int, span_ns: int
) -> dict[str, Json]:
    """Probabilities and lengths that follow from moments; Sharpe ratios are those of a bucket."""
    n, centred = len(own), own - own.mean()
    variance = float((centred**2).mean())
    skew = float((centred**3).mean()) / variance**1.5
    kurtosis = float((centred**4).mean()) / variance**2
    lag = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    per_year = n * _YEAR_NS / max(span_ns, 1)
    found: dict[str, Json] = {
        "sharpe_of_a_bucket": rounded(sharpe),
        "skew": rounded(skew),
        "kurtosis": rounded(kurtosis),
        "autocorrelation": rounded(lag),
        "psr": rounded(probabilistic_sharpe(sharpe, n, 0.0, skew, kurtosis)),
        "psr_2026": rounded(
            sharpe_probability(
                sharpe, n, 0.0, skew=skew, kurtosis=kurtosis, autocorrelation=max(lag, 0.0)
            )
        ),
    }
    if sharpe > 0:
        least = min_track_record(sharpe, 0.0, 0.05, skew, kurtosis)
        revised = min_track_record_at_benchmark(sharpe, 0.0, 0.05, skew, kurtosis, max(lag, 0.0))
        found |= {"min_track_record": rounded(least), "min_track_record_2026": rounded(revised)}
    if trials >= 2:
        spread = float(ratios.var(ddof=1)) if len(ratios) > 1 else 1.0 / n
        benchmark, dsr = deflated_sharpe(sharpe, n, trials, spread, skew, kurtosis)
        found |= {"dsr_benchmark": rounded(benchmark), "dsr": rounded(dsr)}
        if sharpe > 0:
            yearly = sharpe * math.sqrt(per_year)
            found["min_backtest_years"] = rounded(min_backtest(trials, yearly))
            found["years"] = rounded(span_ns / _YEAR_NS)
    return found


def _bootstrapped(
    context: GateContext, nets: Sequence[Sequence[int]], order: Sequence[int]
) -> dict[str, Json]:
    """What a common stationary bootstrap of the buckets says of the best settings."""
    kept = sorted({0, *[k for k in order if len(set(nets[k])) > 1][:_MOST]})
    series = [nets[k] for k in kept]
    n, own = len(series[0]), [sum(one) for one in series]
    block = max(block_length(one).stationary for one in series)
    sums = bootstrap_sums(series, block, _DRAWS, context.key(_STREAM), threads=context.threads)
    ability = superior_predictive_ability(own, sums, n)
    adjusted = stepm(own, sums)
    # One-sided p of each setting by its own draws, for the whole family.
    single = [
        Fraction(1 + sum(s - total >= total for s in draws), _DRAWS + 1)
        for total, draws in zip(own, sums, strict=True)
    ]
    confident = model_confidence_set(own, sums)
    level = context.policy.level
    return {
        "bootstrap_settings": len(kept),
        "bootstrap_draws": _DRAWS,
        "spa_p_value": rounded(float(ability.consistent)),
        "spa_lower_p_value": rounded(float(ability.lower)),
        "spa_upper_p_value": rounded(float(ability.upper)),
        "stepm_own_p_value": rounded(float(adjusted[0])),
        "stepm_rejected": sum(p <= level for p in adjusted),
        "mcs_own_p_value": rounded(float(confident[0])),
        "mcs_size": sum(p > level for p in confident),
        "simes_p_value": rounded(float(simes(single))),
        "storey_null_share": rounded(float(null_share(single))),
    }
