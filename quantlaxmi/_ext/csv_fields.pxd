"""Reader of the fields of a CSV line."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.csv_roles cimport MAX_COLUMNS, column_t, row_t
from quantlaxmi._ext.message_rows cimport MessageRows

cdef class CsvFields(MessageRows):
    cdef column_t columns[MAX_COLUMNS]
    cdef Py_ssize_t n_columns
    cdef list names                # of the columns
    cdef list texts                # bytes last accepted in a TEXT column
    cdef object check_text         # (column name, text) -> fault name, empty for none
    cdef int rank
    cdef int price_exponent
    cdef int qty_exponent
    cdef int units                 # allowed units of stamps, bits UNIT_*
    cdef bint fine_ends            # digits below the exponent end the import
    cdef readonly int64_t n_rounded  # sizes of trades that were rounded to the exponent instead
    cdef int64_t unit_of[MAX_COLUMNS]  # ns in one unit of a stamp column, 0 until told
    cdef bytes last_id             # text id of the trade before
    cdef bint half_level           # the price of a level was empty

    cdef int _parse(self, const char* s, Py_ssize_t n, row_t* r) except -1
    cdef int _field(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1
    cdef int _amount(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1
    cdef int _time(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1
    cdef int _level(self, int role, const char* s, Py_ssize_t n) except -1
    cdef int _decimal(
        self, const char* s, Py_ssize_t n, int exponent, bint fine_ends, int64_t* out
    ) except -1
    cdef int _text(self, Py_ssize_t k, const char* s, Py_ssize_t n) except -1
    cdef int _stamp(self, Py_ssize_t k, const char* s, Py_ssize_t n, int64_t* out) except -1
    cdef int _trade_id(self, const char* s, Py_ssize_t n, row_t* r) except -1
