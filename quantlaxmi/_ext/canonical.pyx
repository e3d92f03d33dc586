"""Packing of decision rows into canonical records (docs/TRACE_FORMAT.md).

A record is the hashed form of one decision: domain tag, fixed fields, presence-prefixed optional
ones, then its legs. Rows are packed straight from the result arrays into a reused buffer, so that
a million decisions cost little more than their SHA-256.
"""
from libc.stdint cimport int8_t, int64_t, uint8_t, uint16_t
from libc.string cimport memcpy

from quantlaxmi._ext._types cimport decision_t, leg_t

# Largest record: head 32, confidence 8, rationale 8, units 8, count 2, and 80 for each leg.
cdef enum:
    HEAD_MAX = 58
    LEG_MAX = 80
    N_LEGS_MAX = 64

cdef enum:
    # schema.OrderType: limit orders carry a price
    MARKET = 0
    LIMIT = 1
    # schema.OrderAction: what changes an order names it
    NEW = 0
    MODIFY = 1
    CANCEL = 2
    IN_BAR_STOP_FIRST = 6  # schema.TimeInForce: the last
    MATCHED = 1  # schema.BundlePolicy: those above have units
    LEGS = 4

# Status of a packing pass; STATUS_FIELDS names the field at fault for each.
cdef enum Status:
    OK = 0
    BAD_SEQUENCE
    BAD_DECISION_TYPE
    BAD_DIRECTION
    BAD_BUNDLE
    BAD_RATIONALE
    BAD_N_LEGS
    BAD_FIRST_LEG
    BAD_LEG_DECISION
    BAD_INSTRUMENT
    BAD_SIDE
    BAD_ORDER_TYPE
    BAD_QTY
    BAD_ACTION
    BAD_TIME_IN_FORCE
    BAD_TARGET
    BAD_UNITS

STATUS_FIELDS = (
    "", "sequence", "decision_type", "direction", "bundle", "rationale", "n_legs", "first_leg",
    "decision", "instrument", "side", "order_type", "qty", "action",
    "time_in_force", "target", "units",
)
MAX_RECORD_BYTES = HEAD_MAX + N_LEGS_MAX * LEG_MAX


cdef inline uint8_t* put(uint8_t* p, const void* source, size_t n) noexcept nogil:
    memcpy(p, source, n)
    return p + n


cdef struct rows_t:
    # What is packed, and the bounds that its fields keep.
    const decision_t* decisions
    const leg_t* legs
    const uint8_t* rationales  # 8 bytes each
    Py_ssize_t n_legs
    Py_ssize_t n_rationales
    Py_ssize_t n_instruments


cdef inline Status _check_decision(
    const rows_t* r, Py_ssize_t i, int64_t first_leg
) noexcept nogil:
    cdef const decision_t* d = &r.decisions[i]
    if d.sequence != i:
        return BAD_SEQUENCE
    if d.decision_type < 1 or d.decision_type > 3:
        return BAD_DECISION_TYPE
    if d.direction < -128 or d.direction > 127:
        return BAD_DIRECTION
    if d.bundle < 0 or d.bundle > LEGS:
        return BAD_BUNDLE
    if d.units < 1 or (d.units > 1 and d.bundle <= MATCHED):
        return BAD_UNITS
    if d.rationale < 0 or d.rationale >= r.n_rationales:
        return BAD_RATIONALE
    if d.first_leg != first_leg or d.first_leg < 0 or d.first_leg > r.n_legs - d.n_legs:
        return BAD_FIRST_LEG
    return OK


cdef inline Status _check_leg(
    const leg_t* g, Py_ssize_t decision, Py_ssize_t n_instruments
) noexcept nogil:
    if g.decision != decision:
        return BAD_LEG_DECISION
    if g.instrument < 0 or g.instrument >= n_instruments:
        return BAD_INSTRUMENT
    if g.side != 1 and g.side != -1:
        return BAD_SIDE
    if g.action < NEW or g.action > CANCEL:
        return BAD_ACTION
    # A change is a limit order's; a cancel has neither price nor quantity.
    if (
        (g.order_type != MARKET and g.order_type != LIMIT)
        or (g.action == MODIFY and g.order_type != LIMIT)
        or (g.action == CANCEL and g.order_type != MARKET)
    ):
        return BAD_ORDER_TYPE
    if (
        g.time_in_force < 0 or g.time_in_force > IN_BAR_STOP_FIRST
        or (g.time_in_force and (g.order_type != LIMIT or g.action != NEW))
    ):
        return BAD_TIME_IN_FORCE
    if g.qty < 0 or (g.qty == 0) != (g.action == CANCEL):
        return BAD_QTY
    if g.target < -1 or (g.target < 0) != (g.action == NEW):
        return BAD_TARGET
    return OK


cdef inline uint8_t* _put_decision(
    uint8_t* p, const decision_t* d, const uint8_t* rationales
) noexcept nogil:
    cdef int8_t sign = <int8_t>d.direction
    cdef uint16_t short = <uint16_t>d.n_legs
    p = put(p, b"QLD\x02", 4)
    p = put(p, &d.sequence, 8)
    p = put(p, &d.seq, 8)
    p = put(p, &d.ts_ns, 8)
    p[0] = <uint8_t>d.decision_type
    p[1] = <uint8_t>sign
    p[2] = <uint8_t>d.bundle
    p[3] = d.confidence >= 0
    p += 4
    if d.confidence >= 0:
        p = put(p, &d.confidence, 8)
    p = put(p, rationales + 8 * d.rationale, 8)
    if d.bundle > MATCHED:
        p = put(p, &d.units, 8)
    return put(p, &short, 2)


