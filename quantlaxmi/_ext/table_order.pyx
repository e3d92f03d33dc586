"""Whether the messages of two tables have one order."""
from libc.stdint cimport int64_t

cdef enum:  # as `segment.rows` words them
    IN_ORDER = 0
    TWICE = 1
    OUT_OF_ORDER = 2


def first_break(
    const int64_t[::1] few_seq,       # IN  (n_few,)
    const int64_t[::1] few_ts,        # IN  (n_few,)
    const int64_t[::1] many_seq,      # IN  (n_many,)
    const int64_t[::1] many_ts,       # IN  (n_many,)
):
    """Find the first message of a table that another table contradicts.

    Parameters
    ----------
    few_seq, few_ts : ndarray of int64, shape (n_few,)
        Numbers and receive times of a table's rows, neither descending.
    many_seq, many_ts : ndarray of int64, shape (n_many,)
        Of the other table, which is not empty.

    Returns
    -------
    row : int
        Of the first table; n_few where there is none.
    cause : int
        1 where both tables have its number, 2 where its time is out of order.
    """
    cdef Py_ssize_t k, low = 0, high, middle, step, n = few_seq.shape[0], last = many_seq.shape[0]
    cdef int cause = IN_ORDER
    with nogil:
        for k in range(n):
            # The first row of the other table with this number or a later one, from where the row
            # before was found, in steps twice as long each time.
            step, high = 1, low
            while high < last and many_seq[high] < few_seq[k]:
                low, high = high + 1, high + step
                step *= 2
            high = min(high, last)
            while low < high:
                middle = (low + high) // 2
                if many_seq[middle] < few_seq[k]:
                    low = middle + 1
                else:
                    high = middle
            if low < last and many_seq[low] == few_seq[k]:
                cause = TWICE
            elif (low > 0 and many_ts[low - 1] > few_ts[k]) or (
                low < last and many_ts[low] < few_ts[k]
            ):
                cause = OUT_OF_ORDER
            if cause:
                break
        else:
            k = n
    return k, cause
