"""Columns of one table of a market, as the engine reads them."""
from libc.stdint cimport int32_t, int64_t
from quantlaxmi._ext.depth_levels cimport depth_state_t, level_history_t

# The depth table by messages instead of rows (depth_index.pyx).
cdef struct depth_index_t:
    const level_history_t* sides  # [2 * instrument + (1 for asks)]
    const depth_state_t* states  # by message
    const int32_t* rows  # by message: its last row in the table


cdef enum:  # marks of a row of quotes
    QUIET_WHO = 63  # bits of its instrument
    QUIET_TRADE = 64  # behind a trade that changes nothing but the last price
    QUIET_STOP = 128  # behind anything else that is no quote
    QUIET_LOUD = 32768  # it has to be looked at


# What of quotes nobody has to look at closely, by row (quiet_rows.pyx).
cdef struct quiet_t:
    const int64_t* mid2  # bid plus ask as recorded
    const short* who  # the instrument and marks
    const int64_t* before_trade  # by trade: the row of its instrument before it, as a rule


cdef struct columns_t:
    const int64_t* seq
    const int64_t* ts
    const short* instrument
    const int64_t* exch
    const int64_t* c[7]  # the table's own columns, in the order load() names them
    const signed char* side
    const signed char* flags
    # NULL, or what is added to the instrument's prices from this row on, until a later row of it
    # sets another; of quotes, and of depth where it gives the top (see market_null.pyx).
    const int64_t* shift
    # Of depth, or NULL: the columns then have an entry a message, and ``shift`` one a row.
    const depth_index_t* index
    const quiet_t* quiet  # of quotes, or NULL
    Py_ssize_t n
    Py_ssize_t at
