"""Interest on the short positions of trips, wherever the trips stand.

Spot that is sold and not held is borrowed. Its interest, for a time of constant position, is
half-even(mid when the time ends times quantity times nanoseconds times rate), as the engine books
it at every change of the position. So a trip's interest follows from the rows on which its actions
stand: their arrivals, and the mids then.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quantlaxmi.errors import EngineError
from quantlaxmi.fixed import div_round
from quantlaxmi.gates.context import DecisionPoints
from quantlaxmi.gates.path.columns import LIMIT
from quantlaxmi.gates.path.round_trips import TradePath, Trip
from quantlaxmi.schema import I64, U64

__all__ = ["PositionInterest", "build_position_interest"]

#: Attribution units in one ledger unit.
LEDGER_UNIT = 10


@dataclass(frozen=True, slots=True)
class Span:
    """One instrument's position between two actions of a trip.

    Attributes
    ----------
    instrument : int
    quantity : int
        Signed: it pays where it is below 0, and with sides turned where it is above.
    begin, end : int
        Actions, counted over all trips.
    """

    instrument: int
    quantity: int
    begin: int
    end: int


def spans_of(trip: Trip, first: int, lent: frozenset[int]) -> Iterator[Span]:
    """Times of constant position, not flat, of what is lent; ``first`` numbers the first action."""
    held: dict[int, tuple[int, int]] = {}
    for number, action in enumerate(trip.actions, first):
        for i, change in action.bundle:
            if i not in lent:
                continue
            quantity, since = held.get(i, (0, number))
            if quantity:
                yield Span(i, quantity, since, number)
            held[i] = quantity + change, number


@dataclass(frozen=True, slots=True)
class PositionInterest:
    """Spans of what is lent, and what interest on them follows from.

    Interest is ``half_even(mid * quantity * (arrival at end - arrival at begin) / den)`` in ledger
    units, with the columns below.

    Attributes
    ----------
    reason : str
        Why interest cannot be worked out; empty where it can.
    first : ndarray of int64, shape (k + 1,)
        Spans of each trip.
    begin, end : ndarray of int64, shape (n_spans,)
        Actions.
    column, quantity : ndarray of int64, shape (n_spans,)
        Row of `mids`; signed quantity, in units that `den` knows.
    arrivals : ndarray of int64, shape (n_tradeable,)
        Nanoseconds since the first row's.
    mids : ndarray of int64, shape (n_columns, n_tradeable)
    den : ndarray of uint64, shape (n_columns, 2)
        High and low word.
    weights : tuple of int
        By column, attribution units in one unit of interest.
    largest : tuple of int
        By trip: its interest is at most so many attribution units, wherever it stands.
    """

    reason: str
    first: I64
    begin: I64
    end: I64
    column: I64
    quantity: I64
    arrivals: I64
    mids: I64
    den: U64
    weights: tuple[int, ...]
    largest: tuple[int, ...]

    @property
    def unit(self) -> int:
        """What every interest is a multiple of, attribution units; 0 where there is none."""
        return math.gcd(*self.weights) if len(self.begin) else 0


def _without(trips: int, reason: str) -> PositionInterest:
    none, zero = np.zeros(0, np.int64), np.zeros((1, 1), np.int64)
    first = np.zeros(trips + 1, np.int64)
    den = np.array([[0, 1]], np.uint64)
    return PositionInterest(
        reason, first, none, none, none, none, zero[0], zero, den, (1,), (0,) * trips
    )


def build_position_interest(path: TradePath, rows: I64, points: DecisionPoints) -> PositionInterest:
    """Build the interest of every trip, and of the same with its sides turned.

    Parameters
    ----------
    path : TradePath
    rows : ndarray of int64, shape (n_tradeable,)
        Tradeable decision points, ascending.
    points : DecisionPoints

    Returns
    -------
    PositionInterest

    Raises
    ------
    EngineError
        The interest of a trip where it stands is not what the engine booked.
    """
    trips, interest = path.trips, points.interest
    spans: list[Span] = []
    first = [0]
    number = 0
    for trip in trips:
        spans += spans_of(trip, number, frozenset(interest))
        first.append(len(spans))
        number += len(trip.actions)
    if not spans or not len(rows):
        return _without(len(trips), "")
    _check_booked(path, spans, points)
    columns = sorted({span.instrument for span in spans})
    arrivals = points.arrivals_ns[rows]
    arrivals = arrivals - arrivals[0]
    longest = int(arrivals[-1])
    mids, dens, factors, peaks = [], [], {}, {}
    for i in columns:
        mid2, (num, den, _) = points.arrival_mid2[i][rows], interest[i]
        step = int(np.gcd.reduce(mid2)) or 1
        lots = math.gcd(*(s.quantity for s in spans if s.instrument == i))
        shared = math.gcd(num * step * lots, den) or 1
        # A rate of 0 leaves a numerator of 0, and spans that pay nothing.
        factors[i] = num * step * lots // shared, lots
        mids.append(mid2 // step)
        dens.append(den // shared)
        peaks[i] = int(mids[-1].max())
    quantities = [s.quantity // factors[s.instrument][1] * factors[s.instrument][0] for s in spans]
    index = {i: k for k, i in enumerate(columns)}
    sizes = [abs(q) * peaks[s.instrument] for q, s in zip(quantities, spans, strict=True)]
    if max(sizes) >= LIMIT or max(dens) >= 1 << 126:
        return _without(
            len(trips),
            f"Interest on borrowed spot needs products up to {max(sizes)} and divisors up to "
            f"{max(dens)}, the limits are 2^62 and 2^126.",
        )
    weights = tuple(LEDGER_UNIT * interest[i][2] for i in columns)
    most = [
        (size * longest // dens[index[s.instrument]] + 1) * weights[index[s.instrument]]
        for size, s in zip(sizes, spans, strict=True)
    ]
    return PositionInterest(
        reason="",
        first=np.array(first, np.int64),
        begin=np.array([s.begin for s in spans], np.int64),
        end=np.array([s.end for s in spans], np.int64),
        column=np.array([index[s.instrument] for s in spans], np.int64),
        quantity=np.array(quantities, np.int64),
        arrivals=arrivals,
        mids=np.ascontiguousarray(np.array(mids, np.int64)),
        den=np.array([[den >> 64, den & (1 << 64) - 1] for den in dens], np.uint64),
        weights=weights,
        largest=tuple(sum(most[a:b]) for a, b in itertools.pairwise(first)),
    )


def _check_booked(path: TradePath, spans: Sequence[Span], points: DecisionPoints) -> None:
    """Compare the interest of every action whose orders filled as decided with the engine's."""
    if path.strays or points.costs_unknown:
        return  # a decision that changed nothing in the end has paid some of it, or at another time
    actions = [action for trip in path.trips for action in trip.actions]
    interest, arrivals = points.interest, points.arrivals_ns  # each is made at every look
    due: dict[int, list[Span]] = {}
    for span in spans:
        due.setdefault(span.end, []).append(span)
    for number, ending in due.items():
        action = actions[number]
        if not action.clean or not all(actions[span.begin].clean for span in ending):
            continue
        total = 0
        for span in ending:
            num, den, weight = interest[span.instrument]
            held_ns = int(arrivals[action.row]) - int(arrivals[actions[span.begin].row])
            mid2 = int(points.arrival_mid2[span.instrument][action.row])
            paid = div_round(mid2 * max(0, -span.quantity) * held_ns * num, den)
            total += LEDGER_UNIT * weight * paid
        if total != action.borrow:
            raise EngineError(
                f"the action at decision point {action.row} paid {action.borrow} in interest, "
                f"{total} at the decision points"
            )
