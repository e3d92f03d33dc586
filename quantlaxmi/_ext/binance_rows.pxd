"""Reader of a Binance stream capture."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.message_rows cimport MessageRows, message_t

cdef class BinanceRows(MessageRows):
    cdef readonly bint perp    # what the capture was given as
    cdef readonly int64_t votes_own   # lines only this market has, and only the other
    cdef readonly int64_t votes_other
    cdef readonly int64_t quotes_own  # the same by bookTicker lines, which tell less
    cdef readonly int64_t quotes_other
    cdef int64_t unit                 # ns in one unit of the receive stamp, 0 until told
    cdef object decoders              # tuple of msgspec decode functions by kind
    cdef object classify              # the slow, exact reader of a line
    cdef object unset
    cdef list streams                 # last accepted stream text by kind
    # Levels of the line at hand where both sides were plain; they stand behind n_levels.
    cdef Py_ssize_t n_plain[2]
    cdef int64_t best_plain[2]
    cdef bint _plain(self, object bids, object asks) except -1
    cdef Py_ssize_t _plain_side(self, object raw, bint highest, Py_ssize_t after) except? -2
    cdef int _stamped(self, const char* s, Py_ssize_t n, message_t* m) except -1
    cdef int _body(self, bytes body, int kind, message_t* m) except -1
    cdef int _quote(self, object data, message_t* m) except -1
    cdef int _trade(self, object data, message_t* m) except -1
    cdef int _mark_price(self, object data, message_t* m) except -1
    cdef int _depth(self, object data, message_t* m, bint snapshot) except -1
    cdef int _depth_ids(self, object data, message_t* m) except -1
    cdef int _message(self, int kind, object line, message_t* m) except -1
    cdef int _own_symbol(self, int kind, object stream, object symbol) except -1
    cdef int _levels(self, object levels, int64_t* best, bint highest) except -1
    cdef int _market(self, bint strong, bint perp) except -1
