"""Rates from one currency to another, so that a run in two has one result.

A file has the header ``ts,rate`` and a line a change: a time, and what one unit of the currency is
worth in the currency of the result from then on. A time is a whole number of seconds, milli-,
micro- or nanoseconds since the epoch, the same in every line, or a text such as
``2024-08-08T00:00:00Z``.

The ledger keeps every amount in its own currency to the end. So an amount is worth what the last
rate at or before the end of the data makes it. Rates are exact decimals and nothing is rounded.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

from quantlaxmi.errors import CurrencyError, InputError, shown
from quantlaxmi.files import read_regular
from quantlaxmi.fixed import format_decimal
from quantlaxmi.instruments import decimal_parts

MAX_RATE_BYTES: Final = 1 << 26
_HEADER: Final = "ts,rate"
#: Digits of a stamp, and nanoseconds in its unit.
_UNITS: Final = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
_STAMP: Final = re.compile(r"[1-9][0-9]{9,18}")
_TEXT: Final = re.compile(r"([0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9:]{8})(?:\.([0-9]{1,9}))?Z")
_RATE: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,15}))?")
_OPTION: Final = re.compile(r"([A-Za-z0-9]{1,20})=(.+)", re.DOTALL)
_LAST_NS: Final = 2**63 - 1
#: What the first line may have.
_TIMES: Final = "in s, ms, us or ns since 1970, or such as 2024-08-08T00:00:00Z"


@dataclass(frozen=True, eq=False)
class RateFile:
    """Rates of one currency, ascending in time.

    Attributes
    ----------
    source : str
        The file, as it was named.
    currency : str
        Whose unit the rates are of; empty where only the file was named.
    sha256 : str
        Of the file's bytes, hexadecimal.
    ts_ns : list of int
    rates : list of Fraction
        Exact decimals above 0.
    """

    source: str
    currency: str
    sha256: str
    ts_ns: list[int]
    rates: list[Fraction]

    @classmethod
    def load(cls, named: str | Path) -> RateFile:
        """Read ``FILE`` or ``CURRENCY=FILE``.

        Raises
        ------
        InputError
            The file cannot be read, is longer than 64 MiB, or a line is not a later time and a
            rate above 0.
        """
        found = _OPTION.fullmatch(named) if isinstance(named, str) else None
        currency, path = (found[1], found[2]) if found else ("", str(named))
        data = read_regular(path, MAX_RATE_BYTES, InputError, f"a CSV file with {_HEADER}")
        stamps, rates = _read(path, data)
        return cls(path, currency, hashlib.sha256(data).hexdigest(), stamps, rates)

    def row_at(self, ts_ns: int) -> int:
        """Index of the last rate at or before a time.

        Raises
        ------
        InputError
            There is none.
        """
        row = bisect_right(self.ts_ns, ts_ns) - 1
        if row < 0:
            raise InputError(
                self.source, f"begins at {_utc(self.ts_ns[0])}, expected a rate at {_utc(ts_ns)}"
            )
        return row


def _read(path: str, data: bytes) -> tuple[list[int], list[Fraction]]:
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(path, "has a byte that is not ASCII", f"offset {error.start}") from None
    if lines[-1] == "":
        lines.pop()
    if not lines or lines[0].rstrip("\r") != _HEADER:
        raise InputError(
            path, f"was {shown(lines[0] if lines else '')}, expected {_HEADER}", "line 1"
        )
    stamps: list[int] = []
    rates: list[Fraction] = []
    unit = 0
    for number, line in enumerate(lines[1:], 2):
        at = f"line {number}"
        cells = line.rstrip("\r").split(",")
        if len(cells) != 2:
            raise InputError(path, f"has {len(cells)} cells, expected ts and rate", at)
        if not unit:
            unit = _UNITS.get(len(cells[0]), 0) if _STAMP.fullmatch(cells[0]) else 1
        stamp = _stamp(cells[0], unit)
        if not 0 <= stamp <= _LAST_NS:
            wanted = "as in the lines before" if stamps else _TIMES
            problem = f"was {shown(cells[0])}, expected a time {wanted}"
            raise InputError(path, problem, f"{at}, ts")
        if stamps and stamp <= stamps[-1]:
            raise InputError(path, f"was {cells[0]}, expected a time after the line before", at)
        rate = _RATE.fullmatch(cells[1])
        value = Fraction(cells[1]) if rate else Fraction(0)
        if value <= 0:
            problem = f"was {shown(cells[1])}, expected a plain decimal number above 0"
            raise InputError(path, problem, f"{at}, rate")
        stamps.append(stamp)
        rates.append(value)
    if not stamps:
        raise InputError(path, "has no rate behind its header")
    return stamps, rates


def _stamp(cell: str, unit: int) -> int:
    """Nanoseconds of a cell; -1 where it is no time of the unit, in which 1 may be a text."""
    if _STAMP.fullmatch(cell):
        return int(cell) * unit if _UNITS.get(len(cell)) == unit else -1
    found = _TEXT.fullmatch(cell) if unit == 1 else None
    try:
        moment = datetime.fromisoformat(f"{found[1]}+00:00") if found else None
    except ValueError:
        moment = None
    if found is None or moment is None:
        return -1
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (moment.resolution * 10**6)
    return seconds * 10**9 + int((found[2] or "").ljust(9, "0"))


def _utc(ts_ns: int) -> str:
    moment = datetime.fromtimestamp(ts_ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ts_ns % 10**9:09d}Z"


@dataclass(frozen=True, slots=True)
class UsedRate:
    """The rate of one currency that a conversion uses.

    Attributes
    ----------
    currency : str
    rate : Fraction
    ts_ns : int
        When it was set.
    lowest, highest : Fraction
        Of all rates in force within the data.
    sha256 : str
        Of the file.
    """

    currency: str
    rate: Fraction
    ts_ns: int
    lowest: Fraction
    highest: Fraction
    sha256: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """Exact rates by which amounts in several currencies become one amount.

    Attributes
    ----------
    currency : str
        Of the result.
    rates : tuple of UsedRate
        One for every other currency.
    exponent : int
        Amounts gain so many decimals: that of the finest rate, at most 0.
    weights : mapping of str to int
        By currency: units at the finer exponent in one unit of its money.

    Examples
    --------
    >>> _ = Path("usdc.csv").write_text("ts,rate\\n1704067200,1.0002\\n")
    >>> rates, at = RateFile.load("USDC=usdc.csv"), 1_704_067_200 * 10**9
    >>> Conversion.of([rates], ["USDT", "USDC"], at, at).weights
    {'USDT': 10000, 'USDC': 10002}
    """

    currency: str
    rates: tuple[UsedRate, ...]
    exponent: int
    weights: Mapping[str, int]

    @classmethod
    def of(
        cls, files: Sequence[RateFile], currencies: Sequence[str], first_ns: int, last_ns: int
    ) -> Conversion:
        """Choose from files the rates at the end of the data.

        Parameters
        ----------
        files : sequence of RateFile
            One for each currency but one, which is that of the result. A file that names no
            currency is of the second of two.
        currencies : sequence of str
            Of the instruments, in the segment's order.
        first_ns, last_ns : int
            Of the data.

        Raises
        ------
        InputError
            A file is of no currency or of one twice, has no rate for the end of the data, or a
            currency has no file.
        """
        named = [file.currency or _other(file, currencies) for file in files]
        for file, currency in zip(files, named, strict=True):
            if currency not in currencies or named.count(currency) > 1:
                raise InputError(
                    "--convert",
                    f"was {currency}={file.source}, expected one file for each of "
                    f"{', '.join(currencies)} but one",
                )
        left = [currency for currency in currencies if currency not in named]
        if len(left) != 1:
            raise InputError(
                "--convert",
                f"leaves {' and '.join(left) or 'no currency'} without a file, expected to leave "
                "the currency of the result alone",
            )
        used = tuple(
            _used(file, currency, first_ns, last_ns)
            for file, currency in zip(files, named, strict=True)
        )
        exponent = min((decimal_parts(one.rate)[1] for one in used), default=0)
        finer = Fraction(10) ** -exponent
        weights = {left[0]: int(finer)} | {one.currency: int(one.rate * finer) for one in used}
        return cls(left[0], used, exponent, weights)

    def weight(self, currency: str) -> int:
        """Units at the finer exponent in one unit of a currency's money."""
        return self.weights[currency]

    def total(self, amounts: Mapping[str, int]) -> int:
        """Sum of amounts by currency, at the finer exponent; exact."""
        return sum(amount * self.weights[currency] for currency, amount in amounts.items())

    def describe(self) -> dict[str, object]:
        """Plain values for reports: rates as exact decimal texts, hashes of the files."""
        return {
            "currency": self.currency,
            "rates": [
                {
                    "currency": one.currency,
                    "rate": _plain(one.rate),
                    "ts_ns": one.ts_ns,
                    "lowest": _plain(one.lowest),
                    "highest": _plain(one.highest),
                    "sha256": one.sha256,
                }
                for one in self.rates
            ],
        }


