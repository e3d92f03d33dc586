"""What a run earned in equal parts of its time: the increments that the tests of G2 rest on.

The span from the first to the last message is cut into 200 parts of equal length on the clock.
Bucket k has the messages with stamps in ``(b_k, b_{k+1}]``, the first stamp is in bucket 0. A
bucket's *net* is the increment of equity: cash and positions at the mid, with slippage, fees,
funding and all else that the ledger books. Its *gross* is the increment of what the same fills
would have earned at the mids that their decisions saw. All are exact integers whose sums are the
ledger's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.run.ledger_lines import lines_at_times
from quantlaxmi.schema import I64, TABLES

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData

__all__ = ["BUCKETS", "Increments", "bucket_ends", "distinct_stamps", "increments_of", "merged"]

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


def distinct_stamps(segment: MarketData, enough: int = BUCKETS) -> int:
    """Distinct receive times of a segment's messages; counting ends where there are `enough`."""
    found: set[int] = set()
    for name in TABLES:
        stamps = segment.columns(name)["ts_ns"]
        first = segment.first_ts_ns
        at, step = 0, 4 * enough
        while at < len(stamps) and len(found) < enough:
            part = stamps[at : at + step]
            found.update(np.unique(part[part >= first]).tolist())
            at, step = at + step, 4 * step
    return min(len(found), enough)


@dataclass(frozen=True, slots=True)
class Increments:
    """A run's money in its clock buckets, at 10**(ledger exponent - 1).

    Attributes
    ----------
    ends : ndarray of int64, shape (n_buckets,)
        Last stamp of each bucket, ns.
    gross, net : tuple of int
        An entry a bucket.
    held : tuple of bool
        Whether a position was open at any time in the bucket.
    """

    ends: I64
    gross: tuple[int, ...]
    net: tuple[int, ...]
    held: tuple[bool, ...]

    @property
    def costs(self) -> tuple[int, ...]:
        """Net minus gross: slippage (a maker's gain is positive), fees, funding, borrowing."""
        return tuple(e - g for e, g in zip(self.net, self.gross, strict=True))


def merged(values: Sequence[int], n: int) -> list[int]:
    """Sums over `n` longer buckets, each of as many of the given ones.

    Raises
    ------
    ValueError
        When their number is no multiple of `n`.
    """
    each, rest = divmod(len(values), n)
    if rest or not each:
        raise ValueError(f"{len(values)} buckets cannot be {n}")
    return [sum(values[k * each : (k + 1) * each]) for k in range(n)]


def increments_of(run: Run) -> Increments:
    """Gross and net of a finished run in its clock buckets.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.

    Raises
    ------
    EngineError
        When the sums are not the ledger's gross and net.
    """
    first, last = run.segment.first_ts_ns, run.segment.last_ts_ns
    ends, weights = bucket_ends(first, last), run.weights
    lines = lines_at_times(run.exact, run.segment, ends)
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
    gross, net = (at_decisions + worth).tolist(), equity.tolist()
    if gross[-1] != run.gross_pnl or net[-1] != run.net_pnl:
        raise EngineError(
            f"gross and net are {gross[-1]} and {net[-1]} by buckets, the ledger's "
            f"{run.gross_pnl} and {run.net_pnl}, at 10**{run.ledger_exponent - 1}"
        )
    return Increments(
        ends,
        tuple(b - a for a, b in itertools.pairwise([0, *gross])),
        tuple(b - a for a, b in itertools.pairwise([0, *net])),
        _held(lines.position, done, fills["ts_ns"]),
    )


def _held(position: I64, done: npt.NDArray[np.intp], stamps: I64) -> tuple[bool, ...]:
    """A bucket has a position where one was open at its beginning, or a fill is in it."""
    open_at_end = (position != 0).any(axis=0) if len(position) else np.zeros(len(done), bool)
    before = np.concatenate([[False], open_at_end[:-1]])
    filled = np.diff(done, prepend=0) > 0
    return tuple((before | filled).tolist())
