"""Forward, at-the-money strike, volatilities and skew of option chains, an expiry at a time.

Prices are integers, so that sums of bid and ask are exact. A quote of 0 is none. All sums are taken
in one order, and the option maths are black76.h's, so that the results have the same bits anywhere.
"""
from libc.stdint cimport int8_t, int64_t

from quantlaxmi._ext.black76 cimport *

cdef enum:
    MOST_PAIRS = 5  # strikes whose parity makes the forward
    UPPER = 0  # sides of a skew
    LOWER = 1

#: A skew's distance from the forward, either way, and between both.
cdef double OFF = 0.03
cdef double APART = 0.06
cdef double INVERSE_ROOT_2PI = 0.3989422804014327

cdef inline bint _quoted(int64_t bid, int64_t ask) noexcept nogil:
    return bid > 0 and ask > 0


cdef inline int64_t _two_prices(const chain_t* c, Py_ssize_t k, bint call) noexcept nogil:
    """Twice the mid of a row's call or put, 0 where it has not both quotes."""
    cdef int64_t bid = c.call_bid[k] if call else c.put_bid[k]
    cdef int64_t ask = c.call_ask[k] if call else c.put_ask[k]
    return bid + ask if _quoted(bid, ask) else 0


cdef int chain_forward(const chain_t* c, slice_t* s) noexcept nogil:
    """Forward by parity of the strikes where call and put are closest; how many there were."""
    cdef Py_ssize_t best[MOST_PAIRS]
    cdef int64_t gap[MOST_PAIRS]
    cdef Py_ssize_t k, place
    cdef int n = 0
    cdef int64_t call, put, apart, spread
    cdef double weight, total = 0, weights = 0
    for k in range(s.first, s.after):
        call, put = _two_prices(c, k, True), _two_prices(c, k, False)
        if call == 0 or put == 0:
            continue
        apart = call - put if call > put else put - call
        if n == MOST_PAIRS and apart >= gap[n - 1]:
            continue
        place = n if n < MOST_PAIRS else n - 1
        while place > 0 and apart < gap[place - 1]:
            gap[place], best[place] = gap[place - 1], best[place - 1]
            place -= 1
        gap[place], best[place] = apart, k
        n += n < MOST_PAIRS
    for place in range(n):
        k = best[place]
        spread = (c.call_ask[k] - c.call_bid[k]) + (c.put_ask[k] - c.put_bid[k])
        weight = 1.0 / <double>(spread if spread > 0 else 1)
        call, put = _two_prices(c, k, True), _two_prices(c, k, False)
        total += weight * <double>(2 * c.strike[k] + call - put)
        weights += weight
    s.forward = total / weights / (2 * c.unit) if n > 0 else 0
    return n


cdef Py_ssize_t chain_nearest(const chain_t* c, const slice_t* s) noexcept nogil:
    """Row of the listed strike nearest the forward, the lower one of two; -1 without a forward."""
    cdef Py_ssize_t k, found = -1
    cdef double apart, least = 0
    if s.status == QL_NO_FORWARD:
        return -1
    for k in range(s.first, s.after):
        apart = <double>c.strike[k] / c.unit - s.forward
        apart = -apart if apart < 0 else apart
        if found < 0 or apart < least:
            found, least = k, apart
    return found


cdef int _volatility(
    const chain_t* c, const slice_t* s, Py_ssize_t k, bint call, double* sigma
) noexcept nogil:
    """Implied volatility of a row's call or put at its mid; its status."""
    cdef int64_t two = _two_prices(c, k, call)
    sigma[0] = 0
    if s.status != QL_OK:
        return s.status
    if two == 0:
        return QL_NO_QUOTE
    return ql_implied(
        <double>two / (2 * c.unit), s.forward, <double>c.strike[k] / c.unit, s.root_t, call, sigma
    )


