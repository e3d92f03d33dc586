"""The halves of 128-bit integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi import fixed
from quantlaxmi.errors import FixedPointError

I128 = st.integers(-(2**127), 2**127 - 1)
EDGES = [0, 1, -1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, -(2**64), 2**127 - 1, -(2**127)]


@given(I128)
def test_halves_of_an_integer_join_again(value):
    hi, lo = fixed.int_to_int128(value)
    assert -(2**63) <= hi < 2**63
    assert -(2**63) <= lo < 2**63
    assert fixed.int128_to_int(hi, lo) == value
    assert fixed.int128_to_int(hi, lo % 2**64) == value
    assert fixed.int128_to_int(np.int64(hi), np.int64(lo)) == value
    assert fixed.int_to_int128(np.int64(lo)) == (-1 if lo < 0 else 0, lo)
    assert value.to_bytes(16, "big", signed=True) == (
        hi.to_bytes(8, "big", signed=True) + lo.to_bytes(8, "big", signed=True)
    )


@given(st.lists(I128))
def test_arrays_of_halves_join_again(values):
    hi, lo = fixed.int128_halves(values)
    assert hi.dtype == lo.dtype == np.int64
    hi.flags.writeable = lo.flags.writeable = False
    assert fixed.int128_array(hi, lo).tolist() == values


@given(st.lists(I128))
def test_the_sum_of_halves_is_that_of_the_integers(values):
    hi, lo = fixed.int128_halves(values)
    assert fixed.int128_sum(hi, lo) == sum(values)


@pytest.mark.parametrize("value", EDGES)
def test_a_sum_may_leave_128_bits(value):
    hi, lo = fixed.int128_halves([value])
    assert fixed.int128_sum(np.repeat(hi, 5000), np.repeat(lo, 5000)) == 5000 * value


def test_arrays_of_halves_may_be_strided():
    hi, lo = fixed.int128_halves(EDGES)
    records = np.zeros(len(EDGES), dtype=[("hi", "<i8"), ("x", "<i8"), ("lo", "<i8")])
    records["hi"], records["lo"] = hi, lo
    assert fixed.int128_array(records["hi"], records["lo"]).tolist() == EDGES
    assert fixed.int128_array(hi[::-1], lo[::-1]).tolist() == EDGES[::-1]
    assert fixed.int128_sum(records["hi"], records["lo"]) == sum(EDGES)


@pytest.mark.parametrize("value", [2**127, -(2**127) - 1])
def test_more_than_128_bits_is_refused(value):
    with pytest.raises(FixedPointError, match=str(value)):
        fixed.int_to_int128(value)
    with pytest.raises(FixedPointError, match="row 1"):
        fixed.int128_halves([0, value])
