"""Sums of 128-bit halves, against Python's integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import fixed
from quantlaxmi._ext import int128_sums as kernels
from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.fixed.int128_sums import (
    int128_combined,
    int128_floats,
    int128_group_sums,
    int128_product_sum,
    int128_running,
)

I64 = st.integers(-(2**63), 2**63 - 1)
WIDE = st.integers(-(2**120), 2**120)
EDGES = (2**127 - 1, -(2**127))


@settings(deadline=None)
@given(st.lists(st.tuples(WIDE, st.integers(0, 3))))
def test_sums_by_group_are_those_of_integers(rows):
    hi, lo = fixed.int128_halves([value for value, _ in rows])
    sums = int128_group_sums(hi, lo, np.array([g for _, g in rows], np.intp), 4)
    assert fixed.int128_array(*sums).tolist() == [
        sum(value for value, g in rows if g == group) for group in range(4)
    ]


@settings(deadline=None)
@given(st.lists(WIDE))
def test_running_sums_are_those_of_integers(values):
    found = fixed.int128_array(*int128_running(*fixed.int128_halves(values))).tolist()
    assert found == [sum(values[:k]) for k in range(len(values) + 1)]


@settings(deadline=None)
@given(st.lists(st.tuples(WIDE, WIDE, WIDE)), *(st.integers(-9, 9),) * 3)
def test_columns_times_factors_are_added_row_by_row(rows, a, b, c):
    columns = [fixed.int128_halves([row[k] for row in rows]) for k in range(3)]
    found = int128_combined(*zip((a, b, c), columns, strict=True))
    assert fixed.int128_array(*found).tolist() == [a * x + b * y + c * z for x, y, z in rows]


@settings(deadline=None)
@given(st.lists(st.tuples(I64, I64)))
def test_a_sum_of_products_has_any_size(rows):
    records = np.array(rows, dtype=[("a", "<i8"), ("b", "<i8")])  # strided columns
    assert int128_product_sum(records["a"], records["b"]) == sum(a * b for a, b in rows)


def test_a_sum_of_products_may_leave_128_bits():
    least = np.full(1000, -(2**63))
    assert int128_product_sum(least, least) == 1000 * 2**126


@pytest.mark.parametrize("value", EDGES)
def test_what_does_not_fit_128_bits_is_an_error_and_names_its_row(value):
    edge, sign = fixed.int128_halves([0, value, 1 if value > 0 else -1]), -1 if value > 0 else 1
    for work in (
        lambda: int128_group_sums(*edge, np.array([0, 1, 1]), 2),
        lambda: int128_running(*edge),
        lambda: int128_combined((1, (edge[0][::-1], edge[1][::-1])), (2, edge)),
    ):
        with pytest.raises(FixedPointOverflow, match="at row"):
            work()
    # The edge itself is a sum that fits.
    apart = int128_group_sums(*edge, np.array([0, 1, 0]), 2)
    assert fixed.int128_array(*apart).tolist() == [-sign, value]


@settings(deadline=None)
@given(st.integers(-(2**127), 2**127 - 1))
def test_doubles_are_within_a_unit_in_the_last_place(value):
    found = int128_floats(*fixed.int128_halves([value]))[0]
    assert abs(found - float(value)) <= np.spacing(abs(float(value)))


def test_kernels_refuse_other_lengths_and_groups():
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    for work in (
        lambda: kernels.group_sums(one, two, one, 1),
        lambda: kernels.group_sums(one, one, two, 1),
        lambda: kernels.running_sums(one, two),
        lambda: kernels.add_times(np.zeros((2, 1), np.int64), two, two, 1),
        lambda: kernels.product_sum(one, two),
        lambda: kernels.total(one, two),
    ):
        with pytest.raises(ValueError, match="one a row"):
            work()
    for group in (-1, 1):
        with pytest.raises(ValueError, match=f"a group is {group}, there are 1"):
            int128_group_sums(one, one, np.array([group]), 1)
