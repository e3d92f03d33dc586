"""A run's net PnL by steps of the clock, and the price of what it trades most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.gates.path.increments import bucket_step, net_by_bucket, run_equity
from quantlaxmi.run.position_changes import round_trip_starts
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["MarketSteps", "market_steps"]


@dataclass(frozen=True, slots=True)
class MarketSteps:
    """Steps of equal length on the clock, the first and the last one partial.

    Attributes
    ----------
    step_ns : int
    ends : ndarray of int64, shape (n_steps,)
        Last stamp of each step, ns; a step has the messages after the end of the one before.
    net : tuple of int
        Increment of equity in each step, attribution scale.
    trips : tuple of int
        Round trips that began in each step.
    symbol : str
        The instrument that the run traded for most money.
    price_at : ndarray of int64, shape (n_steps,)
        Bid + ask of it that was known as each step began; of the first step its first price.
    """

    step_ns: int
    ends: I64
    net: tuple[int, ...]
    trips: tuple[int, ...]
    symbol: str
    price_at: I64


def market_steps(run: Run, most: int) -> MarketSteps | None:
    """Cut a run into steps of the shortest round length that makes at most `most` of them.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    most : int

    Returns
    -------
    MarketSteps or None
        None for a run without a fill.

    Raises
    ------
    EngineError
        When the increments do not sum to the ledger's net PnL.
    """
    fills = run.exact.fills
    if not len(fills):
        return None
    first = run.segment.first_ts_ns
    step = bucket_step(first, run.segment.last_ts_ns, most)
    curve, _ = run_equity(run, step)
    traded = dict.fromkeys(curve.held, 0)
    for i, price, qty in zip(
        fills["instrument"].tolist(), fills["price"].tolist(), fills["qty"].tolist(), strict=True
    ):
        traded[i] += price * qty * run.exact.scales[i] * run.weights[i]
    largest = max(traded, key=lambda i: (traded[i], -i))
    marks = curve.mid2[curve.held.index(largest)]
    known = marks[np.flatnonzero(marks)[:1]]
    # Before its first book nothing is known of a price: as if it had been the first one.
    marks = np.where(marks == 0, known[0] if len(known) else 0, marks)
    begun = np.searchsorted(curve.ts_ns, fills["ts_ns"][round_trip_starts(fills)], side="left")
    return MarketSteps(
        step,
        curve.ts_ns,
        tuple(net_by_bucket(run, curve)),
        tuple(np.bincount(begun, minlength=len(curve.ts_ns)).tolist()),
        run.instruments[largest].symbol,
        np.concatenate([marks[:1], marks[:-1]]),
    )
