"""Draws of the market null, several in one call without the interpreter's lock.

A draw is a market with other signs (market_null.pyx), the mids at which positions are marked on it, and
a pass of all lanes over it (lanes.pyx). Only numbers leave a draw, so the next one takes its memory.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import numpy as np

from quantlaxmi._ext.lanes cimport Lanes, result_t, shown
from quantlaxmi._ext.market_null cimport SignFlips
from quantlaxmi._ext.signals cimport hear_after

cdef enum:
    QUOTES = 0
    DEPTH = 1


cdef struct followed_t:  # mids that move with rows of a table
    Py_ssize_t n
    const int64_t* places
    const int64_t* rows
    int64_t* shift  # of every row, NULL for a table without any


cdef class LaneDraws:
    """The draws of one thread: its lanes over the market in its own arrays.

    Parameters
    ----------
    lanes : Lanes
        They have loaded the tables with `quotes` and `depth` as shifts.
    flips : SignFlips
    room : (ndarray of uint64, ndarray of int64, ndarray of int64)
        Signs and shifts, as `SignFlips.room` made them; every draw overwrites them.
    mid2 : ndarray of int64
        Bid + ask at which positions are marked on the recorded market: by instrument at the end of
        the data, then by instrument and bucket.
    followed : sequence of (ndarray of int64, ndarray of int64)
        Of quotes and of depth: places in `mid2`, and the row with whose shift each one moves.
    weights, end_ns, ends
        As in `Lanes.run`.

    Raises
    ------
    ValueError
        The arrays do not fit each other.
    """

    cdef Lanes lanes
    cdef SignFlips flips
    cdef object _kept
    cdef uint64_t* signs
    cdef Py_ssize_t n_signs
    cdef followed_t followed[2]
    cdef const int64_t* recorded
    cdef int64_t* mid2
    cdef Py_ssize_t n_mids
    cdef Py_ssize_t n_ends
    cdef const int64_t* weights
    cdef const int64_t* ends
    cdef int64_t end_ns
    cdef Py_ssize_t n_rows  # that a market is made of
    cdef Py_ssize_t steps  # of them since somebody listened

    def __init__(
        self, Lanes lanes, SignFlips flips, room, const int64_t[::1] mid2, followed,
        const int64_t[::1] weights, int64_t end_ns, const int64_t[::1] ends,
    ):
        cdef uint64_t[::1] signs = room[0]
        cdef int64_t[::1] quotes = room[1], depth = room[2]
        cdef int64_t[::1] own
        cdef Py_ssize_t n = lanes.first.tape.n_instruments
        if self._kept is not None:
            raise RuntimeError("LaneDraws is initialised once")
        flips._check(signs, quotes, depth)
        if weights.shape[0] != n or not ends.shape[0] or mid2.shape[0] != n * (1 + ends.shape[0]):
            raise ValueError("mids are one an instrument, and one an instrument and bucket")
        self.lanes, self.flips = lanes, flips
        self.n_mids, self.n_ends, self.end_ns = mid2.shape[0], ends.shape[0], end_ns
        moved = np.empty(len(mid2), np.int64)
        own = moved
        self.signs, self.n_signs = &signs[0], signs.shape[0]
        self.recorded, self.mid2 = &mid2[0], &own[0]
        self.weights, self.ends = &weights[0], &ends[0]
        self.n_rows = quotes.shape[0] + depth.shape[0]
        self._kept = [room, mid2, weights, ends, moved]
        self._follow(QUOTES, followed[QUOTES], quotes)
        self._follow(DEPTH, followed[DEPTH], depth)

    cdef _follow(self, int which, given, int64_t[::1] shift):
        cdef const int64_t[::1] places = given[0], rows = given[1]
        cdef followed_t* f = &self.followed[which]
        cdef Py_ssize_t k
        if places.shape[0] != rows.shape[0]:
            raise ValueError("a place follows one row")
        for k in range(places.shape[0]):
            if not (0 <= places[k] < self.n_mids and 0 <= rows[k] < shift.shape[0]):
                raise ValueError("a mid follows a row that is not there")
        f.n = places.shape[0]
        f.shift = &shift[0] if shift.shape[0] else NULL
        if f.n:
            f.places, f.rows = &places[0], &rows[0]
        self._kept.append(given)

    def made(
        self, pace, uint64_t key, uint64_t first, Py_ssize_t count, bint drift, Py_ssize_t tries
    ):
        """Make draws `first` to `first + count - 1`.

        Parameters
        ----------
        pace : callable
            As in `Lanes.run`; asked over all draws.
        key, first, count : int
        drift : bool
            Whether the markets keep the data's drift.
        tries : int
            Markets made for a draw until one has positive prices.

        Returns
        -------
        list of (int, list or None)
            By draw: markets made for it, and what each lane came to, as `Lanes.run` says; None where
            no market had positive prices.
        """
        cdef Py_ssize_t n = self.lanes.n, k, i
        cdef int64_t left = 0
        cdef result_t* results = <result_t*>malloc((count * n + 1) * sizeof(result_t))
        cdef int64_t* made = <int64_t*>malloc((count + 1) * sizeof(int64_t))
        if results == NULL or made == NULL:
            free(results)
            free(made)
            raise MemoryError("draws")
        try:
            with nogil:
                for k in range(count):
                    made[k] = self._market(key, first + k, drift, tries)
                    if made[k] < 0:
                        continue
                    self._mark()
                    self.lanes.pass_over(
                        pace, &left, self.weights, self.mid2, self.end_ns, self.ends, self.n_ends,
                        self.mid2 + self.lanes.first.tape.n_instruments, True,
                    )
                    memcpy(results + k * n, self.lanes.results, n * sizeof(result_t))
            return [
                (int(made[k]), [shown(&results[k * n + i]) for i in range(n)])
                if made[k] > 0 else (int(-made[k]), None)
                for k in range(count)
            ]
        finally:
            free(results)
            free(made)

    cdef int64_t _market(
        self, uint64_t key, uint64_t draw, bint drift, Py_ssize_t tries
    ) except 0 nogil:
        """Make the market of a draw; how many were made, below 0 where none was fine."""
        cdef Py_ssize_t attempt
        for attempt in range(tries):
            hear_after(&self.steps, self.n_rows)
            if self.flips.make(
                key, draw, attempt, self.signs, self.n_signs, self.followed[QUOTES].shift,
                self.followed[DEPTH].shift, drift,
            ):
                return attempt + 1
        return -tries

    cdef void _mark(self) noexcept nogil:
        """The mids of the market at hand."""
        cdef const followed_t* f
        cdef Py_ssize_t k
        cdef int which
        memcpy(self.mid2, self.recorded, self.n_mids * sizeof(int64_t))
        for which in range(2):
            f = &self.followed[which]
            for k in range(f.n):
                self.mid2[f.places[k]] += 2 * f.shift[f.rows[k]]
