"""The venue's clock by an instrument's stamps: trades on resting orders, settlements, summary."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.run.record_arrays import arrays_of, records_of
from quantlaxmi.run.result import Run
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg
from tests.naive.venue_clock import DAY, HOUR, VenueClock

FREE = traded.COSTS[3]
RECEIVE = msgspec.structs.replace(FREE, trade_clock="receive")
HALF = 10**8 // 2
LATE = 10_000


def order(side: int, qty: int, price: int, k: int = 0) -> Decision:
    return Decision((Leg(k, side, qty, 1, price),), bundle=False)


def taker(side: int, qty: int, k: int) -> Decision:
    return Decision((Leg(k, side, qty),), bundle=False)


def run(builder: MarketBuilder, schedule, model: CostModel = FREE, latency: int = 0) -> Run:
    case = Case("c", builder.tables(), schedule, latency, False, "coarse", model)
    found = twins.check_case(case)[0]
    pieces, _ = twins.run_case(case, cuts=range(1, 50, 2))
    assert pieces.exact.venue_clocks == found.exact.venue_clocks
    assert pieces.trace.outcome_hash == found.trace.outcome_hash
    return found


def filled(found: Run) -> list[tuple[int, int, int]]:
    """(order, quantity, seq) of every fill."""
    rows = twins.rows_of(found.exact.fills)
    return [(f["order"], f["qty"], f["seq"]) for f in rows]


def paid(found: Run) -> list[tuple[int, int]]:
    """(time, position) of every settlement."""
    return [(f["ts_ns"], f["position"]) for f in twins.rows_of(found.exact.funding)]


def clocks(found: Run) -> list[tuple[int | None, int, int]]:
    return [(c.offset_ns, c.n_met, c.n_over) for c in found.exact.venue_clocks]


def start(transit: int | None = 7) -> MarketBuilder:
    """A quote of each instrument; what comes then comes a microsecond later."""
    m = MarketBuilder(ts_ns=10**9, transit=transit)
    return m.quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4).wait(1_000)


# --- trades ------------------------------------------------------------------------------------


def test_a_trade_that_was_over_when_the_order_arrived_does_nothing():
    """The order arrives 5 after a quote stamped -7; the venue's clock is then at its time - 7."""
    for late, acts in ((7 + 1_000 - 5, False), (7 + 1_000 - 6, True), (7, True), (None, True)):
        m = start().late(late).trade(0, 98, 1, -1).wait(1)
        found = run(m, {0: order(1, 6, 99)}, latency=5)
        assert filled(found) == ([(0, 6, 2)] if acts else []), late
        assert clocks(found)[0] == (-7, 1, int(not acts))
        # Received later: by that clock it always acts.
        found = run(m, {0: order(1, 6, 99)}, RECEIVE, latency=5)
        assert filled(found) == [(0, 6, 2)]
        assert clocks(found)[0] == (-7, 1, 0)
        assert (
            "the venue's clock of S was 0.000007 ms behind the receive clock: by its largest "
            "exchange stamp"
        ) in [str(line) for line in found.summary()]


def test_a_trade_that_was_over_takes_nothing_from_the_queue():
    m = start().late(LATE).trade(0, 99, 5, -1).late(7).trade(0, 99, 6, -1).wait(1)
    assert filled(run(m, {0: order(1, 6, 99)})) == [(0, 1, 3)]
    assert filled(run(m, {0: order(1, 6, 99)}, RECEIVE)) == [(0, 6, 3)]


def test_a_trade_acts_on_the_orders_that_were_there_and_on_no_other():
    """One order is older than the trade, another came after it; a change comes anew."""
    m = start().quote(0, 99, 5, 101, 4).wait(1_000).late(1_500).trade(0, 98, 1, -1).wait(1)
    orders = {0: order(1, 1, 99), 2: order(1, 2, 99)}
    found = run(m, orders)
    assert filled(found) == [(0, 1, 3)]
    assert clocks(found)[0] == (-7, 2, 1)
    change = Decision((Leg(0, 1, 4, 1, 99, action=1, target=0),), bundle=False)
    assert filled(run(m, {0: order(1, 1, 99), 2: change})) == []


