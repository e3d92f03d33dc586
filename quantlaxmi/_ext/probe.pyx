"""Observing a market: what could have been traded at each message, and what it would have cost.

The same messages, books, latency and ladder as a run; only the strategy is replaced by an observer.
A row is noted at each message the strategy would have been asked at with all its books valid. When
orders decided at that row would arrive, each bundle is priced against the books as they then stand,
and the mids of what is lent are kept: interest is paid on them.
Funding settlements are noted, whatever is held.
"""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport *
from quantlaxmi._ext.closing cimport whole_lots
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.impact cimport impact_rate, ql_impact_price
from quantlaxmi._ext.matching cimport *
from quantlaxmi._ext.wide cimport *


cdef int64_t probe_due(const engine_t* e) noexcept nogil:
    if e.probe.n_bundles + e.probe.n_lent == 0 or e.probe.head == e.probe.rows.n:
        return NEVER
    return (<grid_row_t*>e.probe.rows.data)[e.probe.head].ts_ns + e.latency_ns


cdef int _price_bundle(
    const engine_t* e, Py_ssize_t bundle, const int64_t* mids, ql_i128* cost, char* fillable
) noexcept nogil:
    """Slippage from the row's mids plus fees of taking the whole bundle now.

    A buy that pays its fee in base is a net order: it leaves the leg's quantity. Nothing is owed
    before it. Each leg is an order of its own, and pays what is flat once.
    """
    cdef const probe_t* p = e.probe
    cdef ladder_t ladder
    cdef level_t level
    cdef ql_i128 total = ql_mul64(0, 0), rate = ql_wide(0), part, fee, owed
    cdef int64_t inst, side, left, take, price, mid2, paid, i
    cdef const account_t* account
    cdef bint first
    fillable[0] = 0
    for i in range(p.starts[bundle], p.starts[bundle + 1]):
        inst = p.leg_instrument[i]
        mid2 = mids[p.leg_column[i]]
        side = 1 if p.leg_qty[i] > 0 else -1
        left = p.leg_qty[i] * side
        account = &e.accounts[inst]
        owed = ql_wide(0)
        first = True
        if side > 0 and account.in_base and order_for(account, left, account.base_lot, &left):
            return OVERFLOW
        if e.impact != NULL and e.books[inst].valid:
            if impact_rate(&e.impact[inst], &e.books[inst], side, left, &rate):
                return OVERFLOW
        ladder_open(&ladder, &e.markets[inst], &e.takes[2 * inst], &e.books[inst], side)
        while left > 0 and ladder_next(&ladder, &level):
            take, price = whole_lots(e, inst, level.qty, left), level.price
            if take == 0:
                continue
            left -= take
            if e.impact != NULL and ql_impact_price(price, side, rate, &price):
                return OVERFLOW
            if pays_in_base(account, side, take, TAKER_FEE):
                paid = base_fee(account, &owed, take, TAKER_FEE)
                take -= paid
                if notional(account, price, paid, &fee):
                    return OVERFLOW
            elif fee_of(account, side, price, take, TAKER_FEE, first, &fee):
                return OVERFLOW
            first = False
            # side * take * (10 * price - 5 * (bid + ask)) + 10 * fee, at ledger exponent - 1
            if (
                not ql_fits64(ql_mul64(price, 10))
                or not ql_fits64(ql_mul64(mid2, 5))
                or ql_mul(
                    ql_mul64(side * take, 10 * price - 5 * mid2),
                    account.scale, &part,
                )
                or ql_add(total, part, &total)
                or ql_mul(fee, ql_mul64(10, 1), &fee)
                or ql_add(total, fee, &total)
            ):
                return OVERFLOW
        e.tape.steps += ladder.steps
        if left > 0:
            return OK
    p.units[bundle] = ql_gcd(total, p.units[bundle])
    cost[0] = total
    fillable[0] = 1
    return OK


cdef int probe_arrive(engine_t* e) noexcept nogil:
    """Price every bundle for the oldest row whose orders have not arrived."""
    cdef probe_t* p = e.probe
    cdef Py_ssize_t k, row = p.head
    cdef int status
    p.head += 1
    for k in range(p.n_lent):
        (<int64_t*>p.arrivals.data)[row * p.n_lent + k] = e.books[p.lent[k]].mid2
    for k in range(p.n_bundles):
        status = _price_bundle(
            e, k, <int64_t*>p.mids.data + row * p.n_columns,
            <ql_i128*>p.costs.data + row * p.n_bundles + k,
            p.fillable.data + row * p.n_bundles + k,
        )
        if status != OK:
            return status
    return OK


cdef int probe_settle(
    engine_t* e, Py_ssize_t instrument, int64_t before, int64_t mark, int64_t rate
) noexcept nogil:
    cdef settlement_t* row
    if e.seq < e.first_seq:
        return OK
    row = <settlement_t*>push(&e.probe.settlements)
    if row == NULL:
        return NO_MEMORY
    row.instrument = instrument
    row.before_ns = before
    row.mark = mark
    row.rate = rate
    return OK


cdef int64_t probe_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept nogil:
    cdef engine_t* e = <engine_t*><size_t>ctx.user
    cdef probe_t* p = e.probe
    cdef grid_row_t* row
    cdef int64_t* mids
    cdef Py_ssize_t i
    if event.seq < e.first_seq:
        return 0
    for i in range(p.n_required):
        if not books[p.required[i]].valid:
            return 0
    row = <grid_row_t*>push(&p.rows)
    if row == NULL:
        return NO_MEMORY
    if p.n_bundles and (push(&p.costs) == NULL or push(&p.fillable) == NULL):
        return NO_MEMORY
    if p.n_lent and push(&p.arrivals) == NULL:
        return NO_MEMORY
    row.seq = event.seq
    row.ts_ns = event.ts_ns
    row.can_trade = 1
    if p.can_trade != NULL:
        row.can_trade = p.can_trade(ctx, event, books, features, params)
        if row.can_trade < 0:
            return row.can_trade
    for i in range(p.n_required):
        p.last[i] = books[p.required[i]].bid + books[p.required[i]].ask
    if p.n_columns:
        mids = <int64_t*>push(&p.mids)
        if mids == NULL:
            return NO_MEMORY
        memcpy(mids, p.last, p.n_columns * sizeof(int64_t))
    if p.n_bundles + p.n_lent:
        due_at(e, row.ts_ns + e.latency_ns)
    return 0
