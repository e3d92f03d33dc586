"""The round trips of a run as a table, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from quantlaxmi._ext.leg_prices import leg_prices
from quantlaxmi.errors import CurrencyError, FixedPointOverflow
from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.fixed.int128_sums import int128_floats, int128_group_sums
from quantlaxmi.run.arrow_columns import (
    amounts_column,
    decimals_of_halves,
    texts_column,
    times_column,
)
from quantlaxmi.run.excursions import excursions
from quantlaxmi.run.trip_money import PARTS, Halves, TripMoney, trip_money
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = ["money_of_trips", "trades_table"]

#: Further decimals of an average price.
_MORE = 4


def trades_table(run: ExactRun, *, by_instrument: bool = False) -> pa.Table:
    """Return one row a round trip; see `quantlaxmi.run.result.Run.trades`.

    Parameters
    ----------
    run : ExactRun
    by_instrument : bool

    Raises
    ------
    CurrencyError
        A trip is in several currencies and there is no conversion.
    """
    found = trip_money(run.exact)
    shown = _first_legs(found)
    currencies = [one.currency for one in run.instruments]
    money: dict[str, Halves]
    if by_instrument:
        shown = np.arange(len(found.trip))
        money, exponent, extremes = found.money, found.exponent, None
    else:
        money, exponent = money_of_trips(run, found), run.ledger_exponent - 1
        extremes = excursions(run, found)
        if run.conversion is not None:
            currencies = [run.conversion.currency] * len(currencies)
    names = list(dict.fromkeys(currencies))
    codes = np.array([names.index(one) for one in currencies], np.int64)
    columns: dict[str, Any] = {
        "trip": found.trip[shown],
        **_times(run, found, shown, by_instrument),
    }
    if not by_instrument:
        columns["instruments"] = np.bincount(found.trip, minlength=found.trips.n)
    columns |= _what(run, found, shown)
    columns["currency"] = texts_column(codes[found.instrument[shown]], names)
    columns |= {name: decimals_of_halves(*money[name], exponent) for name in (*PARTS, "net")}
    columns["net_bps"] = _bps(run, found, money["net"], exponent, by_instrument)
    if extremes is not None:
        for name, values in zip(("worst", "best"), extremes, strict=True):
            columns[name] = decimals_of_halves(*values, exponent)
    return pa.table(columns)


def money_of_trips(
    run: ExactRun, found: TripMoney, names: Sequence[str] = (*PARTS, "net")
) -> dict[str, Halves]:
    """Money of every trip, over its legs, at the run's ledger exponent - 1, by name.

    Raises
    ------
    CurrencyError
        A trip is in several currencies and there is no conversion.
    """
    trip, n, weights = found.trip.astype(np.intp), found.trips.n, run.weights
    codes = {name: k for k, name in enumerate(run.exact.cash)}
    code = np.array([codes[one.currency] for one in run.instruments], np.int64)[found.instrument]
    if run.conversion is None and len(run.exact.traded_currencies) > 1:
        mixed = np.flatnonzero(code != code[_first_legs(found)][trip])
        if len(mixed):
            traded = " and ".join(run.exact.traded_currencies)
            raise CurrencyError(
                f"round trip {int(trip[mixed[0]])} is in {traded}, which are never added: ask for "
                "trades(by_instrument=True), or give rates with --convert FILE"
            )
    sums = {}
    for name in names:
        halves = found.money[name]
        if run.conversion is not None:
            weight = np.array(weights, dtype=object)[found.instrument]
            halves = int128_halves(int128_array(*halves) * weight)
        sums[name] = int128_group_sums(*halves, trip, n)
    return sums


def _first_legs(found: TripMoney) -> NDArray[np.intp]:
    """Of each trip the leg with its first fill, which opens it."""
    opening = found.trips.fill[found.order], found.trip[found.leg]
    by_fill = np.lexsort(opening)
    where = np.searchsorted(opening[1][by_fill], np.arange(found.trips.n))
    return found.leg[by_fill[where]]


def _spans(found: TripMoney, by_instrument: bool) -> tuple[I64, I64]:
    """First and last fill of each row."""
    group = found.leg if by_instrument else found.trip[found.leg]
    n = len(found.trip) if by_instrument else found.trips.n
    fill = found.trips.fill[found.order]
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, -1, np.int64)
    np.minimum.at(first, group, fill)
    np.maximum.at(last, group, fill)
    return first, last


def _times(
    run: ExactRun, found: TripMoney, shown: NDArray[np.intp], by_instrument: bool
) -> dict[str, Any]:
    """Entry, exit (null while open) and the time between; an open one is held to the end."""
    first, last = _spans(found, by_instrument)
    ts_ns = run.exact.fills["ts_ns"]
    left = np.zeros(len(found.trip), np.int64)
    np.add.at(left, found.leg, found.trips.quantity[found.order])
    trip = found.trip[shown]
    is_open = (trip == found.trips.n - 1) & found.trips.is_open
    if by_instrument:
        is_open = left != 0
    end = np.where(is_open, run.segment.last_ts_ns, ts_ns[last])
    exits = pa.array(ts_ns[last], mask=is_open).cast(pa.timestamp("ns", tz="UTC"))
    held = pa.array(end - ts_ns[first]).cast(pa.duration("ns"))
    return {"entry_ts": times_column(ts_ns[first]), "exit_ts": exits, "held": held, "open": is_open}


def _what(run: ExactRun, found: TripMoney, shown: NDArray[np.intp]) -> dict[str, Any]:
    """Symbol, side, largest size and average prices of one leg a row."""
    trips, order, instruments = found.trips, found.order, run.instruments
    place = min(one.price_exponent for one in instruments) - _MORE
    sides, sizes, prices, known, wrong = leg_prices(
        found.leg,
        run.exact.fills["price"][trips.fill[order]],
        trips.quantity[order],
        trips.before[order],
        found.instrument,
        np.stack(int128_halves([10 ** (one.price_exponent - place) for one in instruments])),
    )
    if wrong >= 0:
        leg = f"round trip {int(found.trip[wrong])}, {instruments[found.instrument[wrong]].symbol}"
        raise FixedPointOverflow(f"the average price of {leg}", (wrong,), wrong)
    who = found.instrument[shown]
    qty = {"instrument": who, "qty": sizes[shown]}
    averages = {}
    for name, (hi, lo), has in zip(("entry_price", "exit_price"), prices, known, strict=True):
        column = decimals_of_halves(hi[shown], lo[shown], place)
        there = pa.array(has[shown] != 0)
        averages[name] = pc.if_else(there, column, pa.scalar(None, column.type))
    return {
        "symbol": texts_column(who, [one.symbol for one in instruments]),
        "side": texts_column((sides[shown] < 0).astype(np.int64), ["LONG", "SHORT"]),
        "qty": amounts_column(instruments, qty, "qty", "qty_exponent"),
        **averages,
    }


def entry_notional(
    run: ExactRun, found: TripMoney, by_instrument: bool = False
) -> NDArray[np.float64]:
    """What each row opened, at the fills' prices, in its currency; a double."""
    trips, order = found.trips, found.order
    quantity = trips.quantity[order]
    grown = np.abs(trips.before[order] + quantity) > np.abs(trips.before[order])
    scale = np.array([float(s * w) for s, w in zip(run.exact.scales, run.weights, strict=True)])
    price = run.exact.fills["price"][trips.fill[order]].astype(np.float64)
    worth = price * np.abs(quantity) * scale[found.instrument[found.leg]] * grown
    if by_instrument:
        weight = np.array([float(w) for w in run.weights])[found.instrument]
        summed = np.bincount(found.leg, worth, len(found.trip)) / weight
        return np.asarray(summed * 10.0**run.exact.ledger_exponent)
    summed = np.bincount(found.trip[found.leg], worth, found.trips.n)
    return np.asarray(summed * 10.0**run.ledger_exponent)


def _bps(
    run: ExactRun, found: TripMoney, net: Halves, exponent: int, by_instrument: bool
) -> NDArray[np.float64]:
    worth = entry_notional(run, found, by_instrument)
    return np.divide(
        int128_floats(*net) * 10.0 ** (exponent + 4),
        worth,
        out=np.zeros(len(worth)),
        where=worth > 0,
    )
