"""Sweep kernel of the circular time shift: the position path turned around the segment.

The market of n + 1 rows has n steps, step r from row r to row r + 1. A *run* holds one bundle over
the steps start..stop-1, a *trip* is the runs from flat to flat. Shifting by k turns all runs k
steps around the circle of steps; what passes the end goes on at the beginning, and is valued on
both sides. No step leads from the last row to the first, so prices are never joined there.

A draw costs two or four reads a run, whatever the number of rows. The PnL of one trip must fit
int64, which the caller proves; sums over trips are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import prange

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.random_entry import bundle_value
from quantlaxmi._jit.wide import add_signed, add_square

__all__ = ["circular", "gains", "identity"]

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@inline
def _trip_gain(
    trip: int,
    offset: int,  # IN  steps, 0 to n_steps - 1
    columns: I64,  # IN  (n_steps + 1, n_columns)
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,  # IN  (n_trips + 1,) into the runs
    run_start: I64,  # IN  (n_runs,) first step
    run_stop: I64,  # IN  (n_runs,) step after the last
    run_position: I64,  # IN  (n_runs,) bundle held
) -> int:
    n_steps = columns.shape[0] - 1
    gain = 0
    for run in range(trip_first[trip], trip_first[trip + 1]):
        start, stop = run_start[run] + offset, run_stop[run] + offset
        if start >= n_steps:
            start, stop = start - n_steps, stop - n_steps
        held = run_position[run]
        if stop > n_steps:
            stop -= n_steps
            gain += bundle_value(
                columns, term_first, term_column, term_coefficient, held, n_steps
            ) - bundle_value(columns, term_first, term_column, term_coefficient, held, 0)
        gain += bundle_value(
            columns, term_first, term_column, term_coefficient, held, stop
        ) - bundle_value(columns, term_first, term_column, term_coefficient, held, start)
    return gain


@inline
def _walk(
    offset: int,
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    run_start: I64,
    run_stop: I64,
    run_position: I64,
    out: U64,  # OUT (4,) S and Q as (high, low)
) -> None:
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    for trip in range(trip_first.shape[0] - 1):
        gain = _trip_gain(
            trip,
            offset,
            columns,
            term_first,
            term_column,
            term_coefficient,
            trip_first,
            run_start,
            run_stop,
            run_position,
        )
        s_hi, s_lo = add_signed(s_hi, s_lo, gain)
        q_hi, q_lo = add_square(q_hi, q_lo, gain)
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo


@kernel
def circular(
    offsets: I64,  # IN  (n_draws,) steps, 0 to n_steps - 1
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    run_start: I64,
    run_stop: I64,
    run_position: I64,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares of the trips' PnL, the path shifted by each offset."""
    for t in prange(offsets.shape[0]):
        _walk(
            offsets[t],
            columns,
            term_first,
            term_column,
            term_coefficient,
            trip_first,
            run_start,
            run_stop,
            run_position,
            out[t],
        )


@inline
def identity(
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    run_start: I64,
    run_stop: I64,
    run_position: I64,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing, through the same walk."""
    _walk(
        0,
        columns,
        term_first,
        term_column,
        term_coefficient,
        trip_first,
        run_start,
        run_stop,
        run_position,
        out,
    )


@inline
def gains(
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    run_start: I64,
    run_stop: I64,
    run_position: I64,
    out: I64,  # OUT (n_trips,)
) -> None:
    """PnL of each trip, nothing shifted."""
    for trip in range(out.shape[0]):
        out[trip] = _trip_gain(
            trip,
            0,
            columns,
            term_first,
            term_column,
            term_coefficient,
            trip_first,
            run_start,
            run_stop,
            run_position,
        )
