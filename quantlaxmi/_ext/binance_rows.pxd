"""Messages of one Binance stream capture, as read; shared by binance_rows and stream_merge."""
from libc.stdint cimport int64_t

# One accepted line. `sequence` is the exchange's own number (trade id, update id, event time), and
# (ts, rank, sequence, line) is the total order. The rest depends on the rank:
#   QUOTE    v0..v3 = bid, bid quantity, ask, ask quantity
#   TRADE    v0..v2 = price, quantity, aggressor's side
#   DEPTH    v0 = first id, v1 = previous id or -1, v2 = 1 for a snapshot, v3 = first level
#            (counted from the capture's start), v4 = bid levels, v5 = ask levels
#   FUNDING  v0..v3 = mark, index, rate, next funding time
cdef struct message_t:
    int64_t ts
    int64_t rank       # schema.EventKind
    int64_t sequence
    int64_t line       # from 1
    int64_t exch       # ns, 0 where the line has none
    int64_t v0
    int64_t v1
    int64_t v2
    int64_t v3
    int64_t v4
    int64_t v5
    int64_t status     # fault found while merging, or -1 for a depth gap before this message
    int64_t reference  # the number that status is about
    int64_t since_ts   # of a gap: time and number of the diff before it
    int64_t since_seq

cdef struct level_t:
    int64_t price
    int64_t qty

cdef enum:
    RANK_TRADE = 1
    RANK_DEPTH = 2
    RANK_QUOTE = 3
    RANK_FUNDING = 4

cdef class BinanceRows:
    cdef message_t* messages   # owned; pending, in the capture's order until settled
    cdef Py_ssize_t n_messages
    cdef Py_ssize_t cap_messages
    cdef level_t* levels       # owned; levels of the pending messages
    cdef Py_ssize_t n_levels
    cdef Py_ssize_t cap_levels
    cdef int64_t first_level   # number of levels[0], counted from the capture's start
    cdef int64_t window_ns
    cdef readonly bint perp    # what the capture was given as
    cdef readonly int64_t n_lines
    cdef readonly int64_t n_reordered
    cdef readonly int64_t high_ns     # latest accepted receive time
    cdef readonly bint started
    cdef readonly object symbol       # the venue's, once a line has told it
    cdef readonly list faults         # (line, code, detail, excerpt) since last taken
    cdef readonly int64_t votes_own   # lines only this market has, and only the other
    cdef readonly int64_t votes_other
    cdef readonly int64_t quotes_own  # the same by bookTicker lines, which tell less
    cdef readonly int64_t quotes_other
    cdef int64_t unit                 # ns in one unit of the receive stamp, 0 until told
    cdef int64_t suspect_ns           # a stamp far ahead that waits to be confirmed
    cdef object source
    cdef list note                    # one entry: what the fault just found is about
    cdef object decoders              # tuple of msgspec decode functions by kind
    cdef object classify              # the slow, exact reader of a line
    cdef object unset
    cdef bytearray carry              # start of a line that goes on in the next piece
    cdef int64_t n_dropped            # bytes of that line beyond what carry keeps
    cdef list streams                 # last accepted stream text by kind

    cdef int _keep(self, const char* s, Py_ssize_t n) except -1
    cdef int _carried(self, bint cut) except -1
    cdef int _line(self, const char* s, Py_ssize_t n, bint cut) except -1
    cdef int _message(self, int kind, object line, message_t* m) except -1
    cdef int _own_symbol(self, int kind, object stream, object symbol) except -1
    cdef int _levels(self, object levels, int64_t* best, bint highest) except -1
    cdef int _accept(self, message_t* m) except -1
    cdef int _market(self, bint strong, bint perp) except -1
    cdef message_t* _slot(self) except NULL
