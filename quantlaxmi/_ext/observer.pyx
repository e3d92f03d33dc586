"""Watching a market with a strategy's eyes and costs, trading nothing."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_core cimport engine_run
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.probe cimport probe_step
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.wide cimport *


cdef class Observer(Engine):
    """An engine that trades nothing and notes what could have been traded.

    Parameters
    ----------
    traded : ndarray of int64
        Indices of the instruments that must all have a valid book.
    bundles : sequence of tuple of (instrument, signed quantity)
    can_trade_address : int
        C address of the kernel's ``can_trade``, 0 for none.
    can_trade_call, can_trade_args
        The same as a Python callable with its arguments, or None.

    The other parameters are those of :class:`Engine`.
    """

    cdef probe_t probe
    cdef object _legs
    cdef object _can_trade_call
    cdef tuple _can_trade_args
    cdef public object error

    def __init__(
        self, memory, accounts, n_currencies, features, event_mask, latency_ns,
        rate_den, traded, bundles, can_trade_address=0, can_trade_call=None,
        can_trade_args=(), impact=(),
    ):
        cdef int64_t[::1] view
        Engine.__init__(
            self, memory, accounts, n_currencies, features, event_mask, latency_ns,
            rate_den, <size_t><void*>probe_step, impact=impact,
        )
        cdef probe_t* p = &self.probe
        memset(p, 0, sizeof(probe_t))
        self._legs = [
            np.array(traded, dtype=np.int64),
            np.cumsum([0] + [len(b) for b in bundles], dtype=np.int64),
            np.array([leg[0] for b in bundles for leg in b] + [0], dtype=np.int64),
            np.array([leg[1] for b in bundles for leg in b] + [0], dtype=np.int64),
        ]
        if any(not 0 <= i < self.e.n_instruments for part in self._legs[::2][:2] for i in part):
            raise ValueError("a bundle or the traded set names an instrument out of range")
        p.n_traded = len(traded)
        p.n_bundles = len(bundles)
        view = self._legs[0]
        p.traded = &view[0]
        view = self._legs[1]
        p.starts = &view[0]
        view = self._legs[2]
        p.leg_instrument = &view[0]
        view = self._legs[3]
        p.leg_qty = &view[0]
        p.units = <ql_i128*>calloc(p.n_bundles + 1, sizeof(ql_i128))
        if p.units == NULL:
            raise MemoryError("bundle units")
        p.rows.item = sizeof(grid_row_t)
        p.mids.item = self.e.n_instruments * sizeof(int64_t)
        p.costs.item = p.n_bundles * sizeof(ql_i128)
        p.fillable.item = p.n_bundles
        p.settlements.item = sizeof(settlement_t)
        self._can_trade_call = can_trade_call
        self._can_trade_args = can_trade_args
        if can_trade_call is not None:
            p.can_trade = _call_can_trade
        else:
            p.can_trade = <can_trade_fn><size_t>can_trade_address
        self.e.probe = p
        self.e.ctx.user = <int64_t><size_t>&self.e
        self.e.owner = <void*>self

    def __dealloc__(self):
        free(self.probe.units)
        free(self.probe.rows.data)
        free(self.probe.mids.data)
        free(self.probe.costs.data)
        free(self.probe.fillable.data)
        free(self.probe.settlements.data)

    def run(self, int64_t limit=NEVER):
        """As :meth:`Engine.run`; holds the GIL where ``can_trade`` is Python."""
        cdef int64_t status
        if self._can_trade_call is None:
            return Engine.run(self, limit)
        status = engine_run(
            &self.e, &self.quotes, &self.depth, &self.trades, &self.funding, limit
        )
        return status, self._exhausted()

    def grid(self):
        """What was noted.

        Returns
        -------
        rows : ndarray of int64, shape (n_rows, 3)
            seq, receive time, whether the strategy's own filters held.
        mids : ndarray of int64, shape (n_rows, n_instruments)
            Bid + ask; 0 where an instrument had no valid book.
        costs : ndarray of int64, shape (n_bundles, n_rows)
            In the bundle's unit; 0 where not fillable.
        fillable : ndarray of bool, shape (n_rows, n_bundles)
            The whole bundle was displayed when its orders arrived.
        units : list of int
            For each bundle, the greatest common divisor of its costs, at least 1.

        Raises
        ------
        OverflowError
            The costs of a bundle have no unit in which all fit 64 bits.
        """
        cdef probe_t* p = &self.probe
        cdef const ql_i128* costs = <const ql_i128*>p.costs.data
        cdef Py_ssize_t n = p.rows.n, i, k
        cdef int64_t[:, ::1] out
        cdef ql_i128 one
        values = np.zeros((p.n_bundles, n), dtype=np.int64)
        out = values
        for k in range(p.n_bundles):
            if ql_hi(p.units[k]) == 0 and ql_lo(p.units[k]) == 0:
                p.units[k] = ql_mul64(1, 1)
            for i in range(n):
                one = ql_divided(costs[i * p.n_bundles + k], p.units[k])
                if not ql_fits64(one):
                    raise OverflowError(f"a cost of bundle {k} does not fit 64 bits")
                out[k, i] = ql_to_i64(one)
        return (
            _bytes(&p.rows).view(np.int64).reshape(n, 3),
            _bytes(&p.mids).view(np.int64).reshape(n, self.e.n_instruments),
            values,
            _bytes(&p.fillable).view(np.bool_).reshape(n, p.n_bundles),
            [wide_int(p.units[k]) for k in range(p.n_bundles)],
        )

    def settlements(self):
        """Funding settlements in the order in which they happened.

        Returns
        -------
        ndarray of int64, shape (n_settlements, 4)
            Instrument, time before which orders must have arrived for their position to pay,
            mark at the price exponent, rate at `schema.RATE_EXPONENT`. The times ascend.
        """
        return _bytes(&self.probe.settlements).view(np.int64).reshape(-1, 4)


cdef _bytes(const buffer_t* b):
    cdef char[::1] view
    out = np.empty(b.n * b.item, dtype=np.int8)
    if b.n and b.item:
        view = out
        memcpy(&view[0], b.data, b.n * b.item)
    return out


cdef int64_t _call_can_trade(
    ctx_t* ctx, event_t* event, book_t* books, feature_t* features, param_t* params
) noexcept with gil:
    cdef engine_t* e = <engine_t*><size_t>ctx.user
    cdef Observer observer = <Observer>e.owner
    try:
        return 1 if observer._can_trade_call(*observer._can_trade_args) else 0
    except BaseException as error:
        observer.error = error
        return -1
