"""What fills and closes are in: whole lots, and what closes a position.

Recorded depth can be finer than the lot; an order gets whole lots of it, or all that is left of it.
A close is of all that is held, or of the lots that can be traded where buys pay in base.

There what is short is bought back with as much more as the fee takes, in whole lots. What is held is
sold but for what is below a lot.
"""
from libc.stdint cimport int64_t
from quantlaxmi._ext.accounts cimport account_t, order_for
from quantlaxmi._ext.engine_state cimport OK, OVERFLOW, engine_t


cdef inline int64_t lot_of(const engine_t* e, Py_ssize_t instrument) noexcept nogil:
    """The least quantity of an order, 1 where it is not known."""
    if e.guard.rules == NULL or e.guard.rules[instrument].lot == 0:
        return 1
    return e.guard.rules[instrument].lot


cdef inline int64_t whole_lots(
    const engine_t* e, Py_ssize_t instrument, int64_t qty, int64_t left
) noexcept nogil:
    """What an order of which ``left`` is open gets of ``qty``: whole lots, or all that is left."""
    cdef int64_t lot
    if qty >= left:
        return left
    lot = lot_of(e, instrument)
    return qty - qty % lot if lot > 1 else qty


cdef inline int closing_qty(const engine_t* e, Py_ssize_t instrument, int64_t* qty) noexcept nogil:
    """Signed quantity of the order at the market that closes a position, 0 for none."""
    cdef const account_t* a = &e.accounts[instrument]
    cdef int64_t lot = lot_of(e, instrument)
    qty[0] = -a.qty
    if not a.in_base or a.qty == 0:
        return OK
    if a.qty > 0:
        qty[0] += a.qty % lot
        return OK
    return OVERFLOW if order_for(a, -a.qty, lot, qty) else OK
