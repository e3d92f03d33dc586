"""Lines of a bars file to bars and funding settlements, or to quarantine.

A line that several mappings share (spot, perpetual and funding of one file) is taken whole or set
aside whole: half of a hedged pair is no pair.
"""

from __future__ import annotations

from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars_cells import (
    Faulty,
    Series,
    Settlements,
    check_close,
    check_prices,
    check_time,
    decimal_cell,
    price_cell,
    volume_size,
)
from quantlaxmi.importers.bars_mapping import BarsMapping, FundingMapping, LegMapping, TimeColumn
from quantlaxmi.importers.bars_stamp import BadStamp, stamp_reader
from quantlaxmi.importers.bars_table import CsvTable, ParquetTable, Row, place_of
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.schema import RATE_EXPONENT

#: A venue stamps a settlement a little after its time; more is no settlement of that time.
LATE_NS: Final = 60 * 10**9
_RATE_DIGITS: Final = -16


class _Columns:
    """The cells that the parts of a mapping read, each once."""

    def __init__(self, table: CsvTable | ParquetTable) -> None:
        self.table = table
        self.places: list[int] = []

    def slot(self, column: str, key: str) -> int:
        place = place_of(self.table, column, key)
        if place not in self.places:
            self.places.append(place)
        return self.places.index(place)


class _Part:
    """What is read of each line: one leg's bar, or a settlement."""

    def __init__(self, time: TimeColumn, columns: _Columns, key: str) -> None:
        self.time, self.read_stamp = time, stamp_reader(time)
        self.time_slot = columns.slot(time.column, f"{key}.time")

    def stamp(self, cells: list[str]) -> int:
        text = cells[self.time_slot]
        try:
            return self.read_stamp(text)
        except BadStamp as error:
            detail = f"column {self.time.column!r} was {text[:40]!r}, {error}"
            raise Faulty("stamp-unit" if error.unit else "bad-stamp", detail) from None


class LegPart(_Part):
    """Bars of one instrument."""

    def __init__(self, leg: LegMapping, columns: _Columns, interval_ns: int) -> None:
        super().__init__(leg.time, columns, leg.instrument.kind.value)
        self.leg, self.interval_ns, self.series = leg, interval_ns, Series(leg)
        key = leg.instrument.kind.value
        self.slots = {
            name: columns.slot(column, f"{key}.{name}") for name, column in leg.columns.items()
        }
        self.made: tuple[int, int, int, int] = (0, 0, 0, 0)

    def read(self, cells: list[str]) -> None:
        leg = self.leg
        if "symbol_column" in self.slots:
            symbol = cells[self.slots["symbol_column"]]
            if symbol != leg.instrument.venue_symbol:
                column = leg.columns["symbol_column"]
                wanted = leg.instrument.venue_symbol
                raise MixedSymbols(f"column {column!r} was {symbol[:40]!r}, expected {wanted!r}")
        exponent = leg.instrument.price_exponent
        prices: dict[str, int] = {
            name: price_cell(cells[self.slots[name]], exponent, leg.columns[name])
            for name in ("open", "high", "low", "close")
            if name in self.slots
        }
        stamp = self.stamp(cells)
        open_ns = stamp - self.interval_ns if self.time.at_close else stamp
        if "close_time" in self.slots:
            self._check_close(cells[self.slots["close_time"]], open_ns)
        check_prices(prices)
        size = self._size(cells)
        check_time(self.series, open_ns, self.interval_ns, self.time.column)
        self.made = (open_ns, prices["open"], prices["close"], size)

    def keep(self, line: int) -> None:
        series = self.series
        open_ns, opened, closed, size = self.made
        series.open_ns.append(open_ns)
        series.open.append(opened)
        series.close.append(closed)
        series.size.append(size)
        series.line.append(line)

    def _check_close(self, text: str, open_ns: int) -> None:
        column = self.leg.columns["close_time"]
        try:
            closed = self.read_stamp(text)
        except BadStamp as error:
            detail = f"column {column!r} was {text[:40]!r}, {error}"
            raise Faulty("bad-stamp", detail) from None
        check_close(closed, open_ns, self.interval_ns, f"column {column!r} was {text[:40]!r}")

    def _size(self, cells: list[str]) -> int:
        exponent = self.leg.instrument.qty_exponent
        if "volume" not in self.slots:
            return int(self.leg.size * 10**-exponent)
        column = self.leg.columns["volume"]
        return volume_size(cells[self.slots["volume"]], self.leg, column)


class MixedSymbols(Exception):
    """A line of another symbol; ends the import."""


