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

from quantlaxmi.errors import EngineError
from quantlaxmi.fixed import div_round, int128_array, int128_halves, int128_sum
from quantlaxmi.fixed.lane_sums import int128_group_sums
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
    order : ndarray of int, shape (n_parts,)
        Parts of fills by leg, then by fill.
    leg : ndarray of int, shape (n_parts,)
        Leg of each part, in that order; ascending.
    trip, instrument : ndarray of int64, shape (n_legs,)
    money : dict of str to (hi, lo)
        `PARTS` and ``net`` of each leg in its instrument's currency, at ledger exponent - 1.
    exponent : int
    """

    trips: RoundTrips
    order: NDArray[np.intp]
    leg: NDArray[np.intp]
    trip: I64
    instrument: I64
    money: dict[str, Halves]
    exponent: int


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
    order = np.lexsort((trips.fill, which, trips.trip))
    keys = (trips.trip[order], which[order])
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(keys[0]) != 0) | (np.diff(keys[1]) != 0)
    leg, first = np.cumsum(is_first) - 1, np.flatnonzero(is_first)
    n = len(first)
    shared = np.flatnonzero(np.abs(trips.quantity) != records.fills["qty"][trips.fill])
    parts = records.attributions.parts
    money = {}
    for k, name in enumerate(PARTS[:3]):
        halves = (parts[trips.fill, k, 0], parts[trips.fill, k, 1])
        if len(shared):
            _divide(halves, trips, shared, records.fills["qty"])
        money[name] = int128_group_sums(halves[0][order], halves[1][order], leg, n)
    found = TripMoney(
        trips, order, leg, keys[0][first], keys[1][first], money, records.attributions.exponent
    )
    _mark(records, found)
    for name, rows in (("funding", records.funding), ("interest", records.borrow)):
        money[name] = _paid(found, which, rows)
    money["net"] = _net(money)
    _check(records, found)
    return found


def _divide(halves: Halves, trips: RoundTrips, shared: NDArray[np.intp], qty: I64) -> None:
    """Give each of two trips its part of a fill: the later one has what the earlier one leaves."""
    values = int128_array(halves[0][shared], halves[1][shared]).tolist()
    earlier: dict[int, int] = {}
    rows, parts = trips.fill[shared].tolist(), trips.quantity[shared].tolist()
    for k, (row, part) in enumerate(zip(rows, parts, strict=True)):
        if row in earlier:
            values[k] -= earlier[row]
        else:
            values[k] = earlier[row] = div_round(values[k] * abs(part), int(qty[row]))
    halves[0][shared], halves[1][shared] = int128_halves(values)


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


def _paid(found: TripMoney, which: I64, rows: NDArray[Any]) -> Halves:
    """Payments of each leg: a payment belongs to the last part of its instrument before it."""
    totals = [0] * len(found.trip)
    leg_of = np.empty(len(found.leg), np.int64)
    leg_of[found.order] = found.leg
    amounts = int128_array(rows["amount_hi"], rows["amount_lo"])
    for i in np.unique(rows["instrument"]).tolist():
        own = np.flatnonzero(which == i)  # by trip, then by fill: ascending in fills
        at = np.flatnonzero(rows["instrument"] == i)
        before = np.searchsorted(found.trips.fill[own], rows["fills_before"][at], side="left") - 1
        for k, part in zip(at.tolist(), before.tolist(), strict=True):
            if part >= 0:
                totals[int(leg_of[own[part]])] += 10 * amounts[k]
            elif amounts[k]:
                raise EngineError(f"payment {k} of instrument {i} is of no position")
    return int128_halves(totals) if any(totals) else (np.zeros(len(totals), np.int64),) * 2


def _net(money: dict[str, Halves]) -> Halves:
    """Gross - slippage - fees + funding - interest of each leg."""
    parts = [money[name] for name in PARTS]
    signs = (1, -1, -1, 1, -1)
    n = len(parts[0][0])
    hi = np.concatenate(
        [h if s > 0 else ~h + (low == 0) for s, (h, low) in zip(signs, parts, strict=True)]
    )
    lo = np.concatenate([low if s > 0 else -low for s, (_, low) in zip(signs, parts, strict=True)])
    group = np.tile(np.arange(n), len(signs))
    order = np.argsort(group, kind="stable")
    return int128_group_sums(hi[order], lo[order], group[order], n)


def _check(records: RunRecords, found: TripMoney) -> None:
    for name, expected in (("gross", records.gross_by_currency), ("net", records.net_by_currency)):
        hi, lo = found.money[name]
        for currency, amount in expected.items():
            own = [i for i, one in enumerate(records.instruments) if one.currency == currency]
            legs = np.isin(found.instrument, own)
            if (total := int128_sum(hi[legs], lo[legs])) != amount:
                raise EngineError(
                    f"{name} of the round trips in {currency} is {total}, the ledger's {amount}, "
                    f"at 10**{found.exponent}"
                )
