"""Strategies: what authors write against, how settings are read, and the bundled ones."""

from quantlaxmi.strategies.config import Bounds, Filter, StrategyConfig
from quantlaxmi.strategies.kernel import (
    BoundStrategy,
    FeatureSpec,
    KernelFunctions,
    load_compiled,
    make_params,
    mask_of,
)
from quantlaxmi.strategies.read_source import Finding, read_source
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.strategies.sdk import (
    Context,
    CryptoStrategy,
    IndiaOptionsStrategy,
    Strategy,
    write_decision,
)

__all__ = [
    "BoundStrategy",
    "Bounds",
    "Context",
    "CryptoStrategy",
    "FeatureSpec",
    "Filter",
    "Finding",
    "IndiaOptionsStrategy",
    "KernelFunctions",
    "Strategy",
    "StrategyConfig",
    "StrategyRegistry",
    "load_compiled",
    "make_params",
    "mask_of",
    "read_source",
    "write_decision",
]
