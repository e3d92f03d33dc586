"""128-bit sums in pairs of uint64: (high, low), two's complement."""

from __future__ import annotations

import numpy as np

from quantlaxmi._jit.compiler import inline

__all__ = ["add_signed", "add_square"]

_LOW = np.uint64(0xFFFFFFFF)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_31 = np.uint64(31)
_32 = np.uint64(32)
_33 = np.uint64(33)


@inline
def add_signed(high: np.uint64, low: np.uint64, x: int) -> tuple[np.uint64, np.uint64]:
    """``(high, low) + x`` modulo 2**128, `x` sign-extended."""
    total = low + np.uint64(x)
    if x < 0:
        high = high + _ALL
    if total < low:
        high = high + _ONE
    return high, total


@inline
def add_square(high: np.uint64, low: np.uint64, x: int) -> tuple[np.uint64, np.uint64]:
    """``(high, low) + x*x`` modulo 2**128, for ``|x| < 2**63``."""
    a = np.uint64(-x) if x < 0 else np.uint64(x)
    a1 = a >> _32
    a0 = a & _LOW
    cross = a1 * a0  # counts twice at 2**32: 33 places to the left
    square = a0 * a0
    part = square + (cross << _33)
    upper = a1 * a1 + (cross >> _31)
    if part < square:
        upper = upper + _ONE
    total = low + part
    if total < low:
        upper = upper + _ONE
    return high + upper, total
