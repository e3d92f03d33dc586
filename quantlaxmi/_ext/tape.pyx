"""A market drives its lanes: due times, books and trades reach those that they concern.

What a lane does touches no other lane and nothing of the market. A lane is brought up to date when
something of its own is due, when it has own takes, resting orders or a trim that waits, and when
its strategy decides. At equal times funding comes before orders.

A lane that fails goes no further; the others do. The market itself ends only where a row cannot be
read, or no lane is left.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.bundles cimport send_owed
from quantlaxmi._ext.depth_book cimport depth_free, depth_init
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.execution cimport lane_advance, lane_finish, lane_settle
from quantlaxmi._ext.loss_close cimport watch_losses
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.own_takes cimport takes_seen
from quantlaxmi._ext.resting cimport resting_book, resting_trade
from quantlaxmi._ext.settlement cimport lane_closes
from quantlaxmi._ext.signals cimport raise_now
from quantlaxmi._ext.sleep cimport doze, retire
from quantlaxmi._ext.venue_clock cimport receive_time, venue_clock_t


cdef int lane_failed(tape_t* m, engine_t* e, int status) noexcept nogil:
    e.failed = status
    if status == STOPPED:  # all lanes are
        return status
    if m.sleep != NULL:
        retire(m.sleep, e.lane)
    m.n_alive -= 1
    return status if m.n_alive == 0 else OK


cdef void reset_tape(tape_t* m) noexcept nogil:
    cdef Py_ssize_t i
    memset(m.event, 0, sizeof(event_t))
    memset(m.books, 0, m.n_instruments * sizeof(book_t))
    if m.n_features:
        memset(m.features, 0, m.n_features * sizeof(feature_t))
    memset(m.clocks, 0, m.n_instruments * sizeof(venue_clock_t))
    memset(m.dues, 0, m.n_instruments * sizeof(funding_due_t))
    for i in range(m.n_instruments):
        depth_free(&m.markets[i].depth.book)
        memset(&m.markets[i], 0, sizeof(market_t))
        depth_init(&m.markets[i].depth.book)
        m.dues[i].at = NEVER
        m.dues[i].settled = -NEVER
        m.contracts[i].closed = 0
    m.ts_ns = -NEVER
    m.seq = -1
    m.message = 0
    m.n_closed = m.n_rows = 0
    m.due_ns = m.funding_ns = NEVER
    m.busy = 0


cdef inline int64_t _settles(const tape_t* m, Py_ssize_t i) noexcept nogil:
    """Receive time of an instrument's next settlement, which may be past; NEVER: none."""
    return NEVER if m.dues[i].at == NEVER else receive_time(&m.clocks[i], m.dues[i].at)


cdef void refresh_tape(tape_t* m) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t due = NEVER, at
    for i in range(m.n_instruments):
        at = _settles(m, i)
        if at < due:
            due = at
    m.funding_ns = due
    for i in range(m.n_lanes):
        if m.lanes[i].due_ns < due and not m.lanes[i].failed:
            due = m.lanes[i].due_ns
    m.due_ns = due


cdef inline bint _is_busy(const engine_t* e) noexcept nogil:
    return e.n_takes or e.n_resting or e.owed.n


cdef inline int _touched(tape_t* m, engine_t* e, int status) noexcept nogil:
    """Something has happened in a lane: it may sleep otherwise now, or it has failed."""
    if status != OK:
        return lane_failed(m, e, status)
    if m.sleep != NULL:
        doze(m.sleep, e)
    return OK


cdef int settle_funding(tape_t* m, Py_ssize_t i, int64_t latest) noexcept nogil:
    cdef funding_due_t* due = &m.dues[i]
    cdef int64_t mark = due.mark, at = due.at, before = _settles(m, i)
    cdef Py_ssize_t j
    cdef int status
    if before > latest:
        before = latest
    due.settled = at
    due.at = NEVER
    if mark == 0:
        # The source has none: the mid, half to even. Prices are at most a tenth of int64.
        mark = m.books[i].mid2
        mark = (mark >> 1) + (mark & (mark >> 1) & 1)
    for j in range(m.n_lanes):
        if m.lanes[j].failed:
            continue
        bring_up(m, m.lanes[j])
        status = lane_settle(m.lanes[j], i, at, before, mark, due.rate)
        if status != OK:
            status = lane_failed(m, m.lanes[j], status)
            if status != OK:
                return status
    return OK


cdef inline int64_t _intrinsic(const contract_t* c, int64_t price) noexcept nogil:
    cdef int64_t worth = price
    if c.right:
        # Both are prices, so their difference fits.
        worth = c.right * (price - c.strike)
    return worth if worth > 0 else 0


