"""Limit orders, changes and cancels: the engine against its twin, and what must hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import FillFlag, OrderEventKind, OrderReason, OrderStatus, OrderType
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.displayed import hold_to_displayed
from tests.naive.resting import Queues

SEEDS = st.integers(0, 2**32 - 1)
PRO_RATA = traded.costs("50", "-25", "0", fee_exponent=0, queue="pro_rata")


#: Largest position, notional and loss in units of the universe's scale, orders a second.
LIMITS = [
    (0, 0, 0, 0),
    (0, 0, 0, 0),
    (9, 0, 0, 0),
    (20, 0, 0, 0),
    (30, 0, 0, 25),
    (0, 0, 0, 12),
    (0, 9_030, 0, 0),
    (12, 20_000, 0, 0),
    (0, 0, 5, 0),
    (20, 0, 40, 0),
]


def limits_of(draw, universe):
    """None for some of the cases; else a few units of the universe's scale."""
    exponent = {"coarse": 0, "lots": 0, "binance": -8, "fine lots": -8}.get(universe)
    position, notional, loss, rate = draw(st.sampled_from(LIMITS))
    if exponent is None:
        return RiskLimits(max_orders_per_second=rate)
    return RiskLimits(
        max_position=FixedPoint(position, exponent),
        max_notional=FixedPoint(notional, 2 * exponent),
        max_loss=FixedPoint(loss, 2 * exponent),
        max_orders_per_second=rate,
    )


@st.composite
def order_cases(draw, max_messages=110, universes=(*traded.UNIVERSES, *traded.STEPPED)):
    universe = draw(st.sampled_from(universes))
    n_instruments = len({**traded.UNIVERSES, **traded.STEPPED}[universe])
    n = draw(st.integers(0, max_messages))
    return Case(
        "random",
        random_markets.random_market(draw(SEEDS), n, n_instruments, draw(st.booleans())),
        random_markets.random_orders(
            draw(SEEDS), n, n_instruments, draw(st.sampled_from([0.1, 0.3, 1.0]))
        ),
        draw(st.sampled_from([0, 0, 1, 2, 5, 13, 10**6])),
        draw(st.booleans()),
        universe,
        draw(st.sampled_from([*traded.COSTS, PRO_RATA, PRO_RATA])),
        limits_of(draw, universe),
    )


@settings(max_examples=examples(400), deadline=None)
@given(order_cases())
def test_random_flows_match_naive(case):
    twins.check_case(case)


# --- what must hold of every run ---------------------------------------------------------------


def by_hand(case):
    """A run with its rows as dicts, its order numbers' rows, and the market's by table."""
    run, _ = twins.run_case(case)
    orders = defaultdict(list)
    for row in twins.rows_of(run.exact.orders):
        orders[row["order"]].append(row)
    tables = {
        name: [dict(zip(t, row, strict=True)) for row in zip(*map(list, t.values()), strict=True)]
        for name, t in case.tables.items()
    }
    return run, twins.rows_of(run.exact.fills), orders, tables


@settings(max_examples=examples(80), deadline=None)
@given(order_cases(70), st.lists(st.integers(0, 140), max_size=12))
def test_replay_in_batches_equals_backtest(case, cuts):
    whole, seen = twins.run_case(case)
    pieces, seen_again = twins.run_case(case, cuts)
    for name in twins.TABLES:
        assert getattr(whole.exact, name).tobytes() == getattr(pieces.exact, name).tobytes(), name
    assert whole.trace.outcome_hash == pieces.trace.outcome_hash
    assert seen == seen_again


@settings(max_examples=examples(80), deadline=None)
@given(order_cases(70), st.integers(0, 70))
def test_records_of_a_truncated_market_are_a_prefix(case, length):
    whole, _ = twins.run_case(case)
    part, _ = twins.run_case(replace(case, tables=random_markets.truncated(case.tables, length)))
    assert whole.trace.records_bytes().startswith(part.trace.records_bytes())


@settings(max_examples=examples(150), deadline=None)
@given(order_cases())
def test_money_positions_and_orders_add_up(case):
    run, fills, orders, _ = by_hand(case)
    instruments, unit = case.instruments, run.ledger_exponent
    cash, held = defaultdict(int), [0] * len(instruments)
    for fill in fills:
        one = instruments[fill["instrument"]]
        scale = 10 ** (one.product_exponent - unit) * one.multiplier[0]
        cash[one.currency] -= fill["side"] * fill["price"] * fill["qty"] * scale + fill["fee"]
        held[fill["instrument"]] += fill["side"] * fill["qty"]
        assert fill["position"] == held[fill["instrument"]]
    for row in twins.rows_of(run.exact.funding):
        cash[instruments[row["instrument"]].currency] += row["amount"]
    assert {k: v for k, v in run.exact.cash.items() if v} == {k: v for k, v in cash.items() if v}
    # The identity of every attribution, and of the ledger, was checked by the run itself.
    a = run.exact.attributions
    for k in range(len(fills)):
        assert a.gross[k] - a.slippage[k] - a.fee[k] + a.funding[k] == a.cash_effect[k]
    filled = defaultdict(int)
    for fill in fills:
        filled[fill["order"]] += fill["qty"]
    for number, rows in orders.items():
        own = [row for row in rows if row["status"] != OrderStatus.REJECTED]
        own = [row for row in own if not _request(row) or row["reason"] != OrderReason.DECISION]
        # Begins once, ends once, and says to the end what was filled.
        assert own[0]["kind"] == OrderEventKind.NEW
        ends = [row for row in own if row["status"] in ENDED]
        assert ends == own[-1:]
        assert ends[0]["filled_qty"] == filled[number] <= ends[0]["qty"]
        if ends[0]["status"] == OrderStatus.FILLED:
            assert ends[0]["filled_qty"] == ends[0]["qty"]
        grows = [row["filled_qty"] for row in own]
        assert grows == sorted(grows)


