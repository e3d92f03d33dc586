"""The top of the book where it comes from depth, without an engine: row by row, or counted."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

import numpy as np

from quantlaxmi._ext.depth_book cimport HEARD, depth_apply, depth_free, depth_init, depth_row_t, depth_t
from quantlaxmi._ext.signals cimport hear, hear_after, raise_now

cdef enum:
    LAST = 1  # schema.DepthFlag
    # What a book is, in the order of the counts of `DepthKinds`.
    VALID = 0
    NO_SIDE = 1
    CROSSED = 2
    LOCKED = 3
    N_KINDS = 4


cdef _first_quotes(quotes, Py_ssize_t n_instruments):
    """Message number of each instrument's first quote; beyond all where it has none."""
    cdef const int64_t[::1] seq = quotes["seq"]
    cdef const short[::1] instrument = quotes["instrument"]
    cdef int64_t[::1] first
    cdef Py_ssize_t i
    found = np.full(n_instruments, np.iinfo(np.int64).max, dtype=np.int64)
    first = found
    for i in range(seq.shape[0] - 1, -1, -1):
        first[instrument[i]] = seq[i]
    return found


def depth_tops(depth, quotes, Py_ssize_t n_instruments):
    """Where depth gives the top of a book, by the engine's rule: until the first quote.

    Parameters
    ----------
    depth, quotes : mapping of str to ndarray
        Columns of the segment's tables.
    n_instruments : int

    Returns
    -------
    tuple of ndarray of int64, shape (n_rows,), or None
        Best bid and best ask at the rows of depth that set the top, 0 at all others; None where
        none does.
    """
    cdef const int64_t[::1] seq = depth["seq"]
    cdef const int64_t[::1] first_id = depth["first_id"], last_id = depth["last_id"]
    cdef const int64_t[::1] prev_id = depth["prev_id"]
    cdef const int64_t[::1] price = depth["price"], qty = depth["qty"]
    cdef const short[::1] instrument = depth["instrument"]
    cdef const signed char[::1] side = depth["side"], flags = depth["flags"]
    cdef Py_ssize_t n = seq.shape[0], i, k, found = 0
    cdef int64_t[::1] first_quote, bid, ask
    cdef depth_t* books
    cdef depth_t* d
    cdef depth_row_t row
    cdef int status = 0
    if n == 0:
        return None
    bids, asks = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    first_quote, bid, ask = _first_quotes(quotes, n_instruments), bids, asks
    books = <depth_t*>calloc(n_instruments, sizeof(depth_t))
    if books == NULL:
        raise MemoryError("order books")
    for k in range(n_instruments):
        depth_init(&books[k])
    try:
        with nogil:
            for i in range(n):
                hear(i)
                k = instrument[i]
                hear_after(&books[k].steps, 0)
                if seq[i] > first_quote[k]:
                    continue
                row.first_id, row.last_id, row.prev_id = first_id[i], last_id[i], prev_id[i]
                row.side, row.price, row.qty = side[i], price[i], qty[i]
                row.flags = flags[i]
                d = &books[k]
                status = depth_apply(d, &row)
                if status == HEARD:
                    raise_now()
                if status != 0:
                    break
                if row.flags & LAST and d.valid and d.n[0] and d.n[1]:
                    bid[i] = d.levels[0][d.n[0] - 1].price
                    ask[i] = d.levels[1][d.n[1] - 1].price
                    found += 1
    finally:
        for k in range(n_instruments):
            depth_free(&books[k])
        free(books)
    if status != 0:
        raise MemoryError("order books")
    return (bids, asks) if found else None


cdef inline int _kind(const depth_t* d) noexcept nogil:
    """What a rebuilt book is; its levels have positive prices and sizes."""
    cdef int64_t bid, ask
    if not d.valid or d.n[0] == 0 or d.n[1] == 0:
        return NO_SIDE
    bid, ask = d.levels[0][d.n[0] - 1].price, d.levels[1][d.n[1] - 1].price
    if bid > ask:
        return CROSSED
    return LOCKED if bid == ask else VALID


cdef class DepthKinds:
    """Counts what the books are that depth gives, piece by piece, by the engine's rule.

    Parameters
    ----------
    n_instruments : int

    Attributes
    ----------
    counts : ndarray of int64, shape (n_instruments, 4)
        Depth messages after which the book is valid, lacks a side or does not stand, is crossed,
        is locked.
    """

    cdef readonly object counts
    cdef int64_t[:, ::1] found
    cdef depth_t* books
    cdef Py_ssize_t n_books

    def __cinit__(self, Py_ssize_t n_instruments):
        cdef Py_ssize_t k
        self.n_books = n_instruments
        self.counts = np.zeros((n_instruments, N_KINDS), dtype=np.int64)
        self.found = self.counts
        self.books = <depth_t*>calloc(max(1, n_instruments), sizeof(depth_t))
        if self.books == NULL:
            raise MemoryError("order books")
        for k in range(n_instruments):
            depth_init(&self.books[k])

    def __dealloc__(self):
        cdef Py_ssize_t k
        if self.books != NULL:
            for k in range(self.n_books):
                depth_free(&self.books[k])
            free(self.books)

    def add(self, depth, const int64_t[::1] first_quote):
        """Count the messages of further rows.

        Parameters
        ----------
        depth : mapping of str to ndarray
            Columns of the table, in order.
        first_quote : ndarray of int64, shape (n_instruments,)
            Number of the message of each instrument's first quote, after which nothing of its
            depth is counted.

        Raises
        ------
        IndexError
            A row names no instrument.
        MemoryError
        """
        cdef const int64_t[::1] seq = depth["seq"]
        cdef const int64_t[::1] first_id = depth["first_id"], last_id = depth["last_id"]
        cdef const int64_t[::1] prev_id = depth["prev_id"]
        cdef const int64_t[::1] price = depth["price"], qty = depth["qty"]
        cdef const short[::1] instrument = depth["instrument"]
        cdef const signed char[::1] side = depth["side"], flags = depth["flags"]
        cdef Py_ssize_t n = seq.shape[0], i, k
        cdef depth_row_t row
        cdef int status = 0
        with nogil:
            for i in range(n):
                k = instrument[i]
                if k < 0 or k >= self.n_books:
                    status = -1
                    break
                if seq[i] > first_quote[k]:
                    continue
                hear_after(&self.books[k].steps, 0)
                row.first_id, row.last_id, row.prev_id = first_id[i], last_id[i], prev_id[i]
                row.side, row.price, row.qty = side[i], price[i], qty[i]
                row.flags = flags[i]
                status = depth_apply(&self.books[k], &row)
                if status == HEARD:
                    raise_now()
                if status != 0:
                    break
                if row.flags & LAST:
                    self.found[k, _kind(&self.books[k])] += 1
        if status == -1:
            raise IndexError(f"row {i} of depth names no instrument")
        if status != 0:
            raise MemoryError("order books")