cdef int close_contract(tape_t* m, Py_ssize_t i, int64_t price) noexcept nogil:
    cdef contract_t* c = &m.contracts[i]
    cdef Py_ssize_t j
    cdef int status
    if c.closed:
        return OK
    c.closed = 1
    m.n_closed += 1
    m.books[i].valid = 0
    for j in range(m.n_lanes):
        if m.lanes[j].failed:
            continue
        bring_up(m, m.lanes[j])
        status = lane_closes(m.lanes[j], i, price, _intrinsic(c, price))
        status = _touched(m, m.lanes[j], status)
        if status != OK:
            return status
    return OK


cdef int _advance_lanes(tape_t* m, int64_t until, bint settles) noexcept nogil:
    """Let happen what is due in the lanes before a time, at which funding is settled or not."""
    cdef engine_t* e
    cdef Py_ssize_t j
    cdef int status
    for j in range(m.n_lanes):
        e = m.lanes[j]
        # What a probe prices comes before funding of the same time.
        if e.failed or e.due_ns >= until + (settles and e.probe != NULL):
            continue
        bring_up(m, e)
        status = lane_advance(e, until + (settles and e.probe != NULL))
        m.busy |= _is_busy(e)
        status = _touched(m, e, status)
        if status != OK:
            return status
    return OK


cdef int advance(tape_t* m, int64_t ts) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t funding
    cdef int status
    while m.due_ns < ts:
        funding = m.funding_ns
        status = _advance_lanes(m, funding if funding < ts else ts, funding < ts)
        if funding < ts:
            for i in range(m.n_instruments):
                if status == OK and _settles(m, i) == funding:
                    status = settle_funding(m, i, NEVER)
        if status != OK:
            return status
        refresh_tape(m)
    return OK


cdef int _see_book(tape_t* m, engine_t* e, Py_ssize_t k, bint depth_changed) noexcept nogil:
    cdef market_t* market = &m.markets[k]
    cdef takes_t* takes = &e.takes[2 * k]
    cdef Py_ssize_t before = takes[0].n + takes[1].n
    cdef int status = OK
    bring_up(m, e)
    if before and m.books[k].valid:
        takes_seen(takes, &m.books[k], &market.depth, market.shift, depth_changed)
        e.n_takes += takes[0].n + takes[1].n - before
    if e.n_resting:
        status = resting_book(e, k)
    if status == OK and e.owed.n:
        status = send_owed(e, k)
    return status


cdef int lanes_see_book(tape_t* m, Py_ssize_t k, bint depth_changed) noexcept nogil:
    cdef engine_t* e
    cdef Py_ssize_t j, before
    cdef int status
    m.busy = 0
    for j in range(m.n_lanes):
        e = m.lanes[j]
        if e.failed or not _is_busy(e):
            continue
        before = e.orders.n
        m.steps += 1 + e.n_resting + e.owed.n
        status = _see_book(m, e, k, depth_changed)
        m.busy |= _is_busy(e)
        # Whatever the strategy is told leaves a row of an order.
        if status != OK or e.orders.n != before:
            status = _touched(m, e, status)
            if status != OK:
                return status
    return OK


cdef int lanes_see_trade(
    tape_t* m, Py_ssize_t k, int64_t price, int64_t qty, int64_t side
) noexcept nogil:
    cdef engine_t* e
    cdef Py_ssize_t j, before
    cdef int status
    for j in range(m.n_lanes):
        e = m.lanes[j]
        if e.failed or not e.n_resting:
            continue
        before = e.orders.n
        bring_up(m, e)
        m.steps += e.n_resting
        status = resting_trade(e, k, price, qty, side)
        if status != OK or e.orders.n != before:
            status = _touched(m, e, status)
            if status != OK:
                return status
    return OK


cdef int lanes_watch(tape_t* m) noexcept nogil:
    cdef engine_t* e
    cdef Py_ssize_t j
    cdef int status
    for j in range(m.n_lanes):
        e = m.lanes[j]
        if e.failed or not e.guard.watches:
            continue
        bring_up(m, e)
        status = watch_losses(e)
        if status != OK:
            status = lane_failed(m, e, status)
            if status != OK:
                return status
    return OK


cdef int tape_finish(tape_t* m, bint flatten) noexcept nogil:
    cdef engine_t* e
    cdef Py_ssize_t j
    cdef int status = OK
    if m.due_ns <= m.ts_ns and m.ts_ns != NEVER:
        status = advance(m, m.ts_ns + 1)
        if status != OK:
            return status
    for j in range(m.n_lanes):
        e = m.lanes[j]
        if e.failed:
            continue
        bring_up(m, e)
        status = lane_finish(e, flatten)
        if status != OK:
            status = lane_failed(m, e, status)
            if status != OK:
                return status
    return OK


cdef int64_t ended(int64_t status) except? -99 nogil:
    if status == STOPPED:
        raise_now()
    return status
