"""Calling strategies written in Python from the C loop.

An exception is kept in the bridge and reported as a negative status; the loop stops at that
message and the Python edge raises.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *

cdef enum:
    KIND_TRADE = 1  # schema.EventKind
    KIND_DEPTH = 2
    KIND_QUOTE = 3
    KIND_CHAIN = 5
    KIND_SETTLEMENT = 6


cdef class Bridge:
    """What the C loop needs to call a strategy written in Python, and where its error is kept."""

    def __init__(self, step_call, fill_call, tuple step_args, tuple fill_args):
        self.step_call = step_call
        self.fill_call = fill_call
        self.step_args = step_args
        self.fill_args = fill_args
        self.error = None


cdef int64_t python_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept with gil:
    cdef Bridge bridge = <Bridge><void*>ctx.user
    try:
        return bridge.step_call(*bridge.step_args)
    except BaseException as error:
        bridge.error = error
        return -1


cdef int64_t python_fill(
    ctx_t* ctx, fill_notice_t* notice, book_t* books, position_t* positions, slot_t* state,
    param_t* params,
) noexcept with gil:
    cdef Bridge bridge = <Bridge><void*>ctx.user
    try:
        return bridge.fill_call(*bridge.fill_args)
    except BaseException as error:
        bridge.error = error
        return -1


cdef class EventBridge(Bridge):
    """Calls ``on_market(event, ctx)`` with one typed event a message."""

    def __init__(
        self, on_market, fill_call, tuple fill_args, write, context, symbols, correlations, types
    ):
        Bridge.__init__(self, None, fill_call, (), fill_args)
        self.on_market = on_market
        self.write = write
        self.context = context
        self.symbols = symbols
        self.correlations = correlations
        (
            self.quote_type, self.depth_type, self.trade_type, self.funding_type,
            self.chain_type, self.settlement_type,
        ) = types


cdef int64_t event_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept with gil:
    cdef EventBridge bridge = <EventBridge><void*>ctx.user
    cdef book_t* b = &books[event.instrument]
    cdef object decision, made
    cdef object symbol = bridge.symbols[event.instrument]
    cdef object correlation = bridge.correlations[event.instrument]
    try:
        if event.kind == KIND_QUOTE:
            made = bridge.quote_type(
                event.seq, event.ts_ns, event.exch_ts_ns, symbol, b.bid, b.bid_qty, b.ask,
                b.ask_qty, correlation,
            )
        elif event.kind == KIND_TRADE:
            made = bridge.trade_type(
                event.seq, event.ts_ns, event.exch_ts_ns, symbol, event.price, event.qty,
                event.side, correlation,
            )
        elif event.kind == KIND_DEPTH:
            made = bridge.depth_type(
                event.seq, event.ts_ns, event.exch_ts_ns, symbol, b.bid, b.bid_qty, b.ask,
                b.ask_qty, bool(b.valid), bool(b.depth_valid), correlation,
            )
        elif event.kind == KIND_CHAIN:
            made = bridge.chain_type(event.seq, event.ts_ns, event.exch_ts_ns, event.qty)
        elif event.kind == KIND_SETTLEMENT:
            made = bridge.settlement_type(
                event.seq, event.ts_ns, event.exch_ts_ns, symbol, event.price, correlation
            )
        else:
            made = bridge.funding_type(
                event.seq, event.ts_ns, event.exch_ts_ns, symbol, b.mark, event.price,
                b.funding_rate,
                b.next_funding_ns, correlation,
            )
        decision = bridge.on_market(made, bridge.context)
        if decision is None:
            return 0
        return bridge.write(decision)
    except BaseException as error:
        bridge.error = error
        return -1
