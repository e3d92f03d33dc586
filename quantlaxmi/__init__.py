"""quantlaxmi tells whether a trading edge is real.

The public names below are loaded when first used (PEP 562): ``import quantlaxmi`` itself loads
nothing but this file and its version.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from quantlaxmi.version import __version__

#: Public name -> the module that defines it.
_HOME: dict[str, str] = {
    name: module
    for module, names in {
        "errors": (
            "QuantlaxmiError FixedPointError FixedPointOverflow DecimalTextError InputError "
            "SegmentError SegmentCorrupt TraceError ReportError ConfigError StrategyError "
            "EngineError TrialError HoldoutError CatalogError NondeterminismError"
        ),
        "instruments": "Instrument",
        "fixed": "FixedPoint FixedArray Rounding",
        "events": (
            "QuoteEvent DepthEvent TradeEvent FundingEvent MarketSnapshot DecisionEvent RiskEvent "
            "OrderEvent OrderNew OrderModify OrderCancel OrderUpdate FillEvent FundingPayment "
            "BorrowPayment SettlementPayment CorrelationContext ReplayEvent IndiaMarketEvent "
            "ChainEvent SettlementEvent "
            "DecisionLeg LegIntent MultiLegOrderIntent OptionsStrategyType TradeAttribution"
        ),
        "segment": "Segment SegmentWriter open_segment recover segment_info verify_segment",
        "trace.header": "TraceHeader",
        "trace": "DecisionTrace DecisionTraceBuilder load_trace",
        "trace.parity": (
            "verify_replay_parity ReplayParityResult Match Divergence LengthMismatch "
            "HeaderMismatch OutcomeMismatch"
        ),
        "execution.costs": "CostModel",
        "execution.ledger": "PnLAccumulator",
        "options.surface_filters": "OptionsSurfaceFilters",
        "importers": "import_capture",
        "importers.frame": "from_frame",
        "strategies": (
            "StrategyConfig StrategyRegistry Strategy CryptoStrategy IndiaOptionsStrategy Context"
        ),
        "strategies.bar_strategy": "BarStrategy crossover",
        "strategies.positions": "from_positions",
        "strategies.recorded_fills": "from_fills",
        "run.result": "Run",
        "run.replay": "backtest replay",
        "run.own_fills": "compare_fills",
        "run.check_strategy": "check_strategy",
        "gates": (
            "GatePolicy GateResult G2AntiOverfitSuite TimeShiftResult RandomEntryResult "
            "PermutationResult AblationResult G3RobustnessSuite WalkForwardResult SelectionResult"
        ),
        "gates.look_ahead": "verify_no_lookahead LookAhead",
        "report": "GateReport",
        "report.run_gates": "run_gates",
        "report.verify": "verify_report",
        "batch.sweep": "sweep",
    }.items()
    for name in names.split()
}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'quantlaxmi' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quantlaxmi.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


if TYPE_CHECKING:
    from quantlaxmi.batch.sweep import sweep as sweep
    from quantlaxmi.errors import CatalogError as CatalogError
    from quantlaxmi.errors import ConfigError as ConfigError
    from quantlaxmi.errors import DecimalTextError as DecimalTextError
    from quantlaxmi.errors import EngineError as EngineError
    from quantlaxmi.errors import FixedPointError as FixedPointError
    from quantlaxmi.errors import FixedPointOverflow as FixedPointOverflow
    from quantlaxmi.errors import HoldoutError as HoldoutError
    from quantlaxmi.errors import InputError as InputError
    from quantlaxmi.errors import NondeterminismError as NondeterminismError
    from quantlaxmi.errors import QuantlaxmiError as QuantlaxmiError
    from quantlaxmi.errors import ReportError as ReportError
    from quantlaxmi.errors import SegmentCorrupt as SegmentCorrupt
    from quantlaxmi.errors import SegmentError as SegmentError
    from quantlaxmi.errors import StrategyError as StrategyError
    from quantlaxmi.errors import TraceError as TraceError
    from quantlaxmi.errors import TrialError as TrialError
    from quantlaxmi.events import BorrowPayment as BorrowPayment
    from quantlaxmi.events import ChainEvent as ChainEvent
    from quantlaxmi.events import CorrelationContext as CorrelationContext
    from quantlaxmi.events import DecisionEvent as DecisionEvent
    from quantlaxmi.events import DecisionLeg as DecisionLeg
    from quantlaxmi.events import DepthEvent as DepthEvent
    from quantlaxmi.events import FillEvent as FillEvent
    from quantlaxmi.events import FundingEvent as FundingEvent
    from quantlaxmi.events import FundingPayment as FundingPayment
    from quantlaxmi.events import IndiaMarketEvent as IndiaMarketEvent
    from quantlaxmi.events import LegIntent as LegIntent
    from quantlaxmi.events import MarketSnapshot as MarketSnapshot
    from quantlaxmi.events import MultiLegOrderIntent as MultiLegOrderIntent
    from quantlaxmi.events import OptionsStrategyType as OptionsStrategyType
    from quantlaxmi.events import OrderCancel as OrderCancel
    from quantlaxmi.events import OrderEvent as OrderEvent
    from quantlaxmi.events import OrderModify as OrderModify
    from quantlaxmi.events import OrderNew as OrderNew
    from quantlaxmi.events import OrderUpdate as OrderUpdate
    from quantlaxmi.events import QuoteEvent as QuoteEvent
    from quantlaxmi.events import ReplayEvent as ReplayEvent
    from quantlaxmi.events import RiskEvent as RiskEvent
    from quantlaxmi.events import SettlementEvent as SettlementEvent
    from quantlaxmi.events import SettlementPayment as SettlementPayment
    from quantlaxmi.events import TradeAttribution as TradeAttribution
    from quantlaxmi.events import TradeEvent as TradeEvent
    from quantlaxmi.execution.costs import CostModel as CostModel
    from quantlaxmi.execution.ledger import PnLAccumulator as PnLAccumulator
    from quantlaxmi.fixed import FixedArray as FixedArray
    from quantlaxmi.fixed import FixedPoint as FixedPoint
    from quantlaxmi.fixed import Rounding as Rounding
    from quantlaxmi.gates import AblationResult as AblationResult
    from quantlaxmi.gates import G2AntiOverfitSuite as G2AntiOverfitSuite
    from quantlaxmi.gates import G3RobustnessSuite as G3RobustnessSuite
    from quantlaxmi.gates import GatePolicy as GatePolicy
    from quantlaxmi.gates import GateResult as GateResult
    from quantlaxmi.gates import PermutationResult as PermutationResult
    from quantlaxmi.gates import RandomEntryResult as RandomEntryResult
    from quantlaxmi.gates import SelectionResult as SelectionResult
    from quantlaxmi.gates import TimeShiftResult as TimeShiftResult
    from quantlaxmi.gates import WalkForwardResult as WalkForwardResult
    from quantlaxmi.gates.look_ahead import LookAhead as LookAhead
    from quantlaxmi.gates.look_ahead import verify_no_lookahead as verify_no_lookahead
    from quantlaxmi.importers import import_capture as import_capture
    from quantlaxmi.importers.frame import from_frame as from_frame
    from quantlaxmi.instruments import Instrument as Instrument
    from quantlaxmi.options.surface_filters import OptionsSurfaceFilters as OptionsSurfaceFilters
    from quantlaxmi.report import GateReport as GateReport
    from quantlaxmi.report.run_gates import run_gates as run_gates
    from quantlaxmi.report.verify import verify_report as verify_report
    from quantlaxmi.run.check_strategy import check_strategy as check_strategy
    from quantlaxmi.run.own_fills import compare_fills as compare_fills
    from quantlaxmi.run.replay import backtest as backtest
    from quantlaxmi.run.replay import replay as replay
    from quantlaxmi.run.result import Run as Run
    from quantlaxmi.segment import Segment as Segment
    from quantlaxmi.segment import SegmentWriter as SegmentWriter
    from quantlaxmi.segment import open_segment as open_segment
    from quantlaxmi.segment import recover as recover
    from quantlaxmi.segment import segment_info as segment_info
    from quantlaxmi.segment import verify_segment as verify_segment
    from quantlaxmi.strategies import Context as Context
    from quantlaxmi.strategies import CryptoStrategy as CryptoStrategy
    from quantlaxmi.strategies import IndiaOptionsStrategy as IndiaOptionsStrategy
    from quantlaxmi.strategies import Strategy as Strategy
    from quantlaxmi.strategies import StrategyConfig as StrategyConfig
    from quantlaxmi.strategies import StrategyRegistry as StrategyRegistry
    from quantlaxmi.strategies.bar_strategy import BarStrategy as BarStrategy
    from quantlaxmi.strategies.bar_strategy import crossover as crossover
    from quantlaxmi.strategies.positions import from_positions as from_positions
    from quantlaxmi.strategies.recorded_fills import from_fills as from_fills
    from quantlaxmi.trace import DecisionTrace as DecisionTrace
    from quantlaxmi.trace import DecisionTraceBuilder as DecisionTraceBuilder
    from quantlaxmi.trace import load_trace as load_trace
    from quantlaxmi.trace.header import TraceHeader as TraceHeader
    from quantlaxmi.trace.parity import Divergence as Divergence
    from quantlaxmi.trace.parity import HeaderMismatch as HeaderMismatch
    from quantlaxmi.trace.parity import LengthMismatch as LengthMismatch
    from quantlaxmi.trace.parity import Match as Match
    from quantlaxmi.trace.parity import OutcomeMismatch as OutcomeMismatch
    from quantlaxmi.trace.parity import ReplayParityResult as ReplayParityResult
    from quantlaxmi.trace.parity import verify_replay_parity as verify_replay_parity
