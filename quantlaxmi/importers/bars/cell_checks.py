"""Checks of one cell and of one bar, each with the words for its fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.counted import counted
from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import Rounding, format_decimal
from quantlaxmi.importers.bars.mapping_leg import LegMapping
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.importers.bars.text_form import Numbers
from quantlaxmi.schema import RATE_EXPONENT

#: A bar's last instant may be written up to this much before the next one's first.
CLOSE_NS: Final = 10**9
_HOUR_NS: Final = 3600 * 10**9
_MOST: Final = (1 << 63) - 1


class Faulty(Exception):
    """One line to set aside: reason and detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason)


def decimal_cell(
    text: str,
    exponent: int,
    column: str,
    expected: str,
    numbers: Numbers,
    rounding: int | None = None,
) -> tuple[int, bool]:
    """Mantissa of one cell, and whether it was rounded: by `rounding`, or by that of `numbers`.

    Raises
    ------
    Faulty
        It names column, value and what was expected.
    """
    plain = numbers.plain(text) if numbers.comma else text
    try:
        return parse_decimal(plain, exponent), False
    except DecimalTextError as error:
        fine = error.reason.startswith("has digits")
        rounding = numbers.rounding if rounding is None else rounding
        if fine and rounding >= 0:
            try:
                return parse_decimal(plain, exponent, rounding), True
            except FixedPointOverflow:
                reason = "overflow"
        else:
            reason = "empty-cell" if not text else "too-fine" if fine else "bad-decimal"
            expected = (
                f"{expected} of at most {counted(-exponent, 'decimal[s]')}" if fine else expected
            )
            expected += "; set round to round it" if fine else ""
    except FixedPointOverflow:
        reason = "overflow"
    raise Faulty(reason, f"column {column!r} was {text[:40]!r}, expected {expected}")


def _remedied(fault: Faulty, text: str, exponent: int, key: str, digits: int) -> Faulty:
    """A fault that names, where a number does not fit 64 bits, the exponent at which it does."""
    if fault.reason != "overflow":
        return fault
    for more in range(1, 1 - exponent):
        try:
            parse_decimal(text, digits + more, Rounding.DOWN)
        except FixedPointError:
            continue
        remedy = f"; set {key} = {exponent + more}"
        break
    else:
        remedy = ""
    return Faulty("overflow", f"{fault.detail} that fits 64 bits at 1e{exponent}{remedy}")


def price_cell(text: str, leg: LegMapping, column: str) -> tuple[int, bool]:
    """A positive price, and whether it was rounded."""
    try:
        value, rounded = decimal_cell(text, leg.price_digits, column, "a price", leg.numbers)
    except Faulty as fault:
        exponent = leg.instrument.price_exponent
        plain = leg.numbers.plain(text)
        raise _remedied(fault, plain, exponent, "price_exponent", leg.price_digits) from None
    if value <= 0:
        problem = f"column {column!r} was {text[:40]!r}, expected a price above 0"
        raise Faulty("price-not-positive", problem)
    return value, rounded


def ratio_cell(text: str, column: str, numbers: Numbers) -> tuple[int, bool]:
    """A premium index, of either sign, at `RATE_EXPONENT`; and whether it was rounded."""
    value, rounded = decimal_cell(text, RATE_EXPONENT, column, "a premium index", numbers)
    if abs(value) > 10**-RATE_EXPONENT:
        problem = f"column {column!r} was {text[:40]!r}, expected a premium index within -1 to 1"
        raise Faulty("overflow", problem)
    return value, rounded


def volume_size(text: str, leg: LegMapping, column: str) -> tuple[int, int, bool]:
    """Volume of a bar, rounded down; the share of it that is displayed, rounded down; and whether
    digits of the volume were dropped."""
    exponent = leg.instrument.qty_exponent
    try:
        volume, cut = decimal_cell(text, exponent, column, "a volume", leg.numbers, Rounding.FLOOR)
        if volume < 0:
            detail = f"column {column!r} was {text[:40]!r}, expected a volume of 0 or more"
            raise Faulty("bad-quantity", detail)
        size = volume * leg.share.numerator // leg.share.denominator
        if size > _MOST:
            problem = f"column {column!r} was {text[:40]!r}, expected a volume of which the share"
            raise Faulty("overflow", problem)
    except Faulty as fault:
        plain = leg.numbers.plain(text)
        raise _remedied(fault, plain, exponent, "qty_exponent", exponent) from None
    return volume, size, cut


def plain_bar(cells: Sequence[str], leg: LegMapping) -> tuple[int, ...] | None:
    """Open, high, low, close, volume and displayed size, from the cells of a sound bar.

    Nearly all bars are as they should be, without a digit to round. Any other is None, and its
    cells are read one by one, which words the fault.
    """
    if leg.numbers.comma:
        return None
    digits = leg.price_digits
    try:
        opened, high, low, closed = [parse_decimal(cell, digits) for cell in cells[:4]]
        volume = parse_decimal(cells[4], leg.instrument.qty_exponent)
    except FixedPointError:
        return None
    size = volume * leg.share.numerator // leg.share.denominator
    if 0 < low <= opened <= high and low <= closed <= high and volume >= 0 and size <= _MOST:
        return opened, high, low, closed, volume, size
    return None


def bar_prices(prices: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Open, high, low and close; without a high or low those of open and close."""
    opened, closed = prices["open"], prices["close"]
    high = prices.get("high", max(opened, closed))
    return opened, high, prices.get("low", min(opened, closed)), closed


def check_prices(prices: Mapping[str, int], exponent: int) -> None:
    """A bar has low <= open, close <= high; they are mantissas at an exponent."""
    inner = [prices["open"], prices["close"]]
    if prices.get("low", min(inner)) > min(inner) or prices.get("high", max(inner)) < max(inner):
        shown = ", ".join(f"{k} {_shown(v, exponent)}" for k, v in prices.items())
        raise Faulty("inconsistent-bar", f"{shown}; expected low <= open, close <= high")


def _shown(mantissa: int, exponent: int) -> str:
    text = format_decimal(mantissa, exponent)
    return text.rstrip("0").rstrip(".") if "." in text else text


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
    off_ns = (open_ns - before.first_ns) % interval_ns
    if off_ns:
        expected = f"a multiple of {interval_ns // 10**9} s{_zone_hint(off_ns, interval_ns)}"
        detail = f"{after} after that of {before.last_place()}; expected {expected}"
        raise Faulty("off-grid", detail)


def _zone_hint(off_ns: int, interval_ns: int) -> str:
    """What to do with days that begin at midnight of a zone with summer time."""
    of_days = interval_ns % (24 * _HOUR_NS) == 0
    if not of_days or min(off_ns, interval_ns - off_ns) != _HOUR_NS:
        return ""
    return "; summer time moves such days: give dates without a zone, as tz_localize(None) does"
