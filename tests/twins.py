"""Run the engine and its naive twin on one case, and compare every row."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from quantlaxmi import schema
from quantlaxmi.events import DecisionEvent, LegIntent
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns, run_log
from quantlaxmi.run.result import Run
from quantlaxmi.schema import (
    DecisionType,
    EventKind,
    OrderAction,
    OrderType,
    RiskRule,
    Side,
    TimeInForce,
)
from quantlaxmi.segment import Window
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests import random_markets, traded
from tests.cases import Case
from tests.market_builder import MemorySegment
from tests.naive.engine import Engine, Leg
from tests.random_markets import Schedule

RATIONALES = ("one reason", "another reason")
ALL_KINDS = tuple(EventKind)
#: 128-bit fields and the halves that hold them.
WIDE = {
    "fee": ("fee_hi", "fee_lo"),
    "cash": ("cash_hi", "cash_lo"),
    "realized": ("realized_hi", "realized_lo"),
    "amount": ("amount_hi", "amount_lo"),
    "cost": ("cost_hi", "cost_lo"),
}
TABLES = ("decisions", "legs", "orders", "fills", "funding", "risk", "borrow", "bundles", "settled")


class Script(CryptoStrategy):
    """Decides what its schedule says, by number of call, and notes all that it is shown."""

    strategy_id = "script"
    rationales = RATIONALES
    event_kinds = ALL_KINDS
    schedule: ClassVar[Schedule] = {}
    log: ClassVar[list[tuple[Any, ...]]]

    def on_start(self, ctx):
        self.calls, self.log[:] = 0, []
        self.ctx = ctx
        self.mine = []
        self.symbols = [one.symbol for one in ctx._universe]

    def see(self, ctx, *what):
        books = tuple(
            (bool(b.valid), b.bid, b.bid_qty, b.ask, b.ask_qty, b.ts_ns)
            for b in map(ctx.book, self.symbols)
        )
        held = tuple((p.qty, p.pending_qty) for p in map(ctx.position, self.symbols))
        self.log.append((*what, ctx.in_flight, ctx.next_order, books, held))

    def on_market(self, event, ctx) -> DecisionEvent | None:
        self.see(ctx, event.seq, ctx.now_ns)
        tops = [(b.bid, b.ask, bool(b.valid)) for b in map(ctx.book, self.symbols)]
        wanted = random_markets.resolved(
            self.schedule.get(self.calls), self.mine, ctx.next_order, tops
        )
        self.calls += 1
        if wanted is None:
            return None
        legs = [self.intent(x) for x in wanted.legs]
        return ctx.decide(
            legs,
            rationale=RATIONALES[wanted.rationale],
            decision_type=DecisionType(wanted.decision_type),
            direction=wanted.direction,
            confidence=None if wanted.confidence < 0 else wanted.confidence,
            bundle=wanted.bundle,
            units=wanted.units,
            policy=wanted.policy or None,
        )

    def intent(self, leg: Leg) -> LegIntent:
        symbol = self.symbols[leg.instrument]
        if leg.action == OrderAction.CANCEL:
            return self.ctx.cancel(symbol, leg.target)
        if leg.action == OrderAction.MODIFY:
            return self.ctx.modify(symbol, leg.target, leg.qty, leg.limit_price)
        if leg.order_type == OrderType.LIMIT:
            tif = TimeInForce(leg.time_in_force)
            return self.ctx.limit(symbol, Side(leg.side), leg.qty, leg.limit_price, tif)
        return LegIntent(symbol, Side(leg.side), leg.qty, action=OrderAction(leg.action))

    def on_order(self, notice):
        self.log.append(
            (
                "order",
                notice.order,
                notice.decision,
                notice.symbol,
                int(notice.side),
                int(notice.reason),
                notice.qty,
                notice.ts_ns,
                self.ctx.in_flight,
                self.ctx.position(notice.symbol).pending_qty,
            )
        )

    def on_fill(self, fill):
        self.log.append(
            (
                "fill",
                fill.order,
                fill.decision,
                fill.symbol,
                int(fill.side),
                fill.qty,
                fill.price,
                fill.ts_ns,
                int(fill.flags),
                fill.fee,
                fill.position,
                fill.cash,
                self.ctx.position(fill.symbol).qty,
            )
        )


def script(schedule: Schedule, kinds=ALL_KINDS) -> Script:
    """A strategy that follows ``schedule``; its class's ``log`` is that of the latest run."""
    made = type("Script", (Script,), {"schedule": schedule, "event_kinds": kinds, "log": []})
    return made()


def run_case(
    case: Case,
    cuts=None,
    kinds=ALL_KINDS,
    bounds: tuple[int | None, ...] = (),
    depth: Literal["live", "index"] = "live",
) -> tuple[Run, list[Any]]:
    """The engine's run of a case and what its strategy noted; with ``cuts`` from the log.

    With ``bounds`` it runs in a window.
    """
    segment = MemorySegment(case.tables, case.instruments, cuts or ())
    if bounds:
        segment = Window(segment, *bounds)
    strategy = script(case.schedule, kinds)
    config = RunConfig.of(
        costs=case.costs,
        limits=case.limits,
        latency_ns=case.latency_ns,
        flatten=case.flatten,
        leg_latency_ns=case.leg_latency_ns,
        settle_at=case.settle_at,
    )
    if cuts is None:
        run = run_columns(segment, strategy, config, depth=depth)
    else:
        run = run_log(segment, strategy, config)
    return run, type(strategy).log


