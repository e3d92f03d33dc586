"""An index cannot be traded: an order for it is refused as that, whatever its book shows."""

from __future__ import annotations

import pytest

from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind, OrderReason, RiskRule
from tests import traded, twins
from tests.cases import Case
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg

FREE = FeeRate(maker_bps=FixedPoint(0, 0), taker_bps=FixedPoint(0, 0))
COSTS = CostModel(rates={InstrumentKind.FUTURE: FREE, InstrumentKind.INDEX: FREE})
FUTURE, INDEX = 0, 1


def run_of(index_qty: int, decision: Decision):
    """A decision where both have a book, of the index with or without sizes."""
    market = MarketBuilder().quote(FUTURE, 99, 9, 101, 9)
    market.quote(INDEX, 100, index_qty, 100 + (index_qty > 0), index_qty).wait(1)
    market.quote(FUTURE, 99, 9, 101, 9)
    case = Case("index", market.tables(), {1: decision}, universe="indexed", costs=COSTS)
    run, _ = twins.check_case(case)
    return run


@pytest.mark.parametrize("leg", [Leg(INDEX, 1, 3), Leg(INDEX, -1, 3, order_type=1, limit_price=99)])
def test_an_order_for_an_index_is_refused_whatever_its_book_shows(leg):
    run = run_of(9, Decision((leg,), bundle=False))
    assert run.exact.risk["rule"].tolist() == [RiskRule.NOT_TRADABLE]
    assert (run.exact.risk["value"][0], run.exact.risk["limit"][0]) == (0, 0)
    assert run.n_fills == 0


def test_without_a_book_both_rules_say_so_and_the_summary_names_the_index():
    run = run_of(0, Decision((Leg(INDEX, 1, 3),)))
    assert run.exact.risk["rule"].tolist() == [RiskRule.NOT_TRADABLE, RiskRule.NO_BOOK]
    told = str(run.summary())
    assert "X is an index, which nobody can trade" in told
    assert "no valid book" not in told


def test_the_bundle_of_an_index_is_refused_whole():
    run = run_of(9, Decision((Leg(FUTURE, 1, 3), Leg(INDEX, -1, 3))))
    assert run.n_fills == 0
    refused = [o for o in twins.rows_of(run.exact.orders) if o["reason"] == OrderReason.REFUSED]
    assert {o["instrument"] for o in refused} == {FUTURE, INDEX}
    assert traded.INDEXED["indexed"][INDEX].kind == InstrumentKind.INDEX
