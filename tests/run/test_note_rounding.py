"""Rounding of contract notes: a sum a session day, in every figure of a run's money."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import int128_array
from quantlaxmi.gates.observation import amounts_of
from quantlaxmi.gates.path.increments import net_by_bucket, run_equity
from quantlaxmi.run.bucket_sums import bucket_ends, sums_at
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.equity_points import equity_points
from quantlaxmi.run.grid_runs import grid_runs
from quantlaxmi.run.record_arrays import arrays_of, records_of
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.statistics import run_statistics
from quantlaxmi.run.trip_money import trip_money
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive import notes as naive
from tests.naive.engine import Decision, Leg
from tests.run.test_components import AUGUST, CHAIN

HOUR_NS = 3600 * 10**9
COSTS = {
    which: traded.with_components(CostModel(rates={}), which, ("call", "put")) for which in (0, 1)
}


@st.composite
def days(draw) -> Case:
    """Some orders over days: each some hours after the one before, in a call or a put."""
    which = draw(st.sampled_from((0, 1)))
    market, schedule = MarketBuilder(ts_ns=AUGUST), {}
    market.quote(0, 95_00, 900, 95_05, 900).quote(1, 80_00, 900, 80_05, 900)
    calls = 2
    for _ in range(draw(st.integers(0, 7))):
        market.wait(draw(st.integers(0, 30)) * HOUR_NS // 2)
        bid, instrument = draw(st.integers(1, 99_999)), draw(st.integers(0, 1))
        market.quote(instrument, bid, 900, bid + 5, 900)
        side, qty = draw(st.sampled_from((-1, 1))), draw(st.integers(1, 300))
        schedule[calls] = Decision((Leg(instrument, side, qty),))
        calls += 1
    return Case(
        "days",
        market.wait(draw(st.integers(0, 40)) * HOUR_NS).quote(0, 50_00, 9, 50_05, 9).tables(),
        schedule,
        universe="options",
        flatten=draw(st.booleans()),
        costs=COSTS[which].with_exact_fees(traded.OPTIONS["options"]),
    )


def naive_notes(case: Case) -> dict:
    """The twin's, from the twin's own fills."""
    engine, _ = twins.naive_run(case)
    values = [Fraction(f["price"] * f["qty"], 100) for f in engine.fills]
    return naive.notes(engine.fills, engine.terms, values)


@settings(max_examples=examples(150), deadline=None)
@given(days())
def test_the_sums_of_days_are_the_twin_s_and_net_is_what_is_left(case):
    run, _ = twins.check_case(case)
    expected, unit = naive_notes(case), Fraction(10) ** run.ledger_exponent
    rows = run.exact.notes
    found = [a * unit for a in int128_array(rows["amount_hi"], rows["amount_lo"]).tolist()]
    assert sorted(found) == sorted(expected.values())
    assert len(set(rows["day"].tolist())) == len({day for day, *_ in expected})
    totals = [a * unit for a in int128_array(rows["total_hi"], rows["total_lo"]).tolist()]
    assert all((a + b).denominator == 1 for a, b in zip(found, totals, strict=True))
    money = run.money["INR"]
    assert money.rounding.as_integer_ratio() == sum(found, Fraction(0)).as_integer_ratio()
    assert money.gross - money.slippage - money.fees - money.rounding == money.net
    stats = run_statistics(run)
    assert (stats.net, stats.rounding) == (run.net, run.rounding)


@settings(max_examples=examples(40), deadline=None)
@given(days())
def test_trips_add_up_to_the_net_before_notes_are_rounded(case):
    run, _ = twins.check_case(case)
    for by_instrument in (False, True):
        trips = [Fraction(one) for one in run.trades(by_instrument=by_instrument)["net"]]
        assert sum(trips, Fraction(0)) - Fraction(run.rounding) == Fraction(run.net)


@settings(max_examples=examples(80), deadline=None)
@given(days(), st.integers(1, 30))
def test_every_figure_of_equity_ends_at_the_net(case, hours):
    run, _ = twins.run_case(case)
    net, amounts = run.exact.net_pnl, amounts_of(run)
    assert amounts.net == net
    assert amounts.stressed(Fraction(1), Fraction(0)) == net
    curve, equity = run_equity(run, hours * HOUR_NS)
    assert equity[-1] == net
    assert np.cumsum(net_by_bucket(run, curve)).tolist() == equity
    assert equity_points(run, hours * HOUR_NS).net.tolist()[-1] == net
    ends = bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns)
    assert sums_at(run, ends).net[-1] == net
    trip_money(run.exact)
    run.table("ledger")
    again = records_of(run.header, arrays_of(run.exact))
    assert again.net_by_currency == run.exact.net_by_currency
    assert again.notes.tobytes() == run.exact.notes.tobytes()
    script = twins.script(case.schedule)
    config = RunConfig.of(costs=case.costs, latency_ns=0, flatten=case.flatten)
    [made] = grid_runs(run.segment, script, [None], curve.ts_ns, config=config).runs
    assert made.equity == equity


@settings(max_examples=examples(60), deadline=None)
@given(days(), st.sampled_from([Fraction(0), Fraction(3, 2), Fraction(7, 4), Fraction(3)]))
def test_a_stress_is_what_a_run_at_those_fees_makes(case, multiplier):
    case = replace(case, flatten=False)
    run, _ = twins.run_case(case)
    dearer, _ = twins.run_case(replace(case, costs=case.costs.scaled(multiplier)))
    finer = run.ledger_exponent - dearer.ledger_exponent
    expected = amounts_of(run).stressed(multiplier, Fraction(0))
    assert dearer.exact.net_pnl == expected * Fraction(10) ** finer


def test_a_sum_of_half_a_unit_is_rounded_up_and_a_session_in_two_parts_is_one_day():
    """STT of 0.10 % on 200 and on 300: 0.20 and 0.30 are 0.50, so 1 is paid; no stamp on sales."""
    market = MarketBuilder(ts_ns=AUGUST).quote(0, 2_00, 900, 2_05, 900)
    market.wait(2 * HOUR_NS).quote(0, 3_00, 900, 3_05, 900).wait(24 * HOUR_NS)
    market.quote(0, 1_00, 900, 1_05, 900).wait(1).quote(0, 1_00, 900, 1_05, 900)
    sales = {k: Decision((Leg(0, -1, 100),)) for k in (0, 1, 2)}
    segment = MemorySegment(market.tables(), CHAIN)
    run = run_columns(segment, twins.script(sales), RunConfig.of(latency_ns=0))
    unit = Fraction(10) ** run.ledger_exponent
    rows = run.exact.notes
    found = [a * unit for a in int128_array(rows["amount_hi"], rows["amount_lo"]).tolist()]
    assert found == [Fraction(1, 2), Fraction(-1, 10)]
    assert run.exact.notes["ts_ns"].tolist() == [AUGUST + 2 * HOUR_NS, AUGUST + 26 * HOUR_NS + 1]
    assert run.exact.notes["fills_before"].tolist() == [2, 3]


def test_a_run_whose_components_are_not_rounded_has_no_notes():
    case = Case("plain", MarketBuilder().tables(), {}, universe="options", costs=COSTS[0])
    assert len(twins.run_case(case)[0].exact.notes) == 0
    costs = msgspec.structs.replace(
        COSTS[0], components={"call": COSTS[0].components["call"][:1], "put": ()}
    )
    market = MarketBuilder().quote(0, 2_00, 900, 2_05, 900).tables()
    sale = {0: Decision((Leg(0, -1, 100),))}
    run, _ = twins.run_case(Case("flat", market, sale, universe="options", costs=costs))
    assert run.n_fills == 1 and len(run.exact.notes) == 0
    assert "rounding" not in run_statistics(run).to_dict()
