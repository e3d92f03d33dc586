"""Depth as a function of the message: an index of a segment's depth table.

The live book is run once over all rows. The index keeps what each message changed, held
differences too, sorted by instrument, side, price and message; and of each message whether the book
stands, its gaps, its best and worst prices and the snapshot it goes back to. The size at a price is
then two binary searches, and a market that is read again visits messages instead of rows.

An index is 12 bytes for a change and 12 for a price, and 103 for a message. While it is made, it
takes about three times as much, not counting the live books.
"""
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

import numpy as np

from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.depth_book cimport HEARD, depth_apply, depth_free, depth_init, depth_row_t, depth_t
from quantlaxmi._ext.depth_changes cimport *
from quantlaxmi._ext.depth_levels cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.signals cimport hear, hear_after, raise_now

cdef enum:
    LAST = 1  # schema.DepthFlag
    MESSAGE_BYTES = 103
    # What a row may be.
    FINE = 0
    UNKNOWN_INSTRUMENT = 1
    CHANGES_INSIDE = 2
    NOT_ENDED = 3
    HUGE_PRICE = 4
    NO_ROOM = 5
    NO_MEMORY = 6

PROBLEMS = {
    UNKNOWN_INSTRUMENT: "row {row} of depth names no instrument",
    CHANGES_INSIDE: "row {row} of depth differs from its message in number, time or instrument",
    NOT_ENDED: "row {row} of depth ends no message",
    HUGE_PRICE: "row {row} of depth has a price outside a tenth of int64",
    NO_ROOM: "an index of the depth would exceed {most_bytes} bytes",
}

#: Most bytes of an index by default.
MOST_BYTES = 1 << 30


cdef int _heard(void* listener, int side, int64_t price, int64_t qty) noexcept nogil:
    cdef reader_t* r = <reader_t*>listener
    cdef int status
    _look_for_snapshot(r)
    status = change_add(
        &r.changes, 2 * r.instrument + side, price, qty, r.message, r.loaded[r.instrument]
    )
    if status != 0:
        r.status = NO_ROOM if status == TOO_LARGE else NO_MEMORY
    return status


cdef inline void _look_for_snapshot(reader_t* r) noexcept nogil:
    cdef int32_t k = r.instrument
    if r.books[k].loads != r.loads[k]:
        r.loads[k] = r.books[k].loads
        r.loaded[k] = r.message


cdef void _note_state(reader_t* r, depth_state_t* state) noexcept nogil:
    cdef const depth_t* d = r.books + r.instrument
    cdef int k
    for k in range(2):
        state.has[k] = d.n[k] > 0
        state.best[k] = d.levels[k][d.n[k] - 1].price if d.n[k] else 0
        state.worst[k] = d.levels[k][0].price if d.n[k] else 0
        state.known[k] = d.known[k]
    state.loaded = r.loaded[r.instrument]
    state.gaps = d.gaps
    state.valid = d.valid


