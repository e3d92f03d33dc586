"""The passive maker of ``examples/``: its forms have one trace, its contract holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import TABLES, FillFlag, OrderEventKind, OrderReason, OrderStatus
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.contract import CHECKS, check_strategy
from tests import market_builder, random_markets, traded, twins
from tests.naive.engine import Decision, Engine, Leg

ROOT = Path(__file__).parents[2]
PLAIN, NUMBA = (f"{ROOT}/examples/passive_maker{form}.py:Maker" for form in ("", "_numba"))
SEGMENTS = ("planted", "edgeless")


def run_of(strategy, segment, route=backtest, **options):
    made = StrategyRegistry().create(strategy, sets=["least_rest_ms=20"])
    return route(open_segment(ROOT / "data" / segment), made, **options)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_every_form_and_route_gives_one_trace(segment):
    first = run_of(PLAIN, segment)
    others = (
        run_of(PLAIN, segment, replay),
        run_of(NUMBA, segment),
        run_of(NUMBA, segment, replay),
        run_of(NUMBA, segment, interpreted=True),
    )
    for other in others:
        assert other.trace.trace_hash == first.trace.trace_hash
        assert other.trace.outcome_hash == first.trace.outcome_hash


@pytest.mark.parametrize("segment", SEGMENTS)
def test_it_makes_and_never_takes(segment):
    run = run_of(NUMBA, segment)
    assert run.n_fills > 50
    assert (run.exact.fills["flags"] == FillFlag.MAKER).all()
    size, most = 10, 50  # 0.01 and 0.05 of the perpetual
    assert np.abs(run.exact.fills["position"]).max() <= most
    filled = Counter()
    for fill in twins.rows_of(run.exact.fills):
        filled[fill["order"]] += fill["qty"]
    assert max(filled.values()) == size
    ends = {OrderReason.FILLED, OrderReason.CANCELLED, OrderReason.WOULD_TAKE}
    seen = {
        OrderReason(o["reason"])
        for o in twins.rows_of(run.exact.orders)
        if o["status"] in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.PARTIAL)
    }
    assert ends <= seen
    late = run.exact.orders[run.exact.orders["reason"] == OrderReason.NOT_RESTING]
    assert (late["kind"] == OrderEventKind.CANCEL).all()
    # Every fill is on our side of the mid at the decision: the spread is earned, not paid.
    assert max(run.exact.attributions.slippage.tolist()) <= 0


def test_its_tables_say_that_it_makes():
    run = run_of(NUMBA, "planted")
    fills, orders, legs = (run.table(name) for name in ("fills", "orders", "legs"))
    assert fills["maker"].to_pylist() == [True] * run.n_fills
    assert set(orders["time_in_force"].to_pylist()) == {"POST_ONLY", "GTC"}
    assert set(legs["action"].to_pylist()) == {"NEW", "CANCEL"}
    assert legs["target"].null_count == sum(a == "NEW" for a in legs["action"].to_pylist())


def test_it_keeps_the_contract():
    made = StrategyRegistry().create(NUMBA)
    shown = list(check_strategy(made, open_segment(ROOT / "data" / "planted"), backtest))
    assert len(shown) == len(CHECKS)


def test_gates_do_not_match_it_with_orders_at_the_market():
    made = StrategyRegistry().create(NUMBA, sets=["least_rest_ms=20"])
    segment = open_segment(ROOT / "data" / "planted")
    suite = G2AntiOverfitSuite.from_run(backtest(segment, made))
    for half in (suite.run_random_entry(), suite.run_neutral_entry()):
        assert half.verdict == Verdict.NOT_APPLICABLE
        assert "a strategy that rests orders" in half.reasons[0]


def test_the_twin_fills_what_was_decided():
    """The run's own decisions, given to the naive engine, come to the same orders and fills."""
    twin_of(open_segment(ROOT / "data" / "planted"), 6_000)


def twin_of(segment, messages):
    """A run on the first messages, by the engine and, from its decisions, by the twin."""
    tables = {name: segment.columns(name) for name in TABLES}
    short = market_builder.MemorySegment(
        random_markets.truncated(tables, messages), segment.instruments
    )
    made = StrategyRegistry().create(NUMBA, sets=["least_rest_ms=20"])
    run = backtest(short, made, costs=CostModel.binance())
    legs, decided = twins.rows_of(run.exact.legs), {}
    names = ("side", "qty", "order_type", "limit_price", "time_in_force", "action", "target")
    for d in twins.rows_of(run.exact.decisions):
        mine = legs[d["first_leg"] : d["first_leg"] + d["n_legs"]]
        chosen = tuple(Leg(g["instrument"], *(g[n] for n in names)) for g in mine)
        decided[d["seq"]] = Decision(chosen, bundle=False, decision_type=d["decision_type"])
    rules, limits = traded.rules_of(run.instruments, run.costs, run.limits)
    engine = Engine(
        traded.terms_of(run.instruments, run.costs),
        lambda _engine, _table, row: decided.get(row["seq"]),
        latency_ns=run.latency_ns,
        fee_exponent=run.costs.fee_exponent,
        rules=rules,
        limits=limits,
    )
    engine.run(short.tables)
    for name in ("orders", "fills", "legs"):
        assert twins.rows_of(getattr(run.exact, name)) == getattr(engine, name), name
    assert run.n_fills > 10
    return run
