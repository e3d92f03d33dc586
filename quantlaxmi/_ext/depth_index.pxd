"""The depth of a whole segment, to be looked up by message."""
from libc.stdint cimport int32_t, int64_t
from quantlaxmi._ext.columns cimport columns_t, depth_index_t
from quantlaxmi._ext.depth_book cimport depth_t
from quantlaxmi._ext.depth_changes cimport level_changes_t, sorted_changes_t
from quantlaxmi._ext.depth_levels cimport depth_now_t, depth_state_t

cdef struct reader_t:  # what the live books' changes are told to
    level_changes_t changes
    depth_t* books
    int64_t* loads  # by instrument: snapshots seen so far
    int32_t* loaded  # by instrument: message of the last one
    int32_t instrument  # of the message at hand
    int32_t message
    int status


cdef class DepthIndex:
    cdef depth_index_t index
    cdef sorted_changes_t sorted
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_rows
    cdef readonly Py_ssize_t n_messages
    cdef readonly Py_ssize_t n_changes
    cdef readonly Py_ssize_t n_prices
    cdef int64_t* seq
    cdef int64_t* ts
    cdef int64_t* exch
    cdef short* instrument
    cdef signed char* flags
    cdef int32_t* rows
    cdef depth_state_t* states

    cdef _allocate(self)
    cdef _read(self, depth, Py_ssize_t most_bytes)
    cdef Py_ssize_t _rows(self, depth, reader_t* r) except -1
    cdef void _end_message(
        self, reader_t* r, Py_ssize_t row, int64_t seq, int64_t ts, int64_t exch, signed char flags
    ) noexcept nogil
    cdef int point(self, columns_t* t, table) except -1
    cdef int _now(self, int instrument, Py_ssize_t message, depth_now_t* now) except -1
