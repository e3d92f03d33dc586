"""Draws of the circular shift: the path of positions moved around the segment.

The market of n + 1 rows has n steps, step r from row r to row r + 1. A *holding period* has one
position over the steps start..stop-1, a *trip* is the periods from flat to flat. A shift by k moves
all periods k steps around the circle of steps. What passes the end goes on at the beginning, and is
valued on both sides. No step leads from the last row to the first, so prices are never joined.

A draw costs two or four reads for each period, whatever the number of rows. The caller proves that
the PnL of one trip fits int64; sums over trips are 128-bit. Draw ``t`` writes row ``t`` alone.
"""
from libc.stdint cimport int64_t, uint64_t

from quantlaxmi._ext.draw_sums cimport *


cdef struct path_t:
    bundles_t bundles
    const int64_t* trip_first
    const int64_t* start
    const int64_t* stop
    const int64_t* position
    Py_ssize_t n_trips


cdef int _set(path_t* p, path) except -1:
    set_bundles(&p.bundles, path)
    p.trip_first, p.start = line_of(path.trip_first), line_of(path.start)
    p.stop, p.position = line_of(path.stop), line_of(path.position)
    p.n_trips = len(path.trip_first) - 1
    return 0


cdef int64_t _trip_gain(const path_t* p, Py_ssize_t trip, int64_t offset) noexcept nogil:
    """PnL of a trip shifted by 0 to n_steps - 1 steps."""
    cdef int64_t n_steps = p.bundles.n_rows - 1, gain = 0, period, start, stop, position
    for period in range(p.trip_first[trip], p.trip_first[trip + 1]):
        start, stop = p.start[period] + offset, p.stop[period] + offset
        if start >= n_steps:
            start, stop = start - n_steps, stop - n_steps
        position = p.position[period]
        if stop > n_steps:
            stop -= n_steps
            gain += bundle_value(&p.bundles, position, n_steps)
            gain -= bundle_value(&p.bundles, position, 0)
        gain += bundle_value(&p.bundles, position, stop)
        gain -= bundle_value(&p.bundles, position, start)
    return gain


def circular(const int64_t[::1] offsets, path, uint64_t[:, ::1] out):
    """Sum and sum of squares of the trips' PnL, the path shifted by each offset.

    Parameters
    ----------
    offsets : ndarray of int64, shape (n_draws,)
        Steps, 0 to n_steps - 1; 0 is the draw that moves nothing.
    path
        See `quantlaxmi.gates.path.draw_terms`.
    out : ndarray of uint64, shape (n_draws, 4)
        OUT. S and Q as (high, low).
    """
    cdef path_t p
    cdef ql_i128 sums[2]
    cdef Py_ssize_t t, trip
    cdef int64_t gain
    if out.shape[0] != offsets.shape[0] or out.shape[1] != 4:
        raise ValueError(f"out has shape ({out.shape[0]}, {out.shape[1]})")
    _set(&p, path)
    with nogil:
        for t in range(offsets.shape[0]):
            sums[0] = sums[1] = ql_mul64(0, 0)
            for trip in range(p.n_trips):
                gain = _trip_gain(&p, trip, offsets[t])
                add_value(&sums[0], gain)
                add_square(&sums[1], gain)
            write_sums(&out[t, 0], sums, 2)


def gains(path, int64_t[::1] out):
    """PnL of each trip, nothing shifted.

    Parameters
    ----------
    path
        As in `circular`.
    out : ndarray of int64, shape (n_trips,)
        OUT.
    """
    cdef path_t p
    cdef Py_ssize_t trip
    _set(&p, path)
    if out.shape[0] != p.n_trips:
        raise ValueError(f"out has {out.shape[0]} rows")
    with nogil:
        for trip in range(p.n_trips):
            out[trip] = _trip_gain(&p, trip, 0)
