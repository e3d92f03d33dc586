"""One file of minute bars: of an index, or of its options and futures, read line by line.

Names of columns are told apart by their case: a file of options may have the bars of the index as
``High``, ``Low`` and ``Close`` as well as its own ``high``, ``low`` and ``close``.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError, shown
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.nse.contracts import IST, Side, expires_ns, ns_of
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile, ImportOptions
from quantlaxmi.venues import nse

__all__ = ["INDEX", "MINUTE_NS", "BarFile", "Key", "read_bar_file", "session_of"]

#: Expiry (ordinal of its day), strike in paise and side; all 0 and ``""`` for the index.
Key = tuple[int, int, str]
INDEX: Final[Key] = (0, 0, "")
MINUTE_NS: Final = 60 * 10**9
#: Most text of all files of a segment, whose rows wait in memory.
MAX_TEXT: Final = 1 << 26
_PRICES: Final = ("open", "high", "low", "close")
_INDEX_COLUMNS: Final = ("Instrument", "Date", "Time", "Open", "High", "Low", "Close")
_VALUE_COLUMNS: Final = ("datetime", *_PRICES)
_CONTRACT_COLUMNS: Final = (
    *_VALUE_COLUMNS, "volume", "stock_code", "product_type", "expiry_date",
)  # fmt: skip
_OPTION_COLUMNS: Final = ("right", "strike_price")
_STAMP: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}):([0-9]{2}):00")
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_CLOCK: Final = re.compile(r"([0-9]{2}):([0-9]{2})")
_PRICE: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,20}))?")
_COUNT: Final = re.compile(r"([0-9]{1,12})(?:\.0+)?")
_EXPIRY: Final = re.compile(r"([0-9]{2})-([A-Z]{3})-([0-9]{4})")
_MONTHS: Final = [
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
]
_SIDES: Final[dict[str, Side]] = {"Call": "CE", "Put": "PE"}
#: From here on several paise have the same number of 32 bits.
_FLOAT32_PAISE: Final = 13_107_200
_EXCERPT: Final = 200


@dataclass(slots=True, eq=False)
class BarFile:
    """Bars of a file, in its order, with the prices in paise.

    Attributes
    ----------
    file : ImportedFile
    rows : dict of Key to list of tuple
        By contract: beginning in nanoseconds, open, high, low, close, volume, line.
    from_float32 : int
        Prices that are a 32-bit number's digits.
    """

    file: ImportedFile
    rows: dict[Key, list[tuple[int, ...]]] = field(default_factory=dict)
    from_float32: int = 0


class _Fault(Exception):
    """Why a line is set aside: reason and detail."""


@functools.lru_cache(maxsize=65_536)
def session_of(day: date) -> tuple[int, int]:
    """First and last instant of a day's session, the end excluded.

    Raises
    ------
    ConfigError
        No session of the dated table covers the day.
    """
    hours = nse.session_hours("option", day)
    opens, closes = (datetime.combine(day, at, IST) for at in (hours.opens, hours.closes))
    return ns_of(opens), ns_of(closes)


@functools.lru_cache(maxsize=65_536)
def _midnight(day: date) -> int:
    return ns_of(datetime.combine(day, time(), IST))


@functools.lru_cache(maxsize=65_536)
def _tick(side: str, day: date) -> int:
    """Smallest step of a price, in paise."""
    step = nse.tick("future" if side == "FUT" else "option", day)
    return int(step.mantissa * 10 ** (step.exponent + 2))


def read_bar_file(
    path: Path, underlying: str, options: ImportOptions, left: int, last: dict[Key, int]
) -> BarFile:
    """Read a file; lines that cannot be used are in its log.

    Parameters
    ----------
    path : Path
        CSV, plain or gzip.
    underlying : str
        The index.
    options : ImportOptions
    left : int
        Most bytes of text.
    last : dict of Key to int
        Beginning of the last bar of each contract so far; it is kept up to date.

    Raises
    ------
    InputError
        It cannot be read, is too long, or has other columns.
    ConfigError
        The dated table has no session or tick of a day.
    """
    lines, text = _lines(path, left)
    if not lines:
        raise InputError(path, "has no line; expected a header and bars")
    layout = _Layout(path, lines[0][1], underlying)
    log = QuarantineLog(path, "bars of " + ("contracts" if layout.contracts else "the index"),
                        options.strict)  # fmt: skip
    found = BarFile(
        ImportedFile(
            path=path,
            log=log,
            symbol=underlying,
            lines=len(lines),
            header_lines=1,
            raw_bytes=text.raw_bytes,
            text_bytes=text.text_bytes,
            sha256=text.sha256,
        )
    )
    for number, line in lines[1:]:
        try:
            key, row, rough = layout.bar(line)
            _check_order(row[0], last.get(key, -1))
        except _Fault as fault:
            reason, detail = fault.args
            log.add(number, reason, detail, line[:_EXCERPT].decode("utf-8", "backslashreplace"))
            continue
        last[key] = row[0]
        found.from_float32 += rough
        found.rows.setdefault(key, []).append((*row, number))
    taken = sum(map(len, found.rows.values()))
    found.file.message_lines = taken
    found.file.messages_by_kind = {"bars": taken}
    return found


def _lines(path: Path, left: int) -> tuple[list[tuple[int, bytes]], TextSource]:
    """Lines that are not empty, by number from 1."""
    pieces: list[bytes] = []
    with TextSource(path, "minute bars") as text:
        end = False
        while not end:
            piece, end = text.read()
            pieces.append(piece)
            if text.text_bytes > left:
                what = f"leads to more than {MAX_TEXT >> 20} MiB of text; expected a part of it"
                raise InputError(path, f"{what} a segment")
    numbered = enumerate(b"".join(pieces).split(b"\n"), 1)
    return [(number, line) for number, whole in numbered if (line := whole.rstrip())], text


def _check_order(open_ns: int, last_ns: int) -> None:
    if open_ns == last_ns:
        raise _Fault("duplicate-time", "a bar of the contract begins at the same time")
    if open_ns < last_ns:
        raise _Fault("time-reversal", "begins before the contract's bar before it")


class _Layout:
    """Where a file has what."""

    def __init__(self, path: Path, header: bytes, underlying: str) -> None:
        try:
            names = _cells(header.removeprefix(b"\xef\xbb\xbf"))
        except _Fault as fault:
            raise InputError(path, f"has a header that is {fault.args[0]}", "line 1") from None
        self._n, self._underlying = len(names), underlying
        self.contracts = "product_type" in names
        self._named = not self.contracts and "Instrument" in names
        wanted: tuple[str, ...] = _INDEX_COLUMNS if self._named else _VALUE_COLUMNS
        if self.contracts:
            has_options = any(name in names for name in _OPTION_COLUMNS)
            wanted = (*_CONTRACT_COLUMNS, *(_OPTION_COLUMNS if has_options else ()))
        self._at = {}
        for name in wanted:
            if (n := names.count(name)) != 1:
                what = (
                    f"has {counted(n, 'column[s]')} {name!r}, expected one"
                    if n
                    else f"has no column {name!r}"
                )
                raise InputError(path, what, "line 1")
            self._at[name] = names.index(name)

    def bar(self, line: bytes) -> tuple[Key, tuple[int, ...], int]:
        """A line's contract, its bar, and how many prices are a 32-bit number's.

        Raises
        ------
        _Fault
        """
        cells = _cells(line)
        if len(cells) != self._n:
            raise _Fault(
                "column-count", f"has {counted(len(cells), 'cell[s]')}, expected {self._n}"
            )
        cell = {name: cells[k] for name, k in self._at.items()}
        day, open_ns = self._begin(cell)
        first, end = session_of(day)
        if not first <= open_ns < end:
            shown_hours = f"{_clock(first)} to {_clock(end)}"
            detail = f"begins outside the session of {day}, expected {shown_hours}"
            raise _Fault("outside-session", detail)
        key = self._key(cell, day)
        if key[0] == day.toordinal() and open_ns >= expires_ns(day):
            raise _Fault("outside-session", "begins when the contract has ended, expected before")
        names = [name.title() if self._named else name for name in _PRICES]
        prices, rough = [], 0
        for name in names:
            price, was_rough = _paise(cell[name], name)
            if key != INDEX and price % _tick(key[2], day):
                raise _Fault("off-tick", f"{name} was {cell[name]}, expected a multiple of the "
                             f"tick {_tick(key[2], day) / 100:.2f}")  # fmt: skip
            prices.append(price)
            rough += was_rough
        opened, high, low, closed = prices
        if not low <= min(opened, closed) <= max(opened, closed) <= high:
            shown_prices = ", ".join(f"{name} {cell[name]}" for name in names)
            raise _Fault("inconsistent-bar", f"{shown_prices}; expected low <= open, close <= high")
        volume = _count(cell["volume"]) if self.contracts else 0
        return key, (open_ns, opened, high, low, closed, volume), rough

    def _begin(self, cell: dict[str, str]) -> tuple[date, int]:
        if self._named:
            texts = cell["Date"], cell["Time"]
            told, clock = _DAY.fullmatch(texts[0]), _CLOCK.fullmatch(texts[1])
            day_text = "-".join(told.groups()) if told else ""
            hours = clock.groups() if clock else ("99", "99")
            what = f"Date, Time were {shown(texts[0])}, {shown(texts[1])}"
            form = "20240131 and 09:15"
        else:
            stamp = _STAMP.fullmatch(cell["datetime"])
            day_text, *rest = stamp.groups() if stamp else ("", "99", "99")
            hours = rest[0], rest[1]
            what, form = f"datetime was {shown(cell['datetime'])}", "2025-01-31 09:15:00"
        try:
            day = date.fromisoformat(day_text)
        except ValueError:
            day = None
        hour, minute = map(int, hours)
        if day is None or not 1970 < day.year < 2200 or hour > 23 or minute > 59:
            raise _Fault("bad-stamp", f"{what}, expected a minute such as {form}")
        return day, _midnight(day) + (60 * hour + minute) * MINUTE_NS

    def _key(self, cell: dict[str, str], day: date) -> Key:
        name = cell.get("stock_code" if self.contracts else "Instrument", self._underlying)
        if name != self._underlying:
            raise _Fault("wrong-symbol", f"is of {shown(name)}, expected {self._underlying}")
        if not self.contracts:
            return INDEX
        expiry = _expiry(cell["expiry_date"])
        if expiry is None or not day <= expiry < date(day.year + 10, 1, 1):
            raise _Fault("wrong-contract", f"expiry_date was {shown(cell['expiry_date'])}, "
                         f"expected a day such as 13-MAR-2025, {day} or later")  # fmt: skip
        kind = cell["product_type"]
        if kind == "Futures":
            return expiry.toordinal(), 0, "FUT"
        side = _SIDES.get(cell.get("right", ""))
        if kind != "Options" or side is None:
            what = f"product_type, right were {shown(kind)}, {shown(cell.get('right', ''))}"
            raise _Fault("wrong-contract", f"{what}, expected Options and Call or Put, or Futures")
        strike, rough = _paise(cell["strike_price"], "strike_price")
        if rough:
            raise _Fault("too-fine", f"strike_price was {cell['strike_price']}, expected rupees "
                         "of at most two decimals")  # fmt: skip
        return expiry.toordinal(), strike, side


def _cells(line: bytes) -> Sequence[str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise _Fault("not-utf-8", "") from None
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise _Fault("wrong-shape", f"{error}, expected cells between commas") from None


def _clock(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 10**9, IST):%H:%M}"


def _expiry(text: str) -> date | None:
    told = _EXPIRY.fullmatch(text)
    if told is None or told[2] not in _MONTHS:
        return None
    try:
        return date(int(told[3]), _MONTHS.index(told[2]) + 1, int(told[1]))
    except ValueError:
        return None


def _paise(text: str, name: str) -> tuple[int, bool]:
    """Rupees as paise, and whether they are the digits of a 32-bit number."""
    told = _PRICE.fullmatch(text)
    if told is None:
        raise _Fault("bad-decimal", f"{name} was {shown(text)}, expected rupees")
    fraction = (told[2] or "").rstrip("0")
    rough = len(fraction) > 2
    if rough:  # what a 32-bit number next to whole paise reads as
        paise = round(float(text) * 100)
        if paise >= _FLOAT32_PAISE or float(np.float32(paise / 100)) != float(text):
            raise _Fault("too-fine", f"{name} was {text}, expected at most two decimals")
    else:
        paise = int(told[1]) * 100 + int(fraction.ljust(2, "0"))
    if paise == 0:
        raise _Fault("price-not-positive", f"{name} was {text}, expected a price above 0")
    return paise, rough


def _count(text: str) -> int:
    told = _COUNT.fullmatch(text)
    if told is None:
        raise _Fault("bad-quantity", f"volume was {shown(text)}, expected a whole number of units")
    return int(told[1])
