"""A run's net PnL by session days, beside the forward of the nearest expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.gates.path.market_steps import MarketSteps
from quantlaxmi.gates.path.session_days import SessionDays
from quantlaxmi.gates.results import Inconclusive
from quantlaxmi.options import ChainHistory, chain_history, forward
from quantlaxmi.run.position_changes import round_trip_starts
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["day_steps"]

_DAY_NS = 86_400 * 10**9


def day_steps(run: Run, days: SessionDays, net: tuple[int, ...]) -> MarketSteps | None:
    """Return the session days of a run as steps.

    Parameters
    ----------
    run : Run
    days : SessionDays
    net : tuple of int
        Increment of equity of each day, attribution scale.

    Returns
    -------
    MarketSteps or None
        None for a run without a fill. The price known as a day begins is twice the forward of the
        nearest expiry at the last snapshot of the day before that gives one, rounded to a mantissa;
        of the first day, and before any, the first one that is known.

    Raises
    ------
    Inconclusive
        The chain cannot be laid out, or has no forward.
    """
    fills = run.exact.fills
    if not len(fills):
        return None
    try:
        history = chain_history(run.segment.columns("chain"), run.instruments).history
    except InputError as error:
        raise Inconclusive(f"The chain cannot be laid out: {error}.") from None
    price = _forwards(history)
    known = np.flatnonzero(price)
    if not len(known):
        raise Inconclusive("Snapshots with a forward: none. Run on more data.")
    begins = np.concatenate([[history.ts_ns[0] - 1], days.ends[:-1]])
    last = np.searchsorted(history.ts_ns[known], begins, side="right") - 1
    begun = np.searchsorted(days.ends, fills["ts_ns"][round_trip_starts(fills)], side="left")
    some = next(one for one in run.instruments if one.expiry_ns is not None)
    return MarketSteps(
        _DAY_NS,
        days.ends,
        net,
        tuple(np.bincount(begun, minlength=days.n_days).tolist()),
        f"forward of {some.base}",
        price[known][last.clip(0)],
    )


def _forwards(history: ChainHistory) -> I64:
    """Twice the forward of the nearest expiry that has one, by snapshot, in mantissas; 0: none."""
    found = np.zeros(history.n_snapshots, np.int64)
    unit = 2 * 10**-history.price_exponent
    for row in range(history.n_snapshots):
        value = forward(history.option_chain(row)).value
        value = value[(value > 0) & (history.expiry_ns > history.ts_ns[row])]
        if value.size:
            found[row] = round(float(value[0]) * unit)
    return found
