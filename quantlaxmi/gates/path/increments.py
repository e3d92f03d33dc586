"""Net PnL of a run in clock buckets, and the length of the buckets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.fixed import int128_array
from quantlaxmi.run.ledger_lines import marks_at_times
from quantlaxmi.schema import IntColumn

if TYPE_CHECKING:
    from quantlaxmi.run.equity import EquityCurve
    from quantlaxmi.run.result import Run

__all__ = ["STEPS_NS", "bucket_step", "net_by_bucket"]


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


def net_by_bucket(run: Run, curve: EquityCurve) -> list[int]:
    """Increments of a run's equity over clock buckets, with fees, funding and open positions.

    One sweep over the prices and quantities of the fills gives them; the average costs that an
    `EquityCurve` keeps are not needed.

    Parameters
    ----------
    run : Run
        Of one currency.
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
    fills, funding, points = run.exact.fills, run.exact.funding, curve.ts_ns
    done = np.searchsorted(fills["ts_ns"], points, side="right")
    scales = [10 * scale for scale in run.exact.scales]
    signed = fills["side"] * fills["qty"]
    scale = np.array([scales[i] for i in fills["instrument"].tolist()], dtype=object)
    paid = signed.astype(object) * fills["price"].astype(object) * scale
    paid += 10 * int128_array(fills["fee_hi"], fills["fee_lo"])
    equity = -_sum_to(paid, done)
    received = 10 * int128_array(funding["amount_hi"], funding["amount_lo"])
    equity += _sum_to(received, np.searchsorted(funding["ts_ns"], points, side="right"))
    marks = dict(zip(curve.held, curve.mid2, strict=True))
    own = np.unique(fills["instrument"]).tolist()
    if other := [i for i in own if i not in marks]:  # the curve is of another run
        marks |= zip(other, marks_at_times(run.segment, points, other), strict=True)
    for i in own:
        held = np.cumsum(np.where(fills["instrument"] == i, signed, 0))
        position = np.append(np.int64(0), held)[done]
        # A mid is half of bid and ask, so tenfold money has five for each.
        equity += position.astype(object) * marks[i].astype(object) * (scales[i] // 2)
    found = [int(v) for v in equity]
    if found[-1] != run.net_pnl:
        raise EngineError(
            f"net PnL is {found[-1]} by buckets, the ledger's {run.net_pnl}, at "
            f"10**{run.ledger_exponent - 1}"
        )
    return [b - a for a, b in itertools.pairwise([0, *found])]


def _sum_to(amounts: IntColumn, done: npt.NDArray[np.intp]) -> IntColumn:
    """Sums of the first ``done`` amounts, one for each number in ``done``."""
    start: IntColumn = np.zeros(1, dtype=object)
    found: IntColumn = np.concatenate([start, np.cumsum(amounts) if len(amounts) else amounts])
    taken: IntColumn = found[done]
    return taken
