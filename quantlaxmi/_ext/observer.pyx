"""Observing a market with a strategy's filters, latency and costs, without trading."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_core cimport tape_run
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.market_feed cimport was_read
from quantlaxmi._ext.probe cimport probe_step
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.wide cimport *


cdef class Observer(Engine):
    """An engine that trades nothing and notes what could have been traded.

    Parameters
    ----------
    required : sequence of int
        Indices of the instruments that must all have a valid book at a row; with none, a row is
        noted at every message.
    bundles : sequence of tuple of (instrument, signed quantity)
        Of required instruments.
    keep_mids : bool
        Whether the rows' mids are kept; pricing bundles needs them.
    can_trade_address : int
        C address of the kernel's ``can_trade``, 0 for none.
    can_trade_call, can_trade_args
        The same as a Python callable with its arguments, or None.
    lent : sequence of int
        Instruments whose mids are kept as orders decided at a row would arrive.

    The other parameters are those of :class:`Engine`.
    """

    cdef probe_t probe
    cdef object _legs
    cdef object _can_trade_call
    cdef tuple _can_trade_args
    cdef public object error

    def __init__(
        self, memory, accounts, n_currencies, features, event_mask, latency_ns,
        rate_den, required, bundles, keep_mids=True, can_trade_address=0, can_trade_call=None,
        can_trade_args=(), impact=(), lent=(), base_fees=(), rules=(),
    ):
        Engine.__init__(
            self, memory, accounts, n_currencies, features, event_mask, latency_ns,
            rate_den, <size_t><void*>probe_step, rules=rules, impact=impact, base_fees=base_fees,
        )
        cdef probe_t* p = &self.probe
        memset(p, 0, sizeof(probe_t))
        self._lay_out(required, bundles, lent, keep_mids)
        p.units = <ql_i128*>calloc(p.n_bundles + 1, sizeof(ql_i128))
        if p.units == NULL:
            raise MemoryError("bundle units")
        p.rows.item = sizeof(grid_row_t)
        p.mids.item = p.n_columns * sizeof(int64_t)
        p.arrivals.item = p.n_lent * sizeof(int64_t)
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

    cdef _lay_out(self, required, bundles, lent, keep_mids):
        """Instruments and the legs of bundles as arrays that the probe reads."""
        cdef int64_t[::1] view
        cdef probe_t* p = &self.probe
        place = {i: k for k, i in enumerate(required)}
        legs = [leg for b in bundles for leg in b]
        if not all(0 <= i < self.e.n_instruments for i in place):
            raise ValueError("a required instrument is out of range")
        if not all(i in place for i, _ in legs) or (bundles and not keep_mids):
            raise ValueError("a bundle names an instrument whose mids are not kept")
        self._legs = [
            np.array([*required, 0], dtype=np.int64),
            np.zeros(len(required) + 1, dtype=np.int64),
            np.cumsum([0] + [len(b) for b in bundles], dtype=np.int64),
            np.array([i for i, _ in legs] + [0], dtype=np.int64),
            np.array([place[i] for i, _ in legs] + [0], dtype=np.int64),
            np.array([qty for _, qty in legs] + [0], dtype=np.int64),
            np.array([*lent, 0], dtype=np.int64),
        ]
        p.n_required = len(required)
        p.n_columns = len(required) if keep_mids else 0
        p.n_bundles = len(bundles)
        view = self._legs[0]
        p.required = &view[0]
        view = self._legs[1]
        p.last = &view[0]
        view = self._legs[2]
        p.starts = &view[0]
        view = self._legs[3]
        p.leg_instrument = &view[0]
        view = self._legs[4]
        p.leg_column = &view[0]
        view = self._legs[5]
        p.leg_qty = &view[0]
        view = self._legs[6]
        p.lent = &view[0]
        p.n_lent = len(lent)

    def __dealloc__(self):
        free(self.probe.units)
        free(self.probe.rows.data)
        free(self.probe.mids.data)
        free(self.probe.arrivals.data)
        free(self.probe.costs.data)
        free(self.probe.fillable.data)
        free(self.probe.settlements.data)

    def run(self, int64_t limit=NEVER):
        """As :meth:`Engine.run`; holds the GIL where ``can_trade`` is Python."""
        cdef int64_t status
        if self._can_trade_call is None:
            return Engine.run(self, limit)
        status = tape_run(&self.tape, &self.feed, limit)
        return status, was_read(&self.feed)

    def rows(self):
        """What was noted at each row.

        Returns
        -------
        seq, ts_ns : ndarray of int64, shape (n_rows,)
        can_trade : ndarray of bool, shape (n_rows,)
            Whether the strategy's own filters let it trade.
        mids : list of ndarray of int64, shape (n_rows,)
            Bid + ask, one column a required instrument; empty where mids are not kept.
        """
        cdef probe_t* p = &self.probe
        return (
            _column(&p.rows, 0),
            _column(&p.rows, 1),
            _column(&p.rows, 2) == 1,
            [_column(&p.mids, k) for k in range(p.n_columns)],
        )

    def arrival_mids(self):
        """Bid + ask of what is lent, as orders decided at each row would arrive; 0 past the end.

        Returns
        -------
        list of ndarray of int64, shape (n_rows,)
            One column an instrument lent.
        """
        return [_column(&self.probe.arrivals, k) for k in range(self.probe.n_lent)]

    def last_mids(self):
        """Bid + ask of the required instruments at the last row; 0 where there is none.

        Returns
        -------
        ndarray of int64, shape (n_required,)
        """
        return self._legs[1][:self.probe.n_required].copy()

    def costs(self):
        """What each bundle would have cost.

        Returns
        -------
        values : ndarray of int64, shape (n_bundles, n_rows)
            In the bundle's unit; 0 where not fillable.
        fillable : ndarray of bool, shape (n_bundles, n_rows)
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
        cdef char[:, ::1] whole
        cdef ql_i128 one
        values = np.zeros((p.n_bundles, n), dtype=np.int64)
        fillable = np.zeros((p.n_bundles, n), dtype=np.int8)
        out = values
        whole = fillable
        for k in range(p.n_bundles):
            if ql_hi(p.units[k]) == 0 and ql_lo(p.units[k]) == 0:
                p.units[k] = ql_mul64(1, 1)
            for i in range(n):
                hear(i)
                one = ql_divided(costs[i * p.n_bundles + k], p.units[k])
                if not ql_fits64(one):
                    raise OverflowError(f"a cost of bundle {k} does not fit 64 bits")
                out[k, i] = ql_to_i64(one)
                whole[k, i] = p.fillable.data[i * p.n_bundles + k]
        return values, fillable.view(np.bool_), [wide_int(p.units[k]) for k in range(p.n_bundles)]

    def settlements(self):
        """Funding settlements by their time.

        Returns
        -------
        ndarray of int64, shape (n_settlements, 4)
            Instrument, time before which orders must have arrived for their position to pay,
            mark at the price exponent, rate at `schema.RATE_EXPONENT`. The times ascend.
        """
        found = np.stack([_column(&self.probe.settlements, k) for k in range(4)], axis=1)
        # One that was announced after its time happened later than others of that time.
        return found[np.argsort(found[:, 1], kind="stable")]


cdef _column(const buffer_t* b, Py_ssize_t k):
    """The k-th int64 of every record."""
    cdef const int64_t* values = <const int64_t*>b.data
    cdef Py_ssize_t width = b.item // sizeof(int64_t), i
    cdef int64_t[::1] out
    column = np.empty(b.n, dtype=np.int64)
    out = column
    for i in range(b.n):
        hear(i)
        out[i] = values[i * width + k]
    return column


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
