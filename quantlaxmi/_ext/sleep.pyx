"""How long each lane sleeps, as its kernel says."""
from libc.math cimport INFINITY, fabs, isfinite

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *

cdef extern from *:
    """
    /* Conversions, a kernel's division and a product err by 2**-51 at most. */
    #define QL_NARROWER 1e-12
    /* No message is as late: its stamp would leave no room for a latency. */
    #define QL_ALWAYS 9.2e18
    """
    const double QL_NARROWER
    const double QL_ALWAYS


cdef inline double _shifted(double value, double sign) noexcept nogil:
    return value + sign * QL_NARROWER * fabs(value) if isfinite(value) else value


cdef void _set(
    sleep_t* s, Py_ssize_t lane, double low, double high, double until
) noexcept nogil:
    """Note a lane's bounds and find those of all."""
    cdef Py_ssize_t k
    cdef double all_low = -INFINITY, all_high = INFINITY
    if s.low[lane] == low and s.high[lane] == high and s.until[lane] == until:
        return
    s.low[lane] = low
    s.high[lane] = high
    s.until[lane] = until
    for k in range(s.n):
        # No branches: which lanes a time keeps asleep changes with every call.
        low = -INFINITY if s.until[k] >= QL_ALWAYS else s.low[k]
        high = INFINITY if s.until[k] >= QL_ALWAYS else s.high[k]
        all_low = low if low > all_low else all_low
        all_high = high if high < all_high else all_high
    s.all_low = all_low
    s.all_high = all_high


cdef void wake(sleep_t* s, Py_ssize_t lane) noexcept nogil:
    _set(s, lane, INFINITY, -INFINITY, -INFINITY)


cdef void retire(sleep_t* s, Py_ssize_t lane) noexcept nogil:
    _set(s, lane, -INFINITY, INFINITY, INFINITY)


cdef void doze(sleep_t* s, engine_t* e) noexcept nogil:
    cdef nap_t nap
    nap.low = INFINITY
    nap.high = -INFINITY
    nap.until = -NEVER
    if e.asleep == NULL or e.asleep(e.ctx.in_flight, e.positions, e.state, e.params, &nap) != 1:
        wake(s, e.lane)
        return
    # No number is no bound.
    if not (nap.low <= nap.high):
        nap.low = INFINITY
        nap.high = -INFINITY
    _set(
        s, e.lane, _shifted(nap.low, 1), _shifted(nap.high, -1), _shifted(<double>nap.until, -1)
    )
