"""Naive twin of _ext/decimal_text: the grammar as a regular expression, the value as a Fraction."""

import re
from decimal import Decimal
from fractions import Fraction

GRAMMAR = re.compile(rb"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
HALF = Fraction(1, 2)
OK, EMPTY, MALFORMED, INEXACT, OVERFLOW = range(5)


def value_of(text: bytes) -> Fraction | None:
    """Exact value of a decimal text, None where it is none."""
    match = GRAMMAR.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, power = match.groups()
    fraction = fraction or b""
    if not whole and not fraction:
        return None
    digits = int(Decimal((whole + fraction).decode()))  # int() takes no text this long
    value = Fraction(digits) * Fraction(10) ** (int(power or 0) - len(fraction))
    return -value if sign == b"-" else value


def round_fraction(x: Fraction, rounding: int) -> int:
    """Round to an integer by the numbers of quantlaxmi.fixed.Rounding."""
    floor = x.numerator // x.denominator
    rest = x - floor
    if rest == 0:
        return floor
    toward_zero = floor if x > 0 else floor + 1
    away = floor + 1 if x > 0 else floor
    if rounding == 0:
        if rest == HALF:
            return floor if floor % 2 == 0 else floor + 1
        return floor + (rest > HALF)
    if rounding == 1:
        return away if rest == HALF else floor + (rest > HALF)
    return {2: toward_zero, 3: away, 4: floor, 5: floor + 1}[rounding]


def parse(text: bytes, exponent: int, rounding: int | None = None) -> tuple[int, int]:
    """(status, mantissa); the mantissa is 0 unless the status is OK."""
    if not text:
        return EMPTY, 0
    value = value_of(text)
    if value is None:
        return MALFORMED, 0
    scaled = value / Fraction(10) ** exponent
    if scaled.denominator != 1 and rounding is None:
        return INEXACT, 0
    mantissa = round_fraction(scaled, rounding or 0)
    if not -(2**63) <= mantissa < 2**63:
        return OVERFLOW, 0
    return OK, mantissa
