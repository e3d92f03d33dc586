"""Which lines of CSV market data make up one message, and the order of its levels."""
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.string cimport memcpy

from quantlaxmi._ext.csv_roles cimport row_t
from quantlaxmi._ext.message_rows cimport level_t

cdef enum:
    GROUP_LINE = 0    # a line is a message
    GROUP_IDS = 1     # consecutive lines with equal ids
    GROUP_STAMPS = 2  # consecutive lines with one receive time


cdef inline bint same_message(
    int grouping, const row_t* a, const row_t* head, bint after_snapshot
) noexcept nogil:
    """A line belongs to a message; ``after_snapshot``: so does the line before, a snapshot's."""
    if grouping == GROUP_IDS:
        return (
            a.snapshot == head.snapshot and a.sequence == head.sequence and a.first == head.first
        )
    # Where a snapshot begins the book is reset, so that the lines before are a message of their own.
    return a.recv == head.recv and (after_snapshot or not a.snapshot)


cdef inline Py_ssize_t bids_first(level_t* levels, Py_ssize_t n) noexcept nogil:
    """Put bids before asks, each in its order, and undo the mark of the asks; -1: no memory."""
    cdef Py_ssize_t i, n_bids = 0, n_asks = 0
    cdef level_t* asks = <level_t*>PyMem_RawMalloc(max(n, 1) * sizeof(level_t))
    if asks == NULL:
        return -1
    for i in range(n):
        if levels[i].qty >= 0:
            levels[n_bids] = levels[i]
            n_bids += 1
        else:
            asks[n_asks].price = levels[i].price
            asks[n_asks].qty = -1 - levels[i].qty
            n_asks += 1
    memcpy(levels + n_bids, asks, n_asks * sizeof(level_t))
    PyMem_RawFree(asks)
    return n_bids
