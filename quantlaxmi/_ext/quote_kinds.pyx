"""What the books of quotes are, counted row by row."""
from libc.stdint cimport int64_t

cdef enum:  # as `segment.books` orders them
    VALID = 0
    NO_SIDE = 1
    CROSSED = 2
    LOCKED = 3
    NO_SIZE = 4
    N_KINDS = 5


def add_quotes(quotes, int64_t[:, ::1] counts, int64_t[::1] first):
    """Add the kinds of quotes' books to counts, and keep each instrument's first message.

    Parameters
    ----------
    quotes : mapping of str to ndarray
        Columns of the table, in order.
    counts : ndarray of int64, shape (n_instruments, 5)
        Valid, without a side, crossed, locked, without size; changed in place.
    first : ndarray of int64, shape (n_instruments,)
        Least message number so far; changed in place.

    Raises
    ------
    IndexError
        A row names no instrument; nothing before it is taken back.
    """
    cdef const int64_t[::1] seq = quotes["seq"], bid = quotes["bid"], ask = quotes["ask"]
    cdef const int64_t[::1] bid_qty = quotes["bid_qty"], ask_qty = quotes["ask_qty"]
    cdef const short[::1] instrument = quotes["instrument"]
    cdef Py_ssize_t i, k, n = seq.shape[0], kind
    cdef bint bad = False
    if counts.shape[1] != N_KINDS or first.shape[0] != counts.shape[0]:
        raise ValueError("counts and first messages differ in shape")
    if not n == bid.shape[0] == ask.shape[0] == bid_qty.shape[0] == ask_qty.shape[0]:
        raise ValueError("columns of quotes differ in length")
    if instrument.shape[0] != n:
        raise ValueError("columns of quotes differ in length")
    with nogil:
        for i in range(n):
            k = instrument[i]
            if k < 0 or k >= counts.shape[0]:
                bad = True
                break
            if bid[i] <= 0 or ask[i] <= 0:
                kind = NO_SIDE
            elif bid[i] > ask[i]:
                kind = CROSSED
            elif bid[i] == ask[i]:
                kind = LOCKED
            elif bid_qty[i] <= 0 or ask_qty[i] <= 0:
                kind = NO_SIZE
            else:
                kind = VALID
            counts[k, kind] += 1
            if seq[i] < first[k]:
                first[k] = seq[i]
    if bad:
        raise IndexError("a row of quotes names no instrument")
