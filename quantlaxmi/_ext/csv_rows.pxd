"""Reader of CSV market data."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.csv_roles cimport row_t
from quantlaxmi._ext.csv_messages cimport CsvMessages
from quantlaxmi._ext.message_rows cimport message_t

cdef class CsvRows(CsvMessages):
    cdef int grouping              # GROUP_*: which lines make up one message
    cdef int64_t skip              # header lines still to come
    # The message being put together from lines.
    cdef message_t open
    cdef row_t head
    cdef bint is_open
    cdef bint damaged
    cdef bint damage_next
    cdef bint hole
    cdef bint after_snapshot       # the line before was a snapshot's
    cdef int64_t diff_before       # last update id of a difference, in the order of the file
    cdef int last_decimals         # of the last column: -1 none yet, -2 they vary
    cdef readonly int64_t n_header         # header lines, of the file begun last

    cdef int _set_aside(
        self, const row_t* r, const char* s, Py_ssize_t n, int fault, bint cut,
        Py_ssize_t first_level,
    ) except -1
    cdef int _grouped(self, const row_t* r) except -1
    cdef int _place_fault(self, const row_t* r) except -1
    cdef int _begin_message(self, const row_t* r) except -1
    cdef int _damage(self, int64_t line) except -1
    cdef int _close(self) except -1
