"""One fixed-point number, in Python's own integers; the arrays' kernels are tested against it."""

from __future__ import annotations

import enum
import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NoReturn

import numpy as np

from quantlaxmi._ext import decimal_text as text_kernel
from quantlaxmi._ext import fixed_ops
from quantlaxmi.errors import FixedPointError, FixedPointOverflow

I64_MIN: Final = -(1 << 63)
I64_MAX: Final = (1 << 63) - 1


class Rounding(enum.IntEnum):
    """How digits beyond the wanted exponent are rounded.

    The numbers are those of ``int128.h``.
    """

    HALF_EVEN = 0  #: to the nearest, a tie to the even digit
    HALF_UP = 1  #: to the nearest, a tie away from zero
    DOWN = 2  #: toward zero
    UP = 3  #: away from zero
    FLOOR = 4  #: toward minus infinity
    CEILING = 5  #: toward plus infinity


def div_round(numerator: int, denominator: int, rounding: Rounding = Rounding.HALF_EVEN) -> int:
    """Divide two integers of any size and round the quotient to an integer.

    Parameters
    ----------
    numerator, denominator : int
        Of any size and sign.
    rounding : Rounding
        To the nearest, ties to even, by default.

    Returns
    -------
    int
        The rounded quotient, of any size.

    Raises
    ------
    FixedPointError
        ``denominator`` is 0.

    Examples
    --------
    >>> div_round(5, 2), div_round(7, 2), div_round(-5, 2, Rounding.FLOOR)
    (2, 4, -3)
    """
    # NumPy's integers wrap.
    numerator, denominator = operator.index(numerator), operator.index(denominator)
    if denominator == 0:
        raise FixedPointError(f"div_round({numerator}, 0) divides by zero")
    negative = (numerator < 0) != (denominator < 0)
    denominator = abs(denominator)
    magnitude, rest = divmod(abs(numerator), denominator)
    if rest and _rounds_away(rounding, negative, magnitude & 1, 2 * rest - denominator):
        magnitude += 1
    return -magnitude if negative else magnitude


def _rounds_away(rounding: Rounding, negative: bool, odd: int, above_half: int) -> bool:
    """Whether a magnitude with a rest goes one up; ``ql_rounds_away`` of int128.h."""
    if rounding == Rounding.HALF_EVEN:
        return above_half > 0 or (above_half == 0 and odd == 1)
    if rounding == Rounding.HALF_UP:
        return above_half >= 0
    if rounding == Rounding.DOWN:
        return False
    if rounding == Rounding.UP:
        return True
    if rounding == Rounding.FLOOR:
        return negative
    return Rounding(rounding) == Rounding.CEILING and not negative


def format_decimal(mantissa: int, exponent: int) -> str:
    """Write ``mantissa * 10**exponent`` without an ``e`` and with every digit.

    Parameters
    ----------
    mantissa : int
        Of any size.
    exponent : int
        Power of ten.

    Returns
    -------
    str
        For example ``"-0.050"`` for (-50, -3) and ``"1200"`` for (12, 2).

    Examples
    --------
    >>> format_decimal(-50, -3), format_decimal(12, 2)
    ('-0.050', '1200')
    """
    mantissa, exponent = operator.index(mantissa), operator.index(exponent)
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    digits = str(abs(mantissa)).rjust(1 - exponent, "0")
    return f"{'-' if mantissa < 0 else ''}{digits[:exponent]}.{digits[exponent:]}"


