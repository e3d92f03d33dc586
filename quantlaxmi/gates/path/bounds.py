"""Bounds within which everything that a sweep adds or multiplies in 64 bits has to stay."""

from __future__ import annotations

__all__ = ["LIMIT", "BoundError", "check_squares"]

#: Every 64-bit quantity of a sweep stays below this in magnitude.
LIMIT = 2**62


class BoundError(Exception):
    """The integers of a sweep do not fit 64 bits; the message names number and limit."""


def check_squares(largest: int, count: int) -> None:
    """Prove that the sum of `count` squares of values up to `largest` fits 128 signed bits.

    Raises
    ------
    BoundError
    """
    if count * largest * largest >= 2**127:
        raise BoundError(
            f"The squares of {count} results of up to {largest} can add up to more than 2^127."
        )
