"""Fixed-point numbers: int64 mantissas times powers of ten, never floats.

Results are exact or rounded by a named rule; what does not fit is an error that names its operands
and, for arrays, the first failing row. Nothing wraps and nothing is clipped.
"""

from quantlaxmi.fixed.array import FixedArray
from quantlaxmi.fixed.int128 import (
    int128_array,
    int128_halves,
    int128_sum,
    int128_to_int,
    int_to_int128,
)
from quantlaxmi.fixed.point import FixedPoint, Rounding, decimal_text, div_round, format_decimal

__all__ = [
    "FixedArray",
    "FixedPoint",
    "Rounding",
    "decimal_text",
    "div_round",
    "format_decimal",
    "int128_array",
    "int128_halves",
    "int128_sum",
    "int128_to_int",
    "int_to_int128",
]
