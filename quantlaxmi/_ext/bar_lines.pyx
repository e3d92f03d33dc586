"""Series of bars as a strategy reads them: up to the bar at hand, and no further.

Nothing is made for a bar: a clock moves a number forward, and series read by that number.
"""
from libc.stdint cimport int64_t

import numpy as np


cdef class Cursor:
    """How many bars of one instrument are known."""

    cdef readonly Py_ssize_t known


cdef class Line:
    """One column of bars, or an indicator, as doubles, up to the bar at hand.

    Parameters
    ----------
    name : str
        For errors.
    cursor : Cursor
        Says how many values are known.
    """

    cdef public str name
    cdef readonly Cursor cursor
    cdef const double[::1] _values

    def __init__(self, str name, Cursor cursor):
        self.name = name
        self.cursor = cursor
        self._values = np.zeros(0)

    def hold(self, values):
        """Take all values that were fed; those of bars to come are not shown."""
        self._values = values

    def __len__(self):
        return self.cursor.known

    def __getitem__(self, key):
        cdef Py_ssize_t i, n = self.cursor.known
        if isinstance(key, slice):
            return np.array(self._values[:n])[key]
        i = key
        if i < 0:
            i += n
        if i < 0 or i >= n or i >= self._values.shape[0]:
            raise IndexError(f"{self.name}[{key}]: {n} bars are known")
        return self._values[i]

    cdef double _last(self) except? -1.0:
        cdef Py_ssize_t n = self.cursor.known
        if n == 0 or n > self._values.shape[0]:
            raise IndexError(f"{self.name}: {n} bars are known")
        return self._values[n - 1]

    def __float__(self):
        return self._last()

    def __array__(self, dtype=None, copy=None):
        return np.array(self._values[: self.cursor.known], dtype=dtype)

    def __repr__(self):
        last = f", last {self._last():.10g}" if self.cursor.known else ""
        return f"<Line {self.name}: {self.cursor.known} values{last}>"


cdef class BarClock:
    """Moves the cursors of all instruments to the bars that were told before a message.

    Parameters
    ----------
    cursors : sequence of Cursor
        By instrument.
    """

    cdef list _cursors
    cdef const int64_t[::1] _seq
    cdef const short[::1] _instrument
    cdef Py_ssize_t _at  # rows passed of those that were fed last
    cdef readonly Py_ssize_t passed

    def __init__(self, cursors):
        self._cursors = list(cursors)
        self._seq = np.zeros(0, np.int64)
        self._instrument = np.zeros(0, np.int16)

    def feed(self, const int64_t[::1] seq, const short[::1] instrument):
        """Take the rows that follow; what was fed before was passed, or is fed again."""
        if seq.shape[0] != instrument.shape[0]:
            raise ValueError("a column of bars has another length")
        for i in range(instrument.shape[0]):
            if not 0 <= instrument[i] < len(self._cursors):
                raise ValueError("a bar names an instrument that there is not")
        self._seq = seq
        self._instrument = instrument
        self._at = 0

    @property
    def waiting(self) -> int:
        """Rows that were fed and not passed; they are the last ones."""
        return self._seq.shape[0] - self._at

    def advance(self, int64_t seq):
        """Pass the bars told before a message; how many they were."""
        cdef Py_ssize_t begun = self._at
        cdef Cursor cursor
        while self._at < self._seq.shape[0] and self._seq[self._at] < seq:
            cursor = <Cursor>self._cursors[self._instrument[self._at]]
            cursor.known += 1
            self._at += 1
        self.passed += self._at - begun
        return self._at - begun


def crossover(one, other):
    """Whether the first series has just crossed above the second.

    Parameters
    ----------
    one, other : Line or float
        One of them a series with two known values.

    Returns
    -------
    bool
        It was below one bar ago and is above now.

    Examples
    --------
    >>> cursor = Cursor()
    >>> crossover(Line("a", cursor), 1.0)
    False
    """
    cdef double before, now, other_before, other_now
    if not _last_two(one, &before, &now) or not _last_two(other, &other_before, &other_now):
        return False
    return before < other_before and now > other_now


cdef bint _last_two(series, double* before, double* now) except -1:
    cdef Py_ssize_t n
    cdef Line line
    if isinstance(series, Line):
        line = <Line>series
        n = line.cursor.known
        if n < 2:
            return False
        if n > line._values.shape[0]:
            raise IndexError(f"{line.name}: {n} bars are known")
        before[0] = line._values[n - 2]
        now[0] = line._values[n - 1]
        return True
    before[0] = now[0] = float(series)
    return True
