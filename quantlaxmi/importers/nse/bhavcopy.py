"""One UDiFF bhavcopy of NSE's derivatives: read by columns, checked, in integers.

A row is a contract on a day: its close, the contracts traded, the open interest in units, the lot,
and the close of its underlying, which on the day of expiry is the price it settles at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError, first_cause, shown
from quantlaxmi.files import open_regular
from quantlaxmi.importers.nse.contracts import TICK, Side
from quantlaxmi.schema import I64

__all__ = ["SIDES", "Bhavcopy", "read_bhavcopy"]

#: Longest file, and most rows of an underlying; a whole market is some eight megabytes.
MAX_BYTES: Final = 1 << 26
MAX_ROWS: Final = 100_000
#: What a row is of, by the number in ``side``.
SIDES: Final[tuple[Side, ...]] = ("FUT", "CE", "PE")
_FUTURE: Final = 0
_OPTION_TYPES: Final = ("", "CE", "PE")
_PRICES: Final = ("ClsPric", "UndrlygPric", "SttlmPric")
_COUNTS: Final = ("FinInstrmId", "OpnIntrst", "TtlTradgVol", "NewBrdLotQty")
_TEXTS: Final = ("TradDt", "FinInstrmTp", "TckrSymb", "XpryDt", "StrkPric", "OptnTp", "FinInstrmNm")
_DAY: Final = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"
_PRICE: Final = r"^[0-9]{1,9}(\.[0-9]{1,2}0*)?$"
_COUNT: Final = r"^[0-9]{1,12}$"
_NAME: Final = r"^[A-Za-z0-9&_. -]{1,60}$"


@dataclass(frozen=True, slots=True, eq=False)
class Bhavcopy:
    """Rows of an underlying on a day, in the order of the file.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file, as is ``n_bytes``.
    n_bytes : int
    day : date
        Of trading.
    expiries : tuple of date
        Ascending.
    names : ndarray of str, shape (n_rows,)
        The exchange's names of the contracts.
    columns : dict of str to ndarray of int64, each of shape (n_rows,)
        ``side`` (0 future, 1 call, 2 put), ``expiry`` (index into ``expiries``), ``strike``,
        ``close``, ``underlying``, ``settles`` (paise; the strike of a future is 0), ``traded``
        (contracts), ``oi`` (units), ``lot`` and ``token``.
    """

    path: Path
    sha256: str
    n_bytes: int
    day: date
    expiries: tuple[date, ...]
    names: NDArray[Any]
    columns: dict[str, I64]


def read_bhavcopy(path: str | Path, underlying: str) -> Bhavcopy | None:
    """Read and check the rows of an underlying.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of UDiFF; rows of other underlyings are passed over.
    underlying : str
        An index.

    Returns
    -------
    Bhavcopy or None
        None where the file has no row of it.

    Raises
    ------
    InputError
        A column is missing, a row is of a stock's derivative, a value is none of its kind, a price
        is off the tick, a contract has ended or comes twice, or rows are of several days; names
        file, row and value.

    Examples
    --------
    >>> read_bhavcopy("NIFTY.csv", "NIFTY")
    Traceback (most recent call last):
    quantlaxmi.errors.InputError: NIFTY.csv: cannot be read: No such file or directory
    """
    path = Path(path)
    table, rows, sha256, n_bytes = _table(path, underlying)
    if not len(rows):
        return None
    at = _Rows(path, table, rows)
    days, codes = at.days("TradDt")
    if len(days) > 1:
        row = int(np.argmax(codes != codes[0]))
        raise at.fault("TradDt", row, f"expected {days[codes[0]]} as in the rows before")
    expiries, expiry = at.days("XpryDt")
    if expiries[0] < days[0]:
        row = int(np.argmax(expiry == 0))
        raise at.fault("XpryDt", row, f"expected the day of trading {days[0]} or later")
    side = at.sides()
    columns = {"side": side, "expiry": expiry, "strike": at.strikes(side)}
    for name, source in zip(("close", "underlying", "settles"), _PRICES, strict=True):
        columns[name] = at.paise(source)
    at.refuse("ClsPric", columns["close"] % TICK != 0, "expected a multiple of the tick 0.05")
    for name, source in zip(("token", "oi", "traded", "lot"), _COUNTS, strict=True):
        columns[name] = at.counts(source)
    at.refuse("NewBrdLotQty", columns["lot"] == 0, "expected a lot above 0")
    order = np.lexsort((side, columns["strike"], expiry))
    keys = np.stack([columns[name][order] for name in ("expiry", "strike", "side")])
    twice = (np.diff(keys) == 0).all(0)
    if twice.any():
        k = int(np.argmax(twice))
        raise at.fault("FinInstrmNm", int(max(order[k], order[k + 1])), "which came before")
    names = at.texts("FinInstrmNm", _NAME, "expected a contract's name").to_numpy(False)
    return Bhavcopy(path, sha256, n_bytes, days[0], expiries, names, columns)


def _table(path: Path, underlying: str) -> tuple[pa.Table, I64, str, int]:
    """The rows of an underlying as texts, their numbers in the file, hash and length of it."""
    with open_regular(path, InputError, "a bhavcopy") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(_named(path), f"is longer than {MAX_BYTES} bytes")
    wanted = (*_TEXTS, *_PRICES, *_COUNTS)
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()),
        include_columns=list(wanted),
        strings_can_be_null=False,
        check_utf8=True,
    )
    try:
        table = pyarrow.csv.read_csv(pa.BufferReader(data), convert_options=convert)
        table.validate(full=True)
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise InputError(_named(path), f"is no UDiFF bhavcopy: {first_cause(error)}") from None
    mine = np.flatnonzero(pc.equal(table["TckrSymb"], underlying).to_numpy())
    if len(mine) > MAX_ROWS:
        what = f"has {counted(len(mine), 'row[s]')} of {underlying}, expected at most {MAX_ROWS}"
        raise InputError(_named(path), what)
    return table.take(mine).combine_chunks(), mine, hashlib.sha256(data).hexdigest(), len(data)


def _named(path: Path) -> str:
    """A file with its folder: files of every day have the same name."""
    return "/".join(path.parts[-2:])


class _Rows:
    """Texts of the rows, read by column; an error names the row of the file."""

    def __init__(self, path: Path, table: pa.Table, rows: I64) -> None:
        self._path, self._table, self._rows = path, table, rows

    def fault(self, column: str, row: int, why: str) -> InputError:
        """What is wrong with a cell; the header is row 1 of the file."""
        value = shown(self._table[column][row].as_py())
        place = f"{column}, row {int(self._rows[row]) + 2}"
        return InputError(_named(self._path), f"was {value}, {why}", place)

    def refuse(self, column: str, bad: NDArray[np.bool_], why: str) -> None:
        """Refuse the first bad row, if there is one."""
        if bad.any():
            raise self.fault(column, int(np.argmax(bad)), why)

    def texts(self, column: str, pattern: str, why: str) -> pa.Array:
        """Cells, each of which a pattern describes."""
        texts = self._table[column].combine_chunks()
        self.refuse(column, ~pc.match_substring_regex(texts, pattern).to_numpy(False), why)
        return texts

    def days(self, column: str) -> tuple[tuple[date, ...], I64]:
        """Different days in order, and which of them each row has."""
        texts = self.texts(column, _DAY, "expected a day such as 2025-01-30")
        names, codes = np.unique(texts.to_numpy(False).astype(str), return_inverse=True)
        found = []
        for k, name in enumerate(names.tolist()):
            try:
                found.append(date.fromisoformat(name))
            except ValueError:
                row = int(np.argmax(codes == k))
                raise self.fault(column, row, "expected a day of the calendar") from None
        return tuple(found), codes.astype(np.int64)

    def paise(self, column: str) -> I64:
        """Rupees as paise."""
        texts = self.texts(column, _PRICE, "expected rupees with at most two decimals")
        rupees = pc.cast(texts, pa.float64()).to_numpy()
        found: I64 = np.rint(rupees * 100).astype(np.int64)
        return found

    def counts(self, column: str) -> I64:
        """Whole numbers from 0."""
        texts = self.texts(column, _COUNT, "expected a whole number of 0 or more")
        found: I64 = pc.cast(texts, pa.int64()).to_numpy()
        return found

    def sides(self) -> I64:
        """What each row is of: options and futures on an index."""
        kinds = self._table["FinInstrmTp"].to_numpy()
        texts = self._table["OptnTp"].to_numpy()
        stocks = np.isin(kinds.astype(str), ("STO", "STF"))
        self.refuse("FinInstrmTp", stocks, "expected an index: stocks are delivered")
        known = np.isin(kinds.astype(str), ("IDO", "IDF"))
        self.refuse("FinInstrmTp", ~known, "expected IDO or IDF")
        side = np.full(len(kinds), -1, np.int64)
        for number, text in enumerate(_OPTION_TYPES):
            side[texts == text] = number
        wrong = (side < 0) | ((side == _FUTURE) != (kinds == "IDF"))
        self.refuse("OptnTp", wrong, "expected CE or PE of an option, nothing of a future")
        return side

    def strikes(self, side: I64) -> I64:
        """Strikes in paise; 0 for futures, whose cells are empty or 0."""
        future = side == _FUTURE
        texts = self._table["StrkPric"].combine_chunks()
        bare = pa.array(future & pc.equal(texts, "").to_numpy(False))
        filled = pc.if_else(bare, pa.scalar("0"), texts)
        bad = ~pc.match_substring_regex(filled, _PRICE).to_numpy(False)
        self.refuse("StrkPric", bad, "expected rupees with at most two decimals")
        found: I64 = np.rint(pc.cast(filled, pa.float64()).to_numpy() * 100).astype(np.int64)
        self.refuse("StrkPric", ~future & (found == 0), "expected above 0")
        self.refuse("StrkPric", future & (found != 0), "expected no strike of a future")
        return found
