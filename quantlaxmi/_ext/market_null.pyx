"""Markets whose mid increments have random signs.

An instrument's *states* are its valid books, each at the row that set it: a quote, or a depth row
while depth gives the top. Its *increments* are the differences of twice the mid between one state
and the next. A draw keeps one sign for each *instant* (receive time at which any increment
happens). Where the sign is minus, the deviation of the increment from the instrument's mean
increment is turned over. After a set F of turned increments all prices of the instrument have
moved by the integer

    shift = -(sum of the increments in F) + half-even(|F| * sum of all / number of all).

Without drift the increments themselves are turned over, and the shift is -(sum of those in F).

Only these shifts are made, one a row that sets a book; the engine adds them while it reads
(``columns_t.shift``).
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from quantlaxmi._ext.philox cimport philox_block
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.wide cimport *
from quantlaxmi._ext.depth_tops import depth_tops

cdef enum:
    QUOTES = 0
    DEPTH = 1
    NONE = -1  # the row ends no increment
    TRY_SHIFT = 40  # a try has 2**40 blocks of signs, more than any market has instants

cdef extern from *:
    """
    #define QL_MAX_PRICE (INT64_MAX / 10) /* engine_core.pyx */
    /* Sums of increments stay below this, so that no sum of a draw leaves int64. */
    #define QL_MAX_PATH (INT64_MAX / 16)
    """
    const int64_t QL_MAX_PRICE
    const int64_t QL_MAX_PATH


cdef class SignFlips:
    """The increments of a market and their draws.

    Parameters
    ----------
    quotes, depth : mapping of str to ndarray
        Columns of the segment's tables.
    n_instruments : int

    Attributes
    ----------
    n_instants : int
        Distinct receive times at which an increment happens.
    n_free : int
        Those at which one differs from its mean, so that the sign matters.
    n_moving : int
        Those at which one is not 0, so that the sign matters without drift.
    n_increments : int
        Of all instruments.
    uses_depth : bool
        Whether depth gives a top anywhere; else draws leave the depth table alone.
    quote_instants : ndarray of int64
        Instant of the increment that ends at each quote; -1 where none does.

    Raises
    ------
    OverflowError
        When the increments of an instrument sum to more than a sixteenth of int64.
    """

    def __init__(self, quotes, depth, Py_ssize_t n_instruments):
        cdef Py_ssize_t k
        if self.paths != NULL:
            raise RuntimeError("SignFlips is initialised once")
        self.n_instruments = n_instruments
        self.paths = <path_t*>calloc(n_instruments + 1, sizeof(path_t))
        if self.paths == NULL:
            raise MemoryError("increments")
        self._columns, self.quote_instants = [], np.zeros(0, dtype=np.int64)
        tops = depth_tops(depth, quotes, n_instruments)
        self.uses_depth = tops is not None
        if self.uses_depth:
            self._hold(DEPTH, depth["instrument"], depth["ts_ns"], tops[0], tops[1])
            self._measure(DEPTH)
        if len(quotes["seq"]):
            self._hold(QUOTES, quotes["instrument"], quotes["ts_ns"], quotes["bid"], quotes["ask"])
            self._sizes(quotes["bid_qty"], quotes["ask_qty"])
            self._measure(QUOTES)
        for k in range(n_instruments):
            _keep_means(&self.paths[k])
        with nogil:
            self._number()

    def __dealloc__(self):
        cdef Py_ssize_t k
        if self.paths != NULL:
            for k in range(self.n_instruments):
                free(self.paths[k].kept)
        free(self.paths)

    @property
    def n_increments(self) -> int:
        """Of all instruments."""
        cdef Py_ssize_t k
        return sum(int(self.paths[k].n) for k in range(self.n_instruments))

    cdef _hold(self, int which, instruments, stamps, bids, asks):
        cdef const int64_t[::1] wide
        cdef const short[::1] instrument = instruments
        cdef int64_t[::1] own
        n = len(stamps)
        moves, instants = np.zeros(n, dtype=np.int64), np.full(n, NONE, dtype=np.int64)
        if which == QUOTES:
            self.quote_instants = instants
        self._columns.append((instruments, stamps, bids, asks, moves, instants))
        self.n_rows[which] = n
        self.instrument[which] = &instrument[0]
        wide = stamps
        self.ts[which] = &wide[0]
        wide = bids
        self.bid[which] = &wide[0]
        wide = asks
        self.ask[which] = &wide[0]
        own = moves
        self.move[which] = &own[0]
        own = instants
        self.instant[which] = &own[0]

    cdef _sizes(self, bid_qty, ask_qty):
        cdef const int64_t[::1] sizes
        self._columns.append((bid_qty, ask_qty))
        sizes = bid_qty
        self.bid_qty = &sizes[0]
        sizes = ask_qty
        self.ask_qty = &sizes[0]

    cdef _measure(self, int which):
        cdef Py_ssize_t i, k
        cdef path_t* p
        cdef int64_t mid2, step, failed = -1
        with nogil:
            for i in range(self.n_rows[which]):
                hear(i)
                if not self._valid(which, i):
                    continue
                k = self.instrument[which][i]
                p = &self.paths[k]
                if self.ask[which][i] > QL_MAX_PRICE:
                    failed = k
                    break
                mid2 = self.bid[which][i] + self.ask[which][i]
                if p.last == 0:
                    p.least_bid = self.bid[which][i]
                    p.most_ask = self.ask[which][i]
                else:
                    step = mid2 - p.last
                    self.move[which][i] = step
                    self.instant[which][i] = 0
                    p.n += 1
                    p.total += step
                    p.travelled += step if step > 0 else -step
                    if p.travelled > QL_MAX_PATH:
                        failed = k
                        break
                    if self.bid[which][i] < p.least_bid:
                        p.least_bid = self.bid[which][i]
                    if self.ask[which][i] > p.most_ask:
                        p.most_ask = self.ask[which][i]
                p.last = mid2
        if failed >= 0:
            raise OverflowError(f"the increments of instrument {failed} sum to over 2**59")

    cdef bint _valid(self, int which, Py_ssize_t i) noexcept nogil:
        """Whether the row sets a valid book, by the engine's rule on recorded prices."""
        if not (self.bid[which][i] > 0 and self.bid[which][i] < self.ask[which][i]):
            return False
        return which == DEPTH or (self.bid_qty[i] > 0 and self.ask_qty[i] > 0)

    cdef int _number(self) except -1 nogil:
        """Number the instants in time order, over both tables."""
        cdef Py_ssize_t at[2]
        cdef int which
        cdef int64_t now = 0, number = -1
        cdef bint free_one = False, moving = False
        cdef const path_t* p
        cdef Py_ssize_t i
        at[0] = 0
        at[1] = 0
        while True:
            for which in range(2):
                while at[which] < self.n_rows[which] and self.instant[which][at[which]] == NONE:
                    at[which] += 1
            if at[QUOTES] == self.n_rows[QUOTES] and at[DEPTH] == self.n_rows[DEPTH]:
                break
            which = DEPTH
            if at[DEPTH] == self.n_rows[DEPTH] or (
                at[QUOTES] < self.n_rows[QUOTES]
                and self.ts[QUOTES][at[QUOTES]] <= self.ts[DEPTH][at[DEPTH]]
            ):
                which = QUOTES
            i = at[which]
            hear(i)
            if number < 0 or self.ts[which][i] != now:
                number += 1
                now = self.ts[which][i]
                self.n_free += free_one
                self.n_moving += moving
                free_one = moving = False
            self.instant[which][i] = number
            p = &self.paths[self.instrument[which][i]]
            if ql_cmp(ql_mul64(self.move[which][i], p.n), ql_mul64(p.total, 1)) != 0:
                free_one = True
            if self.move[which][i]:
                moving = True
            at[which] += 1
        self.n_free += free_one
        self.n_moving += moving
        self.n_instants = number + 1
        return 0

    def room(self):
        """Arrays a thread needs for its draws.

        Returns
        -------
        signs : ndarray of uint64
            One bit an instant.
        quotes, depth : ndarray of int64
            Shift of every row; depth has none where it gives no top.
        """
        return (
            np.zeros(2 * ((self.n_instants + 127) // 128) or 2, dtype=np.uint64),
            np.zeros(self.n_rows[QUOTES], dtype=np.int64),
            np.zeros(self.n_rows[DEPTH], dtype=np.int64),
        )

    def draw(
        self, uint64_t key, uint64_t draw, uint64_t attempt,
        uint64_t[::1] signs, int64_t[::1] quotes, int64_t[::1] depth, bint drift=True,
    ):
        """Make one try of one draw: bit ``i`` of the signs is minus for instant ``i``.

        Parameters
        ----------
        key, draw : int
        attempt : int
            From 0: which member of the draw's sequence of markets.
        signs, quotes, depth : ndarray
            As `room` made them; overwritten.
        drift : bool
            Whether the mean increment stays.

        Returns
        -------
        bool
            Whether every valid book still has positive prices in the engine's range.
        """
        cdef bint fine
        cdef int64_t* shift[2]
        self._check(signs, quotes, depth)
        shift[QUOTES] = &quotes[0] if quotes.shape[0] else NULL
        shift[DEPTH] = &depth[0] if depth.shape[0] else NULL
        with nogil:
            fine = self.make(
                key, draw, attempt, &signs[0], signs.shape[0], shift[QUOTES], shift[DEPTH], drift
            )
        return fine

    cdef bint make(
        self, uint64_t key, uint64_t draw, uint64_t attempt, uint64_t* signs, Py_ssize_t n_signs,
        int64_t* quotes, int64_t* depth, bint drift,
    ) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(n_signs >> 1):
            philox_block(key, draw, (attempt << TRY_SHIFT) | <uint64_t>i, &signs[2 * i])
        return self._fill(signs, quotes, depth, drift)

    def apply(
        self, uint64_t[::1] signs, int64_t[::1] quotes, int64_t[::1] depth, bint drift=True
    ):
        """Fill the shifts of given signs; as `draw` otherwise. All 0 is the market itself."""
        cdef bint fine
        cdef int64_t* shift[2]
        self._check(signs, quotes, depth)
        shift[QUOTES] = &quotes[0] if quotes.shape[0] else NULL
        shift[DEPTH] = &depth[0] if depth.shape[0] else NULL
        with nogil:
            fine = self._fill(&signs[0], shift[QUOTES], shift[DEPTH], drift)
        return fine

    cdef _check(self, uint64_t[::1] signs, int64_t[::1] quotes, int64_t[::1] depth):
        if (
            signs.shape[0] < 2 or signs.shape[0] & 1 or 64 * signs.shape[0] < self.n_instants
            or quotes.shape[0] != self.n_rows[QUOTES] or depth.shape[0] != self.n_rows[DEPTH]
        ):
            raise ValueError("the arrays of a draw have the wrong size")

    cdef bint _fill(
        self, const uint64_t* signs, int64_t* quotes, int64_t* depth, bint drift
    ) noexcept nogil:
        cdef walk_t* walks = <walk_t*>calloc(self.n_instruments + 1, sizeof(walk_t))
        cdef Py_ssize_t k
        cdef bint fine = True
        if walks == NULL:
            return False
        # An instrument's tops from depth all come before its first quote.
        if self.n_rows[DEPTH]:
            self._walk(DEPTH, signs, walks, depth, drift)
        if self.n_rows[QUOTES]:
            self._walk(QUOTES, signs, walks, quotes, drift)
        for k in range(self.n_instruments):
            if self.paths[k].last and (
                walks[k].lowest <= -self.paths[k].least_bid
                or walks[k].highest > QL_MAX_PRICE - self.paths[k].most_ask
            ):
                fine = False
        free(walks)
        if fine:
            return True
        # The lowest shift may not have met the lowest price.
        return (self.n_rows[DEPTH] == 0 or self._positive(DEPTH, depth)) and (
            self.n_rows[QUOTES] == 0 or self._positive(QUOTES, quotes)
        )

    cdef void _walk(
        self, int which, const uint64_t* signs, walk_t* walks, int64_t* out, bint drift
    ) noexcept nogil:
        cdef const short* instrument = self.instrument[which]
        cdef const int64_t* move = self.move[which]
        cdef const int64_t* instant = self.instant[which]
        cdef Py_ssize_t i
        cdef int64_t at, turned
        cdef walk_t* w
        for i in range(self.n_rows[which]):
            w = &walks[instrument[i]]
            at = instant[i]
            if at >= 0:
                # No branches on random bits: they would be mispredicted half the time.
                turned = (signs[at >> 6] >> (at & 63)) & 1
                w.moved += move[i] & -turned
                w.turned += turned
                w.shift = -w.moved
                if drift:
                    w.shift += self.paths[instrument[i]].kept[w.turned]
                w.lowest = w.shift if w.shift < w.lowest else w.lowest
                w.highest = w.shift if w.shift > w.highest else w.highest
            out[i] = w.shift

    cdef bint _positive(self, int which, const int64_t* shift) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(self.n_rows[which]):
            if self._valid(which, i) and (
                self.bid[which][i] + shift[i] <= 0
                or shift[i] > QL_MAX_PRICE - self.ask[which][i]
            ):
                return False
        return True


cdef int _keep_means(path_t* p) except -1:
    """Make the table of what stays of the drift, for every number of turned increments."""
    cdef int64_t turned, of_all = 0, over = 0, n = p.n if p.n else 1, rest = p.total % n
    cdef int64_t whole = (p.total - rest) / n - (rest < 0)
    rest += n if rest < 0 else 0  # the rest of C has the sign of the total
    p.kept = <int64_t*>calloc(p.n + 1, sizeof(int64_t))
    if p.kept == NULL:
        raise MemoryError("increments")
    for turned in range(1, p.n + 1):
        of_all += whole
        over += rest
        if over >= p.n:
            over -= p.n
            of_all += 1
        p.kept[turned] = of_all + (over > p.n - over or (over == p.n - over and of_all & 1))
    return 0
