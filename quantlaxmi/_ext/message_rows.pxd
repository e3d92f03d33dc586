"""Messages of one source of text lines, as read; shared by the row readers and stream_merge."""
from libc.stdint cimport int64_t

# One accepted message. `sequence` is the exchange's own number (trade id, update id, event time),
# and (ts, rank, sequence, line) is the total order. The rest depends on the rank:
#   QUOTE    v0..v3 = bid, bid quantity, ask, ask quantity; 0, 0 of an absent side
#   TRADE    v0..v2 = price, quantity, aggressor's side
#   DEPTH    v0 = first id, v1 = previous id or -1, v2 = 1 for a snapshot, v3 = first level
#            (counted from the source's start), v4 = bid levels, v5 = ask levels
#   FUNDING  v0..v3 = mark, index, rate, next funding time; v4 = ns to a settlement, 0 unknown,
#            v5 = 1 where one before it was set aside
# A quote or book snapshot of no lines (n_lines 0) says that the book is not known from then on.
cdef struct message_t:
    int64_t ts
    int64_t rank       # schema.EventKind
    int64_t sequence
    int64_t line       # from 1
    int64_t n_lines    # lines the message was read from
    int64_t exch       # ns, 0 where the line has none
    int64_t v0
    int64_t v1
    int64_t v2
    int64_t v3
    int64_t v4
    int64_t v5
    int64_t status     # fault found while merging, or -1 for a gap before this message
    int64_t reference  # the number that status is about
    int64_t since_ts   # of a gap: time and number of the message before it
    int64_t since_seq

cdef struct level_t:
    int64_t price
    int64_t qty

cdef enum:
    RANK_TRADE = 1
    RANK_DEPTH = 2
    RANK_QUOTE = 3
    RANK_FUNDING = 4

# What a depth difference must join.
cdef enum:
    FOLLOW_FIRST = 1   # first id = last id + 1 (Binance spot)
    FOLLOW_PREV = 2    # previous id = last id (Binance perpetuals)
    FOLLOW_NUMBER = 3  # previous number = the message's before, snapshots included

cdef class MessageRows:
    cdef message_t* messages   # owned; pending, in the source's order until settled
    cdef Py_ssize_t n_messages
    cdef Py_ssize_t cap_messages
    cdef level_t* levels       # owned; levels of the pending messages
    cdef Py_ssize_t n_levels
    cdef Py_ssize_t cap_levels
    cdef int64_t first_level   # number of levels[0], counted from the source's start
    cdef Py_ssize_t open_level # first level of a message still being read, -1 for none
    cdef int64_t window_ns
    cdef int64_t apart_ns      # most between receive and exchange time
    cdef int fault_apart       # the fault where they are further apart
    cdef readonly int64_t n_lines
    cdef readonly int64_t n_reordered
    cdef readonly int64_t high_ns     # latest accepted receive time
    cdef readonly bint started
    cdef readonly object symbol       # the venue's, once a line has told it
    cdef readonly list faults         # (line, code, detail, excerpt) since last taken
    cdef int64_t suspect_ns           # a stamp far ahead that waits to be confirmed
    cdef int64_t last_book            # exchange sequence of the last quote or book, -1 before any
    cdef readonly int64_t n_voids     # messages that say that the book is not known
    cdef readonly bint lost           # settlements were set aside since the last one taken
    cdef readonly int64_t n_one_sided # quotes without a bid, an ask or both
    cdef object source
    cdef list note                    # one entry: what the fault just found is about
    cdef bytearray carry              # start of a line that goes on in the next piece
    cdef int64_t n_dropped            # bytes of that line beyond what carry keeps
    # For the merge:
    cdef int instrument        # -1: the source's place
    cdef int follow            # FOLLOW_*, 0 where differences are not checked
    cdef int checked_ids       # bit 1 << rank: ids must ascend
    cdef bint count_trades     # trade ids have no holes but gaps

    cdef int _keep(self, const char* s, Py_ssize_t n) except -1
    cdef int _readable(self, const char* s, Py_ssize_t n) except -1
    cdef int _carried(self, bint cut) except -1
    cdef int _line(self, const char* s, Py_ssize_t n, bint cut) except -1
    cdef int _accept(self, message_t* m) except -1
    cdef int _void(self, int rank, int64_t ts, int64_t exch) except -1
    cdef int _room(self, Py_ssize_t n) except -1
    cdef message_t* _slot(self) except NULL