class FundingPart(_Part):
    """Settlements of the perpetual."""

    def __init__(
        self, funding: FundingMapping, columns: _Columns, price_exponent: int, alone: bool
    ) -> None:
        super().__init__(funding.time, columns, "funding")
        self.funding, self.price_exponent, self.alone = funding, price_exponent, alone
        self.rate_slot = columns.slot(funding.rate, "funding.rate")
        self.mark_slot = columns.slot(funding.mark, "funding.mark") if funding.mark else -1
        self.settlements = Settlements()
        self.made: tuple[int, int, int] | None = None
        self.at_ns = -1

    def read(self, cells: list[str]) -> None:
        funding = self.funding
        self.made, self.at_ns = None, -1
        text, every = cells[self.rate_slot], funding.every_ns
        at_ns = self.stamp(cells)
        on_time = True
        if every:
            late = at_ns % every
            on_time = late <= LATE_NS
            if on_time:
                at_ns -= late
            elif self.alone:
                raise Faulty("off-schedule", f"column {funding.time.column!r} is {late // 10**9} s "
                             f"after a settlement of every {every // 10**9} s")  # fmt: skip
        if not text and not (every and on_time):
            if self.alone:
                raise Faulty("empty-cell", f"column {funding.rate!r} was '', expected a rate")
            return
        if on_time:
            self.at_ns = at_ns
        rate = self._rate(text)
        mark = 0
        if self.mark_slot >= 0 and cells[self.mark_slot]:
            mark = price_cell(cells[self.mark_slot], self.price_exponent, funding.mark)
        if not on_time:
            return  # carried on from the settlement before
        if self.settlements.at_ns and at_ns <= self.settlements.at_ns[-1]:
            same = at_ns == self.settlements.at_ns[-1]
            raise Faulty("duplicate-time" if same else "time-reversal", f"column "
                         f"{funding.time.column!r}: a settlement at or after its time is in line "
                         f"{self.settlements.line[-1]}")  # fmt: skip
        self.made = (at_ns, rate, mark)

    def _rate(self, text: str) -> int:
        column = self.funding.rate
        fine = decimal_cell(text, _RATE_DIGITS, column, "a rate")
        rate = fine * self.funding.times / 10 ** (RATE_EXPONENT - _RATE_DIGITS)
        if rate.denominator != 1:
            detail = f"column {column!r} was {text[:40]!r}, expected a rate that times "
            decimals = f"{self.funding.times} has at most {-RATE_EXPONENT} decimals"
            raise Faulty("too-fine", detail + decimals)
        if abs(rate) > 10**-RATE_EXPONENT:
            detail = f"column {column!r} was {text[:40]!r}, expected a rate within -1 to 1"
            raise Faulty("overflow", detail)
        return int(rate)

    def keep(self, line: int) -> None:
        if self.made is not None:
            at_ns, rate, mark = self.made
            self.settlements.at_ns.append(at_ns)
            self.settlements.rate.append(rate)
            self.settlements.mark.append(mark)
            self.settlements.line.append(line)

    def lose(self) -> None:
        """The line of a settlement was set aside."""
        if self.at_ns >= 0:
            self.settlements.lost_ns.append(self.at_ns)


def read_input(
    table: CsvTable | ParquetTable, mapping: BarsMapping, number: int, log: QuarantineLog
) -> tuple[list[Series], Settlements | None]:
    """Read one file.

    Parameters
    ----------
    table : CsvTable or ParquetTable
    mapping : BarsMapping
    number : int
        The file's place among the inputs, from 0.
    log : QuarantineLog

    Returns
    -------
    list of Series
        Of the legs that stand in this file.
    Settlements or None

    Raises
    ------
    InputError
        A column is missing, the stamps are in another unit, or two symbols are mixed.
    """
    columns = _Columns(table)
    legs = [
        LegPart(leg, columns, mapping.interval_ns) for leg in mapping.legs if leg.input == number
    ]
    paid = None
    if mapping.funding is not None and mapping.funding.input == number:
        exponent = mapping.legs[-1].instrument.price_exponent
        paid = FundingPart(mapping.funding, columns, exponent, alone=not legs)
    parts: list[LegPart | FundingPart] = [*legs, *([paid] if paid else [])]
    for row in table.rows(columns.places):
        fault = _take(table, row, parts)
        if fault is None:
            for part in parts:
                part.keep(row.line)
            continue
        if fault[0] == "stamp-unit" and row.line == 1 + table.header_lines:
            raise InputError(table.path, fault[1], f"line {row.line}")
        if paid is not None:
            paid.lose()
        log.add(row.line, fault[0], fault[1], row.excerpt)
    return [part.series for part in legs], paid.settlements if paid else None


def _take(
    table: CsvTable | ParquetTable, row: Row, parts: list[LegPart | FundingPart]
) -> tuple[str, str] | None:
    """Read a line into the parts; the first fault, or None."""
    for part in parts:
        if isinstance(part, FundingPart):
            part.at_ns = -1
    if row.fault is not None:
        return row.fault
    fault = None
    # Funding is read even after a fault, so that a settlement lost with its line is known.
    for part in parts:
        if fault is not None and isinstance(part, LegPart):
            continue
        try:
            part.read(row.cells)
        except Faulty as error:
            fault = fault or (error.reason, error.detail)
        except MixedSymbols as error:
            raise InputError(table.path, str(error), f"line {row.line}") from None
    if fault is None and row.open_end:
        return "half-line", "has no newline, so that its last cell may be cut"
    return fault
