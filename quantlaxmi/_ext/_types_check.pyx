"""Layouts of the records of _types.pxd as the C compiler sees them, for tests/ext/test_schema.py."""
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from quantlaxmi._ext._types cimport (
    book_t,
    bundle_t,
    ctx_t,
    decision_t,
    event_t,
    feature_t,
    fill_notice_t,
    fill_t,
    borrow_paid_t,
    settled_t,
    funding_paid_t,
    leg_out_t,
    leg_t,
    nap_t,
    order_t,
    param_t,
    position_t,
    risk_t,
    slot_t,
)


def layout(str name):
    """Size of a record and its fields as read from a buffer whose 64-bit word k holds k.

    Parameters
    ----------
    name : str
        A struct of ``_types.pxd``, such as ``"ctx_t"``.

    Returns
    -------
    tuple of (int, dict)
        ``sizeof`` in bytes, and field name to value in declaration order. An integer field at
        byte offset 8*k reads k; a double field reads the double whose bit pattern is k.

    Raises
    ------
    KeyError
        For a name that is not declared there.
    """
    cdef int64_t words[64]
    cdef int k
    cdef ctx_t ctx
    cdef event_t event
    cdef book_t book
    cdef position_t position
    cdef feature_t feature
    cdef slot_t slot
    cdef param_t param
    cdef leg_out_t leg_out
    cdef fill_notice_t fill_notice
    cdef nap_t nap
    cdef decision_t decision
    cdef leg_t leg
    cdef order_t order
    cdef fill_t fill
    cdef funding_paid_t funding_paid
    cdef borrow_paid_t borrow_paid
    cdef settled_t settled
    cdef risk_t risk
    cdef bundle_t bundle
    for k in range(64):
        words[k] = k
    if name == "ctx_t":
        memcpy(&ctx, words, sizeof(ctx))
        return sizeof(ctx), ctx
    if name == "event_t":
        memcpy(&event, words, sizeof(event))
        return sizeof(event), event
    if name == "book_t":
        memcpy(&book, words, sizeof(book))
        return sizeof(book), book
    if name == "position_t":
        memcpy(&position, words, sizeof(position))
        return sizeof(position), position
    if name == "feature_t":
        memcpy(&feature, words, sizeof(feature))
        return sizeof(feature), feature
    if name == "slot_t":
        memcpy(&slot, words, sizeof(slot))
        return sizeof(slot), slot
    if name == "param_t":
        memcpy(&param, words, sizeof(param))
        return sizeof(param), param
    if name == "leg_out_t":
        memcpy(&leg_out, words, sizeof(leg_out))
        return sizeof(leg_out), leg_out
    if name == "fill_notice_t":
        memcpy(&fill_notice, words, sizeof(fill_notice))
        return sizeof(fill_notice), fill_notice
    if name == "nap_t":
        memcpy(&nap, words, sizeof(nap))
        return sizeof(nap), nap
    if name == "decision_t":
        memcpy(&decision, words, sizeof(decision))
        return sizeof(decision), decision
    if name == "leg_t":
        memcpy(&leg, words, sizeof(leg))
        return sizeof(leg), leg
    if name == "order_t":
        memcpy(&order, words, sizeof(order))
        return sizeof(order), order
    if name == "fill_t":
        memcpy(&fill, words, sizeof(fill))
        return sizeof(fill), fill
    if name == "funding_paid_t":
        memcpy(&funding_paid, words, sizeof(funding_paid))
        return sizeof(funding_paid), funding_paid
    if name == "borrow_paid_t":
        memcpy(&borrow_paid, words, sizeof(borrow_paid))
        return sizeof(borrow_paid), borrow_paid
    if name == "bundle_t":
        memcpy(&bundle, words, sizeof(bundle))
        return sizeof(bundle), bundle
    if name == "settled_t":
        memcpy(&settled, words, sizeof(settled))
        return sizeof(settled), settled
    if name == "risk_t":
        memcpy(&risk, words, sizeof(risk))
        return sizeof(risk), risk
    raise KeyError(name)
