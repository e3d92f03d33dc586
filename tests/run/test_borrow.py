"""Spot that is sold and not held: interest, its line in every table, its refusal, its summary."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import ASSUMED_BORROW_BPS, CostModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.attribution import attribute_fills
from quantlaxmi.run.ledger_lines import lines_at_times
from quantlaxmi.schema import RiskRule
from quantlaxmi.trace import load_trace
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases

DAY = 86_400 * 10**9
YEAR = 365 * DAY


def sold(qty: int = 3, **options) -> Case:
    """Three sold at once, two bought a day later, at half a day's end of the data."""
    market = (
        MarketBuilder()
        .quote(0, 99, 50, 101, 50)
        .quote(1, 99, 50, 101, 50)
        .wait(DAY)
        .quote(0, 199, 50, 202, 50)
        .wait(DAY // 2)
        .quote(0, 299, 50, 301, 50)
        .wait(DAY // 2)
        .quote(0, 399, 50, 402, 50)
    )
    schedule = {1: Decision((Leg(0, -1, qty),)), 2: Decision((Leg(0, 1, 2),))}
    return Case("sold", market.tables(), schedule, **{"costs": traded.COSTS[1], **options})


def interest(mid2: int, qty: int, bps: int, ns: int) -> int:
    return round(Fraction(mid2, 2) * qty * bps * ns / (10**4 * YEAR))


def test_interest_is_paid_at_every_change_and_at_the_end():
    run, engine = twins.check_case(sold())
    paid = [
        (row["position"], row["ts_ns"] - row["since_ns"], row["amount"]) for row in engine.borrow
    ]
    assert paid == [
        (-3, DAY, interest(401, 3, 100_000, DAY)),
        (-1, DAY, interest(801, 1, 100_000, DAY)),
    ]
    assert all(amount > 0 for _, _, amount in paid)
    assert run.exact.accounts[0].borrow == sum(amount for _, _, amount in paid)
    assert run.exact.net_pnl == 10 * sum(run.exact.cash.values()) - 5 * 801


def test_a_rate_of_0_costs_nothing_and_still_tells_what_was_short():
    run, engine = twins.check_case(sold(costs=traded.COSTS[3]))
    assert [row["amount"] for row in engine.borrow] == [0, 0]
    [line] = [line for line in run.summary() if line.section == "borrow"]
    assert str(line) == (
        "1 time S was sold and not held: up to 3, for 2 days in all; the loan cost 0 USDT at "
        "0 bps a year"
    )


def test_where_no_rate_is_known_1000_bps_are_assumed_and_said():
    case = sold(qty=50, universe="binance", costs=traded.COSTS[0])
    run, engine = twins.check_case(case)
    assert FixedPoint(1000, 0) == ASSUMED_BORROW_BPS
    assert engine.borrow[0]["amount"] == interest(401, 50, 1000, DAY) == 3
    [line] = [line for line in run.summary() if line.section == "borrow"]
    assert str(line).endswith("at an assumed 1000 bps a year: no rate is known")
    assert line.figures["held_ns"] == str(2 * DAY)
    assert run.costs.describe() == case.costs.describe() | {
        "min_notional": run.costs.describe()["min_notional"]
    }  # an assumption is no term of the model


def test_perpetuals_and_long_spot_pay_none():
    case = sold()
    for legs in ((Leg(1, -1, 3),), (Leg(0, 1, 3),)):
        run, _ = twins.check_case(replace(case, schedule={1: Decision(legs)}))
        assert len(run.exact.borrow) == 0
        assert not [line for line in run.summary() if line.section == "borrow"]


def test_a_flip_and_flattening_end_the_loan():
    case = sold(flatten=True)
    schedule = {1: Decision((Leg(0, -1, 3),)), 2: Decision((Leg(0, 1, 5),))}
    run, _ = twins.check_case(replace(case, schedule=schedule))
    assert run.exact.borrow["position"].tolist() == [-3]
    run, _ = twins.check_case(case)
    assert run.exact.borrow["position"].tolist() == [-3, -1]
    assert run.exact.borrow["fills_before"].tolist() == [1, 2]


@settings(max_examples=examples(150), deadline=None)
@given(random_cases(slow=True), st.booleans())
def test_short_spot_is_refused_where_asked(case, refuse):
    limits = RiskLimits(short_spot="refuse" if refuse else "borrow")
    run, _ = twins.check_case(replace(case, limits=limits))
    rules = set(run.exact.risk["rule"].tolist())
    assert refuse or RiskRule.SHORT_SPOT not in rules


def test_a_sale_of_what_is_held_is_not_refused():
    limits = RiskLimits(short_spot="refuse")
    case = sold(limits=limits)
    run, engine = twins.check_case(case)
    assert [(row["rule"], row["value"], row["limit"]) for row in engine.risk] == [
        (RiskRule.SHORT_SPOT, -3, 0)
    ]
    assert limits.describe() == {"short_spot": "refuse"}
    assert RiskLimits.from_description(limits.describe()) == limits
    texts = [str(line) for line in run.summary()]
    assert "1 of 2 orders was refused: S that is not held may not be sold" in texts
    schedule = {0: Decision((Leg(0, 1, 3),)), 2: Decision((Leg(0, -1, 3),))}
    _, engine = twins.check_case(replace(case, schedule=schedule))
    assert not engine.risk


@settings(max_examples=examples(60), deadline=None)
@given(order_cases(60))
def test_refusal_sees_what_rests_and_is_changed(case):
    twins.check_case(replace(case, limits=RiskLimits(short_spot="refuse")))


def test_the_trace_holds_interest_only_where_there_is_some(tmp_path):
    short, _ = twins.run_case(sold())
    long, _ = twins.run_case(replace(sold(), schedule={1: Decision((Leg(0, 1, 3),))}))
    for run, there in ((short, True), (long, False)):
        for suffix in ("json", "arrow"):
            path = tmp_path / f"{there}.{suffix}"
            run.trace.save(path)
            assert (b'"borrow"' in path.read_bytes()) == (there and suffix == "json")
            again = load_trace(path)
            assert again.outcome_hash == run.trace.outcome_hash
            assert np.array_equal(again.table("borrow"), run.exact.borrow)
            assert list(again.borrow) == list(run.trace.borrow)
    assert short.trace.borrow[0].amount == twins.rows_of(short.exact.borrow)[0]["amount"]


def test_tables_have_interest_in_a_column_of_its_own():
    run, _ = twins.run_case(sold(qty=50, universe="binance"))
    table = run.table("borrow")
    assert table.num_rows == 2
    assert table["amount"][0].as_py() == run.table("attributions")["borrow"][1].as_py() > 0
    ledger = run.table("ledger").to_pylist()
    for row in ledger:
        assert row["equity"] == (
            row["realized"]
            + row["unrealized"]
            - row["fees"]
            + row["funding"]
            - row["borrow"]
            - row["accrued"]
        )
    curve = run.equity_curve(DAY)
    assert int(curve.borrow[-1]) == 10 * run.exact.accounts[0].borrow


def test_equity_between_changes_has_the_interest_so_far():
    run, engine = twins.check_case(sold(qty=50))
    ends = run.segment.first_ts_ns + np.arange(1, 9) * (DAY // 4)
    lines = lines_at_times(run.exact, run.segment, ends, run.loans)
    start, second = (row["since_ns"] for row in engine.borrow)
    for k, at in enumerate(ends.tolist()):
        qty, since = (50, start) if at < second else (48, second)
        due = interest(int(lines.mid2[0][k]), qty, 100_000, at - since)
        if at >= engine.borrow[-1]["ts_ns"]:
            due = 0
        assert lines.instruments[0].accrued[k] == 10 * due
        paid = sum(r["amount"] for r in engine.borrow if r["ts_ns"] <= at)
        assert lines.instruments[0].borrow[k] == 10 * paid
    plain = lines_at_times(run.exact, run.segment, ends)
    total = lines.totals["USDT"]
    assert (plain.totals["USDT"].equity - total.equity).tolist() == total.accrued.tolist()
    assert total.accrued.any()
    assert total.equity[-1] == plain.totals["USDT"].equity[-1] == run.exact.net_pnl


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(slow=True))
def test_accrued_interest_is_that_of_the_formula(case):
    """At every stamp of the market; nothing is owed once it is paid at the end."""
    run, _ = twins.run_case(case)
    stamps = sorted({int(t) for table in case.tables.values() for t in table["ts_ns"]})
    if not len(run.exact.fills):
        return
    lines = lines_at_times(run.exact, run.segment, np.array(stamps, np.int64), run.loans)
    terms = traded.terms_of(case.instruments, case.costs)
    for place, i in enumerate(lines.held):
        one, bps = case.instruments[i], terms[i].borrow_bps
        places = one.price_exponent + one.qty_exponent - run.ledger_exponent
        fills = [f for f in twins.rows_of(run.exact.fills) if f["instrument"] == i]
        for k, at in enumerate(stamps):
            before = [f for f in fills if f["ts_ns"] <= at]
            held, due = before[-1]["position"] if before else 0, 0
            if held < 0 and bps is not None and at < stamps[-1]:
                unit = terms[i].multiplier * Fraction(10) ** places
                worth = Fraction(int(lines.mid2[place][k]), 2) * -held * unit
                due = round(worth * bps * (at - before[-1]["ts_ns"]) / (10**4 * YEAR))
            assert lines.instruments[place].accrued[k] == 10 * due


def test_attribution_without_the_interest_is_withheld():
    run, _ = twins.run_case(sold())
    tables = {name: getattr(run.exact, name) for name in twins.TABLES}
    arguments = (run.exact.scales, run.exact.last_mids, run.ledger_exponent)
    attribute_fills(tables, *arguments, list(run.exact.cash.values()))
    with pytest.raises(Exception, match="sum to"):
        attribute_fills(
            tables | {"borrow": tables["borrow"][:0]}, *arguments, [*run.exact.cash.values()]
        )


def test_interest_beyond_128_bits_is_exact():
    """Products that leave 128 bits on the way; the quotient fits."""
    costs = CostModel(rates=traded.COSTS[3].rates, borrow={"spot": FixedPoint(9987654321, -5)})
    big = 10**13
    market = (
        MarketBuilder()
        .quote(0, big - 1, big, big + 2, big)
        .quote(1, 99, 50, 101, 50)
        .wait(3 * YEAR + 7)
        .quote(0, big - 1, big, big + 2, big)
    )
    schedule = {1: Decision((Leg(0, -1, big),))}
    for universe in ("coarse", "binance", "mixed"):
        run, engine = twins.check_case(
            Case("big", market.tables(), schedule, universe=universe, costs=costs)
        )
        assert engine.borrow[0]["amount"] > 1 << 64
        assert run.exact.accounts[0].borrow == engine.borrow[0]["amount"]