ENDED = (OrderStatus.FILLED, OrderStatus.PARTIAL, OrderStatus.CANCELLED)


def _request(row):
    return row["kind"] in (OrderEventKind.MODIFY, OrderEventKind.CANCEL)


@settings(max_examples=examples(100), deadline=None)
@given(order_cases())
def test_the_book_is_never_crossed_by_our_orders(case):
    """After a change of the book nothing of ours rests where the other side offers a lot."""
    looked = Queues.book_changed

    def look(queues, instrument):
        looked(queues, instrument)
        book = queues.engine.market.books[instrument]
        lot = queues.engine.rules[instrument].lot or 1
        for side in (1, -1):
            for one in queues.lane(instrument, side):
                levels = [level[:2] for level in book.available(side)]
                offered = sum(qty for price, qty in levels if (one.price - price) * side >= 0)
                assert offered < min(lot, one.left)

    with mock.patch.object(Queues, "book_changed", look):
        twins.check_case(case)


@settings(max_examples=examples(150), deadline=None)
@given(order_cases())
def test_no_fill_before_arrival_nor_at_a_worse_price(case):
    run, fills, orders, _ = by_hand(case)
    decided = run.exact.decisions["ts_ns"].tolist()
    for fill in fills:
        rows = orders[fill["order"]]
        if rows[0]["leg"] >= 0:
            assert fill["ts_ns"] >= decided[rows[0]["decision"]] + case.latency_ns
        # The limit in force: that of the latest row up to the fill that says it was in force.
        known = [
            r["limit_price"]
            for r in rows
            if r["order_type"] == OrderType.LIMIT
            and r["seq"] <= fill["seq"]
            and (not _request(r) or r["reason"] == OrderReason.MODIFIED)
        ]
        if not known:
            continue
        if fill["flags"] & FillFlag.MAKER:
            assert fill["price"] in known
        else:
            worst = max(known) if fill["side"] > 0 else min(known)
            assert (worst - fill["price"]) * fill["side"] >= 0


def no_size_twice(case):
    """By message: what traded, what was displayed at each change of the book."""
    _, fills, _, tables = by_hand(case)
    traded = {row["seq"]: row for row in tables["trades"]}
    made, beyond = defaultdict(int), defaultdict(int)
    for fill in fills:
        if not fill["flags"] & FillFlag.MAKER:
            continue
        assert fill["ts_ns"] in {t for table in tables.values() for t in _times(table, fill["seq"])}
        trade = traded.get(fill["seq"])
        if trade is not None:
            assert fill["instrument"] == trade["instrument"]
            assert (fill["price"] - trade["price"]) * fill["side"] >= 0
            # Beyond an order's price any trade fills it; at it, what those before leave of it.
            if fill["price"] != trade["price"]:
                beyond[fill["seq"]] += fill["qty"]
                continue
            made[fill["seq"]] += fill["qty"]
            assert made[fill["seq"]] <= trade["qty"] - beyond[fill["seq"]]
    # Quotes alone: while its price stands a side gives at most the size it showed, whether taken on
    # arrival or by what rested.
    if not tables["depth"]:
        took = [f for f in fills if f["seq"] not in traded or not f["flags"] & FillFlag.MAKER]
        hold_to_displayed(tables["quotes"], took)


def _times(table, seq):
    return {row["ts_ns"] for row in table if row["seq"] == seq}


@settings(max_examples=examples(100), deadline=None)
@given(order_cases(), st.booleans())
def test_no_size_is_given_twice(case, depth):
    none = {name: column[:0] for name, column in case.tables["depth"].items()}
    no_size_twice(case if depth else replace(case, tables={**case.tables, "depth": none}))


def test_every_way_of_ending_is_seen():
    seen, flags = set(), set()
    for seed in range(12):
        market, flow = (
            random_markets.random_market(seed, 120),
            random_markets.random_orders(seed, 120),
        )
        run, _ = twins.run_case(Case("c", market, flow, seed % 4, universe="coarse"))
        seen |= {(row["kind"], row["reason"]) for row in twins.rows_of(run.exact.orders)}
        flags |= set(run.exact.fills["flags"].tolist())
    news = {reason for _, reason in seen}
    assert news >= set(OrderReason) - {
        OrderReason.FLATTEN,
        OrderReason.REFUSED,
        OrderReason.MAX_LOSS,
        OrderReason.MARGIN_CALL,
        OrderReason.SETTLED,
        OrderReason.HEDGE_OUT,
    }
    assert flags >= {0, FillFlag.MAKER, FillFlag.DEPTH, FillFlag.TRIM}
