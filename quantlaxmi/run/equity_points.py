"""Equity of a run at regular times, exact, without a line for each instrument.

`quantlaxmi.run.equity` keeps the whole ledger at every point and checks it twice; here is only what
returns are made of. The last point is checked against the run's net PnL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.fixed import int128_array
from quantlaxmi.fixed.int128_sums import int128_combined, int128_running
from quantlaxmi.run.accrued import accrued_interest
from quantlaxmi.run.equity import MAX_POINTS
from quantlaxmi.run.exact_run import net_in_all, rounding_until
from quantlaxmi.run.excursions import valid_mids
from quantlaxmi.run.ledger_lines import last_seq_at, paid_at
from quantlaxmi.schema import I64, IntColumn
from quantlaxmi.segment.tops import top_rows

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = ["EquityPoints", "clock_step", "equity_points", "step_text"]

_UNITS: Final = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3_600 * 10**9,
    "D": 86_400 * 10**9,
    "W": 7 * 86_400 * 10**9,
}
_FREQ: Final = re.compile(r"([1-9][0-9]{0,17})?(ns|us|ms|s|min|h|D|W)", re.ASCII)


def clock_step(freq: str | int) -> int:
    """Nanoseconds of a frequency such as ``"1D"``, ``"4h"`` or ``"15min"``; of a number itself.

    Raises
    ------
    InputError
        It is no whole number above 0 of ns, us, ms, s, min, h, D or W.
    """
    step = 0
    if isinstance(freq, str) and (found := _FREQ.fullmatch(freq)):
        step = int(found[1] or 1) * _UNITS[found[2]]
    elif isinstance(freq, int) and not isinstance(freq, bool):
        step = freq
    if not 0 < step < 1 << 62:
        raise InputError(
            "freq", f"was {freq!r}, expected such as '1D', '4h', '15min', '1s', or nanoseconds"
        )
    return step


def step_text(step_ns: int) -> str:
    """A number of nanoseconds as a frequency: ``"1D"``."""
    unit = max((u for u in _UNITS if step_ns % _UNITS[u] == 0 and u != "W"), key=_UNITS.__getitem__)
    return f"{step_ns // _UNITS[unit]}{unit}"


@dataclass(frozen=True, eq=False)
class EquityPoints:
    """A run's equity before its first message, at multiples of a step, and at its last message.

    Attributes
    ----------
    step_ns : int
    ts_ns : ndarray of int64, shape (n_points,)
    net : ndarray of int (object), shape (n_points,)
        Net PnL until then, open positions at the mid and interest that is due among it, at
        10**exponent. The first is 0.
    exponent : int
        The run's ledger exponent - 1.
    currency : str
    """

    step_ns: int
    ts_ns: I64
    net: IntColumn
    exponent: int
    currency: str


def equity_points(run: ExactRun, step_ns: int) -> EquityPoints:
    """Return a run's equity on a clock.

    Parameters
    ----------
    run : ExactRun
    step_ns : int
        Points fall on multiples of it since the epoch.

    Raises
    ------
    InputError
        The run has no messages, or the step makes more than 32 million points.
    CurrencyError
        Instruments of several currencies were traded, and there is no conversion.
    EngineError
        The last point is not the run's net PnL.
    """
    currency = run.currency
    first, last = run.segment.first_ts_ns, run.segment.last_ts_ns
    if run.segment.n_messages == 0:
        raise InputError("equity", "was asked of a run over no messages, expected one or more")
    start = (first // step_ns + 1) * step_ns
    if (last - start) // step_ns > MAX_POINTS:
        raise InputError("freq", f"was {step_ns} ns, which makes more than {MAX_POINTS} points")
    ts_ns = np.arange(start, last, step_ns, dtype=np.int64)
    ts_ns = np.concatenate([[first], ts_ns, [last]]).astype(np.int64)
    net: IntColumn = np.array([0] * len(ts_ns), dtype=object)
    fills = run.exact.fills
    # Gross - slippage - fee of each fill; funding and interest come from their own rows.
    halves = run.exact.attributions.halves
    cash = int128_combined((1, halves("gross")), (-1, halves("slippage")), (-1, halves("fee")))
    for i in run.exact.traded:
        own = np.flatnonzero(fills["instrument"] == i)
        net[1:] += run.weights[i] * _of_instrument(run, i, own, cash, ts_ns[1:])
    net[1:] -= rounding_until(run, ts_ns[1:])
    if net[-1] != net_in_all(run):
        raise EngineError(f"equity ends at {net[-1]}, the ledger's net PnL is {net_in_all(run)}")
    return EquityPoints(step_ns, ts_ns, net, run.ledger_exponent - 1, currency)


def _of_instrument(
    run: ExactRun, i: int, own: NDArray[np.intp], cash: tuple[I64, I64], ts_ns: I64
) -> IntColumn:
    """Cash and worth of an instrument, whose fills are ``own``, after all up to each time."""
    records = run.exact
    done = np.searchsorted(records.fills["ts_ns"][own], ts_ns, side="right")
    running = int128_running(cash[0][own], cash[1][own])
    value: IntColumn = int128_array(running[0][done], running[1][done])
    funding = records.funding[records.funding["instrument"] == i]
    borrow = records.borrow[records.borrow["instrument"] == i]
    paid = np.searchsorted(borrow["ts_ns"], ts_ns, side="right")
    for rows, count, sign in (
        (funding, np.searchsorted(paid_at(run.segment, funding), ts_ns, side="right"), 10),
        (borrow, paid, -10),
    ):
        if len(rows):
            sums = int128_running(rows["amount_hi"], rows["amount_lo"])
            value += sign * int128_array(sums[0][count], sums[1][count])
    marks = _marks(run, i, last_seq_at(run.segment, ts_ns))
    held = np.concatenate([np.zeros(1, np.int64), records.fills["position"][own]])[done]
    value += held.astype(object) * marks.astype(object) * (5 * records.scales[i])
    due: IntColumn = accrued_interest(borrow, paid, ts_ns, marks, run.loans[i])
    value -= 10 * due
    return value


#: Rows that are looked at one by one for the last valid book, before all are looked at together.
_BACK: Final = 64


def _marks(run: ExactRun, i: int, seq: I64) -> I64:
    """Bid + ask of an instrument's last valid book after each message; 0 before the first."""
    quotes = top_rows(run.segment)
    row = np.searchsorted(quotes["seq"], seq, side="right") - 1
    marks = np.zeros(len(seq), np.int64)
    left = np.arange(len(seq))
    for _ in range(_BACK):
        left = left[row[left] >= 0]
        if not len(left):
            break
        at = row[left]
        bid, ask = quotes["bid"][at], quotes["ask"][at]
        valid = (quotes["instrument"][at] == i) & (bid > 0) & (ask > bid)
        valid &= (quotes["bid_qty"][at] > 0) & (quotes["ask_qty"][at] > 0)
        marks[left[valid]] = (bid + ask)[valid]
        left = left[~valid]
        row[left] -= 1
    # Sparse books, or such as depth may give before the first quote.
    if len(missing := np.flatnonzero(marks == 0)):
        own, mid2 = valid_mids(run, i)
        found = np.searchsorted(own, seq[missing], side="right")
        marks[missing] = np.concatenate([np.zeros(1, np.int64), mid2])[found]
    return marks
