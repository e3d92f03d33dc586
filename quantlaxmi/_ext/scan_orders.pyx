"""Whether there is margin for orders, on top of what is held and on its way.

Looked at is the portfolio as it is once all has filled at its touch. There is the stated capital, the
cash, what is on its way, and the gain of futures at the mid: an option that is bought is paid for with
cash. There is none where a margin is missing with the orders, and more than without them; and, where
they open something, also where a price or a forward is missing, so that the margin is not known.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.scan_margin cimport *
from quantlaxmi._ext.wide cimport *


cdef double money_of(ql_i128 value) noexcept nogil:
    """Ledger units as a float; exact below 2**53."""
    cdef bint below = ql_cmp(value, ql_mul64(0, 0)) < 0
    cdef ql_i128 size = ql_abs(value)
    cdef int64_t low = ql_lo(size)
    cdef double found = <double>ql_hi(size) * 18446744073709551616.0 + (
        <double>low if low >= 0 else <double>low + 18446744073709551616.0
    )
    return -found if below else found


cdef void count_order(
    scan_t* s, const book_t* books, Py_ssize_t i, int64_t signed_qty, double* there
) noexcept nogil:
    cdef const book_t* book = &books[i]
    cdef const scan_contract_t* c = &s.contracts[i]
    cdef double price = 0.5 * book.mid2
    if signed_qty == 0:
        return
    if book.valid:
        price = <double>(book.ask if signed_qty > 0 else book.bid)
    s.qty[i] += signed_qty
    # A future is marked to the market: its price is not paid.
    there[0] -= <double>signed_qty * c.scale * (
        0.5 * book.mid2 if c.kind == SCAN_FUTURE else price
    )


cdef void begin_ask(scan_t* s, const book_t* books, int64_t ts_ns, ask_t* ask) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(s.n):
        s.was[i] = s.qty[i]
    scan_margin(s, books, s.qty, ts_ns, &ask.before)
    ask.had = ask.there + ask.before.futures


cdef bint _opens(const scan_t* s) noexcept nogil:
    """Whether a position becomes larger."""
    cdef Py_ssize_t i
    for i in range(s.n):
        if (s.qty[i] if s.qty[i] > 0 else -s.qty[i]) > (s.was[i] if s.was[i] > 0 else -s.was[i]):
            return True
    return False


cdef bint has_margin(scan_t* s, const book_t* books, int64_t ts_ns, ask_t* ask) noexcept nogil:
    scan_margin(s, books, s.qty, ts_ns, &ask.after)
    ask.there += ask.after.futures
    if not ask.after.known:
        return not _opens(s)
    if ask.after.required <= ask.there:
        return True
    return (
        ask.before.known != 0
        and ask.after.required - ask.there <= ask.before.required - ask.had
    )


cdef class MarginAsk:
    """The scan of a run's contracts, asked from Python; as of `scan_setup.set_scan`.

    Parameters
    ----------
    contracts, expiries, rules : sequence of tuple
    """

    cdef scan_t* scan

    def __cinit__(self, contracts, expiries, rules):
        self.scan = made_scan(contracts, expiries, rules)

    def __dealloc__(self):
        free_scan(self.scan)

    def allows(
        self, const book_t[::1] books, const int64_t[::1] held, const int64_t[::1] pending,
        const int64_t[::1] instruments, const int64_t[::1] orders, double money, int64_t ts_ns,
    ):
        """Return whether there is margin for orders.

        Parameters
        ----------
        books : ndarray of BOOK_DTYPE, shape (n,)
        held, pending : ndarray of int64, shape (n,)
            Positions, and what may still fill of orders on their way, signed.
        instruments, orders : ndarray of int64, shape (n_orders,)
            Those that are asked for: instrument, and signed quantity.
        money : float
            Capital and cash, ledger units.
        ts_ns : int
        """
        cdef ask_t ask
        cdef Py_ssize_t i, n = self.scan.n
        if books.shape[0] != n or held.shape[0] != n or pending.shape[0] != n:
            raise ValueError("there is not a book and a position for every contract")
        if instruments.shape[0] != orders.shape[0]:
            raise ValueError("an order has an instrument and a quantity")
        for i in range(instruments.shape[0]):
            if not 0 <= instruments[i] < n:
                raise ValueError("an order is of an instrument that is not there")
        if n == 0:
            return True
        ask.there = money
        for i in range(n):
            self.scan.qty[i] = held[i]
            count_order(self.scan, &books[0], i, pending[i], &ask.there)
        begin_ask(self.scan, &books[0], ts_ns, &ask)
        for i in range(instruments.shape[0]):
            count_order(self.scan, &books[0], instruments[i], orders[i], &ask.there)
        return bool(has_margin(self.scan, &books[0], ts_ns, &ask))