def test_without_stamps_trades_go_by_receive_time_and_the_summary_says_so():
    m = start(None).trade(0, 98, 1, -1).wait(1)
    found = run(m, {0: order(1, 6, 99)})
    assert filled(found) == [(0, 6, 2)]
    assert clocks(found) == [(None, 1, 0), (None, 0, 0)]
    said = "S has no exchange stamps: trades on resting orders go by receive time"
    assert said in [str(line) for line in found.summary()]
    # A clock that is not known when the order comes keeps nothing from it.
    m = start(None).late(LATE).trade(0, 98, 1, -1).wait(1)
    assert filled(run(m, {0: order(1, 6, 99)})) == [(0, 6, 2)]


def test_a_stamp_more_than_a_day_off_is_none():
    for late in (DAY + 1, -DAY - 1, -(2**62)):
        m = start().late(late).trade(0, 98, 1, -1).wait(1)
        found = run(m, {0: order(1, 6, 99)})
        assert clocks(found)[0] == (-7, 1, 0)
        assert filled(found) == [(0, 6, 2)]


def test_the_largest_stamp_of_two_hours_counts():
    """A stamp far ahead stands for the hour it came in and the next one that has stamps."""
    for hours, offset in ((0, 500), (1, 500), (2, 500)):
        m = start().late(-500).quote(0, 99, 5, 101, 4)
        m.ts_ns = 10**9 + hours * HOUR + 5_000
        assert clocks(run(m.late(7).quote(0, 99, 5, 101, 4), {}))[0][0] == offset
    m = start().late(-500).quote(0, 99, 5, 101, 4).late(9)
    for _ in range(2):
        m.wait(HOUR).quote(0, 99, 5, 101, 4).late(7)
    assert clocks(run(m, {}))[0][0] == -7


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_an_hour_begins_with_its_first_instant(n):
    for begin in (0, 5 * HOUR, 400_000 * HOUR):
        m, clock = MarketBuilder(ts_ns=begin + HOUR - 2), VenueClock()
        times = [begin + at for at in (HOUR - 1, HOUR, 2 * HOUR - 1, 2 * HOUR, 2 * HOUR + 1)]
        for at, late in list(zip(times, (-500, 3, 2, 9, 8), strict=True))[:n]:
            m.ts_ns = at
            m.late(late).quote(0, 99, 5, 101, 4)
            clock.see(m.ts_ns, m.ts_ns - late)
        assert clocks(run(m, {}))[0][0] == clock.offset == (500 if n < 4 else -2)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(-50, 50)), max_size=30))
def test_the_clock_is_that_of_its_definition(messages):
    m, clock = MarketBuilder(ts_ns=10**9), VenueClock()
    for wait, late in messages:
        m.wait(wait).late(late).quote(0, 99, 5, 101, 4)
        clock.see(m.ts_ns, m.ts_ns - late)
    assert clocks(run(m, {}))[0][0] == clock.offset


# --- funding -----------------------------------------------------------------------------------


def test_a_settlement_of_a_past_time_pays_nothing_on_a_position_opened_after_it():
    """The recording begins 5 after the settlement, which its first row of marks announces."""
    at = 10**9 - 5
    m = MarketBuilder(ts_ns=10**9, transit=0).funding(1, 104, HALF, at)
    m.quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4).wait(71).quote(1, 99, 5, 101, 4).wait(1)
    found = run(m, {2: taker(1, 3, 1), 3: taker(1, 1, 1)})
    assert found.n_fills == 2
    assert paid(found) == []


def test_a_late_announcement_pays_on_what_was_held_at_its_time():
    """Bought 3 before it, sold 2 and bought 4 after it; a maker's fill of its time is in."""
    m = MarketBuilder(ts_ns=10**9, transit=0).quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4)
    m.wait(10).quote(1, 99, 5, 101, 9).trade(1, 98, 1, -1).wait(10).quote(1, 99, 5, 101, 9).wait(5)
    m.funding(1, 104, HALF, 10**9 + 10).wait(1).quote(1, 99, 5, 101, 4).wait(1)
    first = Decision((Leg(1, 1, 3), Leg(1, 1, 1, 1, 99)), bundle=False)
    found = run(m, {1: first, 2: taker(-1, 2, 1), 4: taker(1, 4, 1)})
    rows = twins.rows_of(found.exact.fills)
    assert [(f["ts_ns"] - 10**9, f["side"] * f["qty"]) for f in rows] == [
        (0, 3), (10, 1), (10, -2), (20, 4)
    ]  # fmt: skip
    assert paid(found) == [(10**9 + 10, 4)]
    [row] = twins.rows_of(found.exact.funding)
    assert (row["fills_before"], row["amount"]) == (4, -(4 * 104) // 2 * 10**8)


@pytest.mark.parametrize(("ahead", "position"), [(400, 1), (600, 3), (None, 1)])
def test_a_settlement_is_due_by_the_venues_clock(ahead, position):
    """The venue's clock is ahead: at the settlement the receive clock shows so much less."""
    m = MarketBuilder(ts_ns=10**9, transit=None if ahead is None else -ahead)
    m.quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4).funding(1, 104, HALF, 10**9 + 1_000)
    m.wait(500).quote(1, 99, 5, 101, 4).wait(900).quote(1, 99, 5, 101, 4).wait(1)
    found = run(m, {1: taker(1, 3, 1), 3: taker(-1, 2, 1)})
    assert paid(found) == [(10**9 + 1_000, position)]
    assert found.exact.venue_clocks[1].offset_ns == ahead


