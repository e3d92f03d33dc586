"""Bootstrap, block length, StepM and long-run variance against twins and published numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.stats.block_length import MILLION, _cube_root, block_length
from quantlaxmi.stats.newey_west import newey_west
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.stepm import stepm
from tests.depth import examples
from tests.naive import bootstrap as naive

KEY = 0xC0FFEE123456789


@pytest.mark.parametrize(
    ("lags", "expected"), [(0, 6.9275), (1, 8.126375), (2, 8.562833333), (3, 8.819375)]
)
def test_newey_west_published(lags, expected):
    series = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4]
    assert float(newey_west(series, lags)) == pytest.approx(expected, abs=1e-9)
    assert newey_west([Fraction(x, 7) for x in series], lags) == newey_west(series, lags) / 49


def test_newey_west_edges():
    assert newey_west([4], 0) == 0
    with pytest.raises(ValueError, match="3 lags of a series of 3"):
        newey_west([1, 2, 3], 3)


def _autoregression(n, dropped):
    shocks = np.random.RandomState(0).standard_normal(n + dropped)
    x = np.zeros(n + dropped)
    for i in range(1, len(x)):
        x[i] = 0.3 * x[i - 1] + shocks[i]
    return [int(v * 2**50) for v in x[dropped:]]


def test_block_length_published():
    found = block_length(_autoregression(10_000, 100))
    assert found.stationary / MILLION == pytest.approx(13.635665, abs=1e-4)
    assert found.circular / MILLION == pytest.approx(15.60894, abs=1e-4)
    assert found.lags == 6


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=90), st.integers(1, 10**18))
def test_block_length_is_the_twins(series, scale):
    found = block_length(series)
    expected = naive.block_lengths(series)
    assert (found.stationary / 1e6, found.circular / 1e6) == pytest.approx(expected, abs=2e-6)
    assert block_length([-scale * x + 5 for x in series]) == found


def test_block_length_edges():
    assert block_length([7] * 50).stationary == MILLION
    # A level near zero under a large curvature; 3 sqrt(n), and n/3 where that is less.
    wave = [int(1e6 * math.sin(i / 5)) for i in range(400)]
    assert block_length(wave).stationary == 60 * MILLION
    assert block_length([(-1) ** i for i in range(40)]).circular == 14 * MILLION
    with pytest.raises(ValueError, match="1 observations"):
        block_length([1])


@given(st.integers(0, 2**300))
def test_cube_root_is_the_largest_that_fits(x):
    root = _cube_root(x)
    assert root**3 <= x < (root + 1) ** 3


@settings(max_examples=examples(40), deadline=None)
@given(
    data=st.data(),
    n=st.integers(1, 25),
    block=st.integers(MILLION, 30 * MILLION),
    key=st.integers(0, 2**64 - 1),
)
def test_bootstrap_sums_are_the_twins(data, n, block, key):
    sizes = st.sampled_from([1, 10**6, 2**62, 10**24, 10**40])
    series = [
        [data.draw(st.integers(-s, s)) for _ in range(n)]
        for s in data.draw(st.lists(sizes, min_size=1, max_size=3))
    ]
    expected = naive.sums(series, block, 6, key)
    assert bootstrap_sums(series, block, 6, key) == expected
    assert bootstrap_sums(series, block, 4, key, first=2) == [s[2:] for s in expected]


def test_bootstrap_sums_do_not_depend_on_threads():
    series = [list(range(-300, 340))]
    one = bootstrap_sums(series, 5 * MILLION, 100, KEY, threads=1)
    assert one == bootstrap_sums(series, 5 * MILLION, 100, KEY, threads=2)
    assert one == bootstrap_sums(series, 5 * MILLION, 100, KEY)


@pytest.mark.parametrize("block", [1, 10, 20])
def test_bootstrap_sums_have_the_variance_of_their_blocks(block):
    n = 200
    x = np.array([1 if i < n // 2 else -1 for i in range(n)])
    sums = bootstrap_sums([x.tolist()], block * MILLION, 4000, KEY)[0]
    # Two steps k apart are in one block with probability (1 - 1/L)**k, and then k apart in x.
    expected = sum(
        (1 if k == 0 else 2) * (n - k) * (1 - 1 / block) ** k * np.mean(x * np.roll(x, -k))
        for k in range(n)
    )
    assert np.var(sums) == pytest.approx(expected, rel=0.1)
    assert abs(np.mean(sums)) < 4 * (expected / 4000) ** 0.5


def test_bootstrap_sums_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="cannot be resampled"):
        bootstrap_sums([[1, 2], [1]], MILLION, 3, KEY)
    with pytest.raises(ValueError, match="cannot be resampled"):
        bootstrap_sums([], MILLION, 3, KEY)
    with pytest.raises(ValueError, match="block was 999999"):
        bootstrap_sums([[1, 2]], MILLION - 1, 3, KEY)


@settings(max_examples=examples(80), deadline=None)
@given(data=st.data(), k=st.integers(1, 4), m=st.sampled_from([19, 20, 39, 60]))
def test_stepm_rejects_what_the_twin_rejects(data, k, m):
    amount = st.integers(-20, 20)
    own = [data.draw(st.integers(-60, 60)) for _ in range(k)]
    draws = [[own[j] + data.draw(amount) for _ in range(m)] for j in range(k)]
    adjusted = stepm(own, draws)
    for alpha in (Fraction(1, 20), Fraction(1, 10), Fraction(1, 4)):
        rejected = {j for j, p in enumerate(adjusted) if p <= alpha}
        assert rejected == naive.stepm_rejected(own, draws, alpha)


def test_stepm_steps_down():
    # Alone, the second one's 12 is reached by one draw of 19; beside the first's by more.
    calm = [[0] * 18 + [12], [0] * 9 + [3] * 10]
    own = [200, 11]
    adjusted = stepm(own, [[own[j] + c for c in calm[j]] for j in range(2)])
    assert adjusted[0] == Fraction(1, 20)
    assert adjusted[1] == Fraction(1, 20)  # the first is rejected and out of the maximum
    assert stepm([5], [[5, 5, 5]]) == [Fraction(1)]
    assert stepm([], []) == []


def test_stepm_does_not_depend_on_units():
    draws = bootstrap_sums([[3, -1, 4, 1, -5, 9, 2, -6], [2, 7, 1, -8, 2, 8, 1, 8]], MILLION, 99, 5)
    scaled = [draws[0], [10**15 * s for s in draws[1]]]
    own = [7, 21]
    assert stepm(own, draws) == stepm([7, 21 * 10**15], scaled)
