"""Backtest overfitting, superior ability and combinatorial splits against known values."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.stats.block_length import MILLION
from quantlaxmi.stats.cpcv import combinatorial_splits, training_rows
from quantlaxmi.stats.cscv import backtest_overfitting
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.superior_predictive_ability import superior_predictive_ability
from tests.depth import examples


def _congruential():
    x, found = 42, []
    for _ in range(640 * 20):
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        found.append(((x >> 33) % 2001 - 1000) / 1e5)
    table = np.array(found).reshape(640, 20)
    table[:, 3] += 0.0006
    return table


def test_backtest_overfitting_published():
    """Of two tables that anyone can make; Bailey et al. (2017) print no data with their numbers.

    The next test is the paper's definition, by sets of rows.
    """
    table = _congruential()
    assert backtest_overfitting(table, 4) == 0.5
    assert backtest_overfitting(table, 8) == pytest.approx(0.6142857142857143, abs=1e-12)
    assert backtest_overfitting(table, 16) == pytest.approx(0.5989121989121989, abs=1e-12)
    table = np.random.default_rng(1).normal(3e-4, 0.01, (2520, 100))
    assert backtest_overfitting(table, 16) == pytest.approx(0.5651903651903651, abs=1e-12)


def test_backtest_overfitting_is_its_definition():
    rng = np.random.default_rng(4)
    table = rng.integers(-9, 10, (26, 5)).astype(float)
    rows = np.split(np.arange(26), [5, 10, 14, 18, 22])
    below = 0
    for half in itertools.combinations(range(6), 3):
        inside = np.concatenate([rows[b] for b in half])
        outside = np.setdiff1d(np.arange(26), inside)
        first, second = (table[r].mean(0) / table[r].std(0) for r in (inside, outside))
        rank = 1 + sum(v < second[first.argmax()] - 1e-12 for v in second)
        below += math.log(rank / (6 - rank)) <= 0
    assert backtest_overfitting(table, 6) == below / 20


def test_backtest_overfitting_of_skill_and_of_nothing():
    rng = np.random.default_rng(2)
    skilled = rng.normal(0, 1, (400, 10))
    skilled[:, 7] += 1
    assert backtest_overfitting(skilled, 8) == 0.0
    assert backtest_overfitting(np.zeros((40, 3)), 4) == 1.0  # a tie is at the middle
    for shape, blocks in (((40, 1), 4), ((40, 3), 5), ((3, 3), 4), ((90, 3), 22)):
        with pytest.raises(ValueError, match="blocks"):
            backtest_overfitting(np.zeros(shape), blocks)


def test_superior_ability_of_an_overwhelming_edge():
    rng = np.random.default_rng(0)
    series = [(rng.integers(-5, 6, 200) + shift).tolist() for shift in (0, 50, -3)]
    sums = bootstrap_sums(series, 3 * MILLION, 199, 8)
    found = superior_predictive_ability([sum(s) for s in series], sums, 200)
    assert found.consistent == found.upper == found.lower == Fraction(1, 200)


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data(), k=st.integers(1, 4), n=st.integers(3, 500))
def test_superior_ability_is_its_definition(data, k, n):
    m = 25
    own = [data.draw(st.integers(-60, 60)) for _ in range(k)]
    draws = [[own[j] + data.draw(st.integers(-30, 30)) for _ in range(m)] for j in range(k)]
    found = superior_predictive_ability(own, draws, n)
    sd = [math.sqrt(sum((s - o) ** 2 for s in d) / m) for o, d in zip(own, draws, strict=True)]
    used = [j for j in range(k) if sd[j]]
    limit = math.sqrt(2 * math.log(math.log(n)))
    best = max([0.0, *(own[j] / sd[j] for j in used)])
    for name, centre in (
        ("lower", lambda j: max(own[j], 0)),
        ("consistent", lambda j: own[j] if own[j] >= -limit * sd[j] else 0),
        ("upper", lambda j: own[j]),
    ):
        tops = [max([0.0, *((draws[j][t] - centre(j)) / sd[j] for j in used)]) for t in range(m)]
        b = sum(t >= best - 1e-9 for t in tops)
        assert getattr(found, name) == Fraction(b + 1, m + 1)
    assert found.lower <= found.consistent <= found.upper


def test_superior_ability_refuses_too_little():
    for own, draws, n in (([], [[]], 9), ([1], [[]], 9), ([1], [[1, 2]], 2)):
        with pytest.raises(ValueError, match="cannot be tested"):
            superior_predictive_ability(own, draws, n)


def test_combinatorial_splits_published():
    found = combinatorial_splits(6, 2)
    assert (len(found.splits), len(found.paths)) == (15, 5)


@given(st.integers(2, 9), st.data())
def test_paths_use_every_tested_group_once(groups, data):
    tested = data.draw(st.integers(1, groups - 1))
    found = combinatorial_splits(groups, tested)
    assert len(found.splits) == math.comb(groups, tested)
    assert len(found.paths) == math.comb(groups - 1, tested - 1)
    given_out = [(split, g) for path in found.paths for g, split in enumerate(path)]
    assert sorted(given_out) == [(s, g) for s, split in enumerate(found.splits) for g in split]


@given(st.integers(2, 8), st.integers(0, 60), st.integers(0, 9), st.integers(0, 9), st.data())
def test_training_rows_keep_their_distance(groups, more, purge, embargo, data):
    n = groups + more
    test = tuple(sorted(data.draw(st.sets(st.integers(0, groups - 1), min_size=1))))
    rows = [
        r
        for first, end in training_rows(n, groups, test, purge=purge, embargo=embargo)
        for r in range(first, end)
    ]
    kept = []
    for r in range(n):
        stretches = [(g * n // groups, (g + 1) * n // groups) for g in test]
        if all(r < a - purge or r >= b + purge + embargo for a, b in stretches):
            kept.append(r)
    assert rows == kept


def test_splits_refuse_what_cannot_be():
    for groups, tested in ((1, 1), (6, 6), (6, 0), (21, 2)):
        with pytest.raises(ValueError, match="groups, expected"):
            combinatorial_splits(groups, tested)
    with pytest.raises(ValueError, match="3 rows in 4 groups"):
        training_rows(3, 4, (0,))
