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
from quantlaxmi._jit.random_entry import bundle_value
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Path", "circular", "gains", "identity"]


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
def _value(path: Path, bundle: int, row: int) -> int:
    value: int = bundle_value(
        path.columns, path.term_first, path.term_column, path.term_coefficient, bundle, row
    )
    return value


@inline
def _trip_gain(path: Path, trip: int, offset: int) -> int:
    """PnL of a trip shifted by 0 to n_steps - 1 steps."""
    n_steps = path.columns.shape[0] - 1
    gain = 0
    for period in range(path.trip_first[trip], path.trip_first[trip + 1]):
        start, stop = path.start[period] + offset, path.stop[period] + offset
        if start >= n_steps:
            start, stop = start - n_steps, stop - n_steps
        position = path.position[period]
        if stop > n_steps:
            stop -= n_steps
            gain += _value(path, position, n_steps) - _value(path, position, 0)
        gain += _value(path, position, stop) - _value(path, position, start)
    return gain


@inline
def _walk(
    path: Path,
    offset: int,
    out: U64,  # OUT (4,) S and Q as (high, low)
) -> None:
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    for trip in range(path.trip_first.shape[0] - 1):
        gain = _trip_gain(path, trip, offset)
        s_hi, s_lo = add_signed(s_hi, s_lo, gain)
        q_hi, q_lo = add_square(q_hi, q_lo, gain)
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo


@kernel
def circular(
    offsets: I64,  # IN  (n_draws,) steps, 0 to n_steps - 1
    path: Path,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares of the trips' PnL, the path shifted by each offset."""
    for t in range(offsets.shape[0]):
        _walk(path, offsets[t], out[t])


def identity(
    path: Path,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing, through the same kernel."""
    circular(np.zeros(1, np.int64), path, out.reshape(1, 4))


@kernel
def gains(
    path: Path,
    out: I64,  # OUT (n_trips,)
) -> None:
    """PnL of each trip, nothing shifted."""
    for trip in range(out.shape[0]):
        out[trip] = _trip_gain(path, trip, 0)
