"""Interest on what is sold and not held."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t
from quantlaxmi._ext.wide cimport ql_cmp, ql_i128, ql_wide


cdef inline bint is_borrowed(const engine_t* e, Py_ssize_t i) noexcept nogil:
    """Whether instrument ``i`` is borrowed to be sold."""
    return e.loans != NULL and ql_cmp(e.loans[i].den, ql_wide(0)) != 0


# Interest of instrument ``i`` since it was last paid, were it paid at time ``ts``.
cdef int accrued(const engine_t* e, Py_ssize_t i, int64_t ts, ql_i128* amount) noexcept nogil
# Pay the interest of instrument ``i`` up to time ``ts``; before its position changes, and at the end.
cdef int accrue(engine_t* e, Py_ssize_t i, int64_t ts) noexcept nogil
cdef int accrue_all(engine_t* e, int64_t ts) noexcept nogil
