"""The latency of a session that does not name one, and what a chain session's set-up shares."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from quantlaxmi.execution.account_terms import account_terms
from quantlaxmi.execution.base_fees import base_terms
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits, SizeLimits, order_rules
from quantlaxmi.execution.run_terms import run_terms
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.config import RunConfig
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment.snapshots import median_interval
from tests import traded
from tests.market_builder import MarketBuilder, MemorySegment
from tests.run.test_chain_runs import FREE, ROWS, chain_costs, once, run_of
from tests.traded import CHAINS


def session(*waits: int) -> MemorySegment:
    b = MarketBuilder().chain(ROWS)
    for ns in waits:
        b.wait(ns).chain(ROWS)
    return MemorySegment(b.tables(), CHAINS["chain"])


@pytest.mark.parametrize(
    ("waits", "interval"),
    [((), None), ((0, 0), None), ((7,), 7), ((5, 9), 5), ((9, 5, 70), 9), ((3, 0, 3, 900, 8), 3)],
)
def test_the_interval_is_the_lower_median_of_those_that_occur(waits, interval):
    assert median_interval(session(*waits)) == interval


def test_a_chain_session_waits_one_interval_unless_told():
    market, costs = session(60, 65, 90), chain_costs(3)
    full = RunConfig.of(costs=costs).complete_for(market)
    assert full.latency == LatencyModel.constant(65)
    assert full.complete_for(market) is full
    assert full.latency.latency_hash(False) == LatencyModel.constant(65).latency_hash(False)
    for asked in ({"latency_ns": 1_000_000}, {"latency_ns": 0}, {"latency": LatencyModel()}):
        config = RunConfig.of(costs=costs, **asked)
        assert config.complete_for(market).latency == config.latency
        assert RunConfig.from_description(config.describe()) == config
    quotes = MemorySegment(MarketBuilder().quote(0, 9, 1, 10, 1).tables(), CHAINS["chain"])
    assert RunConfig.of(costs=costs).complete_for(quotes).latency_ns == 1_000_000
    # A run made again with one change keeps the latency it had.
    assert replace(full, seed=7).complete_for(market).latency_ns == 65


def test_the_default_is_what_was_hashed_before():
    assert "latency_asked" not in RunConfig.of().describe()
    assert RunConfig.of(latency_ns=5).describe() == {
        **RunConfig.of().describe(),
        "latency": LatencyModel.constant(5).describe(),
    }


def test_an_order_meets_the_next_snapshot():
    b = MarketBuilder().chain(ROWS).wait(40).chain({0: (30, 9, 33, 9, 0, 0, 0)}).wait(40)
    run = run_of(b.chain(ROWS), once(), latency_ns=None)
    assert run.latency_ns == 40
    assert run.exact.fills["price"].tolist() == [33]


def test_terms_that_are_made_once_are_those_of_each_instrument():
    one = traded.instrument
    universe = tuple(
        one(f"{kind.value}{k}", kind, -2, 0, tick=5, lot=lot, contract_size=size, currency=money)
        for kind in (InstrumentKind.CALL, InstrumentKind.PUT, InstrumentKind.SPOT)
        for k, (lot, size, money) in enumerate(
            [(75, 1, "INR"), (75, 1, "INR"), (25, 1, "INR"), (75, 3, "INR"), (75, 1, "USD")]
        )
    )
    costs = msgspec.structs.replace(
        traded.costs("10", borrow="7", buy_fee="base"),
        symbols={"call.call1": FREE},
        min_notional={"put.put1": FixedPoint(9, 0)},
    )
    rates = {**costs.rates, InstrumentKind.CALL: costs.rates[InstrumentKind.PERP]}
    rates[InstrumentKind.PUT] = costs.rates[InstrumentKind.FUTURE]
    costs = msgspec.structs.replace(costs, rates=rates)
    limits = RiskLimits(
        max_position=FixedPoint(900, 0), symbols={"put0": SizeLimits(max_position=FixedPoint(7, 0))}
    )
    made = run_terms(universe, costs, limits)
    rules, _ = order_rules(universe, costs, limits, made.ledger_exponent)
    assert list(made.rules) == rules
    assert list(made.base_fees) == [base_terms(i, costs) for i in universe]
    assert list(made.accounts) == [
        account_terms(i, costs, made.ledger_exponent, made.currencies.index(i.currency))
        for i in universe
    ]
    assert len(set(made.accounts)) > 5