def naive_run(case: Case, kinds=ALL_KINDS, first_seq: int = 0) -> tuple[Engine, list[Any]]:
    """The same by the twin; orders decided before a message are refused."""
    instruments = case.instruments
    rules, limits = traded.rules_of(instruments, case.costs, case.limits)
    log: list[Any] = []
    mine: list[tuple[int, int]] = []
    calls = 0

    def decide(engine, table, row):
        nonlocal calls
        books = tuple(
            (b.valid, b.bid, b.bid_qty, b.ask, b.ask_qty, b.ts_ns) for b in engine.market.books
        )
        held = tuple(
            (a.position, q) for a, q in zip(engine.accounts, engine.pending_qty, strict=True)
        )
        flight = len(engine.in_flight)
        log.append((row["seq"], row["ts_ns"], flight, engine.n_orders, books, held))
        calls += 1
        tops = [(b.bid, b.ask, b.valid) for b in engine.market.books]
        return random_markets.resolved(case.schedule.get(calls - 1), mine, engine.n_orders, tops)

    def on_fill(fill):
        if not fill["qty"]:
            i = fill["instrument"]
            news = (fill["order"], fill["decision"], instruments[i].symbol, fill["side"])
            news += (fill["reason"], fill["order_left"], fill["ts_ns"])
            log.append(("order", *news, len(engine.in_flight), engine.pending_qty[i]))
        if fill["qty"]:
            log.append(
                (
                    "fill",
                    fill["order"],
                    fill["decision"],
                    instruments[fill["instrument"]].symbol,
                    fill["side"],
                    fill["qty"],
                    fill["price"],
                    fill["ts_ns"],
                    fill["flags"],
                    fill["fee"],
                    fill["position"],
                    fill["cash"],
                    fill["position"],
                )
            )

    engine = Engine(
        traded.terms_of(instruments, case.costs),
        decide,
        latency_ns=case.latency_ns,
        fee_exponent=case.costs.fee_exponent,
        wanted=frozenset(kinds),
        on_fill=on_fill,
        rules=rules,
        limits=limits,
        pro_rata=case.costs.queue == "pro_rata",
        by_receipt=case.costs.trade_clock == "receive",
        first_seq=first_seq,
        leg_latency_ns=case.leg_latency_ns,
        settles_at_mark=case.settle_at == "mark",
    )
    engine.run(case.tables, case.flatten)
    return engine, log


def joined(high: int, low: int) -> int:
    return (high << 64) + (low % (1 << 64))


def rows_of(table: np.ndarray) -> list[dict[str, int]]:
    """Records as dicts of Python ints, 128-bit halves joined."""
    found = []
    for record in table.tolist():
        row = dict(zip(table.dtype.names, record, strict=True))
        for name, (high, low) in WIDE.items():
            if high in row:
                row[name] = joined(row.pop(high), row.pop(low))
        found.append(row)
    return found


def assert_same(run: Run, engine: Engine) -> None:
    """Every row and every account, exactly."""
    for name in TABLES:
        found, expected = rows_of(getattr(run.exact, name)), getattr(engine, name)
        if name == "risk":
            expected = near(expected)
        assert found == expected, name
    assert run.ledger_exponent == engine.ledger_exponent
    assert dict(run.exact.cash) == engine.cash
    assert [
        (a.position, a.cost, a.realized, a.fees, a.funding, a.borrow) for a in run.exact.accounts
    ] == [(a.position, a.cost, a.realized, a.fees, a.funding, a.borrow) for a in engine.accounts]
    assert run.n_messages == engine.n_messages
    assert run.exact.last_mids.tolist() == [5 * b.mid2 for b in engine.market.books]
    assert run.exact.depth_gaps == tuple(b.depth.gaps for b in engine.market.books)
    assert [(c.offset_ns, c.n_met, c.n_over) for c in run.exact.venue_clocks] == [
        (c.offset, c.met, c.over) for c in engine.clocks
    ]
    assert run.exact.risk.dtype == schema.RISK_DTYPE
    assert_same_capital(run, engine)


def near(rows: list[dict[str, int]]) -> list[dict[str, Any]]:
    """Risk rows with margins to a ten-thousandth of the currency: the twin's floats are its own."""
    unit = 10 ** -(schema.RISK_MONEY_EXPONENT + 4)
    return [
        {**row, **{name: pytest.approx(row[name], abs=unit) for name in ("value", "limit")}}
        if row["rule"] == RiskRule.MARGIN
        else row
        for row in rows
    ]


def assert_same_capital(run: Run, engine: Engine) -> None:
    """Drawdown and margin used, at a tenth of the ledger's unit."""
    use, unit = run.exact.capital, Fraction(10) ** (engine.ledger_exponent - 1)
    if not engine.limits.capital:
        assert use is None
        return
    assert (use.capital, use.drawdown) == (engine.limits.capital // unit, engine.drawdown / unit)
    assert use.most_used == math.ceil(engine.most_used / unit)


def check_case(case: Case, kinds=ALL_KINDS) -> tuple[Run, Engine]:
    """The engine, with the live book and with the depth index, against the twin."""
    before = {t: {n: c.tobytes() for n, c in cols.items()} for t, cols in case.tables.items()}
    run, seen = run_case(case, kinds=kinds)
    engine, expected = naive_run(case, kinds)
    assert seen == expected
    assert_same(run, engine)
    indexed, seen = run_case(case, kinds=kinds, depth="index")
    assert seen == expected
    assert_same(indexed, engine)
    after = {t: {n: c.tobytes() for n, c in cols.items()} for t, cols in case.tables.items()}
    assert after == before
    return run, engine
