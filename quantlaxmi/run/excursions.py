"""Worst and best running result of every round trip, from mid to mid.

The running result of a trip is what it has traded at the mids that its decisions saw, and its
position at the last valid mid. It is 0 before the trip, and is looked at after each of its fills
and at every valid book until its end. Fees, funding and interest are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.fixed import int128_array
from quantlaxmi.run.ledger_lines import marks_at
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun
    from quantlaxmi.run.trip_money import TripMoney

__all__ = ["excursions", "valid_mids"]


def valid_mids(run: ExactRun, instrument: int) -> tuple[I64, I64]:
    """Message numbers and bid + ask of an instrument's valid books, in order.

    Quotes give the top of a book, rebuilt depth until the first quote.
    """
    quotes = run.segment.columns("quotes")
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


def excursions(run: ExactRun, found: TripMoney) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the lowest and the highest running result of each trip.

    Parameters
    ----------
    run : ExactRun
    found : TripMoney
        Of this run.

    Returns
    -------
    worst, best : ndarray of int (object), shape (n_trips,)
        At the run's ledger exponent - 1; at most 0, and at least 0.
    """
    n = found.trips.n
    worst, best = (np.array([0] * n, dtype=object) for _ in range(2))
    mids = {i: valid_mids(run, i) for i in np.unique(found.instrument).tolist()}
    edges = np.searchsorted(found.trip, np.arange(n + 1))
    kinds: dict[tuple[int, ...], list[int]] = {}
    held = found.instrument.tolist()
    for trip, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        kinds.setdefault(tuple(held[low:high]), []).append(trip)
    gross = _gross_of_parts(run, found)
    for which, trips in kinds.items():
        grid = _grid([mids[i] for i in which])
        _fill_kind(run, found, which, np.array(trips), grid, gross, (worst, best))
    return worst, best


def _gross_of_parts(run: ExactRun, found: TripMoney) -> NDArray[Any]:
    """What each part traded at the mid of its decision, in the order of `RoundTrips`."""
    trips = found.trips
    parts = run.exact.attributions.parts[trips.fill, 0]
    whole = int128_array(parts[:, 0], parts[:, 1])
    size = run.exact.fills["qty"][trips.fill]
    weight = np.array(run.weights, dtype=object)[run.exact.fills["instrument"][trips.fill]]
    # A price times a quantity: the part of a quantity has just its part of the product.
    gross: NDArray[Any] = whole * np.abs(trips.quantity).astype(object) // size.astype(object)
    weighted: NDArray[Any] = gross * weight
    return weighted


def _grid(mids: list[tuple[I64, I64]]) -> tuple[I64, I64]:
    """Message numbers at which any of the mids changes, and all mids there, by instrument."""
    seq = np.unique(np.concatenate([one[0] for one in mids]))
    rows = np.zeros((len(mids), len(seq)), np.int64)
    for k, (own, mid2) in enumerate(mids):
        at = np.searchsorted(own, seq, side="right")
        rows[k] = np.concatenate([np.zeros(1, np.int64), mid2])[at]
    return seq, rows


def _fill_kind(
    run: ExactRun,
    found: TripMoney,
    which: tuple[int, ...],
    trips: NDArray[np.int64],
    grid: tuple[I64, I64],
    gross: NDArray[Any],
    out: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    """Extremes of the trips over the same instruments, all spans of constant position at once."""
    parts = found.trips
    chosen = np.flatnonzero(np.isin(parts.trip, trips))
    fill, trip = parts.fill[chosen], parts.trip[chosen]
    first = np.append(True, np.diff(trip) != 0)
    seq = run.exact.fills["seq"][fill]
    last = np.append(first[1:], True)
    # The end of a span: the next fill of the trip, or the end of the data where it stays open.
    ends = np.append(seq[1:], 0)
    stays = parts.is_open & (trip == parts.n - 1)
    ends = np.where(last, np.where(stays, np.iinfo(np.int64).max, seq), ends)
    low = np.maximum(np.searchsorted(grid[0], seq, side="right") - 1, 0)
    high = np.maximum(np.searchsorted(grid[0], ends, side="right"), low + 1)
    starts = np.flatnonzero(first)
    span = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(first))))
    units = [5 * run.exact.scales[i] * run.weights[i] for i in which]
    unit = int(np.gcd.reduce(np.array(units, dtype=object)))
    total = np.cumsum(gross[chosen])
    base = total - (total - gross[chosen])[starts][span]
    length = high - low
    rows = np.repeat(low - np.append(0, np.cumsum(length)[:-1]), length) + np.arange(length.sum())
    value = np.zeros(len(rows), dtype=np.int64)
    held, bound = [], 0
    for k, i in enumerate(which):
        own = run.exact.fills["instrument"][fill] == i
        moved = np.cumsum(np.where(own, parts.quantity[chosen], 0))
        position = moved - (moved - np.where(own, parts.quantity[chosen], 0))[starts][span]
        held.append(position)
        bound += int(np.abs(position).max()) * int(grid[1][k].max()) * (units[k] // unit)
    if bound >= 1 << 62:
        value = value.astype(object)
    for k, position in enumerate(held):
        mid2 = grid[1][k][rows].astype(value.dtype)
        value += np.repeat(position.astype(value.dtype) * (units[k] // unit), length) * mid2
    at = np.append(0, np.cumsum(length)[:-1])
    for extreme, kept in zip((np.minimum, np.maximum), out, strict=True):
        reached = base + extreme.reduceat(value, at).astype(object) * unit
        kept[trips] = extreme.reduceat(extreme(reached, 0), starts)
