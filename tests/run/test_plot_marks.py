"""Marks of fills in the picture of a price."""

from __future__ import annotations

import numpy as np

from quantlaxmi.run.plots import entries_and_exits


def test_a_reversal_is_an_entry_and_an_exit() -> None:
    before = np.array([0, 1, 2, 1, 0, -1, -2, 1, -1], np.int64)
    after = np.array([1, 2, 1, 0, -1, -2, 0, -1, 1], np.int64)
    entries, exits = entries_and_exits(before, after)
    assert entries.tolist() == [True, True, False, False, True, True, False, True, True]
    assert exits.tolist() == [False, False, True, True, False, False, True, True, True]
