"""The kernel of round trips at its edges; tests/run/test_round_trips.py has its naive twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi._ext.trip_parts import counted_order, trip_parts
from quantlaxmi.schema import FILL_DTYPE


@given(st.lists(st.integers(0, 5)))
def test_rows_are_ordered_as_by_a_stable_sort(keys):
    rows = np.array(keys, np.int64)
    assert counted_order(rows, 6).tolist() == np.argsort(rows, kind="stable").tolist()


@pytest.mark.parametrize(("key", "n"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_a_key_outside_is_refused(key, n):
    with pytest.raises(ValueError, match="a key is not from 0"):
        counted_order(np.array([key]), n)


@pytest.mark.parametrize("instrument", [-1, 2])
def test_a_fill_of_no_instrument_is_refused(instrument):
    fills = np.zeros(2, FILL_DTYPE)
    fills["instrument"][1] = instrument
    with pytest.raises(ValueError, match="a fill is of none of the 2 instruments"):
        trip_parts(fills, 2)


def test_no_fills_are_no_trips():
    parts, n_trips, is_open = trip_parts(np.zeros(0, FILL_DTYPE), 0)
    assert parts.shape == (4, 0) and n_trips == 0 and not is_open
