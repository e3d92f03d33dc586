"""Drives a bound strategy row by row without the engine: memory, calls, and a fixed way to fill."""

from __future__ import annotations

import ctypes

import numpy as np

from quantlaxmi import schema
from quantlaxmi.events import FillEvent, QuoteEvent
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind, FillFlag, InstrumentKind, Side
from quantlaxmi.strategies.sdk import start, write_decision
from quantlaxmi.strategies.views import view


def instrument(kind=InstrumentKind.SPOT, **changes):
    values = {
        "symbol": "BTCUSDT" if kind == InstrumentKind.SPOT else "BTCUSDT-PERP",
        "venue": "binance" if kind == InstrumentKind.SPOT else "binance-usdm",
        "venue_symbol": "BTCUSDT",
        "kind": kind,
        "price_exponent": -8,
        "qty_exponent": -8,
        "currency": "USDT",
        "base": "BTC",
    }
    return Instrument(**{**values, **changes})


PAIR = (instrument(), instrument(InstrumentKind.PERP))


def memory_of(bound):
    """The kernel-facing records of a run, as the engine makes them."""
    n = len(bound.universe)
    memory = {
        "ctx": np.zeros(1, schema.CTX_DTYPE),
        "event": np.zeros(1, schema.EVENT_DTYPE),
        "books": np.zeros(n, schema.BOOK_DTYPE),
        "positions": np.zeros(n, schema.POSITION_DTYPE),
        "features": np.zeros(len(bound.features), schema.FEATURE_DTYPE),
        "state": bound.state.copy(),
        "params": bound.params.copy(),
        "legs_out": np.zeros(schema.MAX_LEGS, schema.LEG_OUT_DTYPE),
        "notice": np.zeros(1, schema.FILL_NOTICE_DTYPE),
    }
    memory["ctx"]["abi_version"] = schema.KERNEL_ABI_VERSION
    memory["ctx"]["n_instruments"] = n
    return memory


STEP = ("ctx", "event", "books", "positions", "features", "state", "params", "legs_out")
CAN_TRADE = ("ctx", "event", "books", "features", "params")


def caller(bound, function, names, memory):
    """A call without arguments of a kernel's function over ``memory``."""
    if isinstance(function, int):
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * len(names))
        arguments = [memory[name].ctypes.data for name in names]
        return lambda: kind(function)(*arguments)
    views = {name: view(memory[name]) for name in names}
    single = {"ctx", "event", "notice"}
    arguments = [views[name][0] if name in single else views[name] for name in names]
    return lambda: function(*arguments)


def set_quote(memory, row, k):
    ts, index, bid, bid_qty, ask, ask_qty = row
    memory["ctx"]["now_ns"] = ts
    event, book = memory["event"][0], memory["books"][index]
    event["kind"], event["instrument"] = EventKind.QUOTE, index
    event["seq"], event["ts_ns"] = k, ts
    valid = 0 < bid < ask and bid_qty > 0 and ask_qty > 0
    for name, value in zip(
        ("valid", "bid", "bid_qty", "ask", "ask_qty", "ts_ns", "seq"),
        (valid, bid, bid_qty, ask, ask_qty, ts, k),
        strict=True,
    ):
        book[name] = value
    spot, perp = memory["books"][0], memory["books"][1]
    den = num = 0
    if spot["valid"] and perp["valid"]:
        den = int(spot["bid"]) + int(spot["ask"])
        num = int(perp["bid"]) + int(perp["ask"]) - den
    memory["features"]["num"], memory["features"]["den"] = num, den


def drive(bound, rows, *, delay=0, shares=(100, 100)):
    """Return every decision: row, decision_type, direction, legs, rationale text.

    The way to fill is that of ``naive.basis_capture``.
    """
    memory = memory_of(bound)
    if bound.form == "python":
        context = start(
            bound, *(memory[n] for n in ("ctx", "books", "positions", "features", "event"))
        )
        out = view(memory["legs_out"])

        def call():
            event = memory["event"][0]
            book = memory["books"][event["instrument"]]
            made = QuoteEvent(
                int(event["seq"]),
                int(event["ts_ns"]),
                0,
                bound.universe[event["instrument"]].symbol,
                *(int(book[name]) for name in ("bid", "bid_qty", "ask", "ask_qty")),
            )
            return write_decision(bound.instance.on_market(made, context), out, bound)
    else:
        call = caller(bound, bound.step, STEP, memory)
    found, waiting = [], []
    for k, row in enumerate(rows):
        for order in [o for o in waiting if o[0] <= k]:
            waiting.remove(order)
            for leg, side, qty in order[1]:
                filled = qty * shares[leg] // 100
                memory["ctx"]["in_flight"] -= 1
                memory["positions"]["qty"][leg] += side * filled
                if bound.form == "python" and filled:
                    bound.instance.on_fill(fill(bound, memory, leg, side, filled))
        set_quote(memory, row, k)
        n = call()
        if n < 0:
            raise AssertionError(f"status {n} at row {k}")
        if n:
            out_legs = memory["legs_out"][:n]
            legs = [(int(o["instrument"]), int(o["side"]), int(o["qty"])) for o in out_legs]
            head = out_legs[0]
            assert head["bundle"] == 1 and head["confidence"] == -1
            found.append(
                (
                    k,
                    int(head["decision_type"]),
                    int(head["direction"]),
                    tuple((leg, side * qty) for leg, side, qty in legs),
                    bound.rationales[head["rationale"]],
                )
            )
            memory["ctx"]["in_flight"] += n
            waiting.append((k + 1 + delay, legs))
    return found


def fill(bound, memory, leg, side, qty):
    return FillEvent(
        fill=0,
        order=0,
        decision=0,
        leg=0,
        symbol=bound.universe[leg].symbol,
        side=Side(side),
        price=1,
        qty=qty,
        ts_ns=0,
        seq=0,
        flags=FillFlag.NONE,
        fee=0,
        fee_asset="USDT",
        position=int(memory["positions"]["qty"][leg]),
        realized=0,
        cash=0,
    )


def quote_row(ts, index, bid, bid_qty, ask, ask_qty):
    """A row as `set_quote` takes it."""
    return ts, index, bid, bid_qty, ask, ask_qty
