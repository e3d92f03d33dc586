"""Interest that short positions owe at points in time, before it is paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.execution.account_terms import borrow_terms
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import div_round
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import IntColumn

__all__ = ["Loans", "accrued_interest", "loans_of"]

#: By instrument, the fraction of `borrow_terms`.
Loans: TypeAlias = Sequence[tuple[int, int]]


def loans_of(instruments: Sequence[Instrument], costs: CostModel, exponent: int) -> Loans:
    """Return the terms at which a run borrows each instrument, for a ledger at an exponent."""
    return tuple(borrow_terms(one, costs, exponent) for one in instruments)


def accrued_interest(
    rows: NDArray[Any],
    paid: NDArray[np.intp],
    ts_ns: NDArray[np.int64],
    mid2: NDArray[np.int64],
    terms: tuple[int, int],
) -> IntColumn:
    """Return what an instrument's position would have to pay, were it changed at given times.

    Parameters
    ----------
    rows : ndarray of BORROW_PAID_DTYPE, shape (n_rows,)
        All interest that was paid on the instrument, ascending in time.
    paid : ndarray of int, shape (n_times,)
        How many of the rows were paid by each time.
    ts_ns, mid2 : ndarray of int64, shape (n_times,)
        Times, and bid + ask of the last valid book then.
    terms : tuple of (int, int)
        Numerator and denominator of `borrow_terms`.

    Returns
    -------
    ndarray of int (object), shape (n_times,)
        Ledger units: half-even, by the formula that books it.
    """
    found: IntColumn = np.zeros(len(ts_ns), dtype=object)
    num, den = terms
    if not len(rows) or not den:
        return found
    # The row that is paid next says since when, and what, is short.
    coming = np.minimum(paid, len(rows) - 1)
    since = rows["since_ns"][coming]
    for k in np.flatnonzero((paid < len(rows)) & (since < ts_ns)).tolist():
        held = -int(rows["position"][coming[k]])
        found[k] = div_round(int(mid2[k]) * held * (int(ts_ns[k]) - int(since[k])) * num, den)
    return found