cdef inline uint8_t* _put_leg(uint8_t* p, const leg_t* g) noexcept nogil:
    cdef uint16_t short = <uint16_t>g.instrument
    cdef int8_t sign = <int8_t>g.side
    p = put(p, &short, 2)
    p[0] = <uint8_t>g.action
    p[1] = <uint8_t>sign
    p[2] = <uint8_t>g.order_type
    p[3] = <uint8_t>g.time_in_force
    p += 4
    p = put(p, &g.qty, 8)
    p = put(p, &g.reference_price, 8)
    p[0] = g.order_type == LIMIT
    p += 1
    if g.order_type == LIMIT:
        p = put(p, &g.limit_price, 8)
    p[0] = g.action != NEW
    p += 1
    if g.action != NEW:
        p = put(p, &g.target, 8)
    return put(p, &g.bid, 40)  # bid, bid_qty, ask, ask_qty, quote_ts_ns stand in a row


cdef Status _pack(
    const rows_t* r,
    Py_ssize_t stop,
    uint8_t[::1] out,                 # OUT (n_bytes,)
    Py_ssize_t* row,                  # IN first row; OUT first row not packed, or the one at fault
    Py_ssize_t* leg,                  # OUT leg of that row at fault
    Py_ssize_t* used,                 # OUT bytes written
) noexcept nogil:
    cdef Py_ssize_t i = row[0], k, n_out = out.shape[0]
    cdef int64_t expected = 0
    cdef const decision_t* d
    cdef const leg_t* g
    cdef uint8_t* p
    cdef Status status
    leg[0] = -1
    used[0] = 0
    if n_out == 0 or i >= stop:
        return OK
    p = &out[0]
    if i > 0:
        expected = r.decisions[i - 1].first_leg + r.decisions[i - 1].n_legs
    while i < stop:
        d = &r.decisions[i]
        row[0] = i
        if d.n_legs < 1 or d.n_legs > N_LEGS_MAX:
            return BAD_N_LEGS
        if n_out - (p - &out[0]) < HEAD_MAX + d.n_legs * LEG_MAX:
            used[0] = p - &out[0]
            return OK
        status = _check_decision(r, i, expected)
        if status != OK:
            return status
        expected += d.n_legs
        p = _put_decision(p, d, r.rationales)
        for k in range(d.n_legs):
            g = &r.legs[d.first_leg + k]
            leg[0] = k
            status = _check_leg(g, i, r.n_instruments)
            if status != OK:
                return status
            p = _put_leg(p, g)
        leg[0] = -1
        i += 1
    row[0] = i
    used[0] = p - &out[0]
    return OK


def pack_records(
    const decision_t[::1] decisions not None,
    const leg_t[::1] legs not None,
    const uint8_t[:, ::1] rationales not None,
    Py_ssize_t n_instruments,
    Py_ssize_t start,
    Py_ssize_t stop,
    uint8_t[::1] out not None,
):
    """Pack decisions ``start`` to ``stop`` until done or ``out`` may not hold another.

    Parameters
    ----------
    decisions : ndarray of DECISION_DTYPE, shape (n_decisions,)
    legs : ndarray of LEG_DTYPE, shape (n_legs,)
    rationales : ndarray of uint8, shape (n_rationales, 8)
        Rationale hashes.
    n_instruments : int
    start, stop : int
        Rows to pack; ``0 <= start <= stop <= n_decisions``.
    out : ndarray of uint8, shape (n_bytes,)
        At least MAX_RECORD_BYTES, so that every call makes progress.

    Returns
    -------
    status : int
        0, or an index into STATUS_FIELDS naming the field out of range.
    row : int
        First row not packed; on a fault the row at fault.
    leg : int
        Leg of that row at fault, -1 where the decision's own field is.
    used : int
        Bytes written.
    """
    cdef Py_ssize_t row = start, leg = -1, used = 0
    cdef rows_t rows
    cdef Status status
    if not 0 <= start <= stop <= decisions.shape[0]:
        raise IndexError(f"rows {start} to {stop} of {decisions.shape[0]}")
    if rationales.shape[1] != 8:
        raise ValueError(f"rationale hashes were {rationales.shape[1]} bytes wide, not 8")
    if out.shape[0] < MAX_RECORD_BYTES:
        raise ValueError(f"out was {out.shape[0]} bytes long, not {MAX_RECORD_BYTES} or more")
    rows.decisions = &decisions[0] if decisions.shape[0] else NULL
    rows.legs = &legs[0] if legs.shape[0] else NULL
    rows.rationales = &rationales[0, 0] if rationales.shape[0] else NULL
    rows.n_legs = legs.shape[0]
    rows.n_rationales = rationales.shape[0]
    rows.n_instruments = n_instruments
    with nogil:
        status = _pack(&rows, stop, out, &row, &leg, &used)
    return <int>status, row, leg, used
