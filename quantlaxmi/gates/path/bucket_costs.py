"""What a run paid in fees, and what it traded, in its clock buckets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.schema import I64, FillFlag

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["BucketCosts", "bucket_costs"]


@dataclass(frozen=True, slots=True)
class BucketCosts:
    """Fees and notional of the fills in each clock bucket, attribution scale.

    Attributes
    ----------
    fees, notional : tuple of int
        An entry a bucket; a fee that is paid is positive.
    """

    fees: tuple[int, ...]
    notional: tuple[int, ...]


def bucket_costs(run: Run, ends: I64) -> BucketCosts:
    """Sum the fills of a run by clock bucket.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    ends : ndarray of int64, shape (n_buckets,)
        Last stamp of each bucket, ascending; no fill is later than the last.
    """
    fills, weights = run.exact.fills, run.weights
    units = [10 * scale * weight for scale, weight in zip(run.exact.scales, weights, strict=True)]
    columns = (fills[name].tolist() for name in ("instrument", "price", "qty"))
    rows = list(zip(*columns, run.exact.attributions.fee.tolist(), strict=True))
    own = (fills["flags"] & FillFlag.SETTLED == 0).tolist()  # what is settled is not traded
    done = np.searchsorted(fills["ts_ns"], ends, side="right").tolist()
    return BucketCosts(
        _sums((fee * weights[i] for i, _, _, fee in rows), done),
        _sums(
            (price * qty * units[i] * k for (i, price, qty, _), k in zip(rows, own, strict=True)),
            done,
        ),
    )


def _sums(amounts: Iterable[int], done: list[int]) -> tuple[int, ...]:
    """Increments of the running sum, read after so many amounts."""
    running = list(itertools.accumulate(amounts, initial=0))
    return tuple(running[b] - running[a] for a, b in itertools.pairwise([0, *done]))
