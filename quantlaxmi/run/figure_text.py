"""Figures as people read them, rounded: money, shares, times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

__all__ = [
    "NONE",
    "amount_text",
    "brief_text",
    "number_text",
    "rounded_text",
    "share_text",
    "time_text",
    "utc_text",
]

#: In place of a figure that there is none of.
NONE: Final = "-"


def utc_text(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def amount_text(value: Decimal) -> str:
    """Money to read: rounded to cents, or four digits where it is smaller than that."""
    if value and abs(value) < Decimal("0.1"):
        return f"{value:.4g}"
    return f"{value:,.2f}"


def number_text(value: float | None, unit: str = "", places: int = 2) -> str:
    if value is None:
        return NONE
    return f"{value:.3e}{unit}" if abs(value) >= 1e9 else f"{value:,.{places}f}{unit}"


def brief_text(value: float, *, short: bool = False) -> str:
    """About three digits, for where there is room for no more: 5,812 or 15.7k or 1.23M.

    ``short`` has two, and 5.8k of 5,812.
    """
    size = abs(value)
    thousands = 999.5 if short else 9_999.5
    for least, unit, suffix in ((999.5e6, 1e9, "bn"), (999.5e3, 1e6, "M"), (thousands, 1e3, "k")):
        if size >= least:
            digits = 2 if short and size < 99.5 * unit else 3
            return f"{value / unit:.{digits}g}{suffix}".replace("-", "−")
    return (f"{value:,.0f}" if size >= 999.5 else f"{value:.3g}").replace("-", "−")


def rounded_text(value: float) -> str:
    """Six digits, and all of those before the point: 15,670.6 or 1,234,568."""
    size = abs(value)
    if size >= 1e15:
        return f"{value:.6g}"
    return f"{value:,.0f}" if size >= 1e5 else f"{value:,.6g}"


def share_text(value: float | None) -> str:
    return NONE if value is None else number_text(100 * value, " %")


def time_text(ns: int) -> str:
    """A length of time in its two largest units."""
    seconds = ns // 10**9
    for name, unit, below, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60)):
        if seconds >= unit:
            return f"{seconds // unit} {name} {seconds % unit // part} {below}"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{ns / 1e9:.3g} s"
