"""Columns of a batch of lines to integers: plain and right rows only, the rest is marked.

Each function takes a mask ``good`` (uint8, one entry a row) and sets to 0 what has to be read with
care; values of such rows mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.text_cells import decimal_cells, equal_cells, stamp_cells
from quantlaxmi.fixed import Rounding
from quantlaxmi.importers.bars.mapping import FundingMapping
from quantlaxmi.importers.bars.mapping_file import UNITS
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import Batch, Cells
from quantlaxmi.importers.bars.timestamps import DAY_NS, FIRST_NS, LAST_NS, BadStamp
from quantlaxmi.importers.bars.value_cells import ValueCells
from quantlaxmi.schema import RATE_EXPONENT

_MOST: Final = (1 << 63) - 1
_RATE_DIGITS: Final = -16
Mask = NDArray[np.uint8]
AnyCells = Cells | ValueCells


def _decimals(
    cells: AnyCells, exponent: int, good: Mask, rounding: int = -1, rounded: Mask | None = None
) -> Int64Array:
    out = np.zeros(len(good), np.int64)
    rounded = np.zeros(len(good), np.uint8) if rounded is None else rounded
    if isinstance(cells, ValueCells):
        return cells.decimals(exponent, rounding, good, rounded)
    text = cells.text if cells.numbers is None else cells.numbers
    decimal_cells(text, cells.starts, cells.ends, exponent, rounding, out, good, rounded)
    return out


def read_stamps(
    cells: AnyCells, time: TimeColumn, read_one: Callable[[str], int], good: Mask
) -> Int64Array:
    """Stamps in ns since 1970.

    Parameters
    ----------
    cells : Cells or ValueCells
    time : TimeColumn
    read_one : callable
        Reader of one text, for what only it can read: patterns, and clocks of zones.
    good : ndarray of uint8, shape (n_rows,)

    Returns
    -------
    ndarray of int64, shape (n_rows,)
    """
    if time.unit in UNITS:
        out = _decimals(cells._replace(numbers=None), -UNITS[time.unit], good)
        if time.day_ns:
            good &= (out >= 0) & (out < DAY_NS)
            out += np.where(good == 1, time.day_ns, 0)
    elif (made := _made_stamps(cells, time)) is not None:
        out = made
    else:
        out, known = np.zeros(len(good), np.int64), good.copy()
        if time.unit == "text":
            zoned = np.zeros(len(good), np.uint8)
            stamp_cells(cells.text, cells.starts, cells.ends, out, zoned, known)
            if time.zone.key != "UTC":
                known &= zoned
        else:
            known[:] = 0
        for k in np.flatnonzero(good & (known == 0)).tolist():
            try:
                out[k] = read_one(cells.text_of(k))
            except BadStamp:
                good[k] = 0
    good &= (out >= FIRST_NS) & (out < LAST_NS)
    return out


def _made_stamps(cells: AnyCells, time: TimeColumn) -> Int64Array | None:
    """Stamps of a column that holds times; None where they have to be read as text."""
    if not isinstance(cells, ValueCells) or time.unit != "text":
        return None
    return cells.stamps() if time.zone.key == "UTC" or cells.is_zoned else None


def leg_columns(
    leg: LegMapping,
    slots: dict[str, int],
    batch: Batch,
    stamps: Int64Array,
    interval_ns: int,
    good: Mask,
) -> dict[str, Int64Array]:
    """Bars of one instrument.

    Parameters
    ----------
    leg : LegMapping
    slots : dict of str to int
        Place in the batch of each cell.
    batch : Batch
    stamps : ndarray of int64, shape (n_rows,)
    interval_ns : int
    good : ndarray of uint8, shape (n_rows,)

    Returns
    -------
    dict of str to ndarray of int64, shape (n_rows,)
        ``open_ns``, ``open``, ``high``, ``low``, ``close``, ``volume`` and ``size``;
        ``rounded``: 1 where a price was, and 2 where digits of the volume were dropped.
    """
    if "symbol_column" in slots:
        cells = batch.cells[slots["symbol_column"]]
        wanted = leg.instrument.venue_symbol.encode()
        equal_cells(cells.text, cells.starts, cells.ends, wanted, good)
    prices = {}
    rounded, cut = np.zeros(len(good), np.uint8), np.zeros(len(good), np.uint8)
    rounding = leg.numbers.rounding
    for name in ("open", "high", "low", "close"):
        if name in slots:
            cells = batch.cells[slots[name]]
            if leg.is_premium:
                prices[name] = _decimals(cells, RATE_EXPONENT, good, rounding, rounded)
                most = 10**-RATE_EXPONENT
                good &= (prices[name] >= -most) & (prices[name] <= most)
            else:
                prices[name] = _decimals(cells, leg.price_digits, good, rounding, rounded)
                good &= prices[name] > 0
    opened, closed = prices["open"], prices["close"]
    if "low" in prices:
        good &= prices["low"] <= np.minimum(opened, closed)
    if "high" in prices:
        good &= prices["high"] >= np.maximum(opened, closed)
    if "volume" in slots:
        exponent = leg.instrument.qty_exponent
        volume = _decimals(batch.cells[slots["volume"]], exponent, good, Rounding.FLOOR, cut)
        over, under = leg.share.numerator, leg.share.denominator
        if under > _MOST:
            good[:] = 0
            over = under = 1
        good &= (volume >= 0) & (volume <= _MOST // over)
        volume = np.where(good == 1, volume, 0)
        size = volume * over // under
    else:
        volume = np.zeros(len(good), np.int64)
        size = np.full(len(good), leg.fixed_size, np.int64)
    high = prices["high"] if "high" in prices else np.maximum(opened, closed)
    low = prices["low"] if "low" in prices else np.minimum(opened, closed)
    open_ns = stamps - interval_ns if leg.time.at_close else stamps.copy()
    flags = (rounded + 2 * cut).astype(np.int64)
    return {
        "open_ns": open_ns,
        "open": opened,
        "high": high,
        "low": low,
        "close": closed,
        "volume": volume,
        "size": size,
        "rounded": flags,
    }


def settlement_times(
    funding: FundingMapping, stamps: Int64Array, late_ns: int
) -> tuple[Int64Array, NDArray[np.bool_]]:
    """The settlement that each row is stamped for.

    Parameters
    ----------
    funding : FundingMapping
    stamps : ndarray of int64, shape (n_rows,)
    late_ns : int
        How long after its time a settlement may be stamped.

    Returns
    -------
    at_ns : ndarray of int64, shape (n_rows,)
        Its time; the stamp where the row is no settlement.
    on_time : ndarray of bool, shape (n_rows,)
        The row is one, if it has a rate.
    """
    if not funding.every_ns:
        return stamps.copy(), np.ones(len(stamps), np.bool_)
    late = stamps - stamps // funding.every_ns * funding.every_ns
    on_time = late <= late_ns
    return stamps - np.where(on_time, late, 0), on_time


def settlement_columns(
    funding: FundingMapping,
    times: tuple[Int64Array, NDArray[np.bool_]],
    rate_cells: AnyCells,
    mark_cells: AnyCells | None,
    price_digits: int,
    alone: bool,
    good: Mask,
) -> dict[str, Int64Array]:
    """Settlements, and rows that only carry a rate on.

    Parameters
    ----------
    funding : FundingMapping
    times : tuple of ndarray
        As `settlement_times` gives them.
    rate_cells : Cells
    mark_cells : Cells or None
    price_digits : int
        Power of ten at which the text of a mark is its mantissa.
    alone : bool
        The file has nothing else, so that every row must be a settlement.
    good : ndarray of uint8, shape (n_rows,)

    Returns
    -------
    dict of str to ndarray of int64, shape (n_rows,)
        ``at_ns``, ``rate``, ``mark``; ``made``: 1 for a settlement; ``rounded``: 1 where the mark
        was.
    """
    at_ns, on_time = times
    given = rate_cells.ends > rate_cells.starts
    if alone:
        good &= on_time & given
    elif funding.every_ns:
        good &= given | ~on_time
    reads = good * given.astype(np.uint8)
    wanted = reads.copy()
    rate = _rates(funding, rate_cells, reads)
    mark, rounded = np.zeros(len(good), np.int64), np.zeros(len(good), np.uint8)
    if mark_cells is not None:
        priced = reads * (mark_cells.ends > mark_cells.starts).astype(np.uint8)
        right = priced.copy()
        rounding = funding.numbers.rounding
        mark = _decimals(mark_cells, price_digits, right, rounding, rounded)
        right &= mark > 0
        reads[(priced == 1) & (right == 0)] = 0
        mark = np.where(right == 1, mark, 0)
    good[(wanted == 1) & (reads == 0)] = 0
    made = (on_time & given).astype(np.int64)
    flags = rounded.astype(np.int64)
    return {"at_ns": at_ns, "rate": rate, "mark": mark, "made": made, "rounded": flags}


def _rates(funding: FundingMapping, cells: AnyCells, good: Mask) -> Int64Array:
    """Rates that are paid, at `RATE_EXPONENT`; ``good`` becomes 0 where one is not exact."""
    fine = _decimals(cells, _RATE_DIGITS, good)
    over = funding.times.numerator
    under = funding.times.denominator * 10 ** (RATE_EXPONENT - _RATE_DIGITS)
    if max(over, under) > _MOST:
        good[:] = 0
        over = under = 1
    good &= (fine >= -(_MOST // over)) & (fine <= _MOST // over)
    whole = np.where(good == 1, fine, 0) * over
    rate: Int64Array = whole // under
    good &= rate * under == whole
    good &= np.abs(rate) <= 10**-RATE_EXPONENT
    return rate


def later_than_all(times: Int64Array, good: Mask, last_ns: int) -> None:
    """Mark rows whose time is not behind that of every good row before.

    Parameters
    ----------
    times : ndarray of int64, shape (n_rows,)
    good : ndarray of uint8, shape (n_rows,)
    last_ns : int
        Time of the last row before these; -1 for none.
    """
    known = np.where(good == 1, times, -1)
    before = np.maximum.accumulate(np.concatenate([[last_ns], known]))[:-1]
    good &= known > before
