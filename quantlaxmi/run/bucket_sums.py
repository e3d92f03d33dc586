"""A run's gross and net at the ends of equal parts of its time, and what a trial keeps of them.

The span from the first to the last message is cut into parts of equal length on the clock. *Gross*
is what the run's fills earned at the mids that their decisions saw, *net* its equity: cash and
positions at the mid, with all that the ledger books. Both are exact integers, whose last values are
the ledger's.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.run.exact_run import gross_in_all, net_in_all, rounding_until
from quantlaxmi.run.ledger_lines import lines_at_times
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["BUCKETS", "BucketSums", "bucket_ends", "sums_at", "z_sums"]

#: Parts that a segment's time is cut into.
BUCKETS = 200


def bucket_ends(first_ns: int, last_ns: int, n: int = BUCKETS) -> I64:
    """Last stamp that each bucket can have: ``first + (last - first) * (k + 1) // n``.

    Parameters
    ----------
    first_ns, last_ns : int
        Times of the first and the last message.
    n : int

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    span = last_ns - first_ns
    return np.array([first_ns + span * (k + 1) // n for k in range(n)], np.int64)


@dataclass(frozen=True, slots=True)
class BucketSums:
    """A run's money from its beginning to the end of each bucket, at 10**(ledger exponent - 1).

    Attributes
    ----------
    gross, net : list of int
        An entry a bucket, from the run's beginning on.
    position : ndarray of int64, shape (n_held, n_buckets)
        Position at the end, of each instrument that was ever held.
    fills : ndarray of int64, shape (n_buckets,)
        Fills up to the end.
    """

    gross: list[int]
    net: list[int]
    position: I64
    fills: npt.NDArray[np.intp]


def sums_at(run: Run, ends: I64) -> BucketSums:
    """Gross and net of a finished run at the ends of its clock buckets.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    ends : ndarray of int64
        Ascending; the last one is the time of the last message.

    Raises
    ------
    CurrencyError
        Instruments of several currencies were traded, and there is no conversion.
    EngineError
        When the sums are not the ledger's gross and net.
    """
    expected, weights = (gross_in_all(run), net_in_all(run)), run.weights
    lines = lines_at_times(run.exact, run.segment, ends, run.loans)
    fills, units = run.exact.fills, run.exact.scales
    done = np.searchsorted(fills["ts_ns"], ends, side="right")
    each = zip(fills["instrument"].tolist(), run.exact.attributions.gross.tolist(), strict=True)
    traded = itertools.accumulate((weights[i] * amount for i, amount in each), initial=0)
    at_decisions = np.array(list(traded), dtype=object)[done]
    worth, equity = np.zeros(len(ends), dtype=object), np.zeros(len(ends), dtype=object)
    for k, i in enumerate(lines.held):
        unit = 5 * units[i] * weights[i]
        worth = worth + lines.position[k].astype(object) * lines.mid2[k] * unit
        equity = equity + lines.instruments[k].equity * weights[i]
    equity = equity - rounding_until(run, ends)
    gross, net = (at_decisions + worth).tolist(), equity.tolist()
    if (gross[-1], net[-1]) != expected:
        raise EngineError(
            f"gross and net are {gross[-1]} and {net[-1]} by buckets, the ledger's "
            f"{expected[0]} and {expected[1]}, at 10**{run.ledger_exponent - 1}"
        )
    return BucketSums(gross, net, lines.position, done)


def z_sums(run: Run) -> tuple[int, int]:
    """Sum and sum of squares of the gross of a run's 200 clock buckets: Z = sum/sqrt(squares).

    Raises
    ------
    CurrencyError, EngineError
        As `sums_at`.
    """
    ends = bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns)
    gross = sums_at(run, ends).gross
    increments = [b - a for a, b in itertools.pairwise([0, *gross])]
    return sum(increments), sum(g * g for g in increments)
