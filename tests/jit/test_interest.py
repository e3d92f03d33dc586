"""The exact division of the interest of random entries, beside Python's integers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._jit.compiler import kernel, running
from quantlaxmi._jit.interest import half_even
from tests.depth import examples

_LOW = (1 << 64) - 1


@kernel
def _divide(a, b, high, low):
    return half_even(a, b, high, low)


def _found(a: int, b: int, den: int) -> int:
    with running(1):
        return int(_divide(a, b, np.uint64(den >> 64), np.uint64(den & _LOW)))


@st.composite
def _divisions(draw) -> tuple[int, int, int]:
    """Operands of every size, often an exact half or a unit off one."""
    a = draw(st.integers(0, 2**62 - 1) | st.integers(0, 1000))
    b = draw(st.integers(0, 2**63 - 1) | st.integers(0, 1000))
    bits = draw(st.integers(0, 125))
    den = draw(st.integers(1 << bits, (1 << bits + 1) - 1))
    if a and draw(st.booleans()):
        # Two more than twice a quotient's product: at a half, or next to it.
        quotient = draw(st.integers(0, 2**40))
        den = max(1, (2 * a * b + draw(st.integers(-2, 2))) // (2 * quotient + 1))
    least = a * b // (2**62 - 1) + 1
    return a, b, min(max(den, least), 2**126 - 1)


@settings(max_examples=examples(3000), deadline=None)
@given(_divisions())
@example((2**62 - 1, 2**63 - 1, 2**126 - 1))
@example((2**62 - 1, 2**63 - 1, 2**63 + 1))
@example((1, 1, 2))
@example((3, 1, 2))
@example((2**62 - 1, 1, 1))
@example((0, 0, 1))
def test_half_even_is_the_fraction_rounded(division):
    a, b, den = division
    assert _found(a, b, den) == round(Fraction(a * b, den))


@pytest.mark.parametrize("bits", range(62))
def test_half_even_next_to_halves_of_large_quotients(bits):
    for quotient in ((1 << bits) - 1, 1 << bits):
        for den in (1, 2, 3, 10**9, 2**61 - 1, 2**64 - 1):
            for off in (-1, 0, 1):
                # a * 2 is (2 quotient + 1) den + off, where it can be a product of two words.
                product = (2 * quotient + 1) * den + off
                if not 0 <= product < 2**62:
                    continue
                assert _found(product, 1, 2 * den) == round(Fraction(product, 2 * den))
