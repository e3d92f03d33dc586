"""Bars and settlements as they are read, and the checks of one cell and one bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.errors import DecimalTextError, FixedPointOverflow
from quantlaxmi.importers.bars_mapping import LegMapping

#: A bar's last instant may be written up to this much before the next one's first.
CLOSE_NS: Final = 10**9


@dataclass
class Series:
    """Accepted bars of one instrument, ascending in time.

    Attributes
    ----------
    open_ns : list of int
    open, close : list of int
        Prices, at the instrument's price exponent.
    size : list of int
        Displayed size, at its quantity exponent.
    line : list of int
        Where each bar was read.
    """

    leg: LegMapping
    open_ns: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    close: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)

    def drop(self, lines: set[int]) -> None:
        """Forget the bars of some lines."""
        kept = [k for k, line in enumerate(self.line) if line not in lines]
        for name in ("open_ns", "open", "close", "size", "line"):
            values = getattr(self, name)
            setattr(self, name, [values[k] for k in kept])


@dataclass
class Settlements:
    """Accepted funding settlements, ascending; ``mark`` is 0 where the file has none."""

    at_ns: list[int] = field(default_factory=list)
    rate: list[int] = field(default_factory=list)
    mark: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    #: Settlement times whose line was set aside.
    lost_ns: list[int] = field(default_factory=list)

    def drop(self, lines: set[int]) -> None:
        """Forget the settlements of some lines, and note their times."""
        self.lost_ns += [t for t, n in zip(self.at_ns, self.line, strict=True) if n in lines]
        kept = [k for k, line in enumerate(self.line) if line not in lines]
        for name in ("at_ns", "rate", "mark", "line"):
            values = getattr(self, name)
            setattr(self, name, [values[k] for k in kept])


class Faulty(Exception):
    """One line to set aside: reason and detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason)


def decimal_cell(text: str, exponent: int, column: str, expected: str) -> int:
    """Mantissa of one cell; raises `Faulty` naming column, value and what was expected."""
    try:
        return parse_decimal(text, exponent)
    except DecimalTextError as error:
        fine = error.reason.startswith("has digits")
        reason = "empty-cell" if not text else "too-fine" if fine else "bad-decimal"
        expected = f"{expected} of at most {-exponent} decimals" if fine else expected
    except FixedPointOverflow:
        reason = "overflow"
    raise Faulty(reason, f"column {column!r} was {text[:40]!r}, expected {expected}")


def price_cell(text: str, exponent: int, column: str) -> int:
    """A positive price."""
    value = decimal_cell(text, exponent, column, "a price")
    if value <= 0:
        problem = f"column {column!r} was {text[:40]!r}, expected a price above 0"
        raise Faulty("price-not-positive", problem)
    return value


def volume_size(text: str, leg: LegMapping, column: str) -> int:
    """Displayed size of a bar: a share of its volume, rounded down."""
    volume = decimal_cell(text, leg.instrument.qty_exponent, column, "a volume")
    if volume < 0:
        detail = f"column {column!r} was {text[:40]!r}, expected a volume of 0 or more"
        raise Faulty("bad-quantity", detail)
    return volume * leg.share.numerator // leg.share.denominator


def check_prices(prices: Mapping[str, int]) -> None:
    """Hold low <= open, close <= high."""
    inner = [prices["open"], prices["close"]]
    if prices.get("low", min(inner)) > min(inner) or prices.get("high", max(inner)) < max(inner):
        shown = ", ".join(f"{name} {value}" for name, value in prices.items())
        raise Faulty("inconsistent-bar", f"{shown} in price units; expected low <= open, close "
                     "<= high")  # fmt: skip


def check_close(closed: int, open_ns: int, interval_ns: int, shown: str) -> None:
    """A whole bar ends at the next one's beginning, or one tick of the clock before."""
    if not 0 <= open_ns + interval_ns - closed <= CLOSE_NS:
        seconds = Fraction(closed - open_ns, 10**9)
        detail = f"{shown}, {float(seconds):g} s after the bar's beginning; expected its whole "
        raise Faulty("partial-bar", f"{detail}{interval_ns // 10**9} s")


def check_time(series: Series, open_ns: int, interval_ns: int, column: str) -> None:
    """Bars ascend and begin on one grid."""
    if not series.open_ns:
        return
    last = series.open_ns[-1]
    after = f"column {column!r}: the bar begins {abs(open_ns - last) // 10**9} s"
    if open_ns == last:
        raise Faulty("duplicate-time", f"column {column!r}: the bar of line {series.line[-1]} "
                     "begins at the same time")  # fmt: skip
    if open_ns < last:
        raise Faulty("time-reversal", f"{after} before that of line {series.line[-1]}")
    if (open_ns - series.open_ns[0]) % interval_ns:
        raise Faulty("off-grid", f"{after} after that of line {series.line[-1]}; expected a "
                     f"multiple of {interval_ns // 10**9} s")  # fmt: skip


def partial_lines(series: Series, interval_ns: int, most_bps: Fraction) -> dict[int, str]:
    """Lines whose close is not where the next bar opens, with what was found.

    Parameters
    ----------
    series : Series
    interval_ns : int
    most_bps : Fraction
        Largest distance taken.
    """
    found = {}
    columns = series.leg.columns
    for k in range(len(series.open_ns) - 1):
        if series.open_ns[k + 1] - series.open_ns[k] != interval_ns:
            continue
        closed, opened = series.close[k], series.open[k + 1]
        if abs(opened - closed) * 10_000 > most_bps * closed:
            bps = Fraction(abs(opened - closed) * 10_000, closed)
            found[series.line[k]] = (
                f"column {columns.get('close', 'close')!r} is {float(bps):.2f} bps from the next "
                f"bar's open, expected at most {float(most_bps):g}"
            )
    return found
