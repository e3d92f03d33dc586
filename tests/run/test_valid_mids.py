"""What a book that is not valid, or was never there, means for orders, marks and attribution."""

from fractions import Fraction
from typing import ClassVar

from quantlaxmi.events import DepthEvent, FundingEvent
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import EventKind, FillFlag, OrderReason, RiskRule
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig
from tests import traded, twins
from tests.cases import Case
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg

BUY = Decision((Leg(0, 1, 3),))


def run_of(builder, schedule, latency=0, universe="coarse"):
    run, _ = twins.check_case(Case("mids", builder.tables(), schedule, latency, False, universe))
    return run


def test_no_order_is_sent_before_a_valid_book():
    """A rest filled by trades alone would be a position that nothing can value."""
    limit = Decision((Leg(0, 1, 3, order_type=1, limit_price=99),), bundle=False)
    market = MarketBuilder().trade(0, 99, 5, -1).quote(0, 99, 0, 101, 5).wait(1)
    market.quote(0, 99, 5, 101, 5).wait(1).trade(0, 98, 9, -1)
    run = run_of(market, {0: limit, 1: BUY, 2: limit})
    assert run.exact.risk["rule"].tolist() == [RiskRule.NO_BOOK] * 2
    assert run.exact.risk["decision"].tolist() == [0, 1]
    assert run.exact.risk["value"].tolist() == run.exact.risk["limit"].tolist() == [0, 0]
    refused = run.exact.orders[run.exact.orders["reason"] == OrderReason.REFUSED]
    assert refused["order"].tolist() == [0, 1]
    assert run.exact.fills["order"].tolist() == [2]


def test_positions_are_marked_at_the_last_valid_mid():
    market = MarketBuilder().quote(0, 99, 9, 101, 9).wait(1).quote(0, 103, 9, 105, 9).wait(1)
    market.quote(0, 0, 0, 105, 9).wait(1).trade(0, 1, 1, 1)
    run = run_of(market, {0: BUY})
    assert run.exact.last_mids.tolist()[0] == 1040
    bought = Fraction(sum(int(f["price"]) * int(f["qty"]) for f in run.exact.fills), 1)
    unit = 10 ** (0 - run.ledger_exponent)
    assert run.exact.accounts[0].unrealized == 10 * unit * (3 * 104 - bought)


def test_a_settlement_without_mark_is_made_at_the_last_valid_mid():
    market = MarketBuilder(transit=0).quote(1, 99, 9, 101, 9).wait(1)
    market.funding(1, 0, 10**7, market.ts_ns + 5).wait(2).quote(1, 0, 0, 900, 9).wait(9)
    run = run_of(market.trade(1, 1, 1, 1), {0: Decision((Leg(1, 1, 3),))})
    assert run.exact.funding["mark"].tolist() == [100]
    assert run.exact.funding["position"].tolist() == [3]


def test_a_decision_on_an_invalid_book_is_measured_at_the_last_valid_mid():
    market = MarketBuilder().quote(0, 99, 9, 101, 9).wait(1).quote(0, 99, 0, 101, 9).wait(1)
    market.quote(0, 199, 9, 201, 9).wait(9).trade(0, 1, 1, 1)
    run = run_of(market, {1: BUY}, latency=1)
    assert run.exact.legs["reference_price"].tolist() == [1000]
    assert run.exact.attributions.reference_price.tolist() == [1000]
    unit = 10 ** (0 - run.ledger_exponent)
    assert run.exact.attributions.slippage.tolist() == [10 * unit * 3 * (201 - 100)]
    event = next(iter(run.trade_attributions()))
    assert event.slippage_bps == round(Fraction((201 - 100) * 10**8, 100))


class Watcher(CryptoStrategy):
    """Notes what it is shown of depth and funding."""

    strategy_id = "watcher"
    Config = StrategyConfig
    rationales = ("none",)
    event_kinds = (EventKind.DEPTH, EventKind.FUNDING)
    seen: ClassVar[list] = []

    def on_market(self, event, ctx):
        book = ctx.book(event.symbol)
        if isinstance(event, DepthEvent):
            assert event.valid == bool(book.valid)
            self.seen.append((event.valid, event.depth_valid, book.depth_valid, book.mid2))
        if isinstance(event, FundingEvent):
            self.seen.append(event.index)


def test_broken_depth_is_visible_beside_valid_quotes():
    levels = [(1, 98, 4), (-1, 102, 5)]
    market = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True).quote(0, 99, 3, 101, 3)
    market.depth(0, (6, 6, -1), [(1, 97, 1)]).depth(0, (9, 9, -1), [(1, 97, 2)])
    market.depth(0, (9, 9, -1), levels, snapshot=True)
    market._add("funding", 1, mark=5, index=77, rate=1, next_funding_ns=0)
    Watcher.seen.clear()
    segment = MemorySegment(market.tables(), traded.UNIVERSES["coarse"])
    run = backtest(segment, Watcher(), costs=traded.COSTS[0])
    stands, broken = (True, True, 1, 200), (True, False, 0, 200)
    assert Watcher.seen == [stands, stands, broken, stands, 77]
    assert run.exact.depth_gaps[0] == 1


def test_what_was_taken_is_not_there_again():
    market = MarketBuilder()
    for bid in (99, 98, 97, 98):  # the bid moves, the ask is the same size all along
        market.quote(0, bid, 9, 101, 5).wait(1)
    market.quote(0, 98, 9, 101, 7).wait(1).quote(0, 98, 9, 101, 1).wait(1)
    market.quote(0, 98, 9, 101, 4).wait(1).quote(0, 98, 9, 102, 4).wait(1)
    market.quote(0, 98, 9, 101, 4).wait(1).trade(0, 1, 1, 1)
    many = Decision((Leg(0, 1, 30),))
    run = run_of(market, dict.fromkeys(range(9), many))
    own = int(FillFlag.AFTER_OWN)
    assert run.exact.fills[["decision", "price", "qty", "flags"]].tolist() == [
        (0, 101, 5, 0),
        (4, 101, 2, own),  # 7 shown, 5 taken
        (6, 101, 3, own),  # shrank to 1, all ours; 3 were added
        (7, 102, 4, 0),
        (8, 101, 4, 0),  # the touch had passed it
    ]
