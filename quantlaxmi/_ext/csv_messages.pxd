"""Reader of CSV fields that finishes messages."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.csv_fields cimport CsvFields
from quantlaxmi._ext.csv_roles cimport row_t
from quantlaxmi._ext.message_rows cimport message_t

cdef class CsvMessages(CsvFields):
    cdef bint snapshots            # every message is a snapshot
    cdef bint numbered             # depth messages are numbered here
    cdef bint stamp_is_exchange    # the receive time is the exchange's
    cdef int64_t day_from          # receive times allowed: day_from <= ts < day_to
    cdef int64_t day_to
    cdef int64_t number            # of the last depth message numbered here
    cdef readonly int64_t n_read           # messages read, of the file begun last
    cdef readonly int64_t n_read_lines     # lines they were read from

    cdef int _single(self, const row_t* r, Py_ssize_t first_level) except -1
    cdef int _void_book(self, const row_t* r, int fault) except -1
    cdef int _empty_snapshot(self, message_t* m) except -1
    cdef int _finish(self, message_t* m, const row_t* r, Py_ssize_t first_level) except -1
    cdef int _finish_depth(self, message_t* m, const row_t* r, Py_ssize_t first_level) except -1
    cdef int _blame(self, int64_t line, int64_t n, int fault, object detail) except -1
