"""Histograms of null distributions against their naive twin in Fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.stats.histogram import (
    BINS,
    LAST_BIN,
    Histogram,
    bin_of,
    bins_of,
    histogram,
    standardised,
)
from tests.naive import histogram as naive


def packed(draws):
    """S and Q as the kernels write them."""
    halves = [(x >> 64 & 2**64 - 1, x & 2**64 - 1) for draw in draws for x in draw]
    return np.array(halves, np.uint64).reshape(len(draws), 4)


#: Sums on an edge (S/sqrt(Q) = k/4 for Q = 16 n**2, S = k n), next to one, and anywhere.
on_edges = st.builds(
    lambda k, n, near: (k * n + near, 16 * n * n),
    st.integers(-26, 26),
    st.sampled_from([1, 3, 10**6, 2**40 + 1, 2**57 + 3]),
    st.integers(-1, 1),
)
anywhere = st.tuples(
    st.integers(-(2**127), 2**127 - 1) | st.integers(-50, 50) | st.integers(-(2**70), 2**70),
    st.integers(0, 2**127 - 1) | st.integers(0, 9) | st.integers(2**64, 2**80),
)


@given(draws=st.lists(on_edges | anywhere, min_size=1, max_size=20))
def test_bins_are_the_twins(draws):
    expected = [naive.bin_of(s, q) for s, q in draws]
    assert [bin_of(s, q) for s, q in draws] == expected
    assert bins_of(packed(draws)).tolist() == expected


@pytest.mark.parametrize("size", [1, 10**4, 2**40])
def test_many_draws_of_trips(size):
    rng = np.random.default_rng(3)
    gains = rng.integers(-size, size + 1, (5000, 40)).astype(object)
    draws = [(int(sum(g)), int(sum(g * g))) for g in gains]
    made = histogram(bins_of(packed(draws)), 7)
    assert list(made.counts) == naive.histogram(draws)
    assert sum(made.counts) == 5000
    assert made.own_bin == 7


def test_the_bins_cover_every_statistic():
    assert BINS == 50
    assert bin_of(0, 0) == bin_of(0, 1) == bin_of(5, 0) == 25  # squares of 0: statistic 0
    assert bin_of(-(10**30), 1) == 0
    assert bin_of(6, 1) == bin_of(10**30, 1) == LAST_BIN
    assert bin_of(-6, 1) == 1
    assert bin_of(-1, 10**30) == 24


@given(
    deviations=st.lists(st.integers(-50, 50) | st.integers(-(10**30), 10**30), max_size=30),
    own=st.integers(-300, 300),
)
def test_deviations_in_units_of_their_root_mean_square(deviations, own):
    found = standardised(deviations, own)
    m = len(deviations)
    mean_square = Fraction(sum(d * d for d in deviations), m) if m else Fraction(0)
    assert list(found.counts) == naive.histogram([(d, mean_square) for d in deviations])
    assert found.own_bin == naive.bin_of(own, mean_square)
    assert found.to_json()["statistic"] == "standardised deviation"


def test_no_draws_are_no_counts():
    assert bins_of(np.zeros((0, 4), np.uint64)).tolist() == []
    assert histogram([], 3) == Histogram((0,) * BINS, 3)


def test_the_edges_in_a_report_are_those_of_the_bins():
    found = histogram([0, 25, 25, LAST_BIN], bin_of(3, 4)).to_json()
    lowest, width = float(found["lowest_edge"]), float(found["bin_width"])
    k = found["own_bin"]
    assert lowest + (k - 1) * width <= 3 / math.sqrt(4) < lowest + k * width
    assert lowest + (len(found["counts"]) - 2) * width == 6
    assert found["counts"][25] == 2