cdef class DepthIndex:
    """Levels of every instrument after every depth message.

    Parameters
    ----------
    depth : mapping of str to ndarray
        Columns of a segment's depth table, from its first row on.
    n_instruments : int
    most_bytes : int
        Most that the index may take.

    Attributes
    ----------
    n_instruments : int
    n_rows, n_messages : int
        Of the table.
    n_changes, n_prices : int
        Changes of a size, and distinct prices, over all instruments and sides.

    Raises
    ------
    ValueError
        A row names an unknown instrument, is not like the others of its message in number, times
        and instrument, or has a price outside a tenth of int64; the last message does not end; or
        the index would be too large. Such a table is read row by row only.
    MemoryError

    Examples
    --------
    >>> import numpy as np
    >>> from quantlaxmi import schema
    >>> rows = {n: np.zeros(2, t) for n, t in schema.TABLES["depth"].items()}
    >>> rows["side"][:], rows["price"][:], rows["qty"][:] = (1, -1), (99, 101), (5, 7)
    >>> rows["flags"][:] = (2, 3)  # a snapshot of two rows
    >>> DepthIndex(rows, 1).levels(0, -1, 0).tolist()
    [[101, 7]]
    """

    def __init__(self, depth, Py_ssize_t n_instruments, Py_ssize_t most_bytes=MOST_BYTES):
        if self.states != NULL:
            raise RuntimeError("a DepthIndex is initialised once")
        self.n_instruments = n_instruments
        self.n_rows = len(depth["seq"])
        if self.n_rows >= 1 << 31 or n_instruments >= 1 << 15:
            raise ValueError(f"an index of the depth has at most {1 << 31} rows")
        flags = depth["flags"]
        self.n_messages = int(np.count_nonzero(flags & np.int8(LAST)))
        left = most_bytes - self.n_messages * MESSAGE_BYTES
        if left < 0:
            raise ValueError(PROBLEMS[NO_ROOM].format(most_bytes=most_bytes))
        self._allocate()
        self._read(depth, left)

    cdef _allocate(self):
        cdef Py_ssize_t n = self.n_messages + 1
        self.seq = <int64_t*>malloc(n * sizeof(int64_t))
        self.ts = <int64_t*>malloc(n * sizeof(int64_t))
        self.exch = <int64_t*>malloc(n * sizeof(int64_t))
        self.instrument = <short*>malloc(n * sizeof(short))
        self.flags = <signed char*>malloc(n)
        self.rows = <int32_t*>malloc(n * sizeof(int32_t))
        self.states = <depth_state_t*>malloc(n * sizeof(depth_state_t))
        if (
            self.seq == NULL or self.ts == NULL or self.exch == NULL or self.instrument == NULL
            or self.flags == NULL or self.rows == NULL or self.states == NULL
        ):
            raise MemoryError("depth index")

    def __dealloc__(self):
        free(self.seq)
        free(self.ts)
        free(self.exch)
        free(self.instrument)
        free(self.flags)
        free(self.rows)
        free(self.states)
        free(self.sorted.sides)
        free(self.sorted.prices)
        free(self.sorted.first)
        free(self.sorted.message)
        free(self.sorted.qty)

    cdef _read(self, depth, Py_ssize_t most_bytes):
        """Run the live books over all rows and keep what they do."""
        cdef Py_ssize_t k, row = 0
        cdef reader_t r
        memset(&r, 0, sizeof(reader_t))
        r.changes.most_bytes = most_bytes
        r.books = <depth_t*>calloc(self.n_instruments + 1, sizeof(depth_t))
        r.loads = <int64_t*>calloc(self.n_instruments + 1, sizeof(int64_t))
        r.loaded = <int32_t*>calloc(self.n_instruments + 1, sizeof(int32_t))
        try:
            if r.books == NULL or r.loads == NULL or r.loaded == NULL:
                raise MemoryError("depth index")
            for k in range(self.n_instruments):
                depth_init(&r.books[k])
                r.books[k].heard = _heard
                r.books[k].listener = &r
            row = self._rows(depth, &r)
            if r.status == FINE:
                with nogil:
                    if changes_sorted(&r.changes, 2 * self.n_instruments, &self.sorted) != 0:
                        r.status = NO_MEMORY
            if r.status == NO_MEMORY:
                raise MemoryError("depth index")
            if r.status != FINE:
                most = most_bytes + self.n_messages * MESSAGE_BYTES
                raise ValueError(PROBLEMS[r.status].format(row=row, most_bytes=most))
            self.n_changes, self.n_prices = r.changes.n, r.changes.n_slots
        finally:
            if r.books != NULL:
                for k in range(self.n_instruments):
                    depth_free(&r.books[k])
            free(r.books)
            free(r.loads)
            free(r.loaded)
            changes_free(&r.changes)
        self.index.sides = self.sorted.sides
        self.index.states = self.states
        self.index.rows = self.rows

    cdef Py_ssize_t _rows(self, depth, reader_t* r) except -1:
        """Read all rows; the one at which the reading ends."""
        cdef const int64_t[::1] seq = depth["seq"], ts = depth["ts_ns"], exch = depth["exch_ts_ns"]
        cdef const int64_t[::1] first_id = depth["first_id"], last_id = depth["last_id"]
        cdef const int64_t[::1] prev_id = depth["prev_id"]
        cdef const int64_t[::1] price = depth["price"], qty = depth["qty"]
        cdef const short[::1] instrument = depth["instrument"]
        cdef const signed char[::1] side = depth["side"], flags = depth["flags"]
        cdef Py_ssize_t i = 0, begin = 0
        cdef depth_row_t row
        cdef int applied
        with nogil:
            for i in range(self.n_rows):
                hear(i)
                if begin == i:
                    if instrument[i] < 0 or instrument[i] >= self.n_instruments:
                        r.status = UNKNOWN_INSTRUMENT
                        break
                    r.instrument = instrument[i]
                elif (
                    instrument[i] != instrument[begin] or seq[i] != seq[begin]
                    or ts[i] != ts[begin] or exch[i] != exch[begin]
                ):
                    r.status = CHANGES_INSIDE
                    break
                if side[i] != 0 and not -QL_MAX_PRICE <= price[i] <= QL_MAX_PRICE:
                    r.status = HUGE_PRICE
                    break
                row.first_id, row.last_id, row.prev_id = first_id[i], last_id[i], prev_id[i]
                row.side, row.price, row.qty = side[i], price[i], qty[i]
                row.flags = flags[i]
                hear_after(&r.books[r.instrument].steps, 0)
                applied = depth_apply(r.books + r.instrument, &row)
                if applied == HEARD:
                    raise_now()
                if applied != 0:
                    r.status = r.status or NO_MEMORY
                    break
                if flags[i] & LAST:
                    begin = i + 1
                    self._end_message(r, i, seq[i], ts[i], exch[i], flags[i])
        if r.status == FINE and begin != self.n_rows:
            r.status = NOT_ENDED
        return i

    cdef void _end_message(
        self, reader_t* r, Py_ssize_t row, int64_t seq, int64_t ts, int64_t exch, signed char flags
    ) noexcept nogil:
        cdef int32_t m = r.message
        _look_for_snapshot(r)
        self.seq[m], self.ts[m], self.exch[m] = seq, ts, exch
        self.instrument[m], self.flags[m], self.rows[m] = r.instrument, flags, row
        _note_state(r, self.states + m)
        r.message += 1

    cdef int point(self, columns_t* t, table) except -1:
        """Let an engine read messages instead of the rows of ``table``, or of its beginning."""
        cdef Py_ssize_t n = len(table["seq"]), low = 0, high = self.n_messages, middle
        while low < high:
            middle = (low + high) // 2
            if self.rows[middle] < n:
                low = middle + 1
            else:
                high = middle
        if (
            low == 0 or self.rows[low - 1] != n - 1 or self.seq[0] != table["seq"][0]
            or self.seq[low - 1] != table["seq"][n - 1]
        ):
            raise ValueError("the depth index is of another table")
        t.seq, t.ts, t.exch = self.seq, self.ts, self.exch
        t.instrument, t.flags = self.instrument, self.flags
        t.index = &self.index
        t.n = low
        return 0

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes."""
        return (
            self.n_messages * MESSAGE_BYTES
            + self.n_changes * CHANGE_BYTES + self.n_prices * PRICE_BYTES
        )

    cdef int _now(self, int instrument, Py_ssize_t message, depth_now_t* now) except -1:
        """The depth of an instrument after a message of any instrument."""
        if not (0 <= instrument < self.n_instruments and 0 <= message < self.n_messages):
            raise IndexError("no such instrument or message")
        memset(now, 0, sizeof(depth_now_t))
        while message >= 0 and self.instrument[message] != instrument:
            message -= 1
        if message < 0:
            return 0
        now.sides = self.index.sides + 2 * instrument
        now.state = self.states + message
        now.message = message
        return 0

    def levels(self, int instrument, int side, Py_ssize_t message):
        """Levels of one side after a message, best first; whether or not the book stands.

        Parameters
        ----------
        instrument : int
        side : int
            1 for bids, -1 for asks.
        message : int
            Number within the depth table, from 0.

        Returns
        -------
        ndarray of int64, shape (n_levels, 2)
            Price and quantity mantissas.
        """
        cdef depth_now_t now
        cdef const level_history_t* h
        cdef int k = 0 if side > 0 else 1
        cdef Py_ssize_t i
        cdef int64_t qty
        found = []
        self._now(instrument, message, &now)
        if now.sides != NULL:
            h = now.sides + k
            for i in range(h.n - 1, -1, -1):
                qty = size_then(h, i, now.message, now.state.loaded)
                if qty:
                    found.append((int(h.prices[i]), int(qty)))
        return np.array(found, dtype=np.int64).reshape(len(found), 2)

    def size(self, int instrument, int side, Py_ssize_t message, int64_t price) -> int:
        """Quantity at a price after a message, 0 where there is no level; otherwise as `levels`."""
        cdef depth_now_t now
        self._now(instrument, message, &now)
        return int(depth_size(&now, 0 if side > 0 else 1, price))

    def stands(self, int instrument, Py_ssize_t message):
        """Whether the depth is continuous after a message, and how often it broke so far.

        Parameters
        ----------
        instrument, message
            As in `levels`.

        Returns
        -------
        valid : bool
        gaps : int
        """
        cdef depth_now_t now
        self._now(instrument, message, &now)
        return bool(depth_stands(&now)), int(depth_gaps(&now))
