"""Sweep kernel of the circular shift: the path of positions moved around the segment.

The market of n + 1 rows has n steps, step r from row r to row r + 1. A *holding period* has one
position over the steps start..stop-1, a *trip* is the periods from flat to flat. A shift by k moves
all periods k steps around the circle of steps. What passes the end goes on at the beginning, and is
valued on both sides. No step leads from the last row to the first, so prices are never joined.

A draw costs two or four reads for each period, whatever the number of rows. The caller proves that
the PnL of one trip fits int64; sums over trips are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.random_entry import Bundles, bundle_move
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Path", "circular", "identity", "prepare"]

#: The first row; a literal would be a signature of its own.
_BEGIN: int = np.int64(0)  # type: ignore[assignment]


class Path(NamedTuple):
    """A path of positions over a market, as the kernels read it.

    Attributes
    ----------
    columns : ndarray of int64, shape (n_steps + 1, n_columns)
    term_first : ndarray of int64, shape (n_bundles + 1,)
    term_column, term_coefficient : ndarray of int64, shape (n_terms,)
        A bundle's value at a row: its coefficients times its columns.
    trip_first : ndarray of int64, shape (n_trips + 1,)
        Into the holding periods.
    start, stop : ndarray of int64, shape (n_periods,)
        First step, and the step after the last.
    position : ndarray of int64, shape (n_periods,)
        Bundle of the position.
    """

    columns: I64
    term_first: I64
    term_column: I64
    term_coefficient: I64
    trip_first: I64
    start: I64
    stop: I64
    position: I64


@inline
def _trip_gain(path: Path, trip: int, offset: int) -> int:
    """PnL of a trip shifted by 0 to n_steps - 1 steps."""
    bundles = Bundles(path.columns, path.term_first, path.term_column, path.term_coefficient)
    n_steps = path.columns.shape[0] - 1
    gain = 0
    for period in range(path.trip_first[trip], path.trip_first[trip + 1]):
        start, stop = path.start[period] + offset, path.stop[period] + offset
        if start >= n_steps:
            start, stop = start - n_steps, stop - n_steps
        position = path.position[period]
        if stop > n_steps:
            stop -= n_steps
            gain += bundle_move(bundles, position, _BEGIN, n_steps)
        gain += bundle_move(bundles, position, start, stop)
    return gain


@kernel
def circular(
    offsets: I64,  # IN  (n_draws,) steps, 0 to n_steps - 1
    path: Path,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares of the trips' PnL, the path shifted by each offset."""
    for t in range(offsets.shape[0]):
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        for trip in range(path.trip_first.shape[0] - 1):
            gain = _trip_gain(path, trip, offsets[t])
            s_hi, s_lo = add_signed(s_hi, s_lo, gain)
            q_hi, q_lo = add_square(q_hi, q_lo, gain)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo


def identity(
    path: Path,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing, through the same kernel."""
    circular(np.zeros(1, np.int64), path, out.reshape(1, 4))


def prepare() -> None:
    """Compile what the gate needs, or load it from the cache; nothing is shifted."""
    none, table = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    path = Path(table, none, none, none, none, none, none, none)
    circular(none, path, np.zeros((0, 4), np.uint64))
