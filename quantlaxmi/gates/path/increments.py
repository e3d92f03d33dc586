"""Net PnL of a run in clock buckets, and the length of the buckets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.fixed import int128_array
from quantlaxmi.run.accrued import accrued_interest
from quantlaxmi.run.exact_run import net_in_all, rounding_until
from quantlaxmi.run.ledger_lines import marks_at_times, paid_at
from quantlaxmi.schema import IntColumn

if TYPE_CHECKING:
    from quantlaxmi.run.equity import EquityCurve
    from quantlaxmi.run.result import Run

__all__ = ["STEPS_NS", "bucket_step", "net_by_bucket", "run_equity"]


_MS = 10**6
_SECOND, _MINUTE, _HOUR = 10**9, 60 * 10**9, 3600 * 10**9
_DAY = 24 * _HOUR
#: Bucket lengths to choose from, ascending.
STEPS_NS = (
    *(k * _MS for k in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(k * _SECOND for k in (1, 2, 5, 10, 15, 30)),
    *(k * _MINUTE for k in (1, 2, 5, 10, 15, 30)),
    *(k * _HOUR for k in (1, 2, 4, 6, 12)),
    *(k * _DAY for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


def _buckets(first: int, last: int, step: int) -> int:
    """Buckets that begin on multiples of `step`, the first and the last one partial."""
    return max(0, -(-last // step) - -(-first // step)) + 1


def bucket_step(first_ns: int, last_ns: int, most: int) -> int:
    """The shortest length of `STEPS_NS` that cuts a segment into at most `most` buckets.

    Parameters
    ----------
    first_ns, last_ns : int
        Times of the first and the last message.
    most : int
    """
    return next(
        (step for step in STEPS_NS if _buckets(first_ns, last_ns, step) <= most), STEPS_NS[-1]
    )


def run_equity(run: Run, step_ns: int) -> tuple[EquityCurve, list[int]]:
    """Curve of a run on a clock, and at its points the equity of all that it traded.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    step_ns : int

    Returns
    -------
    curve : EquityCurve
        Of the first currency of the run.
    equity : list of int
        Attribution scale.
    """
    totals = dict.fromkeys(run.exact.traded_currencies or tuple(run.exact.cash)[:1], 1)
    if run.conversion is not None:
        totals = dict(run.conversion.weights)
    curve = run.equity_curve(step_ns, next(iter(totals)))
    equity = sum(curve.totals[currency].equity * weight for currency, weight in totals.items())
    return curve, [int(value) for value in equity]


def net_by_bucket(run: Run, curve: EquityCurve) -> list[int]:
    """Increments of a run's equity over clock buckets, with all costs and open positions.

    One sweep over the prices and quantities of the fills gives them; the average costs that an
    `EquityCurve` keeps are not needed.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    curve : EquityCurve
        Curve of this or another run over the same segment. Buckets end at its points, and its mids
        mark open positions.

    Returns
    -------
    list of int
        Attribution scale (ledger exponent - 1). Their sum is the run's net PnL.

    Raises
    ------
    EngineError
        When the sum is not the ledger's net PnL.
    """
    fills, points = run.exact.fills, curve.ts_ns
    done = np.searchsorted(fills["ts_ns"], points, side="right")
    weights = run.weights
    scales = [10 * scale * weight for scale, weight in zip(run.exact.scales, weights, strict=True)]
    signed = fills["side"] * fills["qty"]
    scale = np.array([scales[i] for i in fills["instrument"].tolist()], dtype=object)
    paid = signed.astype(object) * fills["price"].astype(object) * scale
    paid += 10 * _weighed(int128_array(fills["fee_hi"], fills["fee_lo"]), fills, weights)
    equity = -_sum_to(paid, done)
    for sign, rows in ((1, run.exact.funding), (-1, run.exact.borrow)):
        received = _weighed(int128_array(rows["amount_hi"], rows["amount_lo"]), rows, weights)
        # Settlements are stamped by the venue's clock, interest by the receive time.
        times = paid_at(run.segment, rows) if sign > 0 else rows["ts_ns"]
        order = np.argsort(times, kind="stable")
        received = 10 * sign * received[order]
        equity += _sum_to(received, np.searchsorted(times[order], points, side="right"))
    marks = dict(zip(curve.held, curve.mid2, strict=True))
    own = np.unique(fills["instrument"]).tolist()
    if other := [i for i in own if i not in marks]:  # the curve is of another run
        marks |= zip(other, marks_at_times(run.segment, points, other), strict=True)
    for i in own:
        held = np.cumsum(np.where(fills["instrument"] == i, signed, 0))
        position = np.append(np.int64(0), held)[done]
        # A mid is half of bid and ask, so tenfold money has five for each.
        equity += position.astype(object) * marks[i].astype(object) * (scales[i] // 2)
        lent = run.exact.borrow[run.exact.borrow["instrument"] == i]
        paid_by = np.searchsorted(lent["ts_ns"], points, side="right")
        owed = accrued_interest(lent, paid_by, points, marks[i], run.loans[i])
        equity -= 10 * weights[i] * owed
    found = [int(v) for v in equity - rounding_until(run, points)]
    if found[-1] != net_in_all(run):
        raise EngineError(
            f"net PnL is {found[-1]} by buckets, the ledger's {net_in_all(run)}, at "
            f"10**{run.ledger_exponent - 1}"
        )
    return [b - a for a, b in itertools.pairwise([0, *found])]


def _weighed(amounts: IntColumn, rows: npt.NDArray[np.void], weights: tuple[int, ...]) -> IntColumn:
    """Amounts of rows times the weights of their instruments."""
    if set(weights) == {1} or not len(amounts):
        return amounts
    found: IntColumn = amounts * np.array(
        [weights[i] for i in rows["instrument"].tolist()], dtype=object
    )
    return found


def _sum_to(amounts: IntColumn, done: npt.NDArray[np.intp]) -> IntColumn:
    """Sums of the first ``done`` amounts, one for each number in ``done``."""
    start: IntColumn = np.zeros(1, dtype=object)
    found: IntColumn = np.concatenate([start, np.cumsum(amounts) if len(amounts) else amounts])
    taken: IntColumn = found[done]
    return taken
