"""What is said of a run besides its figures: each line against a count made by hand."""

from __future__ import annotations

import pickle
from collections import Counter
from fractions import Fraction

import msgspec
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.summary.gaps import _positions_text
from quantlaxmi.run.summary.held import held_positions
from quantlaxmi.run.summary.line import SummaryLine, price_step_of
from quantlaxmi.run.summary.steps import held_steps
from quantlaxmi.segment import Gap
from tests import twins
from tests.cases import Case
from tests.market_builder import MarketBuilder
from tests.naive import book_kinds as naive
from tests.naive.engine import Decision, Leg
from tests.random_markets import random_market, random_schedule
from tests.run.test_orders import FREE, cancel, limit, market, modify, one, run
from tests.traded import NO_LIMITS, costs
from tests.twins import rows_of


def texts(found, section):
    return [str(line) for line in found.summary() if line.section == section]


def test_a_line_is_one_sentence_with_its_share() -> None:
    line = SummaryLine("orders", "orders were refused", "worth less than 20 USDT", 912, 1073)
    assert str(line) == "912 of 1,073 orders were refused: worth less than 20 USDT"
    assert line.share == Fraction(912, 1073) and line.to_json()["share"] == "0.849953"
    assert pickle.loads(pickle.dumps(line)) == line
    bare = SummaryLine("margin", "no capital stated")
    assert str(bare) == "no capital stated" and bare.share is None
    assert str(SummaryLine("x", "a\n\x1b[31m", "b", 3, 0)) == "3 of 0 a\\n\\x1b[31m: b"


def test_orders_refused_are_told_with_their_share_and_cause() -> None:
    least = {"spot": FixedPoint(150, 0)}
    dear = msgspec.structs.replace(costs("0", "0", "0"), min_notional=least)
    schedule = {
        0: one(limit(1, 1, 99)),
        1: one(limit(1, 1, 98)),
        2: one(limit(1, 2, 98)),  # 196, enough
    }
    builder = market()
    for _ in range(3):
        builder.quote(0, 99, 5, 101, 4).wait(1)
    found = run(builder, schedule, model=dear)
    assert texts(found, "orders")[0] == "2 of 3 orders were refused: worth less than 150 USDT"


def test_a_bundle_names_the_rule_that_its_other_leg_broke() -> None:
    builder = market().quote(1, 99, 5, 101, 4).wait(1).quote(0, 99, 5, 101, 4)
    limits = RiskLimits.from_mapping({"symbols": {"S": {"max_position": "1"}}}, "risk")
    both = Decision((Leg(0, 1, 2), Leg(1, -1, 2)))
    assert texts(run(builder, {1: both}, limits=limits), "orders") == [
        "1 of 2 orders was refused: a position above 1 of S",
        "1 of 2 orders was refused: another leg of the bundle: a position above 1 of S",
    ]


def test_orders_that_end_short_are_told() -> None:
    builder = market()
    for _ in range(4):
        builder.quote(0, 99, 5, 101, 4).wait(1)
    schedule = {
        0: one(limit(1, 9, 99), Leg(0, 1, 6)),  # the second meets 4
        1: one(cancel(0), limit(1, 1, 90)),
        2: one(cancel(0), modify(0, 1, 99)),
    }
    lines = texts(run(builder, schedule), "orders")
    assert Counter(lines) == Counter(
        [
            "1 of 3 orders was cancelled whole: as the strategy asked",
            "1 of 3 orders was cancelled whole: the data ended",
            "1 of 3 orders was cancelled in part: the displayed size was used up",
            "2 of 3 changes of orders were refused: the order had ended, or was not there yet",
        ]
    )


@pytest.mark.parametrize("step", ["1", "0.5", "-2", "x", "", "1e99", float("nan"), None, 1])
def test_a_price_step_is_a_number_above_one(step) -> None:
    with pytest.raises(InputError, match="expected a number above 1"):
        price_step_of(step)


def test_a_price_step_is_read_exactly() -> None:
    assert price_step_of("1.5") == price_step_of(1.5) == Fraction(3, 2)


def steady(prices, wait=1):
    builder = MarketBuilder()
    for price in prices:
        builder.quote(0, price - 1, 5, price + 1, 4).wait(wait)
    return builder


def with_gaps(found, *gaps):
    """The run on a market that lists gaps."""
    found.segment.gaps = gaps
    return found


def buy(qty=1):
    return one(Leg(0, 1, qty))


def gap(start, end, symbol="S", table="quotes"):
    return Gap(table=table, symbol=symbol, start_ns=start, end_ns=end, reason="no quotes")


@pytest.mark.parametrize(
    ("start", "end", "held"),
    [
        (1000, 1001, False),  # before the fill at 1001
        (1000, 1002, True),  # in it
        (1003, 1004, True),
        (1004, 1005, False),  # sold at 1004
    ],
)
def test_a_gap_is_held_over_where_the_position_was_not_flat(start, end, held) -> None:
    found = run(steady([100] * 6), {0: buy(), 3: one(Leg(0, -1, 1))}, latency=1)
    fills = [row["ts_ns"] for row in rows_of(found.exact.fills)]
    assert fills == [1001, 1004]
    lines = texts(with_gaps(found, gap(start, end)), "gaps")
    assert lines[0] == f"{int(held)} of 1 gap of the data was held over"
    assert len(lines) == 1 + held


