"""The flat public API: its names are promises, and they load nothing before they are used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi

_NAMES = """
    __version__
    ConfigError DecimalTextError EngineError FixedPointError FixedPointOverflow InputError
    QuantlaxmiError ReportError SegmentCorrupt SegmentError StrategyError TraceError TrialError
    HoldoutError CatalogError NondeterminismError
    FixedArray FixedPoint Rounding Instrument PnLAccumulator CostModel
    BorrowPayment ChainEvent SettlementEvent SettlementPayment
    CorrelationContext DecisionEvent DecisionLeg DepthEvent FillEvent FundingEvent
    FundingPayment IndiaMarketEvent LegIntent MarketSnapshot MultiLegOrderIntent OptionsStrategyType
    OrderCancel OrderEvent OrderModify OrderNew OrderUpdate QuoteEvent ReplayEvent RiskEvent
    TradeAttribution TradeEvent
    Segment SegmentWriter open_segment recover segment_info verify_segment import_capture
    from_frame from_fills from_positions
    DecisionTrace DecisionTraceBuilder TraceHeader load_trace
    Divergence HeaderMismatch LengthMismatch Match OutcomeMismatch ReplayParityResult
    verify_replay_parity
    Context CryptoStrategy IndiaOptionsStrategy OptionsSurfaceFilters Strategy StrategyConfig
    StrategyRegistry
    BarStrategy crossover
    Run backtest check_strategy compare_fills replay
    G2AntiOverfitSuite TimeShiftResult RandomEntryResult PermutationResult AblationResult
    G3RobustnessSuite WalkForwardResult SelectionResult
    GatePolicy GateReport GateResult LookAhead run_gates verify_no_lookahead verify_report
    sweep
"""
PUBLIC = _NAMES.split()


def test_api_names_are_these_and_no_others() -> None:
    assert sorted(quantlaxmi.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(quantlaxmi))


@pytest.mark.parametrize("name", PUBLIC)
def test_api_every_name_loads(name: str) -> None:
    value = getattr(quantlaxmi, name)
    home = quantlaxmi._HOME.get(name)
    if home is not None:
        assert value is getattr(importlib.import_module(f"quantlaxmi.{home}"), name)


def test_api_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'bactest'"):
        quantlaxmi.bactest  # type: ignore[attr-defined]


def test_api_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(quantlaxmi.__file__).read_text(encoding="utf-8"))
    seen = {
        (alias.name, node.module)
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {(name, f"quantlaxmi.{home}") for name, home in quantlaxmi._HOME.items()}


def test_api_replay_is_the_function_and_run_replay_its_home() -> None:
    assert quantlaxmi.replay is importlib.import_module("quantlaxmi.run.replay").replay
    from quantlaxmi.run import Run

    assert Run is quantlaxmi.Run


def test_api_backtest_of_a_bundled_strategy_loads_no_numba() -> None:
    data = Path(__file__).parent.parent / "data" / "planted"
    code = (
        "import sys, quantlaxmi as q\n"
        f"run = q.backtest(q.open_segment({str(data)!r}), 'basis_capture')\n"
        "run.trace.trace_hash\n"
        "print([m for m in ('numba', 'scipy.stats', 'matplotlib', 'rich') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
