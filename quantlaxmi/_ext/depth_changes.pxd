"""Collects at which messages the size at each price changed, for `depth_index`."""
from libc.stdint cimport int32_t, int64_t
from quantlaxmi._ext.depth_levels cimport level_history_t

cdef struct price_slot_t:
    int64_t price
    int32_t side  # 2 * instrument + (1 for asks)
    int32_t n  # changes
    int32_t last  # its latest change

cdef struct level_change_t:
    int64_t qty
    int32_t slot
    int32_t message

cdef struct level_changes_t:
    level_change_t* changes  # in the order in which they were made
    Py_ssize_t n
    Py_ssize_t cap
    price_slot_t* slots
    Py_ssize_t n_slots
    Py_ssize_t cap_slots
    int32_t* table  # hash table of slot + 1; 0: free
    Py_ssize_t mask
    Py_ssize_t most_bytes  # of what `changes_sorted` makes

# What `changes_sorted` makes, all in arrays to be freed.
cdef struct sorted_changes_t:
    level_history_t* sides
    int64_t* prices
    int32_t* first
    int32_t* message
    int64_t* qty

cdef enum:
    # Bytes of the result for a change, and for a price.
    CHANGE_BYTES = 12
    PRICE_BYTES = 12
    TOO_LARGE = -2

cdef void changes_free(level_changes_t* c) noexcept nogil
# ``qty`` is the size at the price from ``message`` on; what was set before ``loaded`` is gone. 0, -1
# when memory ran out, TOO_LARGE.
cdef int change_add(
    level_changes_t* c, int32_t side, int64_t price, int64_t qty, int32_t message, int32_t loaded
) noexcept nogil
# By side, then price (the worst first), then message. 0, or -1 when memory ran out; it hears signals.
cdef int changes_sorted(
    const level_changes_t* c, Py_ssize_t n_sides, sorted_changes_t* out
) except -2 nogil
