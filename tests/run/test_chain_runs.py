"""Runs over snapshots of an option chain: the engine is its naive twin; corners by hand."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import schema
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.events import ChainEvent, LegIntent, SettlementEvent
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint, int128_to_int
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay, run_columns
from quantlaxmi.schema import EventKind, InstrumentKind, OrderReason, Side
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.ending import Unsettled
from tests.naive.engine import Decision, Leg
from tests.random_chains import N, random_chain
from tests.run.test_engine_properties import same_runs
from tests.traded import CHAINS, FIRST_END

FREE = FeeRate(maker_bps=FixedPoint(0, 0), taker_bps=FixedPoint(0, 0))
TAX = traded.component("stt", "intrinsic", "exercise", "12.5", rounded=True)


def chain_costs(which: int) -> CostModel:
    """Rates alone where ``which`` is a multiple of 3, else components of a note, with a tax."""
    base = traded.COSTS[which % len(traded.COSTS)]
    rates = {**base.rates, InstrumentKind.CALL: FREE, InstrumentKind.PUT: FREE}
    model = msgspec.structs.replace(base, rates=rates)
    if which % 3:
        note = (*traded.COMPONENTS[which % 3 - 1], TAX)
        model = msgspec.structs.replace(model, components={"call": note, "put": note})
    return model.with_exact_fees(CHAINS["chain"])


@st.composite
def chain_cases(draw, most: int, settle_at: str = "mark") -> Case:
    seed, n = draw(st.integers(0, 10**6)), draw(st.integers(1, most))
    tables = random_chain(seed, n, draw(st.booleans()))
    orders = random_markets.random_orders if draw(st.booleans()) else random_markets.random_schedule
    return Case(
        "random chain",
        tables,
        orders(seed, n, N),
        draw(st.sampled_from((0, 1, 2, 7, 25))),
        draw(st.booleans()),
        "chain",
        chain_costs(draw(st.integers(0, 11))),
        settle_at=settle_at,
    )


@settings(max_examples=examples(150), deadline=None)
@given(chain_cases(70))
def test_engine_equals_its_twin(case):
    twins.check_case(case)


@settings(max_examples=examples(60), deadline=None)
@given(chain_cases(60), st.lists(st.integers(0, 120), max_size=12))
def test_the_log_in_pieces_equals_the_columns(case, cuts):
    """Cuts fall anywhere, in the middle of a snapshot too."""
    whole, seen = twins.run_case(case)
    pieces, seen_again = twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == seen_again


@settings(max_examples=examples(60), deadline=None)
@given(chain_cases(70, "price"))
def test_a_position_without_a_price_is_an_error_in_both(case):
    try:
        engine, _ = twins.naive_run(case)
    except Unsettled as error:
        symbol = case.instruments[error.args[0]].symbol
        with pytest.raises(InputError, match=f"{symbol} expired at 1970.*no settlement price"):
            twins.run_case(case)
        return
    run, _ = twins.run_case(case)
    twins.assert_same(run, engine)


@settings(max_examples=examples(40), deadline=None)
@given(chain_cases(60))
def test_lines_and_trades_of_a_run_add_up(case):
    """The ledger checks itself at every line; cash and trades are those of the accounts."""
    run, _ = twins.run_case(case)
    lines = run.table("ledger").to_pylist()
    cash = run.exact.cash["INR"] * Fraction(10) ** run.ledger_exponent
    assert not lines or lines[-1]["cash"] == cash
    assert sum(run.exact.attributions.cash_effect.tolist()) == 10 * run.exact.cash["INR"]
    if run.segment.n_messages == 0:
        return  # an equity of nothing is refused
    trips = run.trades()
    assert len(trips["worst"]) == len(trips)
    curve = run.equity_curve(5)
    assert curve.equity.tolist()[-1] == run.exact.net_pnl
    points = run.equity(5)
    assert points["net"][-1] == run.net
    for row in run.exact.settled:
        fill = run.exact.fills[row["fills_before"]]
        assert fill["flags"] == schema.FillFlag.SETTLED
        assert (fill["price"], fill["instrument"]) == (row["intrinsic"], row["instrument"])
        assert fill["qty"] == abs(row["position"]) and fill["position"] == 0
        place = run.exact.attributions
        assert place.slippage[row["fills_before"]] == 0
        amount = int128_to_int(row["amount_hi"], row["amount_lo"])
        assert place.gross[row["fills_before"]] == 10 * amount


# --- corners -----------------------------------------------------------------------------------


class Once(CryptoStrategy):
    """Buys one lot of each of its legs at the first snapshot, and notes its events."""

    strategy_id = "once"
    event_kinds = (EventKind.CHAIN, EventKind.SETTLEMENT)
    legs: tuple[tuple[str, int], ...] = (("C1", 3),)

    def on_start(self, ctx):
        self.seen, self.news = [], []

    def on_market(self, event, ctx):
        type(self).last = self
        self.seen.append(event)
        if len(self.seen) > 1:
            return None
        return ctx.decide(
            [LegIntent(s, Side.BUY if q > 0 else Side.SELL, abs(q)) for s, q in self.legs],
            rationale="rule",
            bundle=False,
        )

    def on_fill(self, fill):
        self.news.append(fill)

    def on_order(self, notice):
        self.news.append(notice)


def once(*legs):
    return type("Once", (Once,), {"legs": legs or Once.legs})()


def run_of(builder, strategy, **config):
    segment = MemorySegment(builder.tables(), CHAINS["chain"])
    given = RunConfig.of(costs=chain_costs(3), **{"latency_ns": 0, **config})
    return run_columns(segment, strategy, given)


ROWS = {0: (10, 9, 12, 9, 11, 500, 150_000), 1: (0, 0, 8, 9, 7, 40, 0), 2: (20, 9, 22, 9, 0, 1, 0)}


def test_a_strategy_is_asked_once_a_snapshot_with_all_books_set():
    b = MarketBuilder().chain(ROWS).wait(5).chain({2: (21, 9, 23, 9, 0, 0, 0)})
    b.wait(5).settle(2, 130)
    strategy = once(("C2", 1))
    run_of(b, strategy)
    first, second, third = type(strategy).last.seen
    assert first == ChainEvent(0, 1_000, 993, 3)
    assert second == ChainEvent(1, 1_005, 998, 1)
    assert isinstance(third, SettlementEvent)
    assert (third.symbol, third.price, third.ts_ns) == ("C2", 130, 1_010)


def test_kernels_see_open_interest_volatility_and_the_rows_of_the_event():
    seen = []

    class Look(Once):
        def on_market(self, event, ctx):
            books = [ctx.book(s) for s in ("C1", "P1", "C2")]
            seen.append([(b.valid, b.bid, b.ask, b.oi, b.iv, b.last_price, b.mid2) for b in books])

    run_of(MarketBuilder().chain(ROWS), Look())
    assert seen == [
        [(1, 10, 12, 500, 150_000, 11, 22), (0, 0, 8, 40, 0, 7, 0), (1, 20, 22, 1, 0, 0, 42)]
    ]


@pytest.mark.parametrize(
    ("leg", "price", "worth"),
    [
        (("C1", 3), 107, 7),
        (("C1", -3), 107, 7),
        (("C1", 3), 93, 0),
        (("C1", -3), 0, 0),
        (("P2", -2), 0, 103),
        (("P2", 2), 250, 0),
        (("F", 2), 77, 77),
        (("F", 1), 0, 0),
    ],
)
def test_a_position_is_paid_what_its_contract_comes_to(leg, price, worth):
    symbol, qty = leg
    i = [one.symbol for one in CHAINS["chain"]].index(symbol)
    b = MarketBuilder().chain({i: (10, 9, 12, 9, 0, 0, 0)}).wait(5)
    b.chain({i: (11, 9, 13, 9, 0, 0, 0)}).wait(5).settle(i, price)
    b.wait(5).chain({i: (1, 9, 2, 9, 0, 0, 0)})
    run = run_of(b, once(leg))
    opened = 12 if qty > 0 else 10
    assert run.exact.fills["price"].tolist() == [opened, worth]
    assert run.exact.accounts[i].position == 0
    [row] = run.exact.settled
    assert (row["position"], row["price"], row["intrinsic"]) == (qty, price, worth)
    amount = int128_to_int(row["amount_hi"], row["amount_lo"])
    assert amount * Fraction(10) ** run.ledger_exponent == qty * worth
    assert run.gross == qty * (worth - 11)
    assert run.trades()["exit_price"] == [worth]


def test_what_rests_waits_or_is_on_its_way_is_cancelled_and_the_book_stays_closed():
    class Rests(Once):
        def on_market(self, event, ctx):
            type(self).last = self
            self.seen.append(event)
            if len(self.seen) == 1:
                legs = [ctx.limit("C1", Side.BUY, 2, 9)]
            elif len(self.seen) in (2, 4):
                legs = [LegIntent("C1", Side.BUY, 1)]
            else:
                return None
            return ctx.decide(legs, rationale="rule")

    b = MarketBuilder().chain(ROWS).wait(50).chain(ROWS).wait(5).settle(0, 150)
    b.wait(20).chain({0: (8, 9, 9, 9, 0, 0, 0)}).wait(50).chain({0: (8, 9, 9, 9, 0, 0, 0)})
    run = run_of(b, Rests(), latency_ns=10)
    ends = [(o["order"], o["reason"]) for o in run.exact.orders if o["status"] == 3]
    assert ends == [(0, OrderReason.SETTLED), (1, OrderReason.SETTLED), (2, OrderReason.SETTLED)]
    assert not len(run.exact.fills) and not len(run.exact.settled)


def test_orders_after_the_end_are_cancelled_though_the_book_is_still_shown():
    b = MarketBuilder().wait(FIRST_END - 1_000).chain(ROWS).wait(9).chain(ROWS)
    run = run_of(b, once())
    assert run.exact.orders["reason"].tolist() == [0, OrderReason.SETTLED]
    assert run.exact.last_mids[0] == 110


def test_a_position_past_its_end_is_an_error_unless_it_takes_the_mark():
    b = MarketBuilder().chain(ROWS).wait(FIRST_END).chain({2: ROWS[2]})
    with pytest.raises(InputError) as error:
        run_of(b, once())
    assert str(error.value).count("\n") == 0
    assert "C1 expired at 1970-01-01T00:00:00 UTC with a position of 3" in str(error.value)
    run = run_of(b, once(), settle_at="mark")
    [row] = run.exact.settled
    assert (row["price"], row["intrinsic"]) == (0, 11)
    assert run.exact.accounts[0].position == 0
    assert run.header.latency_hash != run_of(b, once(("C2", 1))).header.latency_hash
    assert RunConfig.of(settle_at="mark") != RunConfig.of()
    with pytest.raises(InputError, match="settle_at"):
        RunConfig.of(settle_at="never")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t["chain"]["instrument"].__setitem__(1, 9), "the row names an instrument"),
        (lambda t: t["chain"]["bid"].__setitem__(0, 2**62), "replay"),
        (lambda t: t["chain"]["ts_ns"].__setitem__(slice(3, 6), 5), "receive time goes back"),
        (lambda t: t["chain"]["ts_ns"].__setitem__(2, 2**62), "the row names an instrument"),
    ],
)
def test_rows_that_cannot_be_read_end_the_run(change, said):
    tables = MarketBuilder().chain(ROWS).wait(5).chain(ROWS).tables()
    tables = {t: {n: c.copy() for n, c in columns.items()} for t, columns in tables.items()}
    change(tables)
    with pytest.raises((EngineError, ArithmeticError), match=said):
        run_columns(
            MemorySegment(tables, CHAINS["chain"]), once(), RunConfig.of(costs=chain_costs(3))
        )


def test_both_routes_have_one_trace_over_a_session():
    segment = MemorySegment(random_chain(5, 60), CHAINS["chain"], (5, 17, 33))
    found = [
        route(segment, once(("C2", 2), ("P2", -1)), costs=chain_costs(1), latency_ns=3)
        for route in (backtest, replay)
    ]
    same_runs(*found)
    assert len(found[0].exact.fills) and found[0].exact.settled.dtype == schema.SETTLED_DTYPE


def test_the_chain_tables_of_a_market_that_has_none_change_nothing():
    plain = MarketBuilder().quote(0, 9, 9, 10, 9).tables()
    without = {name: t for name, t in plain.items() if name not in ("chain", "settlement")}
    kinds = (EventKind.QUOTE,)
    strategy = type("Q", (Once,), {"event_kinds": kinds})
    runs = [
        run_columns(
            MemorySegment(t, CHAINS["chain"]), strategy(), RunConfig.of(costs=chain_costs(3))
        )
        for t in (plain, without)
    ]
    same_runs(*runs)
    assert np.array_equal(runs[0].exact.last_mids, runs[1].exact.last_mids)
    assert Decision((Leg(0, 1, 1),)).bundle
