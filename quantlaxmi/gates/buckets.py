"""Net PnL of a run in clock buckets, and the bucket length a segment is cut by."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from quantlaxmi.errors import EngineError

if TYPE_CHECKING:
    from quantlaxmi.equity import EquityCurve

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


def _points(first: int, last: int, step: int) -> int:
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
        (step for step in STEPS_NS if _points(first_ns, last_ns, step) <= most), STEPS_NS[-1]
    )


def net_by_bucket(curve: EquityCurve) -> list[int]:
    """Increments of a run's equity over clock buckets: fees, funding and open positions count.

    Parameters
    ----------
    curve : EquityCurve
        Buckets end at its points.

    Returns
    -------
    list of int
        Attribution scale (ledger exponent - 1). Their sum is the run's net PnL.

    Raises
    ------
    EngineError
        When the sum is not the ledger's net PnL.
    """
    equity = [int(v) for v in curve.equity.tolist()]
    if equity[-1] != curve.run.net_pnl:
        raise EngineError(
            f"net PnL is {equity[-1]} by buckets, the ledger's {curve.run.net_pnl}, at "
            f"10**{curve.exponent}"
        )
    return [b - a for a, b in itertools.pairwise([0, *equity])]
