"""Risk limits from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits, order_rules
from tests.segments import INSTRUMENTS

ALLOWED = (ConfigError,)
SEEDS = (
    b'max_loss = "1000"\nmax_orders_per_second = 10\nmax_book_age_ms = 500\n',
    b"max_position = 1.5\nmax_notional = 5e3\n[symbols.BTCUSDT]\nmax_position = 0.25\n",
    b'capital = "8e5"\nmargin = "scan"\n[[daily_volatility]]\nunderlying = "NIFTY"\n'
    b'valid_from = "2025-08-29"\nvalue = "0.0086"\n',
    b"max_orders_per_minute = 0x10\nsymbols = { A = { max_notional = 1_0.5 } }\n",
)


def one(draw: Draw) -> None:
    path = scratch.file("risk.toml", edit_toml(draw, draw.pick(SEEDS)))
    limits = RiskLimits.load(path)
    again = RiskLimits.from_description(limits.describe())
    assert again.risk_hash == limits.risk_hash
    order_rules(INSTRUMENTS, CostModel.binance(), limits, -16)