def _other(file: RateFile, currencies: Sequence[str]) -> str:
    if len(currencies) != 2:
        raise InputError(
            "--convert",
            f"was {file.source}, expected CURRENCY=FILE: the segment is in {', '.join(currencies)}",
        )
    return currencies[1]


def _used(file: RateFile, currency: str, first_ns: int, last_ns: int) -> UsedRate:
    row = file.row_at(last_ns)
    begun = max(bisect_right(file.ts_ns, first_ns) - 1, 0)
    within = file.rates[begun : row + 1]
    return UsedRate(
        currency, file.rates[row], file.ts_ns[row], min(within), max(within), file.sha256
    )


def _plain(rate: Fraction) -> str:
    return format_decimal(*decimal_parts(rate))


def one_currency(amounts: Mapping[str, int], traded: Sequence[str], what: str) -> int:
    """The amount of the only currency that was traded.

    Parameters
    ----------
    amounts : mapping of str to int
        By currency; 0 where it was not traded.
    traded : sequence of str
    what : str
        For the error, such as ``"net PnL"``.

    Raises
    ------
    CurrencyError
        Several were: their amounts are never added.
    """
    if len(traded) > 1:
        raise CurrencyError(
            f"{what} is in {' and '.join(traded)}, which are never added: ask by currency, or give "
            "the gates rates with --convert FILE"
        )
    return sum(amounts.values())
