"""Rows of quotes that change a top and nothing else, found once for markets that are read often.

Such a *quiet* row is in the order of time, sets a valid book within the engine's range, is not the first
of its instrument, and its stamp tells nothing new of the venue's clock. While nothing is due and all
strategies sleep, a run of them is a walk over their mids: only the last row of each instrument sets a
book (quote_run.pyx).

The clock is followed by the quotes alone. Other messages can only show what a quote would have shown:
where a quote changes nothing among quotes, it changes nothing among all messages.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc

import numpy as np

from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.venue_clock cimport clock_sees, venue_clock_t

#: Instruments of quiet rows, at most.
MOST_INSTRUMENTS = MOST_QUIET

cdef enum:
    LOUD = -1  # the row has to be looked at


cdef inline bint _tells(venue_clock_t* c, int64_t ts, int64_t exch) noexcept nogil:
    """Whether a message changes anything of a clock, which it then has."""
    cdef int64_t hours = c.n_hours, latest = c.latest[0]
    clock_sees(c, ts, exch)
    return c.n_hours != hours or c.latest[0] != latest


cdef class QuietRows:
    """The quiet rows of a table of quotes.

    Ten bytes a row.

    Parameters
    ----------
    quotes : mapping of str to ndarray
        Columns of a segment's quotes, from its first row on, without shifts.
    n_instruments : int
        At most 64.

    Attributes
    ----------
    n_rows, n_instruments : int
    n_quiet : int
        Rows that are quiet.

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
    >>> QuietRows(rows, 1).who.tolist()  # the first one, and one whose sides are locked, are not
    [-1, 0, -1]
    """

    def __init__(self, quotes, Py_ssize_t n_instruments):
        if self.mid2 != NULL:
            raise RuntimeError("QuietRows is initialised once")
        if n_instruments > MOST_QUIET:
            raise ValueError(f"quiet rows are of at most {MOST_QUIET} instruments")
        self.n_instruments = n_instruments
        self.n_rows = len(quotes["seq"])
        self.mid2 = <int64_t*>malloc((self.n_rows + 1) * sizeof(int64_t))
        self.who = <short*>malloc((self.n_rows + 1) * sizeof(short))
        if self.mid2 == NULL or self.who == NULL:
            raise MemoryError("quiet rows")
        if self.n_rows:
            self._read(quotes)
        self.quiet.mid2, self.quiet.who = self.mid2, self.who
        self._quotes = quotes["seq"]

    def __dealloc__(self):
        free(self.mid2)
        free(self.who)

    cdef int _read(self, quotes) except -1:
        cdef const int64_t[::1] ts = quotes["ts_ns"], exch = quotes["exch_ts_ns"]
        cdef const int64_t[::1] bid = quotes["bid"], ask = quotes["ask"]
        cdef const int64_t[::1] bid_qty = quotes["bid_qty"], ask_qty = quotes["ask_qty"]
        cdef const short[::1] instrument = quotes["instrument"]
        cdef venue_clock_t* clocks
        cdef char met[MOST_QUIET]
        cdef Py_ssize_t i, k, n = self.n_instruments
        cdef bint quiet
        clocks = <venue_clock_t*>calloc(n + 1, sizeof(venue_clock_t))
        if clocks == NULL:
            raise MemoryError("quiet rows")
        try:
            with nogil:
                for k in range(n):
                    met[k] = 0
                for i in range(self.n_rows):
                    hear(i)
                    self.mid2[i], self.who[i] = 0, LOUD
                    k = instrument[i]
                    if not 0 <= k < n:
                        continue
                    quiet = not _tells(clocks + k, ts[i], exch[i]) and met[k]
                    met[k] = 1
                    if (
                        quiet and ts[i] >= ts[i - 1] and 0 < bid[i] < ask[i] <= QL_MAX_PRICE
                        and bid_qty[i] > 0 and ask_qty[i] > 0
                    ):
                        self.mid2[i], self.who[i] = bid[i] + ask[i], k
                        self.n_quiet += 1
        finally:
            free(clocks)
        return 0

    @property
    def who(self):
        """Instrument of every quiet row; below 0 for the others."""
        cdef short[::1] seen
        if self.n_rows == 0:
            return np.zeros(0, dtype=np.int16)
        seen = <short[: self.n_rows]>self.who
        return np.asarray(seen).copy()

    @property
    def nbytes(self):
        """Memory that is taken."""
        return self.n_rows * (sizeof(int64_t) + sizeof(short))

    cdef int point(self, columns_t* t, table) except -1:
        """Let an engine walk over the quiet rows of the table that they were found in."""
        if t.n != self.n_rows or (t.n and table["seq"] is not self._quotes):
            raise ValueError("the quiet rows are of another table")
        t.quiet = &self.quiet
        return 0