def test_gaps_are_told_by_symbol_longest_first() -> None:
    found = run(steady([100] * 6), {0: buy(2)})
    gaps = [gap(1002, 1004), gap(1001, 1002, symbol=""), gap(1001, 1004, symbol="P")]
    assert texts(with_gaps(found, *gaps), "gaps") == [
        "2 of 3 gaps of the data were held over",
        "2 of S was held over a gap of quotes, 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z: "
        "no quotes",
        "2 of S was held over a gap of quotes, 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z: "
        "no quotes",
    ]
    many = [gap(1002, 1003) for _ in range(30)]
    assert texts(with_gaps(found, *many), "gaps")[-1] == "20 gaps held over are shorter"


class Lane:
    """What an instrument held, as far as its words go."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def text(self, position: int) -> str:
        return f"{position} of {self.symbol}"


def test_positions_over_one_gap_share_a_line() -> None:
    legs = [(Lane(symbol), k + 1) for k, symbol in enumerate("STUV")]
    assert _positions_text(legs[:1]) == "1 of S was"
    assert _positions_text(legs[:2]) == "1 of S, 2 of T were"
    assert _positions_text(legs) == "1 of S, 2 of T and 2 more were"


def test_hours_without_a_book_are_told_where_no_gap_tells_them() -> None:
    hour = 3_600 * 10**9
    found = run(steady([100] * 4, wait=13 * hour), {0: buy(), 2: one(Leg(0, -1, 1))})
    expected = [
        "1 of S was held over 13 hours without a book, 1970-01-01T00:00:00Z to "
        "1970-01-01T13:00:00Z",
        "1 of S was held over 13 hours without a book, 1970-01-01T13:00:00Z to "
        "1970-01-02T02:00:00Z",
    ]
    assert texts(found, "gaps") == expected
    told = texts(with_gaps(found, gap(1000, 1000 + 13 * hour)), "gaps")
    assert told[0] == "1 of 1 gap of the data was held over" and told[2:] == expected[1:]
    found.segment.cadence = "bars"
    assert len(texts(found, "gaps")) == 2


def test_data_that_end_long_after_the_last_book_are_told() -> None:
    builder = steady([100] * 3).wait(15 * 3_600 * 10**9).trade(1, 5, 1, 1)
    lines = texts(run(builder, {0: buy()}), "gaps")
    assert lines == [
        "1 of S was held over 15 hours without a book, 1970-01-01T00:00:00Z to 1970-01-01T15:00:00Z"
    ]


def test_a_price_step_is_told_where_it_was_held() -> None:
    prices = [100, 150, 225, 338, 100, 10]
    found = run(steady(prices), {0: buy(), 4: one(Leg(0, -1, 1))})
    assert texts(found, "price steps") == [
        "2 price steps were held over: beyond a factor 1.5",
        "1 of S was held over a step from 338 to 100 at 1970-01-01T00:00:00Z",
        "1 of S was held over a step from 225 to 338 at 1970-01-01T00:00:00Z",
    ]
    assert len([x for x in found.summary("1.4999") if x.section == "price steps"]) == 5
    assert [x for x in found.summary("3.38") if x.section == "price steps"] == []


@pytest.mark.parametrize("with_quotes", [True, False])
@pytest.mark.parametrize("seed", range(15))
def test_price_steps_match_the_naive_count(seed: int, with_quotes: bool, monkeypatch) -> None:
    monkeypatch.setattr("quantlaxmi.run.summary.steps._CHUNK", 7)
    tables = random_market(seed, 300, with_quotes=with_quotes)
    schedule = random_schedule(seed, 300)
    case = Case("c", tables, schedule, 0, False, "coarse", FREE, NO_LIMITS)
    found = twins.check_case(case)[0]
    factor = Fraction("1.001")
    fills = rows_of(found.exact.fills)
    expected = [
        (k, *step)
        for k in range(2)
        for step in naive.steps(
            naive.books_of(tables, k), [f for f in fills if f["instrument"] == k], factor
        )
    ]
    held = held_positions(found.exact)
    seen = [
        (s.instrument, s.position, s.before, s.after, s.to_ns)
        for s in held_steps(found.segment, held, factor)
    ]
    assert sorted(seen) == sorted(expected)


def test_a_run_that_cannot_trade_says_so() -> None:
    builder = MarketBuilder()
    for _ in range(3):
        builder.quote(0, 100, 5, 100, 4).wait(1)
    assert texts(run(builder, {0: buy()}), "books") == [
        "all 3 books of S are locked (bid = ask): no order can be filled",
        "P has no quote and no depth: no order can be filled",
    ]
