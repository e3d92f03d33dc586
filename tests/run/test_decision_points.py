"""Decision points against their naive twin, and against what runs themselves paid."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import FixedPointOverflow, InputError, StrategyError
from quantlaxmi.run import decision_points as module
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import EventKind
from tests import cases, random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive import decision_points as naive
from tests.naive.engine import Decision, Leg
from tests.run.test_replay_loop import random_cases

KINDS = st.sets(st.sampled_from(list(EventKind)), min_size=1)
QTY = st.integers(-14, 14).filter(bool)


@st.composite
def bundle_lists(draw):
    made = []
    for _ in range(draw(st.integers(0, 3))):
        legs = draw(st.sets(st.integers(0, 1), min_size=1))
        made.append(tuple((i, draw(QTY)) for i in sorted(legs)))
    return made


def check(case: Case, bundles, kinds=twins.ALL_KINDS):
    run, _ = twins.run_case(case, kinds=kinds)
    engine, _ = twins.naive_run(case, kinds)
    instruments = case.instruments
    wanted = {leg["instrument"] for leg in engine.legs} | {i for b in bundles for i, _ in b}
    expected = naive.points(
        case.tables,
        engine.terms,
        sorted(wanted) or range(len(instruments)),
        frozenset(kinds),
        bundles,
        case.latency_ns,
        engine.notional,
        engine.fee,
        lots=[rule.lot for rule in engine.rules],
    )
    points = decision_points(run, bundles)
    assert points.seq.tolist() == [row["seq"] for row in expected]
    assert points.ts_ns.tolist() == [row["ts_ns"] for row in expected]
    assert points.instruments == tuple(points.mid2) == tuple(sorted(wanted))
    for i, column in points.mid2.items():
        assert column.tolist() == [row["mid2"][i] for row in expected]
    assert points.last_mid2.tolist() == [b.mid2 for b in engine.market.books]
    assert points.can_trade.tolist() == [row["can_trade"] for row in expected]
    for k, bundle in enumerate(bundles):
        cost = points.cost(bundle)
        mine = [row["costs"][k] for row in expected]
        assert cost.fillable.tolist() == [c is not None for c in mine]
        assert [v * cost.unit for v in cost.values.tolist()] == [c or 0 for c in mine]
    return run, engine, points


def check_own_decisions(run, engine, points):
    """What filled whole, from size nobody had taken before, cost what the decision points says."""
    place = {seq: k for k, seq in enumerate(points.seq.tolist())}
    found = run.exact.attributions
    fresh = untouched(engine)
    compared = 0
    for decision in engine.decisions:
        number = decision["sequence"]
        legs = [x for x in engine.legs if x["decision"] == number]
        closes = [o for o in engine.orders if o["decision"] == number and o["kind"] == 4]
        whole = [o["status"] for o in closes] == [1] * len(legs)
        if decision["seq"] not in place or not whole or number not in fresh:
            continue
        if len({x["instrument"] for x in legs}) < len(legs):
            continue
        cost = points.cost(tuple(sorted((x["instrument"], x["side"] * x["qty"]) for x in legs)))
        row = place[decision["seq"]]
        mine = [k for k, f in enumerate(engine.fills) if f["decision"] == number]
        assert cost.fillable[row]
        assert int(cost.values[row]) * cost.unit == sum(
            found.slippage[k] + found.fee[k] for k in mine
        )
        compared += 1
    return compared


def untouched(engine) -> set[int]:
    """Decisions none of whose fills met a book from which the run had already taken."""
    last: dict[tuple[int, int, int], int] = {}
    touched = set()
    for fill in engine.fills:
        key = (fill["instrument"], fill["side"], fill["ts_ns"])
        for (i, side, _), decision in list(last.items()):
            # Any earlier fill of that side may still count; only a later quote would clear it.
            if (i, side) == key[:2] and decision != fill["decision"]:
                touched.add(fill["decision"])
        last[key] = fill["decision"]
    return {d["sequence"] for d in engine.decisions} - touched


@pytest.mark.parametrize("case", cases.replay_cases(), ids=str)
def test_corners_match_naive(case):
    bundles = [((0, 3),), ((0, -3), (1, 3)), ((1, 12),)]
    for universe in ("binance", "coarse"):
        check(
            Case(case.name, case.tables, case.schedule, case.latency_ns, case.flatten, universe),
            bundles,
        )


@settings(max_examples=examples(150), deadline=None)
@given(random_cases(), bundle_lists(), KINDS)
def test_random_grids_match_naive(case, bundles, kinds):
    check(case, bundles, tuple(kinds))


@settings(max_examples=examples(100), deadline=None)
@given(random_cases(40))
def test_own_decisions_cost_what_the_run_paid(case):
    check_own_decisions(*check(case, []))


def test_own_decisions_are_found():
    """The comparison above is not empty."""
    builder = MarketBuilder()
    for k in range(40):
        builder.quote(0, 990 + k, 20, 992 + k, 20).wait(1).quote(1, 1000 + k, 20, 1003 + k, 20)
        builder.wait(3)
    schedule = {8: Decision((Leg(0, 1, 7), Leg(1, -1, 5)))}
    case = Case("whole fills", builder.tables(), schedule, 4, universe="binance")
    assert check_own_decisions(*check(case, [])) == 1


def test_a_bundle_is_priced_once(monkeypatch):
    run, _ = twins.run_case(Case("c", random_markets.random_market(3, 60), {}))
    calls = []
    observe = module._observe
    monkeypatch.setattr(module, "_observe", lambda *a: calls.append(1) or observe(*a))
    points = decision_points(run, [((0, 1),), ((1, 2),)])
    first = points.cost(((0, 1),))
    assert points.cost(((0, 1),)) is first
    assert calls == [1]
    points.prepare([((0, 1),), ((0, -1),), ((1, 3),)])
    assert calls == [1, 1]
    assert points.cost(((0, -1),)).values.shape == points.seq.shape


def test_can_trade_is_asked_of_the_strategy():
    class Choosy(twins.Script):
        strategy_id = "choosy"
        log: ClassVar = []

        def can_trade(self, ctx):
            return ctx.book("S").bid_qty >= 5

    segment = MemorySegment(random_markets.random_market(5, 200), traded.UNIVERSES["coarse"])
    run = backtest(segment, Choosy(), costs=traded.COSTS[0], latency_ns=0)
    points = decision_points(run)
    assert 0 < points.can_trade.sum() < len(points.seq)
    broken = type("Broken", (Choosy,), {"can_trade": lambda self, ctx: 1 // 0})
    run = backtest(segment, broken(), costs=traded.COSTS[0], latency_ns=0)
    with pytest.raises(StrategyError) as caught:
        decision_points(run)
    assert "\n" not in str(caught.value)
    assert "division" in str(caught.value)


def test_a_walk_over_odd_sizes_has_a_unit():
    """Costs of one bundle over several levels share no factor with its quantity."""
    levels = [(1, 99, 3), (1, 98, 30), (-1, 101, 3), (-1, 102, 30)]
    tables = MarketBuilder().depth(0, (1, 1, -1), levels, snapshot=True).quote(1, 5, 5, 6, 5)
    check(Case("walk", tables.tables(), {}, universe="binance"), [((0, 4),), ((0, -4),)])


def test_an_interrupt_in_can_trade_comes_through():
    def stop(self, ctx):
        raise KeyboardInterrupt

    made = type("Stopped", (twins.Script,), {"can_trade": stop, "log": []})
    segment = MemorySegment(random_markets.random_market(5, 50), traded.UNIVERSES["coarse"])
    run = backtest(segment, made(), costs=traded.COSTS[0])
    with pytest.raises(KeyboardInterrupt):
        decision_points(run)


def test_instruments_out_of_range_are_refused():
    run, _ = twins.run_case(Case("c", random_markets.random_market(3, 20), {}))
    for bundle in (((2, 1),), ((-1, 1),)):
        with pytest.raises(ValueError, match="out of range"):
            decision_points(run, [bundle])


def test_a_bundle_of_other_instruments_than_those_traded_is_refused():
    run, _ = twins.run_case(Case("c", random_markets.random_market(3, 20), {}))
    points = decision_points(run, [((1, 1),)])
    assert points.instruments == (1,)
    with pytest.raises(InputError, match=r"bundle: was \(\(0, 1\),\), expected"):
        points.cost(((0, 1),))


def test_a_run_that_trades_nothing_needs_all_books_and_keeps_no_mids():
    tables = MarketBuilder().quote(0, 5, 5, 7, 5).wait(1).quote(1, 5, 5, 7, 5).quote(1, 5, 5, 9, 5)
    run, _, points = check(Case("idle", tables.tables(), {}, 0), [])
    assert len(run.exact.legs) == 0
    assert points.mid2 == {}
    assert points.seq.tolist() == [1, 2]


def test_rows_do_not_need_a_book_that_nobody_trades():
    """The second instrument, declared, has no ask before the last message."""
    builder = MarketBuilder()
    for _ in range(3):
        builder.quote(0, 5, 5, 7, 5).wait(1).quote(1, 5, 5, 0, 0).wait(1)
    builder.quote(1, 5, 5, 7, 5)
    case = Case("one", builder.tables(), {0: Decision((Leg(0, 1, 2),))}, 0)
    _, _, points = check(case, [])
    assert points.instruments == (0,)
    assert points.seq.tolist() == list(range(7))


def test_prices_next_to_the_limit_are_an_error():
    high = traded.I64_MAX
    qty = 10**6 + 1
    builder = MarketBuilder().quote(0, 1, qty, high // 10, qty)
    run = backtest(
        MemorySegment(builder.tables(), traded.UNIVERSES["binance"][:1]),
        twins.script({}),
        latency_ns=0,
        costs=traded.COSTS[3],
    )
    points = decision_points(run, [((0, qty),)])
    assert points.mid2[0].tolist() == [1 + high // 10]
    # One cost is its own unit, whatever its size.
    cost = points.cost(((0, qty),))
    assert cost.values.tolist() == [1]
    assert cost.unit == 5 * qty * (high // 10 - 1) > high
    builder.quote(0, 2, qty, high // 10 - 1, qty).quote(0, 2, qty, high // 10 - 7, qty)
    segment = MemorySegment(builder.tables(), run.instruments)
    run = backtest(segment, twins.script({}), costs=traded.COSTS[0], latency_ns=1)
    assert decision_points(run, [((0, qty),)]).cost(((0, qty),)).values.tolist() == [0, 0, 0]
    segment = MemorySegment(builder.wait(1).quote(0, 2, qty, 3, qty).tables(), run.instruments)
    run = backtest(segment, twins.script({}), costs=traded.COSTS[0], latency_ns=0)
    with pytest.raises(FixedPointOverflow):
        decision_points(run, [((0, qty),)])


def test_rows_are_arrays_of_the_stated_kinds():
    run, _ = twins.run_case(Case("c", random_markets.random_market(9, 100), {}))
    points = decision_points(run, [((0, 1),)])
    assert points.seq.dtype == points.ts_ns.dtype == points.mid2[0].dtype == np.int64
    assert points.can_trade.dtype == np.bool_
    assert [column.shape for column in points.mid2.values()] == [points.seq.shape]
    assert points.cost(((0, 1),)).fillable.dtype == np.bool_
    assert points.price_exponents == points.qty_exponents == (0, 0)
    assert points.scales == tuple(10 ** (0 - points.ledger_exponent) for _ in run.instruments)


def test_what_a_bundle_costs_elsewhere_is_unknown_where_its_legs_arrive_in_steps():
    together, steps = (
        backtest("data/planted", "basis_capture", leg_latency_ns=ns) for ns in (0, 5)
    )
    assert decision_points(together).costs_unknown == ""
    assert "arrive one after another" in decision_points(steps).costs_unknown