def decimal_text(mantissa: int, exponent: int) -> str:
    """Write ``mantissa * 10**exponent`` without an ``e`` and without trailing zeros.

    Equal values give equal texts.

    Parameters
    ----------
    mantissa : int
        Of any size.
    exponent : int
        Power of ten.

    Returns
    -------
    str
        For example ``"-0.05"`` for (-50, -3) and ``"1200"`` for (12, 2).

    Examples
    --------
    >>> decimal_text(-50, -3), decimal_text(12, 2)
    ('-0.05', '1200')
    """
    if not mantissa:
        return "0"
    text = format_decimal(mantissa, exponent)
    return text.rstrip("0").rstrip(".") if exponent < 0 else text


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """An exact decimal, ``mantissa * 10**exponent``. Compares and hashes by value.

    Parameters
    ----------
    mantissa : int
        Fits int64.
    exponent : int
        Fits int8.

    Raises
    ------
    FixedPointOverflow
        The mantissa does not fit.
    FixedPointError
        The exponent does not fit, or either is no integer.

    Examples
    --------
    >>> price = FixedPoint.from_text("100.50", -2)
    >>> (price + FixedPoint(1, 0)).to_text(), price == FixedPoint(1005, -1)
    ('101.50', True)
    """

    mantissa: int
    exponent: int

    def __post_init__(self) -> None:
        for name in ("mantissa", "exponent"):
            value = getattr(self, name)
            if type(value) is not int:
                object.__setattr__(self, name, integer(name, value))
        check_range("FixedPoint", (self.mantissa, self.exponent), self.mantissa, self.exponent)

    @classmethod
    def from_text(
        cls, text: str | bytes, exponent: int | None = None, rounding: Rounding | None = None
    ) -> FixedPoint:
        """Read a decimal text exactly.

        Parameters
        ----------
        text : str or bytes
            See ``quantlaxmi._ext.decimal_text`` for what is accepted.
        exponent : int, optional
            Wanted exponent; by default the one the text is written at.
        rounding : Rounding, optional
            Rule for digits beyond ``exponent``; without one they must be zeros.

        Raises
        ------
        DecimalTextError
            The text is no decimal, or not exact at ``exponent``.
        FixedPointOverflow
            The mantissa does not fit int64.
        """
        if exponent is None:
            exponent = text_kernel.natural_exponent(text)
        return cls(text_kernel.parse_decimal(text, exponent, rounding), exponent)

    def to_text(self) -> str:
        """Positional decimal text; reading it back gives an equal value."""
        return format_decimal(self.mantissa, self.exponent)

    __str__ = to_text

    def to_fraction(self) -> Fraction:
        """Exact value."""
        return Fraction(self.mantissa) * Fraction(10) ** self.exponent

    def to_f64(self) -> float:
        """Nearest double, for display only."""
        # Division and conversion of Python integers round once.
        if self.exponent < 0:
            return self.mantissa / int(10**-self.exponent)
        return float(self.mantissa * 10**self.exponent)

    def add(self, other: FixedPoint) -> FixedPoint:
        """Exact sum at the finer exponent; FixedPointOverflow where it does not fit."""
        a, b, exponent = _aligned(self, other)
        return _made("add", (self, other), a + b, exponent)

    def sub(self, other: FixedPoint) -> FixedPoint:
        """Exact difference at the finer exponent; FixedPointOverflow where it does not fit."""
        a, b, exponent = _aligned(self, other)
        return _made("sub", (self, other), a - b, exponent)

    def mul(
        self,
        other: FixedPoint,
        exponent: int | None = None,
        rounding: Rounding | None = Rounding.HALF_EVEN,
    ) -> FixedPoint:
        """Product, exact at the sum of the exponents unless ``exponent`` is given.

        Parameters
        ----------
        other : FixedPoint
        exponent : int, optional
            Exponent to round the exact product to.
        rounding : Rounding or None
            None refuses a product that is not exact at ``exponent``.

        Raises
        ------
        FixedPointOverflow
            The mantissa does not fit int64.
        FixedPointError
            The exponent does not fit int8, or the product is not exact and no rounding was asked.
        """
        exact = self.exponent + other.exponent
        wanted = exact if exponent is None else integer("exponent", exponent)
        product = self.mantissa * other.mantissa
        return _rounded("mul", (self, other), product, 1, exact - wanted, wanted, rounding)

    def div(
        self, other: FixedPoint, exponent: int, rounding: Rounding | None = Rounding.HALF_EVEN
    ) -> FixedPoint:
        """Quotient rounded to ``exponent``; parameters and errors as `mul`, and zero divisors."""
        exponent = integer("exponent", exponent)
        shift = self.exponent - other.exponent - exponent
        operands = (self, other)
        return _rounded("div", operands, self.mantissa, other.mantissa, shift, exponent, rounding)

    def rescale(self, exponent: int, rounding: Rounding | None = None) -> FixedPoint:
        """The same value at another exponent; parameters and errors as `mul`."""
        exponent = integer("exponent", exponent)
        shift = self.exponent - exponent
        return _rounded("rescale", (self,), self.mantissa, 1, shift, exponent, rounding)

    def compare(self, other: FixedPoint) -> int:
        """Sign of ``self - other`` by value, over the whole range: -1, 0 or 1."""
        a, b, _ = _aligned(self, other)
        return (a > b) - (a < b)

    def __add__(self, other: FixedPoint) -> FixedPoint:
        return self.add(other) if isinstance(other, FixedPoint) else NotImplemented

    def __sub__(self, other: FixedPoint) -> FixedPoint:
        return self.sub(other) if isinstance(other, FixedPoint) else NotImplemented

    def __mul__(self, other: FixedPoint) -> FixedPoint:
        return self.mul(other) if isinstance(other, FixedPoint) else NotImplemented

    def __neg__(self) -> FixedPoint:
        return _made("neg", (self,), -self.mantissa, self.exponent)

    def __abs__(self) -> FixedPoint:
        return _made("abs", (self,), abs(self.mantissa), self.exponent)

    def __bool__(self) -> bool:
        return self.mantissa != 0

    def __eq__(self, other: object) -> bool:
        return self.compare(other) == 0 if isinstance(other, FixedPoint) else NotImplemented

    def __lt__(self, other: FixedPoint) -> bool:
        return self.compare(other) < 0 if isinstance(other, FixedPoint) else NotImplemented

    def __le__(self, other: FixedPoint) -> bool:
        return self.compare(other) <= 0 if isinstance(other, FixedPoint) else NotImplemented

    def __gt__(self, other: FixedPoint) -> bool:
        return self.compare(other) > 0 if isinstance(other, FixedPoint) else NotImplemented

    def __ge__(self, other: FixedPoint) -> bool:
        return self.compare(other) >= 0 if isinstance(other, FixedPoint) else NotImplemented

    def __hash__(self) -> int:
        mantissa, exponent = self.mantissa, self.exponent
        if mantissa == 0:
            return hash((0, 0))
        while mantissa % 10 == 0:
            mantissa, exponent = mantissa // 10, exponent + 1
        return hash((mantissa, exponent))


