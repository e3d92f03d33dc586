"""Adjusted p-values and the exact permutation p against published numbers and definitions."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.stats import exact_permutation
from quantlaxmi.stats.benjamini import (
    benjamini_hochberg,
    benjamini_yekutieli,
    harmonic,
)
from quantlaxmi.stats.exact_permutation import exact_permutation_p
from quantlaxmi.stats.holm import holm
from tests.depth import examples

P = [0.005, 0.009, 0.0128, 0.0135, 0.045, 0.06]


@pytest.mark.parametrize(
    ("adjust", "expected"),
    [
        (holm, [0.03, 0.045, 0.0512, 0.0512, 0.09, 0.09]),
        (benjamini_hochberg, [0.02025] * 4 + [0.054, 0.06]),
        (benjamini_yekutieli, [0.0496125] * 4 + [0.1323, 0.147]),
    ],
)
def test_adjusted_p_values_published(adjust, expected):
    assert adjust(P) == pytest.approx(expected, abs=1e-9)
    order = [3, 0, 5, 1, 4, 2]
    assert adjust([P[i] for i in order]) == pytest.approx([expected[i] for i in order], abs=1e-9)
    assert adjust([]) == []
    exact = adjust([Fraction(str(p)) for p in P])
    assert all(isinstance(p, Fraction) for p in exact)
    assert [float(p) for p in exact] == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_by_their_definitions(ps):
    n, order = len(ps), sorted(ps)
    c = sum(Fraction(1, i) for i in range(1, n + 1))
    assert harmonic(n) == c
    for i, p in enumerate(ps):
        below = order.index(p)
        above = n - 1 - order[::-1].index(p)
        assert holm(ps)[i] == min(1, max((n - j) * order[j] for j in range(above + 1)))
        step_up = min(min(1, n * order[j] / (j + 1)) for j in range(below, n))
        assert benjamini_hochberg(ps)[i] == step_up
        assert benjamini_yekutieli(ps)[i] == min(
            min(1, c * n * order[j] / (j + 1)) for j in range(below, n)
        )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((0, 99, 252), 0.008145463082262449), ((5, 999, 184756), 0.005997293727943883)],
)
def test_exact_permutation_p_published(counts, expected):
    assert exact_permutation_p(*counts) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("counts", [(0, 99, 252), (5, 999, 184756)])
def test_exact_permutation_p_both_roads_agree(counts, monkeypatch):
    summed = exact_permutation_p(*counts)
    monkeypatch.setattr(exact_permutation, "_TERMS", 1)
    assert exact_permutation_p(*counts) == pytest.approx(
        summed, rel=1e-2 if counts[0] == 0 else 1e-9
    )


@settings(deadline=None, max_examples=examples(40))
@given(m=st.integers(1, 25), n=st.integers(1, 30), data=st.data())
def test_exact_permutation_p_is_its_sum(m, n, data):
    b = data.draw(st.integers(0, m))
    total = Fraction(0)
    for i in range(1, n + 1):
        q = Fraction(i, n)
        total += sum(math.comb(m, k) * q**k * (1 - q) ** (m - k) for k in range(b + 1))
    assert exact_permutation_p(b, m, n) == pytest.approx(float(total / n), rel=1e-12)
    assert exact_permutation_p(b, m, n) <= (b + 1) / (m + 1) + 1e-12 or b == m


def test_exact_permutation_p_refuses_impossible_counts():
    with pytest.raises(ValueError, match="6 exceedances of 5 draws of 9"):
        exact_permutation_p(6, 5, 9)
    with pytest.raises(ValueError, match="of 0 arrangements"):
        exact_permutation_p(1, 5, 0)
