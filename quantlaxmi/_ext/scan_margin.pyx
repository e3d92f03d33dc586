"""The margin of a portfolio of options and futures by a scan of sixteen scenarios.

The contracts of an underlying are priced anew at moves of the forward by 0, 1/3, 2/3 and the whole of
the price scan to either side, each with volatility up and down by the volatility scan; and at twice
the price scan to either side, of which 35 % of the loss counts. The largest loss is the scan. An
option that has a long time left may have a price scan of its own. Where
expiries stand against each other by their deltas a calendar charge is added. What expires today may
be margined apart. ``required`` is, over the underlyings, scan and calendar charge less the worth of
the options, not below 0, and the exposure of what is sold.

Forwards are those of put-call parity, volatilities those of the mids; a mid that no volatility gives
is taken at 0. Only + - * / and square roots: the same bits everywhere.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.black76 cimport *

cdef enum:
    SCENARIOS = 16
    NEAREST = 5  # strikes that a forward is made of

cdef double YEAR_NS = 31_536_000e9
cdef double LEAST_NS = 60e9
cdef double THIRD = 1.0 / 3.0
cdef double EXTREME = 0.35

cdef extern from *:
    """
    #define QL_INDIA_NS 19800000000000LL
    #define QL_DAY_NS 86400000000000LL
    """
    const int64_t QL_INDIA_NS, QL_DAY_NS


# A strike with all four quotes.
cdef struct pair_t:
    int64_t apart  # twice the distance of the mids of call and put
    double strike
    double value  # strike + call - put
    double weight


cdef scan_t* made_scan(contracts, expiries, rules) except NULL:
    """Allocate a scan; see `scan_setup.set_scan` for the tuples."""
    cdef scan_t* s = <scan_t*>calloc(1, sizeof(scan_t))
    cdef Py_ssize_t k
    if s == NULL:
        raise MemoryError("margin")
    s.n, s.n_expiries, s.n_rules = len(contracts), len(expiries), len(rules)
    s.contracts = <scan_contract_t*>calloc(s.n + 1, sizeof(scan_contract_t))
    s.expiries = <scan_expiry_t*>calloc(s.n_expiries + 1, sizeof(scan_expiry_t))
    s.rules = <scan_rule_t*>calloc(s.n_rules + 1, sizeof(scan_rule_t))
    s.qty = <int64_t*>calloc(s.n + 1, sizeof(int64_t))
    s.was = <int64_t*>calloc(s.n + 1, sizeof(int64_t))
    if (
        s.contracts == NULL or s.expiries == NULL or s.rules == NULL or s.qty == NULL
        or s.was == NULL
    ):
        free_scan(s)
        raise MemoryError("margin")
    for k, (kind, expiry, put, strike, scale) in enumerate(contracts):
        if kind and not 0 <= expiry < s.n_expiries or not -1 <= put < s.n:
            free_scan(s)
            raise ValueError("a contract names no expiry, or no put")
        s.contracts[k] = scan_contract_t(kind, expiry, put, strike, scale)
    for k, (group, ends_ns, day, far_until) in enumerate(expiries):
        s.expiries[k] = scan_expiry_t(group, ends_ns, day, far_until, 0, 0, 0, 0)
        s.n_groups = max(s.n_groups, group + 1)
    for k, rule in enumerate(rules):
        group, day, price, far, vol, calendar, exposure, expiring, apart = rule
        s.rules[k] = scan_rule_t(group, day, price, far, vol, calendar, exposure, expiring, apart)
    return s


cdef void free_scan(scan_t* s) noexcept:
    if s != NULL:
        free(s.contracts)
        free(s.expiries)
        free(s.rules)
        free(s.qty)
        free(s.was)
        free(s)


cdef inline bint _before(const pair_t* a, const pair_t* b) noexcept nogil:
    return a.apart < b.apart or (a.apart == b.apart and a.strike < b.strike)


cdef double _forward(const scan_t* s, const book_t* books, int64_t expiry) noexcept nogil:
    """The forward of an expiry by parity; 0 where no strike has all four quotes."""
    cdef pair_t near[NEAREST]
    cdef pair_t one
    cdef const book_t* c
    cdef const book_t* p
    cdef Py_ssize_t i, k, n = 0
    cdef double over = 0, under = 0
    for i in range(s.n):
        if s.contracts[i].kind != SCAN_CALL or s.contracts[i].expiry != expiry:
            continue
        if s.contracts[i].put < 0:
            continue
        c, p = &books[i], &books[s.contracts[i].put]
        if not c.valid or not p.valid:
            continue
        one.apart = (c.bid + c.ask) - (p.bid + p.ask)
        one.value = s.contracts[i].strike + 0.5 * one.apart
        one.apart = one.apart if one.apart >= 0 else -one.apart
        one.strike = s.contracts[i].strike
        one.weight = 1.0 / <double>((c.ask - c.bid) + (p.ask - p.bid))
        if n == NEAREST and not _before(&one, &near[n - 1]):
            continue
        k = n if n < NEAREST else NEAREST - 1
        n = k + 1
        while k > 0 and _before(&one, &near[k - 1]):
            near[k] = near[k - 1]
            k -= 1
        near[k] = one
    for k in range(n):
        over += near[k].weight * near[k].value
        under += near[k].weight
    return over / under if n else 0.0


cdef inline void _scenario(
    int k, double price_scan, double vol_scan, double* move, double* vol
) noexcept nogil:
    cdef int step = k // 2 - 3  # -3 to 3 thirds
    if k < 14:
        move[0] = step * THIRD * price_scan
        vol[0] = vol_scan if k % 2 == 0 else -vol_scan
    else:
        move[0] = 2.0 * price_scan if k == 14 else -2.0 * price_scan
        vol[0] = 0.0


cdef bint _add(
    scan_t* s, const book_t* books, Py_ssize_t i, double qty, const scan_rule_t* rule,
    int64_t today, double* loss, scan_out_t* out, double* value,
) noexcept nogil:
    """Add one position to the losses of its underlying; 0 where it cannot be valued."""
    cdef const scan_contract_t* c = &s.contracts[i]
    cdef scan_expiry_t* x = &s.expiries[c.expiry]
    cdef double mid = 0.5 * books[i].mid2, money = qty * c.scale, sigma = 0, moved, move, vol, then
    cdef double rate = rule.exposure + (rule.expiring if x.day == today else 0.0)
    cdef double forward = mid if c.kind == SCAN_FUTURE else x.forward
    cdef bint far = c.kind != SCAN_FUTURE and today < x.far_until
    cdef double price_scan = rule.far_scan if far else rule.price_scan
    cdef int k
    if not mid > 0 or not forward > 0:
        return False
    if c.kind == SCAN_FUTURE:
        x.delta += money
        out.futures += money * mid
    else:
        ql_implied(mid, forward, c.strike, x.root_t, c.kind == SCAN_CALL, &sigma)
        x.delta += money * ql_greeks(
            forward, c.strike, x.root_t, sigma, c.kind == SCAN_CALL
        ).delta
        value[0] += money * mid
    if c.kind == SCAN_FUTURE or money < 0:
        out.exposure += (money if money > 0 else -money) * forward * rate
    for k in range(SCENARIOS):
        _scenario(k, price_scan, rule.vol_scan, &move, &vol)
        moved = forward * (1.0 + move)
        then = moved
        if c.kind != SCAN_FUTURE:
            vol = sigma + vol
            then = ql_black76(
                moved, c.strike, x.root_t, vol if vol > 0 else 0.0, c.kind == SCAN_CALL
            )
        loss[k] += money * (mid - then) * (EXTREME if k >= 14 else 1.0)
    return True


cdef double _calendar(scan_t* s, int64_t group, const scan_rule_t* rule, int64_t skip) noexcept nogil:
    """The charge on deltas of expiries that stand against each other, nearest first."""
    cdef scan_expiry_t* a
    cdef scan_expiry_t* b
    cdef Py_ssize_t i, k
    cdef double units, charge = 0
    for i in range(s.n_expiries):
        a = &s.expiries[i]
        if a.group != group or not a.used or a.day == skip:
            continue
        for k in range(i + 1, s.n_expiries):
            b = &s.expiries[k]
            if b.group != group or not b.used or b.day == skip or a.delta * b.delta >= 0:
                continue
            units = a.delta if a.delta > 0 else -a.delta
            if units > (b.delta if b.delta > 0 else -b.delta):
                units = b.delta if b.delta > 0 else -b.delta
            charge += rule.calendar * b.forward * units
            a.delta -= units if a.delta > 0 else -units
            b.delta -= units if b.delta > 0 else -units
    return charge


cdef bint _prepare(scan_t* s, const book_t* books, const int64_t* qty, int64_t ts_ns) noexcept nogil:
    """Forwards and times of what is held."""
    cdef scan_expiry_t* x
    cdef Py_ssize_t i
    cdef double left
    for i in range(s.n_expiries):
        s.expiries[i].used = 0
        s.expiries[i].delta = s.expiries[i].forward = 0
    for i in range(s.n):
        if qty[i] == 0 or s.contracts[i].kind == SCAN_OTHER:
            continue
        x = &s.expiries[s.contracts[i].expiry]
        if not x.used:
            x.used = 1
            left = <double>(x.ends_ns - ts_ns)
            x.root_t = ql_sqrt((left if left > LEAST_NS else LEAST_NS) / YEAR_NS)
            x.forward = _forward(s, books, s.contracts[i].expiry)
        if x.forward == 0 and s.contracts[i].kind == SCAN_FUTURE:
            x.forward = 0.5 * books[i].mid2
    return True


cdef const scan_rule_t* _rule(const scan_t* s, int64_t group, int64_t today) noexcept nogil:
    """The last rule of an underlying that holds; NULL before the first."""
    cdef const scan_rule_t* found = NULL
    cdef Py_ssize_t i
    for i in range(s.n_rules):
        if s.rules[i].group == group and s.rules[i].day <= today:
            found = &s.rules[i]
    return found


cdef void scan_margin(
    scan_t* s, const book_t* books, const int64_t* qty, int64_t ts_ns, scan_out_t* out
) noexcept nogil:
    cdef const scan_rule_t* rule
    cdef double loss[SCENARIOS]
    cdef double worst, charge, value
    cdef int64_t today = (ts_ns + QL_INDIA_NS) // QL_DAY_NS, group
    cdef Py_ssize_t i
    cdef int k, part
    cdef bint expires
    out.known = 1
    out.required = out.scan = out.calendar = out.exposure = out.options = out.futures = 0
    _prepare(s, books, qty, ts_ns)
    for group in range(s.n_groups):
        rule = _rule(s, group, today)
        if rule == NULL:
            out.known = 0
            return
        for part in range(2):  # what expires today and is margined apart comes second
            for k in range(SCENARIOS):
                loss[k] = 0
            value = 0
            for i in range(s.n):
                if qty[i] == 0 or s.contracts[i].kind == SCAN_OTHER:
                    continue
                if s.expiries[s.contracts[i].expiry].group != group:
                    continue
                expires = s.expiries[s.contracts[i].expiry].day == today
                if (1 if expires and rule.apart != 0 else 0) != part:
                    continue
                if not _add(s, books, i, <double>qty[i], rule, today, loss, out, &value):
                    out.known = 0
            worst = 0
            for k in range(SCENARIOS):
                worst = loss[k] if loss[k] > worst else worst
            charge = 0 if part else _calendar(s, group, rule, today if rule.apart else -1)
            out.scan += worst
            out.calendar += charge
            out.options += value
            if worst + charge > value:
                out.required += worst + charge - value
    out.required += out.exposure


def scanned(contracts, expiries, rules, const book_t[::1] books, const int64_t[::1] qty, ts_ns):
    """The margin of a portfolio.

    Parameters
    ----------
    contracts, expiries, rules : sequence of tuple
        As of `scan_setup.set_scan`.
    books : ndarray of BOOK_DTYPE, shape (n,)
        By contract; prices as the strikes are.
    qty : ndarray of int64, shape (n,)
    ts_ns : int

    Returns
    -------
    known : bool
        Whether every price, forward and rule was there.
    required, scan, calendar, exposure, options, futures : float
    """
    cdef scan_out_t out
    cdef scan_t* s
    if len(contracts) != books.shape[0] or len(contracts) != qty.shape[0] or not len(contracts):
        raise ValueError("there is not a book and a quantity for every contract")
    s = made_scan(contracts, expiries, rules)
    scan_margin(s, &books[0], &qty[0], ts_ns, &out)
    free_scan(s)
    return (
        bool(out.known), out.required, out.scan, out.calendar, out.exposure, out.options, out.futures
    )
