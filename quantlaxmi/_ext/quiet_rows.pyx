"""Rows of quotes that change a top and nothing else, found once for markets that are read often.

Such a *quiet* row is in the order of time, sets a valid book within the engine's range, is not the first
of its instrument, and its stamp tells nothing new of the venue's clock. A *quiet trade* is in the order of
time, behind a quote of its instrument, and its stamp tells nothing new either. While nothing is due and
all strategies sleep, a run of them is a walk over mids: only the last row of each instrument sets a book
(quiet_walk.pyx). A row has marks of what lies between it and the quote before it: quiet trades, or
anything else, at which the walk ends.

What is looked at once here is never looked at again: sides, range, order of time, clock. The columns stay
as they are; whole rows packed side by side were slower (benchmarks/bench_one_lane.py).

The clock is followed by quotes and trades alone. Other messages can only show what these would have
shown: where a row changes nothing among them, it changes nothing among all messages.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc

import numpy as np

from quantlaxmi._ext.columns cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.venue_clock cimport clock_sees, venue_clock_t

#: Instruments of quiet rows, at most.
MOST_INSTRUMENTS = MOST_QUIET

cdef extern from "<stdint.h>" nogil:
    const int64_t NEVER "INT64_MAX"


cdef inline bint _tells(venue_clock_t* c, int64_t ts, int64_t exch) noexcept nogil:
    """Whether a message changes anything of a clock, which it then has."""
    cdef int64_t hours = c.n_hours, latest = c.latest[0]
    clock_sees(c, ts, exch)
    return c.n_hours != hours or c.latest[0] != latest


cdef class QuietRows:
    """The quiet rows and trades of a market.

    Ten bytes a row of quotes, eight a trade.

    Parameters
    ----------
    tables : mapping of str to mapping of str to ndarray
        All tables of a segment that an engine reads, from their first rows on, without shifts.
    n_instruments : int
        At most 64.

    Attributes
    ----------
    n_rows, n_instruments : int
    n_quiet : int
        Rows of quotes that are quiet.

    Raises
    ------
    ValueError
        There are more instruments.
    MemoryError

    Examples
    --------
    >>> import numpy as np
    >>> from quantlaxmi import schema
    >>> rows = {n: np.zeros(3, t) for n, t in schema.TABLES["quotes"].items()}
    >>> rows["bid"][:], rows["ask"][:], rows["bid_qty"][:], rows["ask_qty"][:] = 9, (11, 11, 9), 1, 1
    >>> quiet = QuietRows({"quotes": rows}, 1)
    >>> quiet.who.tolist()  # the first one, and one whose sides are locked, are not
    [-1, 0, -1]
    """

    def __init__(self, tables, Py_ssize_t n_instruments):
        if self.mid2 != NULL:
            raise RuntimeError("QuietRows is initialised once")
        if n_instruments > MOST_QUIET:
            raise ValueError(f"quiet rows are of at most {MOST_QUIET} instruments")
        quotes, trades = tables["quotes"], tables.get("trades")
        self.n_instruments = n_instruments
        self.n_rows = len(quotes["seq"])
        self.n_trades = len(trades["seq"]) if trades is not None else 0
        self.mid2 = <int64_t*>malloc((self.n_rows + 1) * sizeof(int64_t))
        self.who = <short*>malloc((self.n_rows + 1) * sizeof(short))
        self.before_trade = <int64_t*>malloc((self.n_trades + 1) * sizeof(int64_t))
        if self.mid2 == NULL or self.who == NULL or self.before_trade == NULL:
            raise MemoryError("quiet rows")
        if self.n_rows:
            self._read(quotes, trades if self.n_trades else None)
        for name, table in tables.items():
            if name not in ("quotes", "trades") and self.n_rows and len(table["seq"]):
                self._stop_behind(quotes["seq"], table["seq"])
        self.quiet.mid2, self.quiet.who = self.mid2, self.who
        self.quiet.before_trade = self.before_trade
        self._seq = {name: table["seq"] for name, table in tables.items()}

    def __dealloc__(self):
        free(self.mid2)
        free(self.who)
        free(self.before_trade)

    cdef int _read(self, quotes, trades) except -1:
        cdef const int64_t[::1] seq = quotes["seq"], ts = quotes["ts_ns"]
        cdef const int64_t[::1] exch = quotes["exch_ts_ns"], bid = quotes["bid"], ask = quotes["ask"]
        cdef const int64_t[::1] bid_qty = quotes["bid_qty"], ask_qty = quotes["ask_qty"]
        cdef const short[::1] instrument = quotes["instrument"]
        cdef const int64_t[::1] traded_seq = None, traded_ts = None, traded_exch = None
        cdef const short[::1] traded = None
        cdef reading_t* r
        cdef Py_ssize_t i, j = 0, k, n = self.n_instruments
        cdef int marks
        cdef bint quiet
        if trades is not None:
            traded_seq, traded_ts = trades["seq"], trades["ts_ns"]
            traded_exch, traded = trades["exch_ts_ns"], trades["instrument"]
        r = <reading_t*>calloc(1, sizeof(reading_t))
        if r == NULL:
            raise MemoryError("quiet rows")
        try:
            with nogil:
                for k in range(n):
                    r.row[k] = -1
                r.ts = -NEVER
                for i in range(self.n_rows):
                    hear(i)
                    marks = 0
                    while j < self.n_trades and traded_seq[j] < seq[i]:
                        hear(j)
                        marks |= self._mark_of_trade(r, j, traded[j], traded_ts[j], traded_exch[j])
                        j += 1
                    self.mid2[i], self.who[i] = 0, -1
                    k = instrument[i]
                    if 0 <= k < n:
                        quiet = not _tells(&r.clocks[k], ts[i], exch[i]) and r.row[k] >= 0
                        r.row[k] = i
                        if (
                            quiet and ts[i] >= r.ts and 0 < bid[i] < ask[i] <= QL_MAX_PRICE
                            and bid_qty[i] > 0 and ask_qty[i] > 0
                        ):
                            self.mid2[i], self.who[i] = bid[i] + ask[i], k | marks
                            self.n_quiet += 1
                    r.ts = ts[i]
        finally:
            free(r)
        return 0

    cdef int _mark_of_trade(
        self, reading_t* r, Py_ssize_t j, Py_ssize_t k, int64_t ts, int64_t exch
    ) noexcept nogil:
        """What a trade marks the next row of quotes with."""
        cdef bint quiet = False
        self.before_trade[j] = -1
        if 0 <= k < self.n_instruments:
            quiet = not _tells(&r.clocks[k], ts, exch) and r.row[k] >= 0 and ts >= r.ts
            self.before_trade[j] = r.row[k]
        r.ts = ts
        return QUIET_TRADE if quiet else QUIET_STOP

    cdef int _stop_behind(self, quoted, other) except -1:
        """Mark the rows of quotes behind a row of another table."""
        cdef const int64_t[::1] seq = quoted, others = other
        cdef Py_ssize_t i = 0, j
        with nogil:
            for j in range(others.shape[0]):
                hear(j)
                while i < self.n_rows and seq[i] < others[j]:
                    i += 1
                if i == self.n_rows:
                    break
                self.who[i] |= QUIET_STOP  # of a row that is loud, whose bits are all set, too
        return 0

    @property
    def who(self):
        """Instrument of every quiet row; below 0 for the others."""
        cdef short[::1] seen
        if self.n_rows == 0:
            return np.zeros(0, dtype=np.int16)
        seen = <short[: self.n_rows]>self.who
        found = np.asarray(seen)
        return np.where(found < 0, found, found & QUIET_WHO)

    @property
    def marks(self):
        """Of every quiet row whether quiet trades (1) or other rows (2) lie before it; 0 of loud."""
        cdef short[::1] seen
        if self.n_rows == 0:
            return np.zeros(0, dtype=np.int16)
        seen = <short[: self.n_rows]>self.who
        found = np.asarray(seen)
        return np.where(found < 0, 0, found // QUIET_TRADE)

    @property
    def nbytes(self):
        """Memory that is taken."""
        return self.n_rows * (sizeof(int64_t) + sizeof(short)) + self.n_trades * sizeof(int64_t)

    cdef int point(self, columns_t* t, tables) except -1:
        """Let an engine walk over the quiet rows of the tables that they were found in."""
        if t.n != self.n_rows or len(tables) != len(self._seq) or any(
            table["seq"] is not self._seq.get(name) for name, table in tables.items()
        ):
            raise ValueError("the quiet rows are of another table")
        t.quiet = &self.quiet
        return 0
