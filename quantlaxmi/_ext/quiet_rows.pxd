"""Rows of quotes that change a top and nothing else."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t, quiet_t
from quantlaxmi._ext.venue_clock cimport venue_clock_t

cdef enum:
    # Instruments of which a run of rows is noted in one word.
    MOST_QUIET = 64


# What one reading of the tables goes by.
cdef struct reading_t:
    venue_clock_t clocks[MOST_QUIET]
    int64_t row[MOST_QUIET]  # latest of the instrument, -1 before the first
    int64_t ts  # of the row before


cdef class QuietRows:
    cdef quiet_t quiet
    cdef readonly Py_ssize_t n_rows
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_quiet
    cdef readonly Py_ssize_t n_trades
    cdef int64_t* mid2
    cdef short* who
    cdef int64_t* before_trade
    cdef dict _seq

    cdef int _read(self, quotes, trades) except -1
    cdef int _mark_of_trade(
        self, reading_t* r, Py_ssize_t j, Py_ssize_t k, int64_t ts, int64_t exch
    ) noexcept nogil
    cdef int _stop_behind(self, quoted, other) except -1
    cdef int point(self, columns_t* t, tables) except -1
