"""Fees of components in runs: engine and twin, the grid's prices, NSE's check values."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.result import Run
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse_costs import session_day
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_decision_points import bundle_lists, check, check_own_decisions
from tests.run.test_engine_properties import same_runs
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases

UNIVERSES = st.sampled_from(["coarse", "options", "future"])
WHICH = st.integers(0, len(traded.COMPONENTS) - 1)
CASES = st.one_of(random_cases(80, slow=True), order_cases(80)).filter(
    lambda case: len(case.instruments) == 2
)
KINDS = ("perp", "call", "put", "future")


def with_components(case: Case, which: int, universe: str) -> Case:
    """The case in another universe, with components beside its rates; its fees are exact."""
    limits = case.limits if universe == case.universe else traded.NO_LIMITS
    case = replace(case, universe=universe, limits=limits)
    rate = next(iter(case.costs.rates.values()))
    costs = msgspec.structs.replace(
        traded.with_components(case.costs, which, KINDS),
        rates=case.costs.rates | {InstrumentKind.CALL: rate},
    )
    return replace(case, costs=costs.with_exact_fees(case.instruments))


@settings(max_examples=examples(300), deadline=None)
@given(CASES, WHICH, UNIVERSES)
def test_the_engine_is_its_twin(case, which, universe):
    twins.check_case(with_components(case, which, universe))


@settings(max_examples=examples(60), deadline=None)
@given(CASES, WHICH, UNIVERSES, st.lists(st.integers(0, 120), max_size=9))
def test_replay_in_batches_equals_backtest(case, which, universe, cuts):
    case = with_components(case, which, universe)
    (whole, seen), (pieces, again) = twins.run_case(case), twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == again


@settings(max_examples=examples(120), deadline=None)
@given(random_cases(60), WHICH, UNIVERSES, bundle_lists())
def test_the_grid_prices_with_components(case, which, universe, bundles):
    if len(case.instruments) == 2:
        check_own_decisions(*check(with_components(case, which, universe), bundles))


#: 09:15 IST of 2025-08-29, and of the first day of dearer securities transaction tax.
AUGUST, APRIL = 1_756_439_100_000_000_000, 1_775_015_100_000_000_000
OPTION = {"currency": "INR", "base": "NIFTY", "venue": "nse"}
CHAIN = (
    traded.instrument("NIFTY-20261229-24600-CE", InstrumentKind.CALL, -2, 0, **OPTION),
    traded.instrument("NIFTY-20261229-24600-PE", InstrumentKind.PUT, -2, 0, **OPTION),
)


def traded_once(side: int, qty: int, paise: int, ts_ns: int, costs: CostModel | None = None) -> Run:
    """An order of a call at its touch, at no latency."""
    market = MarketBuilder(ts_ns=ts_ns)
    bid, ask = (paise - 5, paise) if side > 0 else (paise, paise + 5)
    market = market.quote(0, bid, qty, ask, qty).wait(1).quote(1, bid, qty, ask, qty)
    strategy = twins.script({0: Decision((Leg(0, side, qty),))})
    config = RunConfig.of(costs=costs, latency_ns=0)
    return run_columns(MemorySegment(market.tables(), CHAIN), strategy, config)


@pytest.mark.parametrize(
    ("side", "qty", "paise", "ts_ns", "total"),
    [
        (1, 15, 200_00, AUGUST, "24.951302"),
        (-1, 15, 200_00, AUGUST, "27.861302"),
        (-1, 15, 200_00, APRIL, "29.361302"),
        (1, 65, 100_50, AUGUST, "26.542460105"),
        (-1, 65, 200_00, APRIL, "48.565642"),
    ],
)
def test_check_values_of_nse_through_a_run(side, qty, paise, ts_ns, total):
    run = traded_once(side, qty, paise, ts_ns)
    [fill] = twins.rows_of(run.exact.fills)
    fee = Fraction(fill["fee"]) * Fraction(10) ** run.ledger_exponent
    assert fee == Fraction(total)
    assert str(run.fees.normalize()) == total
    assert run.costs.fee_exponent <= -11


def test_check_value_without_ipft_through_a_run():
    full = traded_once(1, 15, 200_00, AUGUST).costs
    parts = tuple(c for c in full.components["call"] if c.name != "ipft")
    given_costs = msgspec.structs.replace(full, components={"call": parts, "put": parts})
    assert str(traded_once(1, 15, 200_00, AUGUST, given_costs).fees.normalize()) == "24.933602"


def test_costs_of_a_chain_have_entries_by_kind_alone():
    costs = traded_once(1, 15, 200_00, AUGUST).costs
    assert costs.components.keys() == costs.min_notional.keys() == {"call", "put"}
    assert costs.rates == costs.symbols == {}
    assert CostModel.from_description(costs.describe()) == costs


def test_an_order_pays_what_is_flat_at_its_first_fill_alone():
    """Two levels, then a rest that is met later: one brokerage. No fill, none."""
    market = MarketBuilder().depth(
        0, (5, 5, -1), [(1, 98_00, 4), (-1, 101_00, 5), (-1, 102_00, 2)], snapshot=True
    )
    market = market.wait(10).trade(0, 102_00, 3, -1).wait(10).trade(0, 102_00, 90, -1).wait(10)
    buys = Leg(0, 1, 12, 1, 102_00, 0)
    costs = traded.with_components(CostModel(rates={}), 1, ("call", "put"))
    case = Case(
        "flat",
        market.tables(),
        {0: Decision((buys,), bundle=False), 1: Decision((Leg(1, 1, 3),))},
        universe="options",
        costs=costs.with_exact_fees(traded.OPTIONS["options"]),
    )
    run, _ = twins.check_case(case)
    fills = twins.rows_of(run.exact.fills)
    assert len(fills) > 2 and {f["order"] for f in fills} == {0}
    share = Fraction(7, 100)
    paid = [Fraction(f["fee"]) * Fraction(10) ** run.ledger_exponent for f in fills]
    values = [Fraction(f["price"] * f["qty"], 100) for f in fills]
    assert paid[0] - values[0] * share == 3 * (1 + Fraction(205, 1000))
    assert paid[1:] == [v * share for v in values[1:]]


def test_session_days_are_those_of_india():
    assert session_day(AUGUST).isoformat() == "2025-08-29"
    assert session_day(AUGUST - 10 * 3600 * 10**9).isoformat() == "2025-08-28"
    assert session_day(AUGUST + 14 * 3600 * 10**9).isoformat() == "2025-08-29"
