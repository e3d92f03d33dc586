"""quantlaxmi tells whether a trading edge is real.

The public names below are loaded when first used (PEP 562): ``import quantlaxmi`` itself loads
nothing but this file.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Public name -> the module that defines it.
_HOME: dict[str, str] = {
    name: module
    for module, names in {
        "errors": (
            "QuantlaxmiError FixedPointError FixedPointOverflow DecimalTextError InputError "
            "SegmentError SegmentCorrupt TraceError ReportError ConfigError StrategyError "
            "EngineError"
        ),
        "instruments": "Instrument",
        "fixed": "FixedPoint FixedArray Rounding",
        "events": (
            "QuoteEvent DepthEvent TradeEvent FundingEvent MarketSnapshot DecisionEvent RiskEvent "
            "OrderEvent FillEvent CorrelationContext ReplayEvent IndiaMarketEvent DecisionLeg "
            "LegIntent MultiLegOrderIntent OptionsStrategyType"
        ),
        "segment": "Segment SegmentWriter open_segment",
        "trace_header": "TraceHeader",
        "trace": "DecisionTrace DecisionTraceBuilder load_trace",
        "parity": (
            "verify_replay_parity ReplayParityResult Match Divergence LengthMismatch "
            "HeaderMismatch OutcomeMismatch"
        ),
        "costs": "CostModel",
        "ledger": "PnLAccumulator",
        "importers": "import_capture",
        "strategies": "StrategyConfig StrategyRegistry",
        "replay": "Run backtest replay",
        "attribution": "TradeAttribution",
        "gates": "GatePolicy GateResult",
        "report": "GateReport run_gates verify_report",
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


class _Package(ModuleType):
    """``quantlaxmi.replay`` is the function, though a submodule has that name too.

    Importing a submodule sets it as an attribute of its package, so whichever came first would
    otherwise decide what the name means. ``from quantlaxmi.replay import Run`` is not affected.
    """

    @property
    def replay(self) -> Any:
        return importlib.import_module("quantlaxmi.replay").replay

    @replay.setter
    def replay(self, value: object) -> None:
        pass  # the import system binding the submodule


sys.modules[__name__].__class__ = _Package

if TYPE_CHECKING:
    pass
