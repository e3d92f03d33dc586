"""Interest on the short positions of a trip: one exact division a span, in 128 bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import inline
from quantlaxmi.schema import I64, U64

__all__ = ["Interest", "half_even", "trip_interest"]

_LOW = np.uint64(0xFFFFFFFF)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_32 = np.uint64(32)
_63 = np.uint64(63)
_WORD = 2.0**64
_NEARLY = 1.0 - 2.0**-48


class Interest(NamedTuple):
    """Spans of constant position of what is borrowed to be sold.

    Attributes
    ----------
    first : ndarray of int64, shape (k + 1,)
        Spans of each trip.
    begin, end : ndarray of int64, shape (n_spans,)
        Actions.
    column, quantity : ndarray of int64, shape (n_spans,)
        Row of `mids`; signed: below 0 pays, or with sides turned above.
    arrivals : ndarray of int64, shape (n_rows,)
        Nanoseconds.
    mids : ndarray of int64, shape (n_columns, n_rows)
        Mid times quantity stays below 2**62.
    den : ndarray of uint64, shape (n_columns, 2)
        Divisor, below 2**126; (high, low).
    scale : ndarray of int64, shape (n_columns,)
        Units of net in one unit of interest.
    """

    first: I64
    begin: I64
    end: I64
    column: I64
    quantity: I64
    arrivals: I64
    mids: I64
    den: U64
    scale: I64


@inline
def _product(x: np.uint64, y: np.uint64) -> tuple[np.uint64, np.uint64]:
    """``x * y`` as (high, low)."""
    x1, x0, y1, y0 = x >> _32, x & _LOW, y >> _32, y & _LOW
    low = x0 * y0
    left = x1 * y0
    middle = x0 * y1 + (low >> _32) + (left & _LOW)
    return x1 * y1 + (left >> _32) + (middle >> _32), x * y


@inline
def half_even(a: int, b: int, den_high: np.uint64, den_low: np.uint64) -> int:
    """``a * b / den`` half to even, for ``a``, ``b`` from 0 and a quotient below 2**62.

    Doubles say how often the divisor is taken off what is left, always a little less than they
    find: they are off by less than 2**-50 of it. What is taken is exact, and so is the quotient.
    """
    high, low = _product(np.uint64(a), np.uint64(b))
    divisor = np.float64(den_high) * _WORD + np.float64(den_low)
    quotient = _ZERO
    while high > den_high or (high == den_high and low >= den_low):
        part = np.uint64((np.float64(high) * _WORD + np.float64(low)) / divisor * _NEARLY)
        if part == _ZERO:
            part = _ONE
        taken_high, taken = _product(part, den_low)
        if low < taken:
            high = high - _ONE
        high = high - (taken_high + part * den_high)
        low = low - taken
        quotient = quotient + part
    high = (high << _ONE) | (low >> _63)
    low = low << _ONE
    if high > den_high or (high == den_high and low > den_low):
        quotient = quotient + _ONE
    elif high == den_high and low == den_low:
        quotient = quotient + (quotient & _ONE)
    return np.int64(quotient)  # type: ignore[return-value]


@inline
def trip_interest(
    interest: Interest,
    offset: I64,  # IN  (n_actions,) rows after the trip's beginning
    trip: int,
    start: int,
    turned: bool,
) -> int:
    """Interest of one trip that begins at a row, in units of net."""
    total = 0
    for s in range(interest.first[trip], interest.first[trip + 1]):
        short = interest.quantity[s] if turned else -interest.quantity[s]
        if short > 0:
            row = start + offset[interest.end[s]]
            held = interest.arrivals[row] - interest.arrivals[start + offset[interest.begin[s]]]
            column = interest.column[s]
            total += interest.scale[column] * half_even(
                interest.mids[column, row] * short,
                held,
                interest.den[column, 0],
                interest.den[column, 1],
            )
    return total
