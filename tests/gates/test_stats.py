"""Statistics of the gates against published numbers and exact twins."""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.gates.results import MonteCarlo, Verdict, combine, decimal_text, rounded
from quantlaxmi.stats.arrangements import orders, placements
from quantlaxmi.stats.clopper_pearson import clopper_pearson
from quantlaxmi.stats.monte_carlo import exceedances, monte_carlo_p, studentised_at_least, wide_ints
from quantlaxmi.stats.tost import tost_p
from tests.depth import examples


def test_monte_carlo_p():
    assert monte_carlo_p(0, 9999) == Fraction(1, 10_000)
    assert monte_carlo_p(49, 999) == Fraction(1, 20)
    assert monte_carlo_p(0, 0) == 1
    with pytest.raises(ValueError, match="5 exceedances of 4 draws"):
        monte_carlo_p(5, 4)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((49, 999), (0.036504, 0.064330)), ((0, 999), (0.0, 0.003686))],
)
def test_clopper_pearson_published(counts, expected):
    assert clopper_pearson(*counts) == pytest.approx(expected, abs=5e-7)


@settings(max_examples=examples(40), deadline=None)
@given(m=st.integers(1, 60), data=st.data())
def test_clopper_pearson_limits_have_their_tails(m, data):
    b = data.draw(st.integers(0, m))
    lower, upper = clopper_pearson(b, m)

    def upto(k, p):
        return math.fsum(math.comb(m, i) * p**i * (1 - p) ** (m - i) for i in range(k + 1))

    assert lower == 0.0 if b == 0 else 1 - upto(b - 1, lower) == pytest.approx(0.025, abs=1e-9)
    assert upper == 1.0 if b == m else upto(b, upper) == pytest.approx(0.025, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "margin", "expected"),
    [(252, 0.001, 0.10263735), (2520, 0.001, 3.0466976e-5), (2520, 0.0005, 0.06609781)],
)
def test_tost_published(n, margin, expected):
    assert tost_p(n, 0.0002, 0.01, margin) == pytest.approx(expected, rel=5e-8)


def test_tost_edges():
    assert tost_p(10, -0.3, 1.0, 2.0) == pytest.approx(tost_p(10, 0.3, 1.0, 2.0), abs=1e-15)
    assert tost_p(5, 0.1, 0.0, 0.5) == 0.0
    assert tost_p(5, 0.5, 0.0, 0.5) == 1.0
    with pytest.raises(ValueError, match="n was 1"):
        tost_p(1, 0.0, 1.0, 1.0)


def _ways(spans, free):
    """Distinct placements by listing them."""
    found = set()

    def put(left, at, so_far):
        if not left:
            found.add(so_far)
            return
        for start in range(at, sum(spans) + free - sum(left) + 1):
            put(left[1:], start + left[0], (*so_far, (left[0], start)))

    for order in permutations(spans):
        put(order, 0, ())
    return len(found)


@pytest.mark.parametrize(
    ("spans", "free"), [((1,), 0), ((2, 2), 3), ((1, 2, 3), 2), ((1, 1, 2, 2), 2), ((2, 2, 2), 0)]
)
def test_placements_by_listing(spans, free):
    count = placements(spans, free)
    assert count.exact == _ways(spans, free)
    assert count.log10 == pytest.approx(math.log10(count.exact), abs=1e-9)


def test_orders_by_listing():
    blocks = [["a", "b", "a"], ["c"], ["a", "b", "c", "d"]]
    assert orders(blocks).exact == math.prod(len(set(permutations(b))) for b in blocks)
    big = orders([list(range(60))])
    assert big.exact is None
    assert big.text() == "10^81.9"
    assert not big.fewer_than(1000)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.integers(-(2**127), 2**127 - 1), max_size=5))
def test_wide_ints(values):
    words = np.array([[(v >> 64) % 2**64, v % 2**64] for v in values], np.uint64).reshape(-1, 2)
    assert wide_ints(words[:, 0], words[:, 1]) == values


def test_exceedances_counts_ties():
    def row(s, q):
        return [(s >> 64) % 2**64, s % 2**64, q >> 64, q % 2**64]

    sums = np.array([row(3, 9), row(-3, 9), row(2**70, 2**140 >> 20), row(6, 36)], np.uint64)
    assert sum(exceedances(sums, 3, 9)) == 3


WIDE = st.integers(-(2**120), 2**120) | st.integers(-(2**20), 2**20) | st.integers(-3, 3)


@settings(max_examples=examples(300), deadline=None)
@given(
    own=st.tuples(WIDE, st.integers(0, 2**126) | st.integers(0, 9)),
    draws=st.lists(st.tuples(WIDE, st.integers(0, 2**126) | st.integers(0, 9)), max_size=6),
    times=st.integers(1, 2**30), off=st.integers(-1, 1),
)  # fmt: skip
def test_exceedances_are_those_of_integers(own, draws, times, off):
    """Also a hair beside a tie, where doubles cannot tell."""
    s_own, q_own = own
    beside = (s_own * times + off, q_own * times * times)
    draws = [*draws, own] + [beside] * (abs(beside[0]) < 2**126 and beside[1] < 2**127)
    sums = np.array(
        [[(s >> 64) % 2**64, s % 2**64, q >> 64, q % 2**64] for s, q in draws], np.uint64
    )
    assert exceedances(sums, s_own, q_own) == [
        studentised_at_least(s, q, s_own, q_own) for s, q in draws
    ]


@pytest.mark.parametrize(
    ("amount", "exponent", "expected"),
    [
        (0, -17, "0"),
        (-5, -1, "-0.5"),
        (123, 0, "123"),
        (12, 3, "12000"),
        (10**40 + 1, -17, "100000000000000000000000.00000000000000001"),
        (1500, -3, "1.5"),
    ],
)
def test_decimal_text(amount, exponent, expected):
    assert decimal_text(amount, exponent) == expected


def test_shown_and_combine():
    assert rounded(1 / 3) == 0.333333333
    assert str(rounded(-0.0)) == "0.0"
    assert combine([Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]) is Verdict.FAIL
    assert combine([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert combine([Verdict.PASS]) is Verdict.PASS
    assert combine([]) is Verdict.INCONCLUSIVE


def test_monte_carlo_result_derives_p():
    count = MonteCarlo(49, 999)
    assert count.p_value == Fraction(1, 20)
    assert count.to_json() == {
        "exceedances": 49,
        "draws": 999,
        "p_value": 0.05,
        "stopped": False,
        "extended": False,
        "systematic": False,
        "histogram": None,
        "interval_95": pytest.approx([0.036504, 0.064330], abs=5e-7),
    }
