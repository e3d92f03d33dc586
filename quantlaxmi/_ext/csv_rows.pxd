"""Reader of CSV market data."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.csv_fields cimport CsvFields, row_t
from quantlaxmi._ext.message_rows cimport message_t

cdef class CsvRows(CsvFields):
    cdef int grouping              # GROUP_*: which lines make up one message
    cdef bint snapshots            # every message is a snapshot
    cdef bint numbered             # depth messages are numbered here
    cdef bint stamp_is_exchange    # the receive time is the exchange's
    cdef int64_t day_from          # receive times allowed: day_from <= ts < day_to
    cdef int64_t day_to
    cdef int64_t skip              # header lines still to come
    # The message being put together from lines.
    cdef message_t open
    cdef row_t head
    cdef bint is_open
    cdef bint damaged
    cdef bint damage_next
    cdef bint hole
    cdef bint after_snapshot       # the line before was a snapshot's
    cdef int64_t number            # of the last depth message numbered here
    cdef int64_t diff_before       # last update id of a difference, in the order of the file
    cdef int last_decimals         # of the last column: -1 none yet, -2 they vary
    cdef readonly int64_t n_header         # header lines, of the file begun last
    cdef readonly int64_t n_read           # messages read, of the file begun last
    cdef readonly int64_t n_read_lines     # lines they were read from

    cdef int _set_aside(
        self, const row_t* r, const char* s, Py_ssize_t n, int fault, bint cut,
        Py_ssize_t first_level,
    ) except -1
    cdef int _single(self, const row_t* r, Py_ssize_t first_level) except -1
    cdef int _void_book(self, const row_t* r, int fault) except -1
    cdef int _empty_snapshot(self, message_t* m) except -1
    cdef int _grouped(self, const row_t* r) except -1
    cdef int _place_fault(self, const row_t* r) except -1
    cdef int _begin_message(self, const row_t* r) except -1
    cdef int _damage(self, int64_t line) except -1
    cdef int _close(self) except -1
    cdef int _finish(self, message_t* m, const row_t* r, Py_ssize_t first_level) except -1
    cdef int _blame(self, int64_t line, int64_t n, int fault, object detail) except -1
