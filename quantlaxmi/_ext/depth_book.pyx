"""Order books from snapshots and differences, with the venue's sequence rule.

A difference follows when it continues the last update id: on venues that send the previous id
(USDM futures) ``prev_id == last``; on the others (spot) ``first_id == last + 1``. The first one
after a snapshot may overlap it. Anything else is a gap: the book is invalid until a snapshot
bridges to the differences kept since. A snapshot is usually *older* than differences already
received, so these are kept while no book stands and applied after it; nothing later than the
present row is ever used.

Source of the rule: Binance API documentation, "How to manage a local order book correctly".
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

import numpy as np

from quantlaxmi._ext.signals cimport MOST_STEPS, hear, hear_after, raise_now, stopped

cdef extern from "<stdint.h>" nogil:
    const int64_t NO_PRICE "INT64_MAX"

cdef enum:
    LAST = 1  # schema.DepthFlag
    SNAPSHOT = 2
    IGNORE = 0
    APPLY = 1
    HOLD = 2
    LOAD = 3
    # About 56 MB. A longer wait for a snapshot drops what was kept: the book then stays invalid
    # until a snapshot that needs none of it.
    MAX_HELD = 1 << 20
    # Half of the changes are within so many levels of the one before.
    FIRST_STEP = 8


cdef void depth_init(depth_t* d) noexcept nogil:
    memset(d, 0, sizeof(depth_t))
    d.starts = 1


cdef void depth_free(depth_t* d) noexcept nogil:
    cdef int k
    for k in range(2):
        free(d.room[k])
    free(d.held)
    depth_init(d)


cdef int _reserve(depth_t* d, int k) noexcept nogil:
    """Room for one more level at either end."""
    cdef Py_ssize_t cap = d.cap[k], n = d.n[k], before = d.levels[k] - d.room[k], wanted
    cdef void* p
    if before > 0 and before + n < cap:
        return 0
    if cap < 2 * n + 4:
        cap = 2 * cap if cap else 256
        p = realloc(d.room[k], cap * sizeof(book_level_t))
        if p == NULL:
            return -1
        d.room[k] = <book_level_t*>p
        d.cap[k] = cap
    # A quarter of the room at least is left at each end: so many changes pay for the move.
    wanted = (cap - n) >> 1
    memmove(d.room[k] + wanted, d.room[k] + before, n * sizeof(book_level_t))
    d.levels[k] = d.room[k] + wanted
    return 0


cdef inline Py_ssize_t _before(int descending, int64_t a, int64_t b) noexcept nogil:
    """1 where ``a`` stands before ``b`` in an array of that order, else 0."""
    return (a > b) if descending else (a < b)


cdef inline Py_ssize_t _place(
    int descending, const book_level_t* p, Py_ssize_t n, Py_ssize_t at, int64_t price
) noexcept nogil:
    """Where ``price`` is or belongs in an ordered array, searched in growing steps from ``at``."""
    cdef Py_ssize_t lo, hi, half, step = FIRST_STEP
    if at > n:
        at = n
    if at < n and _before(descending, p[at].price, price):
        lo = at + 1
        hi = at + step
        while hi < n and _before(descending, p[hi].price, price):
            lo = hi + 1
            step *= 2
            hi += step
        if hi > n:
            hi = n
    else:
        hi = at
        lo = at - step
        while lo >= 0 and not _before(descending, p[lo].price, price):
            hi = lo
            step *= 2
            lo -= step
        lo = lo + 1 if lo >= 0 else 0
    # The answer is within lo..hi. Which half it is in nobody can foresee, so no branch asks.
    n = hi - lo
    while n > 0:
        half = (n + 1) >> 1
        lo += half & -_before(descending, p[lo + half - 1].price, price)
        n -= half
    return lo


cdef int _set_level(depth_t* d, int k, int64_t price, int64_t qty) noexcept nogil:
    """Set one level; quantity 0 deletes it (deleting an absent level is normal on this venue)."""
    if qty < 0:
        qty = 0
    cdef book_level_t* p = d.levels[k]
    cdef Py_ssize_t lo
    # Once for each order, so that the comparison is a constant of the loop.
    lo = (
        _place(0, p, d.n[k], d.at[k], price) if k == 0 else _place(1, p, d.n[k], d.at[k], price)
    )
    d.at[k] = lo
    if lo < d.n[k] and p[lo].price == price:
        if qty != 0:
            p[lo].qty = qty
            return 0
        d.n[k] -= 1
        if lo > d.n[k] - lo:
            memmove(p + lo, p + lo + 1, (d.n[k] - lo) * sizeof(book_level_t))
        else:
            memmove(p + 1, p, lo * sizeof(book_level_t))
            d.levels[k] = p + 1
        return 0
    if qty == 0:
        return 0
    if _reserve(d, k) != 0:
        return -1
    p = d.levels[k]
    if lo > d.n[k] - lo:
        memmove(p + lo + 1, p + lo, (d.n[k] - lo) * sizeof(book_level_t))
    else:
        p -= 1
        d.levels[k] = p
        memmove(p, p + 1, lo * sizeof(book_level_t))
    p[lo].price = price
    p[lo].qty = qty
    d.n[k] += 1
    d.steps += d.n[k] >> 8  # levels were moved
    return 0


cdef int _follows(const depth_t* d, const depth_row_t* row) noexcept nogil:
    """1: continues the book, 0: older than it, -1: a gap."""
    if row.last_id <= d.last_id:
        return 0
    if d.fresh:
        # The message covers (prev_id, last_id] or [first_id, last_id]; the snapshot everything
        # up to its own id. They must touch.
        if row.prev_id >= 0:
            return 1 if row.prev_id <= d.last_id else -1
        return 1 if row.first_id <= d.last_id + 1 else -1
    if row.prev_id >= 0:
        return 1 if row.prev_id == d.last_id else -1
    return 1 if row.first_id == d.last_id + 1 else -1


cdef int _hold(depth_t* d, const depth_row_t* row) noexcept nogil:
    cdef Py_ssize_t cap
    cdef void* p
    if d.n_held == MAX_HELD:
        d.n_held = 0
        d.mode = IGNORE
        return 0
    if d.n_held == d.cap_held:
        cap = 2 * d.cap_held if d.cap_held else 1024
        p = realloc(d.held, cap * sizeof(depth_row_t))
        if p == NULL:
            return -1
        d.held = <depth_row_t*>p
        d.cap_held = cap
    d.held[d.n_held] = row[0]
    d.n_held += 1
    return 0


cdef int _choose_mode(depth_t* d, const depth_row_t* row) noexcept nogil:
    cdef int follows
    if row.flags & SNAPSHOT:
        # While the book is continuous a snapshot older than it has nothing to add.
        if d.valid and row.last_id < d.last_id:
            return IGNORE
        d.n[0] = 0
        d.n[1] = 0
        d.valid = 0
        d.loads += 1
        return LOAD
    if not d.valid:
        return HOLD
    follows = _follows(d, row)
    if follows == 1:
        return APPLY
    if follows == 0:
        return IGNORE
    d.valid = 0
    d.gaps += 1
    d.n_held = 0
    return HOLD


cdef int _row_into_levels(depth_t* d, const depth_row_t* row) noexcept nogil:
    cdef int k = 0 if row.side > 0 else 1
    if row.side == 0:
        return 0
    if d.heard != NULL and d.heard(d.listener, k, row.price, row.qty if row.qty > 0 else 0) != 0:
        return -1
    return _set_level(d, k, row.price, row.qty)


cdef int _replay_held(depth_t* d) noexcept nogil:
    """Apply the kept differences that continue the snapshot just loaded."""
    cdef Py_ssize_t i = 0, end
    cdef int follows
    while i < d.n_held:
        end = i
        while not (d.held[end].flags & LAST) and end + 1 < d.n_held:
            end += 1
        follows = _follows(d, &d.held[i])
        if follows == -1:
            d.valid = 0
            d.gaps += 1
            # What is left may continue a later snapshot.
            memmove(d.held, d.held + i, (d.n_held - i) * sizeof(depth_row_t))
            d.n_held -= i
            return 0
        if follows == 1:
            d.last_id = d.held[i].last_id
            d.fresh = 0
            while i <= end:
                if _row_into_levels(d, &d.held[i]) != 0:
                    return -1
                d.steps += 1
                if d.steps >= MOST_STEPS:
                    d.steps = 0
                    if stopped():
                        return HEARD
                i += 1
        i = end + 1
    d.n_held = 0
    return 0


cdef int depth_apply(depth_t* d, const depth_row_t* row) noexcept nogil:
    if d.starts:
        d.mode = _choose_mode(d, row)
    d.starts = 1 if row.flags & LAST else 0
    if d.mode == HOLD:
        return _hold(d, row)
    if d.mode == IGNORE:
        d.ignored += d.starts
        return 0
    if _row_into_levels(d, row) != 0:
        return -1
    if d.starts:
        d.last_id = row.last_id
        if d.mode == LOAD:
            d.valid = 1
            d.fresh = 1
            # A side without a level tells nothing of any price.
            d.known[0] = d.levels[0][0].price if d.n[0] else NO_PRICE
            d.known[1] = d.levels[1][0].price if d.n[1] else -NO_PRICE
            return _replay_held(d)
        d.fresh = 0
    return 0


cdef class DepthBook:
    """An order book for Python: apply rows, read levels.

    Prices and quantities are integer mantissas of the instrument.
    """

    cdef depth_t book

    def __cinit__(self):
        depth_init(&self.book)

    def __dealloc__(self):
        depth_free(&self.book)

    def apply(
        self,
        const int64_t[::1] first_id,
        const int64_t[::1] last_id,
        const int64_t[::1] prev_id,
        const signed char[::1] side,
        const int64_t[::1] price,
        const int64_t[::1] qty,
        const signed char[::1] flags,
    ):
        """Apply rows of the segment's ``depth`` table for this instrument, in order."""
        cdef Py_ssize_t i, n = first_id.shape[0]
        cdef depth_row_t row
        cdef int status = 0
        if not (
            last_id.shape[0] == n and prev_id.shape[0] == n and side.shape[0] == n
            and price.shape[0] == n and qty.shape[0] == n and flags.shape[0] == n
        ):
            raise ValueError("columns of a depth table differ in length")
        with nogil:
            for i in range(n):
                hear(i)
                hear_after(&self.book.steps, 0)
                row.first_id = first_id[i]
                row.last_id = last_id[i]
                row.prev_id = prev_id[i]
                row.side = side[i]
                row.price = price[i]
                row.qty = qty[i]
                row.flags = flags[i]
                status = depth_apply(&self.book, &row)
                if status != 0:
                    break
        if status == HEARD:
            raise_now()
        if status != 0:
            raise MemoryError("order book")

    @property
    def valid(self) -> bool:
        """Whether the book is continuous since its last snapshot."""
        return self.book.valid != 0

    @property
    def gaps(self) -> int:
        """How often the sequence broke."""
        return self.book.gaps

    @property
    def last_id(self) -> int:
        """Update id of the last message applied."""
        return self.book.last_id

    def levels(self, int side):
        """Levels of one side, best first.

        Parameters
        ----------
        side : int
            1 for bids, -1 for asks.

        Returns
        -------
        ndarray of int64, shape (n_levels, 2)
            Price and quantity mantissas.
        """
        cdef int k = 0 if side > 0 else 1
        cdef Py_ssize_t i, n = self.book.n[k]
        out = np.empty((n, 2), dtype=np.int64)
        cdef int64_t[:, ::1] view = out
        for i in range(n):
            view[i, 0] = self.book.levels[k][n - 1 - i].price
            view[i, 1] = self.book.levels[k][n - 1 - i].qty
        return out
