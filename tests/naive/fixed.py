"""Naive twin of quantlaxmi.fixed: every value a Fraction, every result checked afterwards.

Each function gives (status, mantissa) with the statuses of the kernels; the mantissa is 0
unless OK. A truncated result that does not fit is OVERFLOW before it is INEXACT.
"""

from fractions import Fraction

from tests.naive.decimal_text import round_fraction

OK, OVERFLOW, INEXACT, ZERO_DIVISOR = range(4)
TOWARD_ZERO = 2
Number = tuple[int, int]


def value(a: Number) -> Fraction:
    return Fraction(a[0]) * Fraction(10) ** a[1]


def at(x: Fraction, exponent: int, rounding: int | None) -> tuple[int, int]:
    scaled = x / Fraction(10) ** exponent
    mantissa = round_fraction(scaled, TOWARD_ZERO if rounding is None else rounding)
    if not -(2**63) <= mantissa < 2**63:
        return OVERFLOW, 0
    if rounding is None and scaled.denominator != 1:
        return INEXACT, 0
    return OK, mantissa


def add(a: Number, b: Number) -> tuple[int, int]:
    return at(value(a) + value(b), min(a[1], b[1]), None)


def sub(a: Number, b: Number) -> tuple[int, int]:
    return at(value(a) - value(b), min(a[1], b[1]), None)


def mul(a: Number, b: Number, exponent: int, rounding: int | None) -> tuple[int, int]:
    return at(value(a) * value(b), exponent, rounding)


def div(a: Number, b: Number, exponent: int, rounding: int | None) -> tuple[int, int]:
    if b[0] == 0:
        return ZERO_DIVISOR, 0
    return at(value(a) / value(b), exponent, rounding)


def rescale(a: Number, exponent: int, rounding: int | None) -> tuple[int, int]:
    return at(value(a), exponent, rounding)


def compare(a: Number, b: Number) -> int:
    x, y = value(a), value(b)
    return (x > y) - (x < y)
