"""Lanes whose kernels have said that nothing changes for now are not called.

A kernel may export ``asleep``, a pure function of its own state. It gives bounds of the first feature's
``num / den`` and a time: within the bounds, or before the time, ``step`` returns 0 and changes nothing,
unless the strategy is told something. Bounds are compared as doubles and are narrowed by more than
these can err, so that a lane wakes too early rather than too late.
"""
from quantlaxmi._ext.engine_state cimport engine_t, sleep_t, tape_t

cdef extern from "sleep.h" nogil:
    bint ql_within(double low, double high, double num, double den)
    bint ql_wakes(
        const double* low, const double* high, const double* until, Py_ssize_t k, double num,
        double den, double now,
    )
    bint ql_any_wakes(
        const double* low, const double* high, const double* until, Py_ssize_t n, double num,
        double den, double now,
    )


cdef inline bint all_sleep(const tape_t* m) noexcept nogil:
    """Whether the first feature alone keeps every lane asleep."""
    if m.n_features == 0 or m.features[0].den <= 0:
        return False
    return ql_within(
        m.sleep.all_low, m.sleep.all_high, <double>m.features[0].num, <double>m.features[0].den
    )



# The lane is called at the next message.
cdef void wake(sleep_t* s, Py_ssize_t lane) noexcept nogil
# The lane is not called any more.
cdef void retire(sleep_t* s, Py_ssize_t lane) noexcept nogil
# Ask a lane's kernel how long it sleeps.
cdef void doze(sleep_t* s, engine_t* e) noexcept nogil
