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

from quantlaxmi.run.bucket_sums import BUCKETS, bucket_ends, sums_at
from quantlaxmi.schema import I64, TABLES

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData

__all__ = [
    "BUCKETS",
    "Increments",
    "bucket_ends",
    "distinct_stamps",
    "increments_at",
    "increments_of",
    "merged",
]


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
    """Sums over `n` longer buckets of neighbours, with borders by integer division.

    Raises
    ------
    ValueError
        When there are fewer than `n`.
    """
    if not 0 < n <= len(values):
        raise ValueError(f"{len(values)} buckets cannot be {n}")
    borders = [len(values) * k // n for k in range(n + 1)]
    return [sum(values[a:b]) for a, b in itertools.pairwise(borders)]


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
    return increments_at(run, bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns))


def increments_at(run: Run, ends: I64) -> Increments:
    """Gross and net of a finished run in any buckets: session days, for instance.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    ends : ndarray of int64
        Last stamp of each bucket, ascending; the last one is the time of the last message.

    Raises
    ------
    EngineError
        When the sums are not the ledger's gross and net.
    """
    sums = sums_at(run, ends)
    return Increments(
        ends,
        tuple(b - a for a, b in itertools.pairwise([0, *sums.gross])),
        tuple(b - a for a, b in itertools.pairwise([0, *sums.net])),
        _held(sums.position, sums.fills, run.exact.fills["ts_ns"]),
    )


def _held(position: I64, done: npt.NDArray[np.intp], stamps: I64) -> tuple[bool, ...]:
    """A bucket has a position where one was open at its beginning, or a fill is in it."""
    open_at_end = (position != 0).any(axis=0) if len(position) else np.zeros(len(done), bool)
    before = np.concatenate([[False], open_at_end[:-1]])
    filled = np.diff(done, prepend=0) > 0
    return tuple((before | filled).tolist())