def test_a_clock_known_better_makes_a_settlement_past():
    """The offset grows at 700: by it the settlement was at 400, before the sale of 500."""
    m = MarketBuilder(ts_ns=10**9, transit=0)
    m.quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4).funding(1, 104, HALF, 10**9 + 1_000)
    m.wait(500).quote(1, 99, 5, 101, 4).wait(200).late(-600).quote(1, 99, 5, 101, 4)
    m.wait(1).quote(1, 99, 5, 101, 4).wait(1)
    found = run(m, {1: taker(1, 3, 1), 3: taker(-1, 2, 1)})
    assert paid(found) == [(10**9 + 1_000, 3)]


def test_money_on_a_clock_has_a_settlement_that_the_receive_clock_never_reaches():
    m = MarketBuilder(ts_ns=10**9, transit=-600)
    m.quote(0, 99, 5, 101, 4).quote(1, 99, 5, 101, 4).funding(1, 104, HALF, 10**9 + 1_000)
    m.wait(500).quote(1, 99, 5, 101, 4)
    found = run(m, {1: taker(1, 3, 1)})
    assert paid(found) == [(10**9 + 1_000, 3)]
    curve = found.equity_curve(100)
    assert curve.funding[-1] == 10 * found.exact.accounts[1].funding != 0
    assert curve.equity[-1] == found.exact.net_pnl


# --- settings and records ----------------------------------------------------------------------


def test_the_clock_is_a_term_of_the_costs():
    assert "trade_clock" not in FREE.describe()
    assert RECEIVE.describe()["trade_clock"] == "receive"
    assert FREE.cost_hash != RECEIVE.cost_hash
    assert CostModel.from_description(RECEIVE.describe()) == RECEIVE


def test_records_keep_clocks_and_the_summary_tells_them():
    m = start(-1_272_402_468).late(-1_272_400_000).trade(0, 98, 1, -1).trade(0, 98, 1, -1).wait(1)
    found = run(m, {0: order(1, 6, 99), 2: order(1, 6, 99)})
    assert records_of(found.exact.header, arrays_of(found.exact)).venue_clocks == (
        found.exact.venue_clocks
    )
    texts = [str(line) for line in found.summary()]
    assert (
        "the venue's clock of S was 1272.402468 ms ahead of the receive clock: by its largest "
        "exchange stamp; trades on resting orders go by it"
    ) in texts
    assert (
        "2 of 2 trades were over when the resting order at their price arrived: "
        "S, by exchange stamps; nothing was done for it"
    ) in texts


@pytest.mark.parametrize(
    ("instrument", "price", "goes"),
    [
        (0, 0, ""),
        (1, 0, "; settlements go by it"),
        (1, 99, "; trades on resting orders and settlements go by it"),
    ],
)
def test_the_summary_names_what_goes_by_the_clock(instrument: int, price: int, goes: str):
    """No word of trades where no order rests, and of settlements where there are none."""
    leg = Leg(instrument, 1, 1, 1 if price else 0, price)
    found = run(start().wait(1), {1: Decision((leg,), bundle=False)})
    said = [str(line) for line in found.summary() if line.section == "clocks"]
    symbol = found.instruments[instrument].symbol
    assert said == [
        f"the venue's clock of {symbol} was 0.000007 ms behind the receive clock: by its largest "
        f"exchange stamp{goes}"
    ]
