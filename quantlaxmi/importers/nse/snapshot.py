"""One snapshot of an option chain: read by columns, checked, in integers.

Prices become paise, sizes, volume and open interest units of the index. The file counts volume and
open interest in contracts of the current lot, which the dated table knows; where older lots are
outstanding the contracts are fractions, and their units are whole again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError, first_cause, shown
from quantlaxmi.files import open_regular
from quantlaxmi.importers.nse.contracts import IST, PRICE_EXPONENT, TICK, expires_ns, ns_of
from quantlaxmi.options import OptionChain
from quantlaxmi.schema import I64, IV_EXPONENT
from quantlaxmi.venues import nse

__all__ = ["MAX_AHEAD_S", "Snapshot", "StaleSnapshot", "read_snapshot"]

#: Most seconds that the exchange's time may lie after the collection's.
MAX_AHEAD_S: Final = 5
MAX_BYTES: Final = 1 << 26
MAX_ROWS: Final = 100_000
_TEXTS: Final = ("Fetch_Time", "Symbol", "Expiry_Date", "collection_timestamp")
_SIDE: Final = ("Bid_Price", "Bid_Qty", "Ask_Price", "Ask_Qty", "LTP", "Volume", "OI", "IV")
_NUMBERS: Final = ("Strike_Price", *(f"{s}_{n}" for s in ("CALLS", "PUTS") for n in _SIDE))


class StaleSnapshot(InputError):
    """The exchange's time is of another day than the collection: nothing in it is of the day."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One snapshot, a row a contract; calls of all rows of the file first, then puts.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file, as are ``n_bytes``.
    n_bytes : int
    underlying : str
    ts_ns : int
        When it was collected, and so known; nanoseconds since the Unix epoch.
    exch_ts_ns : int
        The exchange's time.
    expiries : tuple of date
        Ascending.
    columns : dict of str to ndarray of int64, each of shape (n_contracts,)
        ``expiry`` (index into ``expiries``), ``call`` (1 or 0), ``lot``, ``strike``, ``bid``,
        ``ask``, ``last`` (paise; 0 is none), ``bid_qty``, ``ask_qty``, ``volume``, ``oi`` (units)
        and ``iv`` (the exchange's, at 10**-6 of 1; 0 is none).
    """

    path: Path
    sha256: str
    n_bytes: int
    underlying: str
    ts_ns: int
    exch_ts_ns: int
    expiries: tuple[date, ...]
    columns: dict[str, I64]

    @property
    def name(self) -> str:
        """Of the file."""
        return self.path.name

    @property
    def ahead_s(self) -> int:
        """Seconds that the exchange's time lies after the collection's; mostly below 0."""
        return (self.exch_ts_ns - self.ts_ns) // 10**9

    def same_as(self, other: Snapshot) -> bool:
        """Whether nothing but the time of collection differs."""
        return (
            self.exch_ts_ns == other.exch_ts_ns
            and self.expiries == other.expiries
            and all(np.array_equal(self.columns[n], other.columns[n]) for n in self.columns)
        )

    def option_chain(self) -> OptionChain:
        """Return the quotes as a chain whose time runs from the collection to each expiry.

        Raises
        ------
        ConfigError
            No row of the dated table covers the hours of an expiry's day.
        """
        n = len(self.columns["strike"]) // 2
        ends = [expires_ns(day) for day in self.expiries]
        left = (np.array(ends, np.int64) - self.ts_ns) // 10**9
        one = self.columns
        return OptionChain(
            left[one["expiry"][:n]],
            one["strike"][:n],
            one["bid"][:n],
            one["ask"][:n],
            one["bid"][n:],
            one["ask"][n:],
            PRICE_EXPONENT,
        )


def read_snapshot(path: str | Path, underlying: str) -> Snapshot:
    """Read and check one snapshot.

    Parameters
    ----------
    path : str or Path
        ``<UNDERLYING>_<YYYYMMDD>_<HHMMSS>.parquet``, the time by the clock of India.
    underlying : str

    Returns
    -------
    Snapshot

    Raises
    ------
    StaleSnapshot
        The exchange's time is of another day.
    InputError
        A column is missing or of an unknown type, a price is negative, crossed or off the tick, a
        size is off the lot, a price stands without a size, or a contract comes twice; names file,
        row and value.
    ConfigError
        The dated table has no lot of a contract.

    Examples
    --------
    >>> read_snapshot("NIFTY_20250829.parquet", "NIFTY")
    Traceback (most recent call last):
    quantlaxmi.errors.InputError: NIFTY_20250829.parquet: name was 'NIFTY_20250829.parquet', ...
    """
    path = Path(path)
    collected = _collected(path, underlying)
    table, sha256, n_bytes = _table(path)
    n = table.num_rows
    _one_value(path, table, "Symbol", underlying)
    _one_value(path, table, "collection_timestamp", collected.strftime("%Y%m%d_%H%M%S"))
    fetched = table["Fetch_Time"][0].as_py()
    _one_value(path, table, "Fetch_Time", fetched)
    exchange = _time(path, fetched, "%d-%b-%Y %H:%M:%S", "Fetch_Time").replace(tzinfo=IST)
    if exchange.date() != collected.date():
        raise StaleSnapshot(path.name, f"stale: exchange time is {fetched}")
    codes, expiries = _expiries(path, table)
    numbers = {name: _numbers(path, table, name) for name in _NUMBERS}
    day = collected.date()
    if expiries[0] < day:
        what = f"was {expiries[0]:%d-%b-%Y}, expected the day of collection or later"
        row = int(np.argmax(codes == 0)) + 1
        raise InputError(path.name, what, f"Expiry_Date, row {row}")
    lots = np.array([nse.lot(underlying, one, day) for one in expiries], np.int64)[codes]
    strike = _paise(path, "Strike_Price", numbers["Strike_Price"])
    _refuse(path, "Strike_Price", strike == 0, strike, "expected above 0")
    order = np.lexsort((strike, codes))
    twice = (np.diff(codes[order]) == 0) & (np.diff(strike[order]) == 0)
    if twice.any():
        row = int(max(order[int(np.argmax(twice))], order[int(np.argmax(twice)) + 1]))
        what = f"contract {expiries[codes[row]]} {strike[row] // 100} came twice"
        raise InputError(path.name, what, f"row {row + 1}")
    sides = [_side(path, side, numbers, lots) for side in ("CALLS", "PUTS")]
    columns = {name: np.concatenate([one[name] for one in sides]) for name in sides[0]}
    columns |= {"expiry": np.tile(codes, 2), "strike": np.tile(strike, 2), "lot": np.tile(lots, 2)}
    columns["call"] = np.repeat(np.array([1, 0], np.int64), n)
    return Snapshot(
        path, sha256, n_bytes, underlying, ns_of(collected), ns_of(exchange), expiries, columns
    )


def _collected(path: Path, underlying: str) -> datetime:
    """Time of collection, from the file's name."""
    stem, _, time = path.stem.rpartition("_")
    name, _, day = stem.rpartition("_")
    try:
        if name != underlying or len(day) != 8 or len(time) != 6:
            raise ValueError
        return datetime.strptime(f"{day}_{time}", "%Y%m%d_%H%M%S").replace(tzinfo=IST)
    except ValueError:
        wanted = f"{underlying}_YYYYMMDD_HHMMSS.parquet"
        raise InputError(path.name, f"name was {path.name!r}, expected {wanted}") from None


def _time(path: Path, text: object, form: str, column: str) -> datetime:
    try:
        return datetime.strptime(str(text), form)
    except ValueError:
        raise InputError(path.name, f"was {shown(text)}, expected a time", column) from None


def _table(path: Path) -> tuple[pa.Table, str, int]:
    """The columns that are read, of known types, without empty cells; hash and length."""
    with open_regular(path, InputError, "a snapshot of an option chain") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(path.name, f"is longer than {MAX_BYTES} bytes")
    try:
        opened = pq.ParquetFile(pa.BufferReader(data))
        rows, names = opened.metadata.num_rows, set(opened.schema_arrow.names)
        missing = [name for name in (*_TEXTS, *_NUMBERS) if name not in names]
        if missing:
            raise InputError(path.name, f"has no column {missing[0]}")
        if not 0 < rows <= MAX_ROWS:
            raise InputError(path.name, f"has {counted(rows, 'row[s]')}, expected 1..{MAX_ROWS}")
        table = opened.read([*_TEXTS, *_NUMBERS])
        table.validate(full=True)  # texts are UTF-8
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(path.name, f"is no Parquet file: {first_cause(error)}") from None
    for name in (*_TEXTS, *_NUMBERS):
        kind = table.schema.field(name).type
        known = (
            pa.types.is_string(kind) or pa.types.is_large_string(kind)
            if name in _TEXTS
            else pa.types.is_integer(kind) or pa.types.is_float64(kind)
        )
        if not known:
            raise InputError(path.name, f"is {kind}, a type that is not known here", name)
        if table[name].null_count:
            row = int(np.argmax(table[name].is_null().to_numpy())) + 1
            raise InputError(path.name, "is empty", f"{name}, row {row}")
    return table, hashlib.sha256(data).hexdigest(), len(data)


def _one_value(path: Path, table: pa.Table, name: str, wanted: str) -> None:
    """All rows of a text column must say the same."""
    found = table[name].to_numpy()
    other = found != wanted
    if other.any():
        row = int(np.argmax(other))
        problem = f"was {shown(found[row])}, expected {wanted!r}"
        raise InputError(path.name, problem, f"{name}, row {row + 1}")


def _expiries(path: Path, table: pa.Table) -> tuple[I64, tuple[date, ...]]:
    """Index of each row's expiry, and the expiries in order."""
    cells = table["Expiry_Date"].to_numpy().astype(str)
    texts, first, codes = np.unique(cells, return_index=True, return_inverse=True)
    places = [f"Expiry_Date, row {row + 1}" for row in first.tolist()]
    days = [
        _time(path, text, "%d-%b-%Y", place).date()
        for text, place in zip(texts.tolist(), places, strict=True)
    ]
    order = sorted(range(len(days)), key=days.__getitem__)
    place = np.empty(len(days), np.int64)
    place[order] = np.arange(len(days))
    return place[codes], tuple(days[k] for k in order)


def _numbers(path: Path, table: pa.Table, name: str) -> NDArray[np.float64]:
    found: NDArray[np.float64] = table[name].to_numpy().astype(np.float64)
    _refuse(path, name, ~(np.abs(found) < 1e12), found, "expected a number below 1e12")
    _refuse(path, name, found < 0, found, "expected at least 0")
    return found


def _paise(path: Path, name: str, rupees: NDArray[np.float64]) -> I64:
    """Rupees as paise, which must be multiples of the tick."""
    found = np.rint(rupees * 100).astype(np.int64)
    off = (np.abs(rupees * 100 - found) > 1e-4) | (found % TICK != 0)
    _refuse(path, name, off, rupees, "expected a multiple of the tick 0.05")
    return found


def _side(
    path: Path, side: str, numbers: dict[str, NDArray[np.float64]], lots: I64
) -> dict[str, I64]:
    """Columns of the calls or of the puts."""

    def of(name: str) -> NDArray[np.float64]:
        return numbers[f"{side}_{name}"]

    out: dict[str, I64] = {}
    for name in ("bid", "ask"):
        column, size = f"{side}_{name.title()}_Price", f"{side}_{name.title()}_Qty"
        out[name] = _paise(path, column, numbers[column])
        qty = numbers[size]
        off = qty % lots != 0
        lot = int(lots[np.argmax(off)])
        _refuse(path, size, off, qty, f"expected a multiple of the lot {lot}")
        bare = (out[name] > 0) != (qty > 0)
        _refuse(path, size, bare, qty, "expected a size where there is a price, and 0 without one")
        out[f"{name}_qty"] = qty.astype(np.int64)
    crossed = (out["ask"] > 0) & (out["bid"] > out["ask"])
    _refuse(path, f"{side}_Bid_Price", crossed, of("Bid_Price"), "expected at most the ask")
    out["last"] = _paise(path, f"{side}_LTP", of("LTP"))
    out["volume"] = np.rint(of("Volume") * lots).astype(np.int64)
    out["oi"] = np.rint(of("OI") * lots).astype(np.int64)
    off = np.abs(of("OI") * lots - out["oi"]) > 1e-6 * (1 + out["oi"])
    _refuse(path, f"{side}_OI", off, of("OI"), "expected whole units times the lot")
    out["iv"] = np.rint(of("IV") * 10.0 ** (-IV_EXPONENT - 2)).astype(np.int64)
    return out


def _refuse(path: Path, column: str, bad: NDArray[Any], values: NDArray[Any], why: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        value = values[row].item()
        raise InputError(path.name, f"was {value:g}, {why}", f"{column}, row {row + 1}")
