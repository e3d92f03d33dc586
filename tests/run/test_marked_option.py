"""65 units bought at 100.50 around 100, then 200: what they are marked at, and what is earned."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from tests import twins
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_components import AUGUST, CHAIN

BUY = {0: Decision((Leg(0, 1, 65),))}


def run_of(*quotes: tuple[int, int], flatten: bool = False):
    """Bids and asks in paise, one after another; the order is decided at the first."""
    market = MarketBuilder(ts_ns=AUGUST)
    for bid, ask in quotes:
        market.quote(0, bid, 650, ask, 650).wait(10**9)
    config = RunConfig.of(latency_ns=0, flatten=flatten)
    return run_columns(MemorySegment(market.tables(), CHAIN), twins.script(BUY), config)


def test_a_position_is_marked_at_the_mid_and_slippage_is_what_lies_between():
    before = run_of((99_50, 100_50), (99_50, 100_50))
    after = run_of((99_50, 100_50), (199_50, 200_50))
    [fill] = twins.rows_of(before.exact.fills)
    assert (fill["price"], fill["qty"]) == (100_50, 65)
    # 65 at the mid of 100 are worth 6,500; at 200 they have gained as much, mid to mid.
    unit = Decimal(10) ** before.ledger_exponent
    cost = before.exact.accounts[0].cost * unit
    assert cost == Decimal("6532.50")
    assert cost + before.exact.accounts[0].unrealized * unit / 10 == Decimal(6500)
    assert after.gross == Decimal(6500) and after.slippage == Decimal("32.50")
    assert after.gross - after.slippage == Decimal("6467.50")
    assert after.net == Decimal("6467.50") - after.fees - after.rounding


@pytest.mark.parametrize("bid", [100_00, 99_95])
def test_sold_at_a_bid_of_200_it_has_earned_what_lies_between_the_prices(bid):
    run = run_of((bid, 100_50), (200_00, 200_50), flatten=True)
    assert [f["price"] for f in twins.rows_of(run.exact.fills)] == [100_50, 200_00]
    assert run.gross - run.slippage == Decimal("6467.50")
    assert run.gross - run.slippage - run.fees - run.rounding == run.net
