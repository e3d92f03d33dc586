"""Rows of several ascending streams in one order: by time, then by stream."""
from libc.stdint cimport int16_t, int64_t

import numpy as np

from quantlaxmi._ext.signals cimport MOST_STEPS, hear_after


def merge_ascending(
    const int64_t[::1] times,         # IN  (n_rows,) of all streams, one after the other
    const int64_t[::1] starts,        # IN  (n_streams + 1,)
    const int64_t[::1] group_of,      # IN  (n_streams,) from 0
    Py_ssize_t n_groups,
    int64_t first_number=0,
):
    """Merge streams and number their rows; the rows of each group are placed by themselves.

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
    first_number : int
        Of the first row.

    Returns
    -------
    places : ndarray of int64, shape (n_rows,)
        The place of each row of ``times`` among the rows of its group.
    numbers, merged_times : list of ndarray of int64
        By group, for each place: its number in the order of all rows, which ascends, and its time.

    Raises
    ------
    ValueError
        The starts do not ascend to the number of rows, a stream has no group, or one descends.
    """
    cdef Py_ssize_t n_streams = group_of.shape[0], n = times.shape[0], k, i, group
    cdef Py_ssize_t n_left = 0, kept, done = 0, at, steps = 0, listens = 0
    found = _group_starts(starts, group_of, n_groups, n)
    places, numbers, merged = (np.empty(n, np.int64) for _ in range(3))
    cdef int64_t[::1] place = places, number = numbers, merged_time = merged
    cdef const int64_t[::1] first = found
    cdef int64_t[::1] filled = np.zeros(n_groups, np.int64)
    # Streams with rows left, in their order: which, its next row and that row's time.
    cdef int64_t[::1] left = np.empty(n_streams, np.int64), head = np.empty(n_streams, np.int64)
    cdef int64_t[::1] time = np.empty(n_streams, np.int64)
    cdef int64_t now = 0, last = 0, stop
    cdef bint descends = False
    for k in range(n_streams):
        if starts[k] < starts[k + 1]:
            left[n_left], head[n_left], time[n_left] = k, starts[k], times[starts[k]]
            n_left += 1
    with nogil:
        while n_left:
            if done >= listens:  # each turn looks at every stream
                listens = done + MOST_STEPS // n_streams + 1
                hear_after(&steps, MOST_STEPS)
            now = time[0]
            for k in range(1, n_left):
                if time[k] < now:
                    now = time[k]
            if done and now < last:
                descends = True
                break
            last, kept = now, 0
            for k in range(n_left):
                i, stop = head[k], starts[left[k] + 1]
                if time[k] == now:
                    group = group_of[left[k]]
                    while i < stop and times[i] == now:
                        place[i] = filled[group]
                        at = first[group] + filled[group]
                        number[at] = first_number + done
                        merged_time[at] = now
                        filled[group] += 1
                        done += 1
                        i += 1
                if i < stop:
                    left[kept], head[kept], time[kept] = left[k], i, times[i]
                    kept += 1
            n_left = kept
    if descends:
        raise ValueError("a stream descends in time")
    ends = found.tolist()
    parts = [slice(low, high) for low, high in zip(ends[:-1], ends[1:], strict=True)]
    return places, [numbers[part] for part in parts], [merged[part] for part in parts]


def _group_starts(
    const int64_t[::1] starts,        # IN  (n_streams + 1,)
    const int64_t[::1] group_of,      # IN  (n_streams,)
    Py_ssize_t n_groups,
    Py_ssize_t n_rows,
):
    """Where the rows of each group begin, and n_rows; as `merge_ascending`."""
    cdef Py_ssize_t n_streams = group_of.shape[0], k
    if starts.shape[0] != n_streams + 1 or starts[0] != 0 or starts[n_streams] != n_rows:
        raise ValueError("starts do not fit the streams")
    sizes = np.zeros(n_groups + 1, np.int64)
    for k in range(n_streams):
        if starts[k + 1] < starts[k] or not 0 <= group_of[k] < n_groups:
            raise ValueError(f"stream {k} has no rows or no group")
        sizes[group_of[k] + 1] += starts[k + 1] - starts[k]
    return np.cumsum(sizes)


def place_rows(
    const int64_t[::1] column,        # IN  (n_rows,)
    const int64_t[::1] places,        # IN  (n_rows,)
    int64_t[::1] out,                 # OUT (n_places,)
):
    """Put a stream's values of a column to their places.

    Parameters
    ----------
    column, places : ndarray of int64, shape (n_rows,)
        ``places`` as `merge_ascending` gives them.
    out : ndarray of int64, shape (n_places,)
        Filled at these places.

    Raises
    ------
    IndexError
        There is no such place, or not one for every value.
    """
    cdef Py_ssize_t n = places.shape[0], n_places = out.shape[0], i, begin, block, steps = 0
    cdef bint is_bad = column.shape[0] != n
    cdef int64_t first, step, uneven = 0
    if not is_bad and n > 0:
        with nogil:
            first, step = places[0], places[1] - places[0] if n > 1 else 1
            for i in range(1, n):
                uneven |= (places[i] - places[i - 1]) ^ step
            is_bad = not (0 <= first < n_places and 0 <= places[n - 1] < n_places)
            if not uneven and not is_bad:  # as of streams on one grid without gaps
                for i in range(n):
                    out[first + i * step] = column[i]
            elif not is_bad:
                for block in range(n // MOST_STEPS + 1):
                    hear_after(&steps, MOST_STEPS)
                    begin = block * MOST_STEPS
                    for i in range(begin, min(begin + MOST_STEPS, n)):
                        if not 0 <= places[i] < n_places:
                            is_bad = True
                            break
                        out[places[i]] = column[i]
                    if is_bad:
                        break
    if is_bad:
        raise IndexError("a row has no such place")


def place_value(
    int16_t value,
    const int64_t[::1] places,        # IN  (n_rows,)
    int16_t[::1] out,                 # OUT (n_places,)
):
    """Put one value to the places of a stream's rows; as `place_rows`.

    Parameters
    ----------
    value : int
    places : ndarray of int64, shape (n_rows,)
    out : ndarray of int16, shape (n_places,)

    Raises
    ------
    IndexError
        There is no such place.
    """
    cdef Py_ssize_t n_places = out.shape[0], i
    cdef bint is_bad = False
    with nogil:
        for i in range(places.shape[0]):
            if not 0 <= places[i] < n_places:
                is_bad = True
                break
            out[places[i]] = value
    if is_bad:
        raise IndexError("a row has no such place")