cdef int _at(const chain_t* c, const slice_t* s, int side, double* sigma) noexcept nogil:
    """Volatility at 3 % above or below the forward, linear between the nearest quoted strikes."""
    cdef double target = s.forward * (1 + OFF if side == UPPER else 1 - OFF), low, high, share
    cdef double under, over
    cdef Py_ssize_t k, first = -1, after = -1
    cdef int status
    for k in range(s.first, s.after):
        if _two_prices(c, k, side == UPPER) == 0:
            continue
        if <double>c.strike[k] / c.unit > target:
            after = k
            break
        first = k
    if first < 0 or after < 0:
        return QL_NO_QUOTE
    status = _volatility(c, s, first, side == UPPER, &low)
    if status == QL_OK:
        status = _volatility(c, s, after, side == UPPER, &high)
    if status != QL_OK:
        return status
    under, over = <double>c.strike[first] / c.unit, <double>c.strike[after] / c.unit
    share = (target - under) / (over - under)
    sigma[0] = low + (high - low) * share
    return QL_OK


cdef int chain_skew(const chain_t* c, const slice_t* s, double* skew) noexcept nogil:
    cdef double upper = 0, lower = 0
    cdef int status
    skew[0] = 0
    if s.status != QL_OK:
        return s.status
    status = _at(c, s, UPPER, &upper)
    if status == QL_OK:
        status = _at(c, s, LOWER, &lower)
    if status == QL_OK:
        skew[0] = (upper - lower) / APART
    return status


cdef int chain_straddle(
    const chain_t* c, const slice_t* s, Py_ssize_t k, straddle_t* out
) noexcept nogil:
    """Figures of the straddle of a row; its status, and zeros where there is none."""
    cdef int status, other
    out[0] = straddle_t(0, 0, 0, 0, 0)
    if s.status != QL_OK or k < s.first or k >= s.after:
        return s.status
    if _two_prices(c, k, True) == 0 or _two_prices(c, k, False) == 0:
        return QL_NO_QUOTE
    out.price = <double>(_two_prices(c, k, True) + _two_prices(c, k, False)) / (2 * c.unit)
    out.spread = <double>(
        (c.call_ask[k] - c.call_bid[k]) + (c.put_ask[k] - c.put_bid[k])
    ) / c.unit
    other = _volatility(c, s, k, True, &out.call)
    status = _volatility(c, s, k, False, &out.put)
    status = other if other != QL_OK else status
    if status != QL_OK:
        out.call = out.put = 0
        return status
    out.vega = 2 * ql_greeks(
        s.forward, <double>c.strike[k] / c.unit, s.root_t, (out.call + out.put) * 0.5, True
    ).vega
    return QL_OK


cdef slice_t chain_slice(
    Py_ssize_t first, Py_ssize_t after, double forward, double years
) noexcept nogil:
    """Rows of one expiry, with what forward and time say of its options."""
    cdef slice_t s
    s.first, s.after = first, after
    s.forward = forward
    s.status = option_status(forward, years)
    s.root_t = ql_sqrt(years) if s.status == QL_OK else 0
    return s


