"""The figures people ask of a run: floats, made at the edge, on a stated capital.

Money is exact; ratios are doubles. Returns are those of equity (capital and net PnL, open positions
at the mid) over equal steps of the clock, the first and the last of which may be partial. A year is
365 days of the clock, closed times among them. A figure that cannot be had is None.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.fixed.int128_sums import int128_floats, int128_product_sum
from quantlaxmi.run.equity_points import clock_step, step_text
from quantlaxmi.run.money import capital_of, exact_decimal, money_in_all
from quantlaxmi.run.returns import CapitalCurve, capital_curve
from quantlaxmi.run.run_statistics import RunStatistics
from quantlaxmi.run.trades import entry_notional, money_of_trips
from quantlaxmi.run.trip_money import trip_money
from quantlaxmi.schema import FillFlag
from quantlaxmi.stats.probabilistic_sharpe import probabilistic_sharpe
from quantlaxmi.stats.sharpe_variance import sharpe_variance

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = ["run_statistics"]

YEAR_NS: Final = 365 * 86_400 * 10**9
_DAY: Final = 86_400 * 10**9
#: Steps of returns by default: the longest of which there are so many.
_STEPS: Final = (_DAY, 3_600 * 10**9, 60 * 10**9, 10**9)
_ENOUGH: Final = 30


def run_statistics(
    run: ExactRun, capital: Any = None, freq: str | int | None = None
) -> RunStatistics:
    """Return the figures of a run; see `quantlaxmi.run.result.Run.stats`."""
    stated = capital_of(run, capital)
    span = max(run.segment.last_ts_ns - run.segment.first_ts_ns, 0)
    step = _default_step(span) if freq is None else clock_step(freq)
    money = money_in_all(run)
    curve = capital_curve(run, step, stated)
    notes = []
    if stated is None:
        notes.append("no capital is stated: what is a share of it is not shown (capital=, --risk)")
    ruined = bool((curve.equity <= 0).any()) and stated is not None
    if ruined:
        notes.append("equity was not above 0 at some time: there are no returns on such a capital")
    usable = stated is not None and not ruined
    returns = curve.returns if usable else np.zeros(0)
    years = span / YEAR_NS
    total = float(money.net / stated) if stated else None
    cagr = None
    if usable and total is not None and span >= _DAY:
        cagr = _power(1.0 + total, 1.0 / years)
    elif usable:
        notes.append("the data are shorter than a day: there is no return a year")
    drawdown, fall, length = _drawdown(curve, usable)
    turnover = _turnover(run)
    traded, paid = float(turnover), float(money.fees)
    costs = money.slippage + money.fees + money.interest + money.rounding
    return RunStatistics(
        currency=run.currency,
        capital=stated,
        start_ns=run.segment.first_ts_ns,
        end_ns=run.segment.last_ts_ns,
        step=step_text(step),
        steps=len(curve.equity) - 1,
        **{name: getattr(money, name) for name in money.__slots__},
        total_return=total,
        cagr=cagr,
        **_moments(returns, YEAR_NS / step),
        calmar=None if cagr is None or not drawdown else cagr / drawdown,
        max_drawdown=drawdown,
        max_drawdown_money=fall,
        max_drawdown_ns=length,
        turnover=turnover,
        turnover_per_year=traded / float(stated) / years if stated and span >= _DAY else None,
        **_trips(run, span),
        cost_share=float(costs / money.gross) if money.gross > 0 else None,
        break_even_fees=1.0 + float(money.net) / paid if paid > 0 else None,
        break_even_bps=1e4 * float(money.net) / traded if traded > 0 else None,
        notes=tuple(notes),
        n_stop_first=run.exact.n_stop_first,
    )


def _default_step(span: int) -> int:
    return next((step for step in _STEPS if span >= _ENOUGH * step), _STEPS[-1])


def _power(base: float, exponent: float) -> float | None:
    try:
        return math.pow(base, exponent) - 1.0
    except OverflowError:
        return None


def _moments(returns: NDArray[np.float64], a_year: float) -> dict[str, Any]:
    """Figures of the returns, None where they do not vary."""
    names = ("volatility", "sharpe", "sharpe_error", "psr", "sortino", "skew", "kurtosis")
    found: dict[str, Any] = dict.fromkeys(names)
    n = len(returns)
    if n < 2:
        return found
    root, mean = math.sqrt(a_year), float(returns.mean())
    moved = returns - mean
    variance = float(moved @ moved)
    found["volatility"] = math.sqrt(variance / (n - 1)) * root
    losses = np.minimum(returns, 0.0)
    if below := float(losses @ losses):
        found["sortino"] = mean / math.sqrt(below / n) * root
    # Equal returns leave nothing but rounding.
    if variance <= n * (1e-15 * max(abs(mean), 1e-300)) ** 2:
        return found
    second = variance / n
    skew = float((moved**3).mean()) / second**1.5
    kurtosis = float((moved**4).mean()) / second**2
    sharpe = mean / math.sqrt(variance / (n - 1))
    kurtosis_at_least = max(kurtosis, 1.0 + skew * skew)
    error = math.sqrt(max(sharpe_variance(sharpe, skew, kurtosis_at_least), 0.0) / (n - 1))
    return found | {
        "sharpe": sharpe * root,
        "sharpe_error": error * root,
        "psr": probabilistic_sharpe(sharpe, n, 0.0, skew, kurtosis_at_least),
        "skew": skew,
        "kurtosis": kurtosis,
    }


def _drawdown(curve: CapitalCurve, has_capital: bool) -> tuple[float | None, Decimal, int]:
    """Largest share lost, largest fall in money, and how long that fall's peak was not reached."""
    falls = curve.peaks - curve.equity
    deepest = int(np.argmax(falls))
    fall = int(falls[deepest])
    share = None
    if has_capital:
        pairs = zip(falls.tolist(), curve.peaks.tolist(), strict=True)
        share = max(lost / peak for lost, peak in pairs)
    length = 0
    if fall:
        peak, ts_ns = curve.peaks[deepest], curve.points.ts_ns
        begun = int(np.argmax(curve.equity == peak))
        again = np.flatnonzero(curve.equity[deepest:] >= peak)
        end = deepest + int(again[0]) if len(again) else len(ts_ns) - 1
        length = int(ts_ns[end] - ts_ns[begun])
    return share, exact_decimal(fall, curve.exponent), length


