"""What the columns of CSV market data mean, and one line as read."""
from libc.stdint cimport int64_t

cdef enum:
    SKIP = 0
    RECEIVED = 1      # stamp that orders
    EXCHANGE = 2      # stamp of the transaction
    EVENT = 3         # stamp of the message, taken where there is no EXCHANGE
    REQUESTED = 4     # stamp of asking for a snapshot
    ID = 5            # trade id, last update id
    FIRST_ID = 6
    PREV_ID = 7
    PRICE = 8         # to slot
    QTY = 9           # to slot; may be 0
    SIZE = 10         # to slot; above 0
    RATE = 11         # to slot, at 10**-8
    OPTIONAL_PRICE = 12
    NEXT_FUNDING = 13
    IS_ASK = 14       # side of a level
    TAKER = 15        # side of a trade
    BUYER_IS_MAKER = 16
    IS_SNAPSHOT = 17
    TEXT = 18         # judged by a function of the format
    TRADE_ID = 19     # as ID, or any text
    ASK_PRICE = 20    # levels within a line
    ASK_QTY = 21
    BID_PRICE = 22
    BID_QTY = 23
    FLAG = 24         # a boolean that nothing depends on
    NUMBER = 25       # a whole number that nothing depends on
    HOURS = 26        # between two settlements

# Reasons after those of binance_values.pxd, in the order of FAULTS in csv_fields.pyx.
cdef enum:
    FAULT_COLUMNS = 22
    FAULT_COMMENT = 23
    FAULT_MISSING = 24
    FAULT_NUMBER = 25
    FAULT_WORD = 26
    FAULT_DAY = 27
    FAULT_APART = 28
    FAULT_MISMATCH = 29
    FAULT_INCOMPLETE = 30

cdef enum:
    KNOW_RECEIVED = 1
    KNOW_EXCHANGE = 2
    KNOW_ID = 4
    KNOW_FIRST = 8
    KNOW_SNAPSHOT = 16
    MAX_COLUMNS = 256

cdef struct column_t:
    int role
    int slot

# One line as read. `known` has a bit for each field that tells which message the line belongs to.
cdef struct row_t:
    int64_t recv
    int64_t exch
    int64_t event
    int64_t request
    int64_t sequence
    int64_t first
    int64_t prev
    int64_t hours
    int64_t v[4]
    int side
    int snapshot
    int known
    int absent     # bit 1 << slot: the cell of a quote's price or quantity is empty
    int decimals   # behind the point in the last column, -1 where it is no number
