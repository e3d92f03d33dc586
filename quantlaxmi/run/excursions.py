"""Worst and best running result of every round trip, from mid to mid.

The running result of a trip is what it has traded at the mids that its decisions saw, and its
position at the last valid mid. It is 0 before the trip, and is looked at after each of its fills
and at every valid book until its end. While a position has no mid yet there is no result. Fees,
funding and interest are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi._ext.trip_extremes import trip_extremes
from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.run.ledger_lines import marks_at
from quantlaxmi.schema import I64
from quantlaxmi.segment.tops import top_rows

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun
    from quantlaxmi.run.trip_money import Halves, TripMoney

__all__ = ["excursions", "valid_mids"]


def valid_mids(run: ExactRun, instrument: int) -> tuple[I64, I64]:
    """Message numbers and bid + ask of an instrument's valid books, in order.

    Quotes and chain snapshots give the top of a book, rebuilt depth until the first of them.
    """
    quotes = top_rows(run.segment)
    own = quotes["instrument"] == instrument
    seq, bid, ask = (quotes[name][own] for name in ("seq", "bid", "ask"))
    valid = (bid > 0) & (ask > bid) & (quotes["bid_qty"][own] > 0) & (quotes["ask_qty"][own] > 0)
    depth = run.segment.columns("depth")
    until = int(seq[0]) if len(seq) else np.iinfo(np.int64).max
    early = np.unique(depth["seq"][(depth["instrument"] == instrument) & (depth["seq"] < until)])
    seq, mid2 = seq[valid], (bid + ask)[valid]
    if len(early):
        marks = marks_at(run.segment, early, [instrument])[0]
        seq = np.concatenate([early[marks != 0], seq])
        mid2 = np.concatenate([marks[marks != 0], mid2])
    return seq, mid2


def excursions(run: ExactRun, found: TripMoney) -> tuple[Halves, Halves]:
    """Return the lowest and the highest running result of each trip.

    Parameters
    ----------
    run : ExactRun
    found : TripMoney
        Of this run.

    Returns
    -------
    worst, best : (hi, lo)
        Columns of n_trips at the run's ledger exponent - 1, in halves; at most 0, and at least 0.

    Raises
    ------
    FixedPointOverflow
        A running result does not fit 128 bits.
    """
    trips, exact = found.trips, run.exact
    which = exact.fills["instrument"][trips.fill].astype(np.int64)
    units = [5 * scale * weight for scale, weight in zip(exact.scales, run.weights, strict=True)]
    extremes, wrong = trip_extremes(
        _books(run, np.unique(which).tolist()),
        np.ascontiguousarray(exact.fills["seq"][trips.fill]),
        which,
        trips.quantity,
        np.stack(_weighed(found.gross_of_parts, which, run.weights)),
        trips.first_part.astype(np.int64),
        trips.is_open,
        np.stack(int128_halves(units)),
    )
    if wrong >= 0:
        raise FixedPointOverflow("the running result of a round trip", (wrong,), wrong)
    (low, high) = extremes
    return (low[0], low[1]), (high[0], high[1])


def _weighed(halves: Halves, which: I64, weights: tuple[int, ...]) -> Halves:
    """Amounts of instruments times their weights."""
    if all(weight == 1 for weight in weights):
        return halves
    values = int128_array(*halves) * np.array(weights, dtype=object)[which]
    return int128_halves(values)


def _books(run: ExactRun, instruments: list[int]) -> tuple[I64, I64, I64]:
    """Message, instrument and bid + ask of books in order; 0 where one is not valid."""
    quotes = top_rows(run.segment)
    mid2 = (quotes["bid"] + quotes["ask"]).astype(np.int64, copy=False)
    mid2 *= (quotes["bid"] > 0) & (quotes["ask"] > quotes["bid"])
    mid2 *= (quotes["bid_qty"] > 0) & (quotes["ask_qty"] > 0)
    columns = (quotes["seq"], quotes["instrument"].astype(np.int64, copy=False), mid2)
    depth = run.segment.columns("depth")
    if not len(depth["seq"]):
        return columns
    # Rebuilt depth gives the top of an instrument's book until its first quote.
    early: list[tuple[I64, I64, I64]] = []
    for i in instruments:
        own = quotes["seq"][quotes["instrument"] == i]
        seq, mids = valid_mids(run, i)
        n = int(np.searchsorted(seq, own[0])) if len(own) else len(seq)
        early.append((seq[:n], np.full(n, i, np.int64), mids[:n]))
    joined = [np.concatenate([one, *rest]) for one, *rest in zip(columns, *early, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return joined[0][order], joined[1][order], joined[2][order]
