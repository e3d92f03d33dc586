"""Rows of quotes that change a top and nothing else."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t, quiet_t

cdef enum:
    # Instruments of which a run of rows is noted in one word.
    MOST_QUIET = 64


cdef class QuietRows:
    cdef quiet_t quiet
    cdef readonly Py_ssize_t n_rows
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_quiet
    cdef int64_t* mid2
    cdef short* who
    cdef object _quotes

    cdef int _read(self, quotes) except -1
    cdef int point(self, columns_t* t, table) except -1
