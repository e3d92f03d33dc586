"""Columns of the market: exact values of bundles in small integers, or a refusal."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.gates.path.columns import LIMIT, BoundError, attribution_units, build_columns
from tests.depth import examples
from tests.gate_fakes import walk_points

N = 3
BUNDLES = st.lists(
    st.dictionaries(
        st.integers(0, N - 1), st.integers(-(10**6), 10**6).filter(bool), min_size=1
    ).map(lambda d: tuple(sorted(d.items()))),
    min_size=1,
    max_size=6,
    unique=True,
)


def _value(columns, bundle, row):
    terms = range(int(columns.term_first[bundle]), int(columns.term_first[bundle + 1]))
    return sum(
        int(columns.term_coefficient[t]) * int(columns.values[row, columns.term_column[t]])
        for t in terms
    )


@settings(max_examples=examples(80), deadline=None)
@given(
    bundles=BUNDLES,
    mids=st.lists(st.tuples(*[st.integers(1, 2**30)] * N), min_size=1, max_size=5),
    powers=st.tuples(*[st.integers(0, 2)] * N),
)
def test_bundle_values_are_exact(bundles, mids, powers):
    points = replace(
        walk_points(0, len(mids), instruments=N),
        mid2=np.array(mids, np.int64).T,
        scales=tuple(10**p for p in powers),
    )
    before = points.mid2.copy()
    columns = build_columns(points, bundles)
    units = attribution_units(points)
    for k, bundle in enumerate(bundles):
        for row in range(len(mids)):
            expected = sum(q * (mids[row][i] - mids[0][i]) * units[i] for i, q in bundle)
            found = _value(columns, k, row)
            assert found * columns.scale == expected
            assert abs(found) <= columns.largest[k] < LIMIT
    assert (points.mid2 == before).all()


def test_matched_pairs_need_one_column():
    points = walk_points(1, 50)
    pair = ((0, 6), (1, -6))
    columns = build_columns(points, [pair, ((0, -6), (1, 6)), ((0, 9), (1, -9))])
    assert columns.values.shape == (50, 1)
    assert math.gcd(*columns.values[:, 0].tolist()) == 1
    assert sorted(columns.term_coefficient.tolist()) == [-2, 2, 3]


def test_more_shapes_than_instruments_use_the_instruments():
    points = walk_points(1, 50, instruments=3)
    bundles = [((0, 1), (1, q)) for q in (1, 2, 3, 5)]
    assert build_columns(points, bundles).values.shape == (50, 2)


def test_flat_market_and_one_row():
    points = walk_points(1, 50)
    points.mid2[:] = 7
    columns = build_columns(points, [((0, 3), (1, -3))])
    assert not columns.values.any()
    assert build_columns(walk_points(1, 1), [((0, 3),)]).values.shape == (1, 1)


def test_next_to_the_limit():
    points = walk_points(1, 2, instruments=1)
    points.mid2[0] = [1, 2**62 - 3]  # the move is its own divisor: 1
    assert build_columns(points, [((0, 1),)]).largest == (1,)
    points = walk_points(1, 3, instruments=1)
    points.mid2[0] = [1, 2, 2**60]
    assert build_columns(points, [((0, 3),)]).largest == (2**60 - 1,)
    with pytest.raises(BoundError, match=r"limit is 2\^62"):
        build_columns(points, [((0, 5),), ((0, 3),)])


def test_scale_of_one_unit():
    """Half a tick of one satoshi of quantity, in attribution units."""
    points = replace(walk_points(1, 2, instruments=1), scales=(1,))
    assert attribution_units(points) == (5,)
    assert Fraction(5, 10**17) == Fraction(1, 2) * Fraction(1, 10**16)
