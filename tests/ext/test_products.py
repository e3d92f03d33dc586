"""256-bit products and their quotients against Python's integers and Fractions."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext._products_check import compare, mul_div
from quantlaxmi.fixed import Rounding, int128_to_int
from tests.depth import examples

MOST = 2**127 - 1
EDGES = [0, 1, 2, 3, 10, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**126, MOST - 1, MOST]
WIDE = st.one_of(
    st.sampled_from([*EDGES, *(-e for e in EDGES), -(2**127)]),
    st.integers(-(2**127), MOST),
    st.integers(0, 127).flatmap(lambda n: st.integers(-(2**n), 2**n - 1)),
)
DIVISOR = st.one_of(st.sampled_from(EDGES[1:]), st.integers(1, MOST), st.integers(1, 100))
FEW = settings(max_examples=examples(2000), deadline=None)
EXPECTED = {Rounding.HALF_EVEN: round, Rounding.CEILING: ceil, Rounding.DOWN: int}


def quotient(a: int, b: int, d: int, rounding: Rounding) -> int | None:
    found = mul_div(a, b, d, rounding)
    return None if found is None else int128_to_int(*found)


def fitting(value: int) -> int | None:
    return value if -(2**127) <= value <= MOST else None


@FEW
@given(WIDE, WIDE, DIVISOR, st.sampled_from(list(EXPECTED)))
@example(-(2**127), -(2**127), MOST, Rounding.HALF_EVEN)
@example(-(2**127), 1, 1, Rounding.HALF_EVEN)
@example(-(2**127), -1, 1, Rounding.HALF_EVEN)
@example(MOST, MOST, MOST, Rounding.HALF_EVEN)
def test_quotients_are_those_of_fractions(a, b, d, rounding) -> None:
    assert quotient(a, b, d, rounding) == fitting(EXPECTED[rounding](Fraction(a * b, d)))


@FEW
@given(st.integers(-(2**126), 2**126), st.integers(1, 2**126), st.integers(-2, 2))
def test_half_even_at_every_edge(whole, half, near) -> None:
    """Quotients that lie at, just below and just above a half."""
    divisor = 2 * half
    if divisor > MOST:
        divisor, half = 2**126, 2**125
    # (whole + 1/2) * divisor + near as a product of two: the odd part is one factor.
    numerator = whole * divisor + half + near
    for factor in (1, 3, 7, 2**61 - 1, 10**9):
        if numerator % factor == 0 and abs(numerator // factor) <= MOST and numerator // factor:
            got = quotient(factor, numerator // factor, divisor, Rounding.HALF_EVEN)
            assert got == fitting(round(Fraction(numerator, divisor)))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("width", [64, 96, 126])
def test_ties_of_products_beyond_128_bits(sign, width) -> None:
    """Odd factor times n halves: a tie whose neighbours are odd and even."""
    for odd in (2**width - 1, 2**width - 3, 2**width + 1):
        for k in (1, 3, 5, 2**60 + 1):
            a, b, d = sign * odd, k * 2**9, 2**10
            if abs(a * b) < 2**127 or d > MOST:
                a, b, d = sign * odd, k * 2**62, 2**63
            assert quotient(a, b, d, Rounding.HALF_EVEN) == fitting(round(Fraction(a * b, d)))


@FEW
@given(WIDE, WIDE, WIDE, WIDE)
@example(-(2**127), -(2**127), -(2**127), -(2**127))
@example(2**126, 4, 2**127 - 1, 2)
def test_comparisons_are_those_of_integers(a, b, c, d) -> None:
    assert compare(a, b, c, d) == (a * b > c * d) - (a * b < c * d)
    assert compare(a, b, b, a) == 0
