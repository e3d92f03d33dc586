"""What runs keep for the next run changes no hash, whatever runs came before or run beside it."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from quantlaxmi import CryptoStrategy, backtest
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.execution.impact import Impact
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits, SizeLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.recent import Recent
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.run.result import Run
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies import bind_once as binding
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.strategies.bind_once import bind_once

PLANTED = Path(__file__).parents[2] / "data" / "planted"
BINANCE = CostModel.binance()
COSTS = (
    None,
    BINANCE,
    msgspec.structs.replace(BINANCE, impact={"perp": Impact(fixed_bps=FixedPoint(3, 0))}),
    msgspec.structs.replace(BINANCE, borrow={"spot": FixedPoint(9000, 0)}, fee_exponent=-6),
)
LIMITS = (
    None,
    RiskLimits(max_orders_per_minute=1),
    RiskLimits(symbols={"BTCUSDT-PERP": SizeLimits(max_notional=FixedPoint(1, 0))}),
)


def market(rows: int = 3000) -> MemorySegment:
    whole = open_segment(PLANTED)
    last = int(whole.columns("quotes")["seq"][rows])
    tables = {}
    for name in TABLES:
        columns = whole.columns(name)
        tables[name] = {key: c[columns["seq"] <= last] for key, c in columns.items()}
    return MemorySegment(whole.instruments, tables)


def hashes(run: Run) -> tuple[object, ...]:
    exact = run.exact
    parts = exact.attributions.parts.tobytes()
    return run.header, run.trace.trace_hash, run.trace.outcome_hash, exact.cash, parts


def nothing_kept():
    return mock.patch.object(Recent, "get", lambda self, same, equal, make: make())


@pytest.mark.parametrize("threads", [1, 2])
def test_interleaved_costs_and_limits_give_the_hashes_of_runs_alone(threads):
    segment = market()
    cases = [(costs, limits) for costs in COSTS for limits in LIMITS] * 3  # more than are kept

    def one(case):
        costs, limits = case
        strategy = BasisCapture() if limits is None else strategies[case in cases[::2]]
        return hashes(backtest(segment, strategy, costs=costs, limits=limits))

    strategies = (BasisCapture(), BasisCapture())
    with nothing_kept():
        alone = [one(case) for case in cases]
    assert len({found[2] for found in alone}) >= 6  # the cases differ
    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(one, cases)) == alone


def test_a_rate_changed_inside_a_frozen_model_counts():
    segment, strategy = market(), BasisCapture()
    costs, limits = CostModel.binance(), RiskLimits(symbols={})
    before = backtest(segment, strategy, costs=costs, limits=limits)
    none = FixedPoint(0, 0)
    costs.rates[InstrumentKind.PERP] = FeeRate(maker_bps=none, taker_bps=none)
    limits.symbols["BTCUSDT-PERP"] = SizeLimits(max_position=FixedPoint(1, -3))
    after = backtest(segment, strategy, costs=costs, limits=limits)
    assert after.header.cost_hash != before.header.cost_hash
    assert after.header.risk_hash != before.header.risk_hash
    assert after.exact.cash != before.exact.cash
    with nothing_kept():
        assert hashes(backtest(segment, strategy, costs=costs, limits=limits)) == hashes(after)


def test_latencies_and_flattening_have_hashes_of_their_own():
    segment, strategy = market(300), BasisCapture()
    models = [LatencyModel.constant(ns) for ns in (0, 10**6, 2 * 10**6)]
    found = {
        backtest(segment, strategy, latency=model, flatten=flatten).header.latency_hash
        for _ in range(2)
        for model in models
        for flatten in (False, True)
    }
    assert len(found) == 6


def test_a_kernel_is_bound_once_and_its_state_cannot_be_changed():
    segment, strategy = market(300), BasisCapture()
    run = backtest(segment, strategy)
    assert backtest(segment, strategy).strategy is run.strategy
    assert Rerun(run).bind() is run.strategy
    assert backtest(segment, BasisCapture()).strategy is not run.strategy
    assert bind_once(strategy, (*segment.instruments,)) is not run.strategy
    for kept in (run.strategy.params, run.strategy.state):
        with pytest.raises(ValueError, match="read-only"):
            kept[:] = 0
    again = pickle.loads(pickle.dumps(run.strategy))
    assert hashes(backtest(segment, again)) == hashes(run)


def test_other_settings_or_attributes_bind_again():
    segment, strategy = market(3000), BasisCapture()
    before = backtest(segment, strategy)
    strategy.config = BasisCaptureConfig(threshold_bps=FixedPoint(3, 0))
    after = backtest(segment, strategy)
    assert after.header.config_hash == strategy.config_hash != before.header.config_hash
    assert after.trace.trace_hash != before.trace.trace_hash
    strategy.note = "an attribute that bind could read"
    assert backtest(segment, strategy).strategy is not backtest(segment, strategy).strategy


def test_what_may_read_more_than_settings_is_bound_for_every_run(monkeypatch):
    class Undeclared(BasisCapture):
        binds_alike = False

    class Slotted(BasisCapture):
        __slots__ = ("hidden",)

    class Plain(CryptoStrategy):
        strategy_id = "plain"
        binds_alike = True

        def on_market(self, event, ctx):
            return None

    instruments = market(100).instruments
    for strategy in (Undeclared(), Slotted(), Plain()):
        assert bind_once(strategy, instruments) is not bind_once(strategy, instruments)
    large = BasisCapture(BasisCaptureConfig(max_trades_per_hour=100))
    assert bind_once(large, instruments) is bind_once(large, instruments)
    monkeypatch.setattr(binding, "MAX_KEPT_SLOTS", 50)
    other = replace_config(large)
    assert bind_once(other, instruments) is not bind_once(other, instruments)


def replace_config(strategy: BasisCapture) -> BasisCapture:
    return BasisCapture(strategy.config.replace(cooldown_ms=1))
