"""An engine's state is allocated, filled from Python's settings, and freed."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport QL_WHOLE_BPS, account_t, charges_t
from quantlaxmi._ext.depth_book cimport depth_free
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.feature_kernels cimport MAX_FEATURE_ARGS, feature_by_name
from quantlaxmi._ext.impact cimport impact_t
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.own_takes cimport takes_t
from quantlaxmi._ext.scan_margin cimport free_scan
from quantlaxmi._ext.tape cimport reset_tape
from quantlaxmi._ext.venue_clock cimport met_t, venue_clock_t
from quantlaxmi._ext.wide cimport *


cdef ql_i128 _wide(value) except *:
    """A Python int as a 128-bit integer."""
    cdef object low = value & 0xFFFFFFFFFFFFFFFF
    if low >= 1 << 63:
        low -= 1 << 64
    return ql_join(value >> 64, low)


cdef int point_at(engine_t* e, dict memory) except -1:
    """Use the records that are shared with the strategy."""
    cdef ctx_t[::1] ctx = memory["ctx"]
    cdef event_t[::1] event = memory["event"]
    cdef book_t[::1] books = memory["books"]
    cdef position_t[::1] positions = memory["positions"]
    cdef feature_t[::1] features = memory["features"]
    cdef slot_t[::1] state = memory["state"]
    cdef param_t[::1] params = memory["params"]
    cdef leg_out_t[::1] legs_out = memory["legs_out"]
    cdef fill_notice_t[::1] notice = memory["notice"]
    if legs_out.shape[0] < MAX_LEGS:
        raise ValueError("engine memory has the wrong size")
    e.ctx = &ctx[0]
    e.event = &event[0]
    e.books = &books[0]
    e.positions = &positions[0]
    e.features = &features[0] if features.shape[0] else NULL
    e.state = &state[0] if state.shape[0] else NULL
    e.params = &params[0] if params.shape[0] else NULL
    e.legs_out = &legs_out[0]
    e.notice = &notice[0]
    e.n_instruments = books.shape[0]
    e.seen_ctx = e.ctx
    e.seen_positions = e.positions
    return 0


cdef int allocate_tape(tape_t* m, engine_t* e, engine_t** alone) except -1:
    """A market of which ``e`` is the only lane."""
    cdef Py_ssize_t i
    m.event, m.books, m.features = e.event, e.books, e.features
    m.n_instruments = e.n_instruments
    m.markets = <market_t*>calloc(m.n_instruments, sizeof(market_t))
    m.dues = <funding_due_t*>calloc(m.n_instruments, sizeof(funding_due_t))
    m.clocks = <venue_clock_t*>calloc(m.n_instruments, sizeof(venue_clock_t))
    m.contracts = <contract_t*>calloc(m.n_instruments, sizeof(contract_t))
    if m.markets == NULL or m.dues == NULL or m.clocks == NULL or m.contracts == NULL:
        raise MemoryError("market state")
    for i in range(m.n_instruments):
        m.contracts[i].ends_ns = NEVER
    reset_tape(m)
    e.tape = m
    e.markets, e.clocks = m.markets, m.clocks
    alone[0] = e
    m.lanes = alone
    m.n_lanes = m.n_alive = 1
    return 0


cdef int allocate(engine_t* e, Py_ssize_t n_currencies) except -1:
    """Room for the state of every instrument and currency, and for results."""
    cdef Py_ssize_t i
    e.pending.item = sizeof(pending_t)
    e.owed.item = sizeof(pending_t)
    e.open_bundles.item = sizeof(open_bundle_t)
    e.bundles.item = sizeof(bundle_t)
    e.states.item = sizeof(order_state_t)
    e.decisions.item = sizeof(decision_t)
    e.legs.item = sizeof(leg_t)
    e.orders.item = sizeof(order_t)
    e.fills.item = sizeof(fill_t)
    e.funding.item = sizeof(funding_paid_t)
    e.borrow.item = sizeof(borrow_paid_t)
    e.settled.item = sizeof(settled_t)
    e.guard.close_orders.item = sizeof(close_order_t)
    e.takes = <takes_t*>calloc(2 * e.n_instruments, sizeof(takes_t))
    e.met = <met_t*>calloc(e.n_instruments, sizeof(met_t))
    e.accounts = <account_t*>calloc(e.n_instruments, sizeof(account_t))
    e.cash = <ql_i128*>calloc(n_currencies, sizeof(ql_i128))
    e.queues = <buffer_t*>calloc(2 * e.n_instruments, sizeof(buffer_t))
    if (
        e.queues == NULL or e.takes == NULL or e.met == NULL or e.accounts == NULL
        or e.cash == NULL
    ):
        raise MemoryError("engine state")
    for i in range(2 * e.n_instruments):
        e.queues[i].item = sizeof(resting_t)
    return 0


cdef int set_accounts(
    engine_t* e, accounts, Py_ssize_t n_currencies, rate_den
) except -1:
    """What prices, quantities, fees and rates come to in money."""
    cdef Py_ssize_t i
    cdef account_t* a
    cdef dict places = {}
    e.rate_den = _wide(rate_den)
    for terms in accounts:
        if len(terms) not in (7, 15):
            raise ValueError("the terms of an account are neither 7 nor 15")
        places.setdefault(tuple(terms[2:]), len(places))
    e.charges = <charges_t*>calloc(len(places) + 1, sizeof(charges_t))
    if e.charges == NULL:
        raise MemoryError("fees")
    for terms, i in places.items():
        _set_charges(&e.charges[i], terms)
    for i in range(e.n_instruments):
        terms = accounts[i]
        if not 0 <= terms[0] < n_currencies:
            raise ValueError("an account names no currency")
        a = &e.accounts[i]
        a.currency, a.scale = terms[0], _wide(terms[1])
        a.charges = &e.charges[<Py_ssize_t>places[tuple(terms[2:])]]
    return 0


cdef int _set_charges(charges_t* c, terms) except -1:
    """Rates; of components also those of sells, what is flat, and what a settlement costs."""
    cdef int k
    c.fee_scale = _wide(terms[4])
    for k in range(2):  # MAKER_FEE, TAKER_FEE
        c.fee_num[k] = c.fee_num[2 + k] = _wide(terms[2 * k])
        c.fee_den[k] = c.fee_den[2 + k] = _wide(terms[1 + 2 * k])
    if len(terms) == 5:
        return 0
    for k in range(2):
        c.fee_num[2 + k], c.fee_den[2 + k] = _wide(terms[5 + 2 * k]), _wide(terms[6 + 2 * k])
        c.flat_fee[k] = _wide(terms[9 + k])
    c.exercise_num, c.exercise_den = _wide(terms[11]), _wide(terms[12])
    return 0


cdef int set_borrow(engine_t* e, terms) except -1:
    """Interest on short positions by instrument; ``terms`` may be empty for none."""
    cdef Py_ssize_t i
    if len(terms) not in (0, e.n_instruments):
        raise ValueError("there are not terms of borrowing for every instrument")
    if not any(den for _, den in terms):
        return 0
    e.loans = <borrow_t*>calloc(e.n_instruments, sizeof(borrow_t))
    if e.loans == NULL:
        raise MemoryError("interest")
    for i, (num, den) in enumerate(terms):
        e.loans[i].num, e.loans[i].den = _wide(num), _wide(den)
    return 0


cdef int set_contracts(tape_t* m, terms) except -1:
    """What instruments come to when they end; ``terms`` may be empty where none does."""
    cdef Py_ssize_t i
    if len(terms) not in (0, m.n_instruments):
        raise ValueError("there are not terms of settlement for every instrument")
    for i, (right, strike, ends_ns) in enumerate(terms):
        m.contracts[i].right, m.contracts[i].strike = right, strike
        m.contracts[i].ends_ns = NEVER if ends_ns is None else ends_ns
    return 0


cdef int set_base_fees(engine_t* e, terms) except -1:
    """Fees that buys pay in base, by instrument; ``terms`` may be empty for none."""
    cdef Py_ssize_t i
    cdef int64_t maker_bps, taker_bps, step, lot
    cdef int64_t most = 1_000_000_000_000_000, tenth = QL_WHOLE_BPS // 10
    if len(terms) not in (0, e.n_instruments):
        raise ValueError("there are not terms of fees in base for every instrument")
    for i, (in_base, maker_bps, taker_bps, step, lot) in enumerate(terms):
        if maker_bps < 0 or taker_bps < 0 or maker_bps > tenth or taker_bps > tenth:
            raise ValueError("a fee in base is out of range")
        if not 0 < step <= most:
            raise ValueError("the step of a fee in base is out of range")
        if lot <= 0:
            raise ValueError("the lot of an order that pays in base is out of range")
        e.accounts[i].in_base = in_base
        e.accounts[i].base_bps[MAKER_FEE] = maker_bps
        e.accounts[i].base_bps[TAKER_FEE] = taker_bps
        e.accounts[i].base_step = step
        e.accounts[i].base_lot = lot
    return 0


cdef int set_features(tape_t* m, features) except -1:
    """Kernels of features, in the order of their slots."""
    cdef Py_ssize_t i, k
    m.n_features = len(features)
    m.calls = <feature_call_t*>calloc(m.n_features + 1, sizeof(feature_call_t))
    if m.calls == NULL:
        raise MemoryError("engine state")
    for k, (name, args) in enumerate(features):
        if len(args) > MAX_FEATURE_ARGS:
            raise ValueError(f"feature {name!r} has too many arguments")
        m.calls[k].fn = feature_by_name(name)
        for i in range(len(args)):
            m.calls[k].args[i] = args[i]
    return 0


cdef int set_impact(engine_t* e, impact) except -1:
    """Fixed and square-root impact by instrument; none where all are 0."""
    cdef Py_ssize_t i
    if not any(fixed or root for fixed, root in impact):
        return 0
    e.impact = <impact_t*>calloc(e.n_instruments, sizeof(impact_t))
    if e.impact == NULL:
        raise MemoryError("impact")
    for i in range(e.n_instruments):
        e.impact[i].fixed, e.impact[i].root = impact[i]
    return 0


cdef int set_delays(engine_t* e, dict keep, delays) except -1:
    """Latencies that are drawn; the arrays they are drawn from go to ``keep``."""
    cdef delays_t* d
    cdef const int64_t[::1] values
    cdef draws_t* each[2]
    cdef ctx_t[::1] ctx
    cdef position_t[::1] positions
    cdef Py_ssize_t i
    d = e.delays = <delays_t*>calloc(1, sizeof(delays_t))
    if d == NULL:
        raise MemoryError("latencies")
    each[0], each[1] = &d.entry, &d.response
    for i in range(2):
        constant, table, key = delays[i]
        values = np.array(table, dtype=np.int64)
        keep[f"latency {i}"] = values
        each[i].constant = constant
        each[i].n = values.shape[0]
        each[i].values = &values[0] if values.shape[0] else NULL
        each[i].key = key
    if d.response.n == 0 and d.response.constant == 0:
        return 0
    # From here on the strategy's memory holds what it has heard.
    e.lagging = 1
    d.news.item = sizeof(news_t)
    keep["true ctx"] = keep["ctx"].copy()
    keep["true positions"] = keep["positions"].copy()
    ctx = keep["true ctx"]
    positions = keep["true positions"]
    e.ctx = &ctx[0]
    e.positions = &positions[0]
    d.known = <position_t*>calloc(e.n_instruments, sizeof(position_t))
    if d.known == NULL:
        raise MemoryError("latencies")
    return 0


cdef int set_guard(engine_t* e, rules, limits) except -1:
    """Rules of the venue and limits of the desk."""
    cdef guard_t* g = &e.guard
    cdef rule_t* rule
    cdef Py_ssize_t i
    g.rows.item = sizeof(risk_t)
    if not rules:
        return 0
    if len(rules) != e.n_instruments:
        raise ValueError("there is not one rule an instrument")
    per_second, per_minute, g.max_book_age_ns, least, unit, closes, capital = limits
    g.closes = closes and least is not None
    g.rates[0].limit, g.rates[0].window_ns = per_second, 1_000_000_000
    g.rates[1].limit, g.rates[1].window_ns = per_minute, 60_000_000_000
    for i in range(2):
        g.rates[i].times = <int64_t*>calloc(g.rates[i].limit + 1, sizeof(int64_t))
        if g.rates[i].times == NULL:
            raise MemoryError("order rates")
    g.has_max_loss = least is not None
    if g.has_max_loss:
        g.least_result = _wide(least)
    g.money_unit = _wide(unit)
    if capital is not None:
        g.margin.on = 1
        g.margin.capital = g.margin.peak = _wide(capital[0])
        g.margin.leverage_num, g.margin.leverage_den = _wide(capital[1]), _wide(capital[2])
    g.watches = e.tape.watches = g.closes or g.margin.on
    if g.watches:
        g.stopped = <char*>calloc(e.n_instruments, 1)
        g.closing = <char*>calloc(e.n_instruments, 1)
        g.close_mid = <int64_t*>calloc(e.n_instruments, sizeof(int64_t))
        if g.stopped == NULL or g.closing == NULL or g.close_mid == NULL:
            raise MemoryError("losses")
    g.rules = <rule_t*>calloc(len(rules), sizeof(rule_t))
    if g.rules == NULL:
        raise MemoryError("rules")
    for i, (tick, lot, least, exempt, position, worth, traded) in enumerate(rules):
        rule = &g.rules[i]
        rule.tick, rule.lot, rule.closing_exempt = tick, lot, exempt
        rule.min_notional = _wide(least)
        rule.max_position, rule.not_tradable = position, not traded
        rule.has_max_notional = worth is not None
        if rule.has_max_notional:
            rule.max_notional = _wide(worth)
    return 0


cdef void _release_tape(tape_t* m) noexcept:
    cdef Py_ssize_t i
    if m.markets != NULL:
        for i in range(m.n_instruments):
            depth_free(&m.markets[i].depth.book)
    free(m.markets)
    free(m.dues)
    free(m.clocks)
    free(m.contracts)
    free(m.calls)


cdef void release(tape_t* m, engine_t* e) noexcept:
    """Free all that was allocated, whole or in part."""
    cdef Py_ssize_t i
    _release_tape(m)
    free_scan(e.scan)
    free(e.impact)
    free(e.guard.stopped)
    free(e.guard.closing)
    free(e.guard.close_mid)
    free(e.guard.close_orders.data)
    if e.delays != NULL:
        free(e.delays.known)
        free(e.delays.news.data)
        free(e.delays)
    for i in range(2):
        free(e.guard.rates[i].times)
    free(e.guard.rules)
    free(e.guard.rows.data)
    if e.takes != NULL:
        for i in range(2 * e.n_instruments):
            free(e.takes[i].rows)
    free(e.takes)
    free(e.met)
    free(e.accounts)
    free(e.charges)
    free(e.loans)
    free(e.cash)
    free(e.pending.data)
    free(e.owed.data)
    free(e.open_bundles.data)
    free(e.bundles.data)
    free(e.states.data)
    if e.queues != NULL:
        for i in range(2 * e.n_instruments):
            free(e.queues[i].data)
    free(e.queues)
    free(e.decisions.data)
    free(e.legs.data)
    free(e.orders.data)
    free(e.fills.data)
    free(e.funding.data)
    free(e.borrow.data)
    free(e.settled.data)