def _turnover(run: ExactRun) -> Decimal:
    fills, total = run.exact.fills, 0
    fills = fills[(fills["flags"] & FillFlag.SETTLED) == 0]  # what is settled is not traded
    for i in run.exact.traded:
        own = np.flatnonzero(fills["instrument"] == i)
        worth = int128_product_sum(fills["price"][own], fills["qty"][own])
        total += worth * run.exact.scales[i] * run.weights[i]
    return exact_decimal(total, run.ledger_exponent)


def _trips(run: ExactRun, span: int) -> dict[str, Any]:
    """Figures of the round trips."""
    found = trip_money(run.exact)
    trips = found.trips
    hi, lo = money_of_trips(run, found, ("net",))["net"]
    net = int128_floats(hi, lo) * 10.0 ** (run.ledger_exponent - 1)
    won, lost = float(net[net > 0].sum()), -float(net[net < 0].sum())
    opened = entry_notional(run, found)
    ts_ns = run.exact.fills["ts_ns"]
    held = 0
    if trips.n:
        last = np.append(trips.first_part[1:], len(trips.fill)) - 1
        ends = ts_ns[trips.fill[last]]
        if trips.is_open:
            ends[-1] = run.segment.last_ts_ns
        held = int((ends - ts_ns[trips.fill[trips.first_part]]).sum())
    return {
        "exposure": held / span if span else 0.0,
        "round_trips": trips.n,
        "open_trips": int(trips.is_open),
        "win_rate": float((net > 0).mean()) if trips.n else None,
        "profit_factor": won / lost if lost else None,
        "mean_trip_bps": float((1e4 * net / opened).mean()) if trips.n else None,
    }
