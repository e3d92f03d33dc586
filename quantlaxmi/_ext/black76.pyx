"""Black-76 over arrays of options: prices, greeks, implied volatilities; see black76.h.

Each function returns the first row that it cannot take (a strike, a time or a volatility out of
bounds), or -1. What a row has no value for is 0, and its status says why; nothing is not-a-number.
"""
from libc.stdint cimport int8_t

from quantlaxmi._ext.black76 cimport *
from quantlaxmi._ext.signals cimport hear


cdef inline bint _fits(double strike, double years) noexcept nogil:
    return within(strike, QL_LEAST, QL_MOST) and within(years, -QL_MOST_YEARS, QL_MOST_YEARS)


def price(
    const double[::1] forward, const double[::1] strike, const double[::1] years,
    const double[::1] sigma, const int8_t[::1] call, double[::1] out, int8_t[::1] status,
):
    """Price options.

    Parameters
    ----------
    forward, strike, years, sigma : ndarray of float64, shape (n,)
        IN
    call : ndarray of int8, shape (n,)
        IN: 1 for a call, 0 for a put.
    out : ndarray of float64, shape (n,)
        OUT
    status : ndarray of int8, shape (n,)
        OUT: codes of ``quantlaxmi.options.OptionStatus``.

    Returns
    -------
    int
    """
    cdef Py_ssize_t k, n = out.shape[0], bad = -1
    with nogil:
        for k in range(n):
            hear(k)
            if not _fits(strike[k], years[k]) or not within(sigma[k], 0, QL_MOST_SIGMA):
                bad = k
                break
            status[k] = option_status(forward[k], years[k])
            out[k] = 0
            if status[k] == QL_OK:
                out[k] = ql_black76(forward[k], strike[k], ql_sqrt(years[k]), sigma[k], call[k])
    return bad


def greeks(
    const double[::1] forward, const double[::1] strike, const double[::1] years,
    const double[::1] sigma, const int8_t[::1] call, double[:, ::1] out, int8_t[::1] status,
):
    """Derivatives of prices; parameters as of `price`.

    Parameters
    ----------
    forward, strike, years, sigma, call : ndarray
    out : ndarray of float64, shape (4, n)
        OUT: delta, gamma, vega, theta.
    status : ndarray of int8, shape (n,)

    Returns
    -------
    int
    """
    cdef Py_ssize_t k, n = status.shape[0], bad = -1
    cdef ql_greeks_t g
    with nogil:
        for k in range(n):
            hear(k)
            if not _fits(strike[k], years[k]) or not within(sigma[k], 0, QL_MOST_SIGMA):
                bad = k
                break
            status[k] = option_status(forward[k], years[k])
            g.delta = g.gamma = g.vega = g.theta = 0
            if status[k] == QL_OK:
                g = ql_greeks(forward[k], strike[k], ql_sqrt(years[k]), sigma[k], call[k])
            out[0, k], out[1, k], out[2, k], out[3, k] = g.delta, g.gamma, g.vega, g.theta
    return bad


def implied(
    const double[::1] price, const double[::1] forward, const double[::1] strike,
    const double[::1] years, const int8_t[::1] call, double[::1] out, int8_t[::1] status,
):
    """Volatilities at which options are worth their prices; parameters as of `price`.

    Parameters
    ----------
    price : ndarray of float64, shape (n,)
        IN: not above 0, or not a number, where there is none.
    forward, strike, years, call : ndarray
    out : ndarray of float64, shape (n,)
        OUT
    status : ndarray of int8, shape (n,)
        OUT

    Returns
    -------
    int
    """
    cdef Py_ssize_t k, n = out.shape[0], bad = -1
    with nogil:
        for k in range(n):
            hear(k)
            if not _fits(strike[k], years[k]):
                bad = k
                break
            status[k] = option_status(forward[k], years[k])
            out[k] = 0
            if status[k] == QL_OK:
                status[k] = ql_implied(
                    price[k], forward[k], strike[k], ql_sqrt(years[k]), call[k], &out[k]
                )
    return bad
