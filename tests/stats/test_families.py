"""Measures over families: published numbers, definitions, and what they refuse."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.stats.benjamini import benjamini_hochberg
from quantlaxmi.stats.cochran_q import cochran_q
from quantlaxmi.stats.cscv import backtest_overfitting
from quantlaxmi.stats.ledoit_wolf import difference_variance, sharpe_difference
from quantlaxmi.stats.model_confidence_set import model_confidence_set
from quantlaxmi.stats.simes import simes
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.storey import null_share, q_values
from quantlaxmi.stats.superior_predictive_ability import superior_predictive_ability
from tests.depth import examples

#: Colditz et al. (1994), BCG vaccine: cases and others among the vaccinated and the controls.
BCG = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
    (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]  # fmt: skip


def test_cochran_q_of_the_bcg_trials():
    """Viechtbauer (2010), J. Statistical Software 36(3): Q(df = 12) = 152.2330, p < .0001."""
    effects = [math.log((a / (a + b)) / (c / (c + d))) for a, b, c, d in BCG]
    variances = [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in BCG]
    found = cochran_q(effects, variances)
    assert found.statistic == pytest.approx(152.2330, abs=5e-5)
    assert found.degrees == 12 and found.p_value < 1e-4
    assert cochran_q([1.0, 1.0], [1.0, 2.0]).p_value == 1.0
    for bad in (([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [1.0, 0.0])):
        with pytest.raises(ValueError):
            cochran_q(*bad)


P = [Fraction(p) for p in ("0.005", "0.009", "0.0128", "0.0135", "0.045", "0.06")]


def test_simes_is_the_smallest_step_up_p():
    """Of the published example of Benjamini and Hochberg's adjustment: 0.02025."""
    assert simes(P) == Fraction("0.02025") == min(benjamini_hochberg(P))
    assert simes([0.2]) == 0.2
    with pytest.raises(ValueError, match="at least one"):
        simes([])


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=9), st.fractions("0.1", "0.9"))
def test_storey_is_its_definition(ps, cut):
    share = null_share(ps, cut)
    above = len([p for p in ps if p > cut])
    assert share == min(1, Fraction(above + 1) / (len(ps) * (1 - cut)))
    assert q_values(ps, cut) == [share * p for p in benjamini_hochberg(ps)]


def test_storey_by_hand_and_what_it_refuses():
    # Half of ten tests above one half: 6/(10 * 1/2) is above 1, so that q is the adjusted p.
    ps = [Fraction(k, 10) for k in range(1, 11)]
    assert null_share(ps) == 1 and q_values(ps) == benjamini_hochberg(ps)
    assert null_share([Fraction(1, 100)] * 9 + [Fraction(9, 10)]) == Fraction(2, 5)
    assert q_values([]) == []
    for bad in (([], Fraction(1, 2)), (ps, Fraction(0)), (ps, Fraction(1))):
        with pytest.raises(ValueError):
            null_share(*bad)


@pytest.mark.parametrize(("first", "second", "rho"), [(0.5, 0.2, 0.3), (0.1, 0.1, 0.9), (2, -1, 0)])
def test_the_variance_of_normal_returns_is_memmel_s(first, second, rho):
    """Memmel (2003): 2 - 2 rho + (SR1^2 + SR2^2 - 2 SR1 SR2 rho^2)/2, whatever the units."""
    sd, means = np.array([3.0, 0.5]), np.array([3.0 * first, 0.5 * second])
    c = rho * sd[0] * sd[1]
    plain = np.array([[sd[0] ** 2, c], [c, sd[1] ** 2]])
    mixed = 2 * plain * means  # covariance of x and y with their squares
    squares = 2 * plain**2 + 4 * plain * np.outer(means, means)
    covariance = np.block([[plain, mixed], [mixed.T, squares]])
    found = difference_variance(means, means**2 + sd**2, covariance)
    expected = 2 - 2 * rho + (first**2 + second**2 - 2 * first * second * rho**2) / 2
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_difference_of_two_ratios():
    rng = np.random.default_rng(4)
    x = rng.standard_t(5, 4000) + 0.1
    y = 0.5 * x + rng.standard_t(5, 4000) * 0.5
    found, other = sharpe_difference(x, y), sharpe_difference(y, 1e-7 * x)
    assert found.difference == pytest.approx(x.mean() / x.std() - y.mean() / y.std(), rel=1e-12)
    assert other.difference == pytest.approx(-found.difference, rel=1e-9)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-9)
    assert sharpe_difference(x, x).p_value == 1.0
    assert sharpe_difference(x, x - 0.2).p_value < 1e-3
    # Lags: a series that repeats every value has half the information.
    few = sharpe_difference(np.repeat(x, 4), np.repeat(y, 4), 0)
    many = sharpe_difference(np.repeat(x, 4), np.repeat(y, 4), 40)
    assert 1.7 < many.error / few.error < 2.1
    for bad in ((x[:9], y[:9]), (x, y[1:]), (np.ones(20), y[:20])):
        with pytest.raises(ValueError):
            sharpe_difference(*bad)
    with pytest.raises(ValueError, match="lags"):
        sharpe_difference(x, y, 4000)


