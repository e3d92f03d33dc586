"""Checks of one cell and of one bar, each with the words for its fault."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.errors import DecimalTextError, FixedPointOverflow
from quantlaxmi.importers.bars.mapping import LegMapping
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.schema import RATE_EXPONENT

#: A bar's last instant may be written up to this much before the next one's first.
CLOSE_NS: Final = 10**9
_MOST: Final = (1 << 63) - 1


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


def ratio_cell(text: str, column: str) -> int:
    """A premium index, of either sign, at `RATE_EXPONENT`."""
    value = decimal_cell(text, RATE_EXPONENT, column, "a premium index")
    if abs(value) > 10**-RATE_EXPONENT:
        problem = f"column {column!r} was {text[:40]!r}, expected a premium index within -1 to 1"
        raise Faulty("overflow", problem)
    return value


def volume_size(text: str, leg: LegMapping, column: str) -> int:
    """Displayed size of a bar: a share of its volume, rounded down."""
    volume = decimal_cell(text, leg.instrument.qty_exponent, column, "a volume")
    if volume < 0:
        detail = f"column {column!r} was {text[:40]!r}, expected a volume of 0 or more"
        raise Faulty("bad-quantity", detail)
    size = volume * leg.share.numerator // leg.share.denominator
    if size > _MOST:
        detail = f"column {column!r} was {text[:40]!r}, expected a volume of which the share fits"
        raise Faulty("overflow", detail)
    return size


def check_prices(prices: Mapping[str, int]) -> None:
    """A bar has low <= open, close <= high."""
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


def check_time(before: Series, open_ns: int, interval_ns: int, column: str) -> None:
    """Bars ascend and begin on one grid."""
    if before.first_ns < 0:
        return
    last = before.last_ns
    after = f"column {column!r}: the bar begins {abs(open_ns - last) // 10**9} s"
    if open_ns == last:
        raise Faulty("duplicate-time", f"column {column!r}: the bar of {before.last_place()} "
                     "begins at the same time")  # fmt: skip
    if open_ns < last:
        raise Faulty("time-reversal", f"{after} before that of {before.last_place()}")
    if (open_ns - before.first_ns) % interval_ns:
        raise Faulty("off-grid", f"{after} after that of {before.last_place()}; expected a "
                     f"multiple of {interval_ns // 10**9} s")  # fmt: skip
