"""Option chains whose moves have random signs and whose variance is fair; see options.fair_variance.

All sums and products are taken in one order over black76.h, so that a draw has the same bits on
every machine. A total volatility is sigma times the root of the time that is left.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

from quantlaxmi._ext.black76 cimport ql_black76, ql_exp, ql_log_ratio, ql_sqrt
from quantlaxmi._ext.philox cimport philox_block
from quantlaxmi._ext.signals cimport hear_after

#: Rows of ``recorded`` and ``out`` in `FairVariance.quotes`; four prices, then their four sizes.
cdef enum:
    CALL_BID = 0  # and its ask
    PUT_BID = 2
    SIZES = 4
    STRIKE_STEPS = 32  # what the price of a strike counts as, for `hear_after`

#: Exponents beyond this lie off any chain.
cdef double FAR = 50.0
#: A quote within this share of a tick of a multiple stands on it.
cdef double ON_TICK = 1e-6


cdef struct smile_t:  # volatilities over the one at the money, by strike
    const double* strike
    const double* ratio
    Py_ssize_t n
    double forward  # recorded
    double vol


cdef inline double _decayed(double vol, double move) noexcept nogil:
    """What a move leaves of a total volatility whose variance is fair."""
    cdef double spent = move * move, most = vol * vol / 16
    return ql_sqrt(vol * vol - (spent if spent < most else most))


cdef void _calls(
    const smile_t* smile, double forward, double vol, const double* strike, Py_ssize_t n, double* out
) noexcept nogil:
    """Prices of the calls of ascending strikes, volatilities read off the recorded smile."""
    cdef Py_ssize_t k, at = 0
    cdef double place, ratio
    for k in range(n):
        place = smile.vol * -ql_log_ratio(forward, strike[k]) / vol
        place = place if place < FAR else FAR  # not-a-number, too
        place = place if place > -FAR else -FAR
        place = smile.forward * ql_exp(place)
        while at < smile.n and smile.strike[at] < place:
            at += 1
        if at == 0:
            ratio = smile.ratio[0]
        elif at == smile.n:
            ratio = smile.ratio[at - 1]
        else:
            ratio = smile.ratio[at - 1] + (smile.ratio[at] - smile.ratio[at - 1]) * (
                (place - smile.strike[at - 1]) / (smile.strike[at] - smile.strike[at - 1])
            )
        out[k] = ql_black76(forward, strike[k], 1.0, vol * ratio, 1)


cdef inline int64_t _down(double price, int64_t tick) noexcept nogil:
    """The multiple of the tick at or below a price; 0 below the first."""
    cdef double ticks = price / tick + ON_TICK
    return <int64_t>ticks * tick if ticks > 0 else 0


cdef inline int64_t _up(double price, int64_t tick) noexcept nogil:
    """The multiple of the tick at or above a price above 0."""
    cdef double ticks = price / tick - ON_TICK
    cdef int64_t whole = <int64_t>ticks
    return (whole + (whole < ticks)) * tick


cdef inline int64_t _side(
    double mid, Py_ssize_t bid, Py_ssize_t t, Py_ssize_t k, Py_ssize_t near,
    const int64_t[:, :, ::1] recorded, int64_t tick, int64_t[:, :, ::1] out,
) noexcept nogil:
    """Quote a call or put around its mid with the spread recorded at ``near``; 1 below a tick."""
    cdef bint below = mid < tick
    cdef Py_ssize_t ask = bid + 1
    cdef double half = <double>(recorded[ask, t, near] - recorded[bid, t, near]) / 2
    if recorded[bid, t, near] > 0 and recorded[ask, t, near] > 0:
        mid = tick if below else mid
        out[bid, t, k], out[ask, t, k] = _down(mid - half, tick), _up(mid + half, tick)
        out[SIZES + ask, t, k] = recorded[SIZES + ask, t, near]
        if out[bid, t, k]:
            out[SIZES + bid, t, k] = recorded[SIZES + bid, t, near]
    return below


cdef class FairVariance:
    """Recorded forwards, volatilities and smiles, and the chains that are drawn of them.

    Parameters
    ----------
    day : ndarray of int64, shape (n_snapshots,)
        Number of the session day; every day begins at its recorded chain.
    forward, vol : ndarray of float64, shape (n_snapshots, n_expiries)
        Forwards in price units and total volatilities at the money; 0 where there is none.
    node_start : ndarray of int64, shape (n_snapshots * n_expiries + 1,)
        First node of each smile; one without a volatility has none, all others have one at least.
    node_strike, node_ratio : ndarray of float64, shape (n_nodes,)
        Strikes, ascending in a smile, and volatilities there over the one at the money.
    span : ndarray of int64, shape (2, n_snapshots, n_expiries)
        First row that is priced, and the one after the last: the same in all snapshots of a day.
    strike : ndarray of float64, shape (n_rows,)
        Ascending in an expiry.

    Raises
    ------
    ValueError
        A shape is another, or a forward moves by half from one snapshot of a day to the next.
    """

    cdef const int64_t[::1] _day, _node_start
    cdef const int64_t[:, :, ::1] _span
    cdef const double[:, ::1] _forward, _vol
    cdef const double[::1] _node_strike, _node_ratio, _strike

    def __init__(self, day, forward, vol, node_start, node_strike, node_ratio, span, strike):
        self._day, self._node_start, self._span = day, node_start, span
        self._forward, self._vol = forward, vol
        self._node_strike, self._node_ratio, self._strike = node_strike, node_ratio, strike
        n, m = self._forward.shape[0], self._forward.shape[1]
        if (
            len(day) != n or (self._vol.shape[0], self._vol.shape[1]) != (n, m)
            or len(node_start) != n * m + 1 or node_start[n * m] != len(node_strike)
            or len(node_ratio) != len(node_strike) or span.shape != (2, n, m)
            or (span < 0).any() or (span > len(strike)).any() or (span[0] > span[1]).any()
        ):
            raise ValueError("the arrays of a recorded chain have the wrong size")
        self._check_moves()

    cdef _check_moves(self):
        cdef Py_ssize_t t, e, last
        cdef double move
        for e in range(self._forward.shape[1]):
            last = -1
            for t in range(self._forward.shape[0]):
                if not self._vol[t, e] > 0:
                    continue
                if not self._forward[t, e] > 0 or self._smile(t, e).n == 0:
                    raise ValueError(f"snapshot {t} has a volatility, and no forward or smile")
                if last >= 0 and self._day[t] == self._day[last]:
                    if self._span[0, t, e] != self._span[0, last, e] or (
                        self._span[1, t, e] != self._span[1, last, e]
                    ):
                        raise ValueError(f"other rows are priced in snapshot {t}")
                    move = self._forward[t, e] / self._forward[last, e] - 1
                    if not -0.5 < move < 0.5:
                        raise ValueError(f"the forward moves by half up to snapshot {t}")
                last = t

    cdef smile_t _smile(self, Py_ssize_t t, Py_ssize_t e) noexcept nogil:
        cdef smile_t s
        cdef Py_ssize_t which = t * self._forward.shape[1] + e
        cdef Py_ssize_t first = self._node_start[which]
        s.n = self._node_start[which + 1] - first
        s.strike = &self._node_strike[first] if s.n else NULL
        s.ratio = &self._node_ratio[first] if s.n else NULL
        s.forward, s.vol = self._forward[t, e], self._vol[t, e]
        return s

    def draw(self, uint64_t key, uint64_t draw, uint64_t[::1] signs):
        """Draw the signs of all snapshots.

        Parameters
        ----------
        key, draw : int
        signs : ndarray of uint64
            OUT: bit ``t`` is minus for the move that ends at snapshot ``t``; an even number of
            words.
        """
        cdef Py_ssize_t i
        if signs.shape[0] & 1 or 64 * signs.shape[0] < self._day.shape[0]:
            raise ValueError("the signs of a draw have the wrong size")
        with nogil:
            for i in range(signs.shape[0] >> 1):
                philox_block(key, draw, <uint64_t>i, &signs[2 * i])

    def chain(
        self, const uint64_t[::1] signs, bint compensate, double[:, ::1] forward, double[:, ::1] vol,
        double[:, ::1] call,
    ):
        """Make the forwards, volatilities and calls of a draw.

        Parameters
        ----------
        signs : ndarray of uint64
            As `draw` gives them.
        compensate : bool
            Whether the calls are martingales.
        forward, vol : ndarray of float64, shape (n_snapshots, n_expiries)
            OUT: 0 where there is none.
        call : ndarray of float64, shape (n_snapshots, n_rows)
            OUT: mids, not rounded; 0 where the expiry has no forward or the row is not priced.
        """
        cdef Py_ssize_t e, rows = self._strike.shape[0]
        cdef double* room
        self._fits(forward, call)
        if 64 * signs.shape[0] < self._day.shape[0] or vol.shape[0] != forward.shape[0] or (
            vol.shape[1] != forward.shape[1]
        ):
            raise ValueError("the arrays of a draw have the wrong size")
        room = <double*>malloc((4 * rows + 1) * sizeof(double))
        if room == NULL:
            raise MemoryError("prices of a draw")
        call[:, :] = 0
        try:
            with nogil:
                for e in range(self._forward.shape[1]):
                    self._expiry(e, signs, compensate, forward, vol, call, room)
        finally:
            free(room)

    cdef _fits(self, const double[:, ::1] forward, const double[:, ::1] call):
        if (
            forward.shape[0] != self._day.shape[0] or forward.shape[1] != self._forward.shape[1]
            or call.shape[0] != self._day.shape[0] or call.shape[1] != self._strike.shape[0]
        ):
            raise ValueError("the arrays of a draw have the wrong size")

    cdef int _expiry(
        self, Py_ssize_t e, const uint64_t[::1] signs, bint compensate, double[:, ::1] forward,
        double[:, ::1] vol, double[:, ::1] call, double* room,
    ) except -1 nogil:
        """One expiry's path through all days; ``room`` holds four prices a strike."""
        cdef Py_ssize_t rows = self._strike.shape[0]
        cdef double* now = room
        cdef double* up = room + rows
        cdef double* down = room + 2 * rows
        cdef double* added = room + 3 * rows
        cdef double* taken
        cdef const double* strike
        cdef Py_ssize_t t, k, first, n, last = -1, steps = 0
        cdef double f = 0, s = 0, move, rest, change
        cdef smile_t smile
        cdef bint minus
        for t in range(self._day.shape[0]):
            if not self._vol[t, e] > 0:
                forward[t, e] = vol[t, e] = 0
                continue
            first = self._span[0, t, e]
            n, strike = self._span[1, t, e] - first, &self._strike[first]
            smile = self._smile(t, e)
            hear_after(&steps, 1 + STRIKE_STEPS * n)
            if last < 0 or self._day[t] != self._day[last]:
                f, s = smile.forward, smile.vol
                _calls(&smile, f, s, strike, n, now)
                for k in range(n):
                    added[k] = 0
            else:
                move = smile.forward / self._forward[last, e] - 1
                change = smile.vol - _decayed(self._vol[last, e], move)
                rest = _decayed(s, move)
                change = change if change < rest / 2 else rest / 2
                change = change if change > -rest / 2 else -rest / 2
                minus = (signs[t >> 6] >> (t & 63)) & 1
                if compensate or not minus:
                    _calls(&smile, f * (1 + move), rest + change, strike, n, up)
                if compensate or minus:
                    _calls(&smile, f * (1 - move), rest - change, strike, n, down)
                f, s = f * (1 - move if minus else 1 + move), rest + (-change if minus else change)
                taken = down if minus else up
                for k in range(n):
                    if compensate:
                        added[k] += now[k] - (up[k] + down[k]) / 2
                    now[k] = taken[k]
            forward[t, e], vol[t, e] = f, s
            for k in range(n):
                call[t, first + k] = now[k] + added[k]
            last = t
        return 0

    def quotes(
        self, const int64_t[:, :, ::1] recorded, int64_t tick, const double[:, ::1] forward,
        const double[:, ::1] call, int64_t[:, :, ::1] out,
    ):
        """Put the recorded spreads and sizes around the mids of a draw.

        Parameters
        ----------
        recorded : ndarray of int64, shape (8, n_snapshots, n_rows)
            Bid and ask of the calls, of the puts, and the sizes of these four; 0 is none.
        tick : int
        forward, call : ndarray of float64
            As `chain` gives them.
        out : ndarray of int64, shape (8, n_snapshots, n_rows)
            OUT: quotes of the draw.

        Returns
        -------
        int
            How many mids lay below a tick, and are one tick.
        """
        cdef Py_ssize_t e, t, steps = 0
        cdef int64_t below = 0
        self._fits(forward, call)
        if not (
            recorded.shape[0] == out.shape[0] == 8
            and recorded.shape[1] == out.shape[1] == call.shape[0]
            and recorded.shape[2] == out.shape[2] == call.shape[1]
        ):
            raise ValueError("the quotes of a draw have the wrong size")
        if tick < 1:
            raise ValueError(f"a tick was {tick}, expected at least 1")
        out[:, :, :] = 0
        with nogil:
            for t in range(call.shape[0]):
                for e in range(forward.shape[1]):
                    hear_after(&steps, 1)
                    if forward[t, e] > 0:
                        hear_after(&steps, self._span[1, t, e] - self._span[0, t, e])
                        below += self._quote(t, e, recorded, tick, forward[t, e], call, out)
        return below

    cdef int64_t _quote(
        self, Py_ssize_t t, Py_ssize_t e, const int64_t[:, :, ::1] recorded, int64_t tick,
        double forward, const double[:, ::1] call, int64_t[:, :, ::1] out,
    ) noexcept nogil:
        """Quotes of one expiry in one snapshot; how many mids lay below a tick."""
        cdef Py_ssize_t first = self._span[0, t, e], after = self._span[1, t, e]
        cdef Py_ssize_t k, near = first
        cdef int64_t below = 0
        cdef double want, put
        for k in range(first, after):
            want = self._strike[k] - forward + self._forward[t, e]
            while near + 1 < after and (
                self._strike[near + 1] - want < want - self._strike[near]
            ):
                near += 1
            put = call[t, k] - forward + self._strike[k]
            below += _side(call[t, k], CALL_BID, t, k, near, recorded, tick, out)
            below += _side(put, PUT_BID, t, k, near, recorded, tick, out)
        return below
