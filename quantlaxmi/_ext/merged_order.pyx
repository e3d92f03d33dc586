"""Rows of several ascending streams in one order: by time, then by stream."""
from libc.stdint cimport int64_t, uintptr_t

import numpy as np


def merge_ascending(
    const int64_t[::1] times,         # IN  (n_rows,) of all streams, one after the other
    const int64_t[::1] starts,        # IN  (n_streams + 1,)
    const int64_t[::1] group_of,      # IN  (n_streams,) from 0
    Py_ssize_t n_groups,
):
    """Merge streams and number their rows; the rows of each group are listed by themselves.

    Of equal times the row of the earlier stream comes first.

    Parameters
    ----------
    times : ndarray of int64, shape (n_rows,)
        Of the streams, one after the other; ascending in each, equal times allowed.
    starts : ndarray of int64, shape (n_streams + 1,)
        Where each stream begins in ``times``; the last one is n_rows.
    group_of : ndarray of int64, shape (n_streams,)
        The group to which the rows of a stream go, from 0.
    n_groups : int

    Returns
    -------
    list of (ndarray, ndarray, ndarray) of int64
        By group, for each of its rows: the stream, the row in it, and its number in the order of
        all rows, from 0; numbers ascend.

    Raises
    ------
    ValueError
        The starts do not ascend to the number of rows, a stream has no group, or one descends.
    """
    cdef Py_ssize_t n_streams = group_of.shape[0], n = times.shape[0], k, at, done = 0
    if starts.shape[0] != n_streams + 1 or starts[0] != 0 or starts[n_streams] != n:
        raise ValueError("starts do not fit the streams")
    sizes = np.zeros(n_groups + 1, np.int64)
    for k in range(n_streams):
        if starts[k + 1] < starts[k] or not 0 <= group_of[k] < n_groups:
            raise ValueError(f"stream {k} has no rows or no group")
        sizes[group_of[k] + 1] += starts[k + 1] - starts[k]
    found = np.cumsum(sizes)
    streams, rows, numbers = (np.empty(n, np.int64) for _ in range(3))
    cdef int64_t[::1] stream_of = streams, row_of = rows, number_of = numbers
    cdef int64_t[::1] place = found.copy(), head = np.array(starts[:n_streams], np.int64)
    cdef int64_t now = 0, last = 0
    cdef bint is_known, descends = False
    with nogil:
        while done < n:
            is_known = False
            for k in range(n_streams):
                if head[k] < starts[k + 1] and (not is_known or times[head[k]] < now):
                    is_known, now = True, times[head[k]]
            if done and now < last:
                descends = True
                break
            last = now
            for k in range(n_streams):
                while head[k] < starts[k + 1] and times[head[k]] == now:
                    at = place[group_of[k]]
                    stream_of[at], row_of[at], number_of[at] = k, head[k] - starts[k], done
                    place[group_of[k]] += 1
                    head[k] += 1
                    done += 1
    if descends:
        raise ValueError("a stream descends in time")
    ends = found.tolist()
    return [
        (streams[low:high], rows[low:high], numbers[low:high])
        for low, high in zip(ends[:-1], ends[1:], strict=True)
    ]


def gather_rows(
    columns,                          # IN  (n_streams,) arrays of int64, or None
    const int64_t[::1] streams,       # IN  (n_rows,)
    const int64_t[::1] rows,          # IN  (n_rows,)
):
    """Take one column's values from the streams that have them.

    Parameters
    ----------
    columns : sequence of ndarray of int64 or None
        By stream.
    streams, rows : ndarray of int64, shape (n_rows,)
        As `merge_ascending` gives them.

    Returns
    -------
    ndarray of int64, shape (n_rows,)

    Raises
    ------
    IndexError
        A stream has no such row.
    """
    cdef Py_ssize_t n = rows.shape[0], n_streams = len(columns), i, k
    cdef const int64_t[::1] column
    cdef uintptr_t[::1] place = np.zeros(n_streams, np.uintp)
    cdef int64_t[::1] size = np.zeros(n_streams, np.int64)
    found = np.empty(n, np.int64)
    cdef int64_t[::1] out = found
    cdef bint is_bad = streams.shape[0] != n
    for k in range(n_streams):
        if columns[k] is not None and len(columns[k]):
            column = columns[k]
            place[k], size[k] = <uintptr_t>&column[0], column.shape[0]
    if not is_bad:
        with nogil:
            for i in range(n):
                k = streams[i]
                if not (0 <= k < n_streams and 0 <= rows[i] < size[k]):
                    is_bad = True
                    break
                out[i] = (<const int64_t*>place[k])[rows[i]]
    if is_bad:
        raise IndexError("a stream has no such row")
    return found