cdef class Chain:
    """Quotes of one moment by expiry and strike.

    Parameters
    ----------
    start : ndarray of int64, shape (n_expiries + 1,)
        First row of each expiry, and the number of rows.
    years : ndarray of float64, shape (n_expiries,)
    strike, call_bid, call_ask, put_bid, put_ask : ndarray of int64, shape (n_rows,)
        Price units; strikes ascend within an expiry; quotes of 0 are none.
    unit : float
        Price units in one of the currency.
    """

    cdef chain_t c
    cdef object _kept
    cdef const int64_t[::1] start
    cdef const double[::1] years

    def __init__(
        self, const int64_t[::1] start, const double[::1] years, const int64_t[::1] strike,
        const int64_t[::1] call_bid, const int64_t[::1] call_ask, const int64_t[::1] put_bid,
        const int64_t[::1] put_ask, double unit,
    ):
        cdef Py_ssize_t k, n = strike.shape[0], e = years.shape[0]
        if (
            call_bid.shape[0] != n or call_ask.shape[0] != n or put_bid.shape[0] != n
            or put_ask.shape[0] != n or start.shape[0] != e + 1
        ):
            raise ValueError("columns of a chain differ in length")
        if start[0] != 0 or start[e] != n:
            raise ValueError("the first rows of the expiries do not span the rows")
        for k in range(e):
            if start[k] > start[k + 1]:
                raise ValueError("the first rows of the expiries do not ascend")
        self._kept = strike, call_bid, call_ask, put_bid, put_ask
        self.start, self.years = start, years
        self.c.unit = unit
        if n > 0:
            self.c.strike = &strike[0]
            self.c.call_bid, self.c.call_ask = &call_bid[0], &call_ask[0]
            self.c.put_bid, self.c.put_ask = &put_bid[0], &put_ask[0]

    cdef slice_t _slice(self, Py_ssize_t e, double forward) noexcept nogil:
        return chain_slice(self.start[e], self.start[e + 1], forward, self.years[e])

    def forwards(self, double[::1] out, int64_t[::1] used):
        """Forward of each expiry and the number of strikes that made it; 0 where none could.

        Parameters
        ----------
        out : ndarray of float64, shape (n_expiries,)
            OUT
        used : ndarray of int64, shape (n_expiries,)
            OUT
        """
        cdef Py_ssize_t e
        cdef slice_t s
        with nogil:
            for e in range(out.shape[0]):
                s = self._slice(e, 0)
                used[e] = chain_forward(&self.c, &s)
                out[e] = s.forward

    def nearest(self, const double[::1] forward, int64_t[::1] out):
        """Row of the strike at the money of each expiry, -1 without a forward.

        Parameters
        ----------
        forward : ndarray of float64, shape (n_expiries,)
            IN: 0 where there is none.
        out : ndarray of int64, shape (n_expiries,)
            OUT
        """
        cdef Py_ssize_t e
        cdef slice_t s
        with nogil:
            for e in range(out.shape[0]):
                s = self._slice(e, forward[e])
                out[e] = chain_nearest(&self.c, &s)

    def volatilities(self, const double[::1] forward, double[:, ::1] out, int8_t[:, ::1] status):
        """Implied volatilities at mids.

        Parameters
        ----------
        forward : ndarray of float64, shape (n_expiries,)
            IN
        out : ndarray of float64, shape (2, n_rows)
            OUT: of calls, of puts.
        status : ndarray of int8, shape (2, n_rows)
            OUT
        """
        cdef Py_ssize_t e, k
        cdef slice_t s
        with nogil:
            for e in range(forward.shape[0]):
                s = self._slice(e, forward[e])
                for k in range(s.first, s.after):
                    status[0, k] = _volatility(&self.c, &s, k, True, &out[0, k])
                    status[1, k] = _volatility(&self.c, &s, k, False, &out[1, k])

    def skews(self, const double[::1] forward, double[::1] out, int8_t[::1] status):
        """Slope of volatility in log-like moneyness from 3 % below to 3 % above the forward.

        Parameters
        ----------
        forward : ndarray of float64, shape (n_expiries,)
            IN
        out : ndarray of float64, shape (n_expiries,)
            OUT
        status : ndarray of int8, shape (n_expiries,)
            OUT
        """
        cdef Py_ssize_t e
        cdef slice_t s
        with nogil:
            for e in range(out.shape[0]):
                s = self._slice(e, forward[e])
                status[e] = chain_skew(&self.c, &s, &out[e])

    def at_money(
        self, const double[::1] forward, const int64_t[::1] row, double[:, ::1] out,
        int8_t[::1] status,
    ):
        """Figures of the straddle at the money of each expiry.

        Parameters
        ----------
        forward : ndarray of float64, shape (n_expiries,)
            IN
        row : ndarray of int64, shape (n_expiries,)
            IN: of `nearest`.
        out : ndarray of float64, shape (5, n_expiries)
            OUT: volatility of the call, of the put, vega of both, price and spread of both.
        status : ndarray of int8, shape (n_expiries,)
            OUT
        """
        cdef Py_ssize_t e
        cdef slice_t s
        cdef straddle_t found
        with nogil:
            for e in range(status.shape[0]):
                s = self._slice(e, forward[e])
                status[e] = chain_straddle(&self.c, &s, row[e], &found)
                out[0, e], out[1, e], out[2, e] = found.call, found.put, found.vega
                out[3, e], out[4, e] = found.price, found.spread
