"""One of the replay loop's accounts for the tests: quantlaxmi.execution.ledger equals it."""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext.accounts cimport account_fill, account_t
from quantlaxmi._ext.wide cimport ql_hi, ql_i128, ql_join, ql_lo


cdef class KernelAccount:
    """An account whose ledger scale is ``scale`` units to one price unit times one quantity."""

    cdef account_t account
    cdef ql_i128 cash

    def __init__(self, int64_t scale):
        memset(&self.account, 0, sizeof(account_t))
        self.account.scale = ql_join(0, scale)
        self.cash = ql_join(0, 0)

    def fill(self, int64_t side, int64_t qty, int64_t price, int64_t fee):
        """0, or 1 where the kernel reports an overflow."""
        return account_fill(
            &self.account, &self.cash, side, qty, price, ql_join(-1 if fee < 0 else 0, fee)
        )

    def state(self):
        """position and the halves of cost, realized, fees and cash."""
        cdef account_t* a = &self.account
        return (
            a.qty,
            (ql_hi(a.cost), ql_lo(a.cost)),
            (ql_hi(a.realized), ql_lo(a.realized)),
            (ql_hi(a.fees), ql_lo(a.fees)),
            (ql_hi(self.cash), ql_lo(self.cash)),
        )
