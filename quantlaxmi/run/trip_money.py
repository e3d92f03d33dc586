"""Money of a run's round trips, by trip and instrument, exact.

Gross, slippage and fee of a fill that two trips share are divided by quantity, the fee rounded half
to even for the trip that ends. Funding and interest belong to the trip that held the position. An
open position is valued at the last mid. So the sums are the run's to the last unit: checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.fill_shares import fill_shares
from quantlaxmi._ext.trip_parts import counted_order
from quantlaxmi.errors import EngineError
from quantlaxmi.fixed import int128_array, int128_halves, int128_sum
from quantlaxmi.fixed.int128_sums import int128_combined, int128_group_sums
from quantlaxmi.run.round_trips import RoundTrips, round_trips
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.records import RunRecords

__all__ = ["PARTS", "Halves", "TripMoney", "trip_money"]

#: Money of a trip; the first three are columns of the attributions, in their order.
PARTS = ("gross", "slippage", "fees", "funding", "interest")
#: Upper and lower halves of 128-bit integers.
Halves = tuple[I64, I64]


@dataclass(frozen=True, eq=False)
class TripMoney:
    """Legs of all round trips: what each traded of one instrument; by trip, then by instrument.

    Attributes
    ----------
    trips : RoundTrips
    order : ndarray of int64, shape (n_parts,)
        Parts of fills by leg, then by fill.
    leg : ndarray of int, shape (n_parts,)
        Leg of each part, in that order; ascending.
    trip, instrument : ndarray of int64, shape (n_legs,)
    money : dict of str to (hi, lo)
        `PARTS` and ``net`` of each leg in its instrument's currency, at ledger exponent - 1.
    exponent : int
    gross_of_parts : (hi, lo)
        What each part traded at the mid of its decision, in the order of `trips`.
    """

    trips: RoundTrips
    order: I64
    leg: NDArray[np.intp]
    trip: I64
    instrument: I64
    money: dict[str, Halves]
    exponent: int
    gross_of_parts: Halves


def trip_money(records: RunRecords) -> TripMoney:
    """Return the money of every leg of every round trip.

    Parameters
    ----------
    records : RunRecords

    Raises
    ------
    EngineError
        The legs do not sum to the run's money.
    """
    trips = round_trips(records.fills)
    which = records.fills["instrument"][trips.fill].astype(np.int64)
    # By instrument, then by trip: both keep the order of what is equal, that of the fills.
    by_instrument = counted_order(which, len(records.instruments))
    order = by_instrument[counted_order(trips.trip[by_instrument], trips.n)]
    keys = (trips.trip[order], which[order])
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(keys[0]) != 0) | (np.diff(keys[1]) != 0)
    leg, first = np.cumsum(is_first) - 1, np.flatnonzero(is_first)
    leg_of = np.empty(len(leg), np.int64)  # in the order of the trips
    leg_of[order] = leg
    n = len(first)
    parts = records.attributions.parts
    shares = [(parts[:, k, 0], parts[:, k, 1]) for k in range(3)]
    # Every fill has a part, so as many parts as fills are whole ones.
    if len(trips.fill) != len(records.fills) or not np.array_equal(
        trips.fill, np.arange(len(parts))
    ):
        shares = [_shares(halves, records, trips) for halves in shares]
    money = {
        name: int128_group_sums(*halves, leg_of, n)
        for name, halves in zip(PARTS[:3], shares, strict=True)
    }
    found = TripMoney(
        trips,
        order,
        leg,
        keys[0][first],
        keys[1][first],
        money,
        records.attributions.exponent,
        shares[0],
    )
    _mark(records, found)
    for name, rows in (("funding", records.funding), ("interest", records.borrow)):
        money[name] = _paid(found, which, leg_of, rows)
    money["net"] = _net(money)
    _check(records, found)
    return found


def _shares(halves: Halves, records: RunRecords, trips: RoundTrips) -> Halves:
    """Money of each part: of two trips that share a fill the later has what the earlier leaves."""
    qty = np.ascontiguousarray(records.fills["qty"])
    hi, lo = fill_shares(*halves, qty, trips.fill, trips.quantity)
    return hi, lo


def _mark(records: RunRecords, found: TripMoney) -> None:
    """Value the legs of an open trip at the last mids."""
    if not found.trips.is_open:
        return
    hi, lo = found.money["gross"]
    legs = np.flatnonzero(found.trip == found.trips.n - 1)
    gross = int128_array(hi[legs], lo[legs])
    for k, i in enumerate(found.instrument[legs].tolist()):
        gross[k] += records.accounts[i].position * int(records.last_mids[i]) * records.scales[i]
    hi[legs], lo[legs] = int128_halves(gross)


def _paid(found: TripMoney, which: I64, leg_of: I64, rows: NDArray[Any]) -> Halves:
    """Payments of each leg: a payment belongs to the last part of its instrument before it."""
    paid = np.flatnonzero((rows["amount_hi"] != 0) | (rows["amount_lo"] != 0))
    rows = rows[paid]
    legs = np.empty(len(rows), np.int64)
    for i in np.unique(rows["instrument"]).tolist():
        own = np.flatnonzero(which == i)  # by trip, then by fill: ascending in fills
        at = np.flatnonzero(rows["instrument"] == i)
        before = np.searchsorted(found.trips.fill[own], rows["fills_before"][at], side="left") - 1
        if len(wrong := np.flatnonzero(before < 0)):
            row = int(paid[at[wrong[0]]])
            raise EngineError(f"payment {row} of instrument {i} is of no position")
        legs[at] = leg_of[own[before]]
    sums = int128_group_sums(rows["amount_hi"], rows["amount_lo"], legs, len(found.trip))
    return int128_combined((10, sums))


def _net(money: dict[str, Halves]) -> Halves:
    """Gross - slippage - fees + funding - interest of each leg."""
    signs = (1, -1, -1, 1, -1)
    return int128_combined(*zip(signs, (money[name] for name in PARTS), strict=True))


def _check(records: RunRecords, found: TripMoney) -> None:
    # What rounding of a day's note adds belongs to no trip.
    booked = records.by_currency(a.net for a in records.accounts)
    for name, expected in (("gross", records.gross_by_currency), ("net", booked)):
        hi, lo = found.money[name]
        for currency, amount in expected.items():
            own = [i for i, one in enumerate(records.instruments) if one.currency == currency]
            legs = np.isin(found.instrument, own)
            if (total := int128_sum(hi[legs], lo[legs])) != amount:
                raise EngineError(
                    f"{name} of the round trips in {currency} is {total}, the ledger's {amount}, "
                    f"at 10**{found.exponent}"
                )