def slow_confidence_set(own, draws):
    """The same by Fractions of squares: who leaves, and with which p."""
    left, found, largest = list(range(len(own))), [Fraction(1)] * len(own), Fraction(0)
    m = len(draws[0])
    while len(left) > 1:
        n, rows = len(left), []
        for k in left:
            short = Fraction(sum(own[j] for j in left), n) - own[k]
            moved = [Fraction(sum(draws[j][t] for j in left), n) - draws[k][t] - short
                     for t in range(m)]  # fmt: skip
            rows.append((short, moved, math.sqrt(sum(v * v for v in moved) / m)))
        scores = [float(s) / sd for s, _, sd in rows]
        worst = scores.index(max(scores))
        null = [max(float(mv[t]) / sd for _, mv, sd in rows) for t in range(m)]
        p = Fraction(1 + sum(v >= scores[worst] for v in null), m + 1)
        largest = max(largest, p)
        found[left[worst]] = largest
        del left[worst]
    return found


@given(st.integers(0, 10**6), st.integers(2, 5))
@settings(max_examples=examples(30), deadline=None)
def test_the_model_confidence_set_is_its_definition(seed, k):
    rng = np.random.default_rng(seed)
    own = [int(v) for v in rng.integers(-(10**9), 10**9, k)]
    draws = [[o + int(v) for v in rng.integers(-(10**9), 10**9, 40)] for o in own]
    assert model_confidence_set(own, draws) == slow_confidence_set(own, draws)


def test_the_model_confidence_set_drops_what_is_worse():
    rng = np.random.default_rng(1)
    noise = rng.integers(-100, 101, (3, 999))
    own = [1000, 990, -(10**30)]
    found = model_confidence_set(
        own, [[o + int(v) for v in n] for o, n in zip(own, noise, strict=True)]
    )
    assert found[0] == 1 and found[1] > Fraction(1, 10) and found[2] == Fraction(1, 1000)
    # Copies of one series leave none behind as worse than the other.
    twins = model_confidence_set([5, 5], [[4, 5, 6]] * 2)
    assert twins == [1, 1]
    for bad in (([], []), ([1], []), ([1], [[]])):
        with pytest.raises(ValueError):
            model_confidence_set(*bad)


def test_the_model_confidence_set_is_that_of_arch():
    """arch 8.0.0, ``MCS(-x, 0.05, reps=5000, block_size=10, method="max", seed=3)``."""
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (500, 6)) + rng.normal(0, 1, (500, 1))
    x += np.array([0.2, 0.18, 0.1, 0.05, 0, -0.1])
    series = [[int(v * 1e9) for v in column] for column in x.T]
    sums = bootstrap_sums(series, 10_000_000, 5000, 7)
    found = model_confidence_set([sum(one) for one in series], sums)
    arch = [1.0, 0.9606, 0.2308, 0.1308, 0.1308, 0.0]
    assert [float(p) for p in found] == pytest.approx(arch, abs=0.02)


@given(st.integers(0, 10**6), st.sampled_from([3, 100, 10**25]))
@settings(max_examples=examples(60), deadline=None)
def test_superior_ability_by_its_definition(seed, size):
    rng = np.random.default_rng(seed)
    k, m = int(rng.integers(1, 5)), int(rng.integers(1, 20))
    value = lambda: int(rng.integers(-3, 4)) * size // 3 + int(rng.integers(-2, 3))  # noqa: E731
    own = [value() for _ in range(k)]
    draws = [[o + value() for _ in range(m)] for o in own]
    found = superior_predictive_ability(own, draws, 50)
    sd = [
        math.isqrt((sum((s - o) ** 2 for s in d) << 64) // m)
        for o, d in zip(own, draws, strict=True)
    ]
    used = [j for j in range(k) if sd[j]]
    reached = max([Fraction(0), *(Fraction(own[j], sd[j]) for j in used)])

    def p(kept):
        tops = [
            max([Fraction(0), *(Fraction(draws[j][t] - kept(own[j]), sd[j]) for j in used)])
            for t in range(m)
        ]
        return Fraction(1 + sum(top >= reached for top in tops), m + 1)

    assert found.upper == p(lambda o: o)
    assert found.lower == p(lambda o: o if o > 0 else 0)
    assert found.lower <= found.consistent <= found.upper


@pytest.mark.parametrize("level", [0.0, 1.0, 1e3, -1e6])
def test_overfitting_keeps_its_digits_far_from_zero(level):
    """A mean of 1000 with a spread of 1e-6: squares about 0 would lose all of it."""
    table = np.random.default_rng(3).normal(0.0, 1e-6, (240, 6))
    exact = [[Fraction(v) for v in row] for row in (table + level).tolist()]
    columns, blocks, below = list(zip(*exact, strict=True)), 6, 0

    def ratio(values):
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        return mean * abs(mean) / variance

    for half in itertools.combinations(range(blocks), blocks // 2):
        ratios = []
        for inside in (True, False):
            rows = [r for r in range(240) if (r // 40 in half) is inside]
            ratios.append([ratio([c[r] for r in rows]) for c in columns])
        first, second = ratios
        own = second[first.index(max(first))]
        rank = 2 * sum(v < own for v in second) + sum(v == own for v in second) + 1
        below += rank <= len(columns) + 1
    assert backtest_overfitting(table + level, blocks) == below / 20