def integer(name: str, value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_):
        raise FixedPointError(f"{name} {value} is no integer")
    try:
        return operator.index(value)
    except TypeError:
        raise FixedPointError(f"{name} {value!r} is no integer") from None


def check_range(operation: str, operands: tuple[object, ...], mantissa: int, exponent: int) -> None:
    if not I64_MIN <= mantissa <= I64_MAX:
        raise FixedPointOverflow(operation, operands)
    if not -128 <= exponent <= 127:
        shown = ", ".join(map(str, operands))
        raise FixedPointError(f"{operation}({shown}): exponent {exponent} is outside -128..127")


def _made(
    operation: str, operands: tuple[FixedPoint, ...], mantissa: int, exponent: int
) -> FixedPoint:
    check_range(operation, operands, mantissa, exponent)
    point = object.__new__(FixedPoint)  # checked just now, so not again
    object.__setattr__(point, "mantissa", mantissa)
    object.__setattr__(point, "exponent", exponent)
    return point


def _aligned(a: FixedPoint, b: FixedPoint) -> tuple[int, int, int]:
    exponent = min(a.exponent, b.exponent)
    return (
        a.mantissa * 10 ** (a.exponent - exponent),
        b.mantissa * 10 ** (b.exponent - exponent),
        exponent,
    )


def _rounded(
    operation: str,
    operands: tuple[FixedPoint, ...],
    numerator: int,
    denominator: int,
    shift: int,
    exponent: int,
    rounding: Rounding | None,
) -> FixedPoint:
    """``numerator * 10**shift / denominator`` at ``exponent``."""
    check_range(operation, operands, 0, exponent)
    if denominator == 0:
        refuse(operation, operands, fixed_ops.ZERO_DIVISOR, None)
    if shift >= 0:
        numerator *= 10**shift
    else:
        denominator *= 10**-shift
    mantissa = div_round(numerator, denominator, Rounding.DOWN if rounding is None else rounding)
    result = _made(operation, operands, mantissa, exponent)
    if rounding is None and numerator % denominator:
        refuse(operation, operands, fixed_ops.INEXACT, None)
    return result


def refuse(operation: str, operands: tuple[object, ...], status: int, row: int | None) -> NoReturn:
    if status == fixed_ops.OVERFLOW:
        raise FixedPointOverflow(operation, operands, row)
    place = "" if row is None else f" at row {row}"
    problem = (
        "divides by zero"
        if status == fixed_ops.ZERO_DIVISOR
        else "is not exact at the wanted exponent, and no rounding was asked for"
    )
    raise FixedPointError(f"{operation}({', '.join(map(str, operands))}){place} {problem}")
