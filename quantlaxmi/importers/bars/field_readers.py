"""The fields read from each line of bars: one leg's bar, or a funding settlement.

Each part reads lines many at once (``columns``) and one with care (``read``); the first never takes
what the second does not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.fixed import div_round
from quantlaxmi.importers.bars.cell_checks import (
    CLOSE_NS,
    Faulty,
    bar_prices,
    check_close,
    check_prices,
    check_time,
    decimal_cell,
    price_cell,
    ratio_cell,
    volume_size,
)
from quantlaxmi.importers.bars.columns import (
    later_than_all,
    leg_columns,
    read_stamps,
    settlement_columns,
    settlement_times,
)
from quantlaxmi.importers.bars.mapping import FundingMapping
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.series import Rows, Series, Settlements
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import Batch, Table, place_of
from quantlaxmi.importers.bars.timestamps import LATE_NS, BadStamp, stamp_reader
from quantlaxmi.schema import RATE_EXPONENT

_RATE_DIGITS: Final = -16
Mask = NDArray[np.uint8]


class Columns:
    """The cells that the parts of a mapping read, each once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.places: list[int] = []

    def slot(self, column: str, key: str) -> int:
        place = place_of(self.table, column, key)
        if place not in self.places:
            self.places.append(place)
        return self.places.index(place)


class _Part:
    """The fields read from each line: one leg's bar, or a settlement.

    Attributes
    ----------
    values : dict of str to ndarray of int64, shape (n_rows,)
        Of the batch at hand.
    base : int
        Lines of the files before.
    """

    def __init__(self, time: TimeColumn, columns: Columns, key: str) -> None:
        self.time, self.read_stamp = time, stamp_reader(time)
        self.time_slot = columns.slot(time.column, f"{key}.time")
        self.values: dict[str, Int64Array] = {}
        self.base = 0

    def stamps(self, batch: Batch, good: Mask) -> Int64Array:
        """Stamps of a batch, which parts of one time column share; as `read_stamps`."""
        key = self.time_slot, self.time.unit, self.time.zone.key, self.time.day_ns
        if key not in batch.stamps:
            right = batch.plain.copy()
            cells = batch.cells[self.time_slot]
            batch.stamps[key] = read_stamps(cells, self.time, self.read_stamp, right), right
        stamps, right = batch.stamps[key]
        good &= right
        return stamps

    def stamp(self, cells: list[str]) -> int:
        text = cells[self.time_slot]
        try:
            return self.read_stamp(text)
        except BadStamp as error:
            detail = f"column {self.time.column!r} was {text[:40]!r}, {error}"
            raise Faulty("stamp-unit" if error.unit else "bad-stamp", detail) from None


class LegPart(_Part):
    """Bars of one instrument."""

    def __init__(self, leg: LegMapping, columns: Columns, interval_ns: int, series: Series) -> None:
        super().__init__(leg.time, columns, leg.key)
        self.leg, self.interval_ns = leg, interval_ns
        self.series = series
        self.slots = {
            name: columns.slot(column, f"{leg.key}.{name}") for name, column in leg.columns.items()
        }
        self.made: tuple[int, ...] = ()

    def read(self, cells: list[str]) -> None:
        """One line, with care."""
        leg = self.leg
        if "symbol_column" in self.slots:
            symbol = cells[self.slots["symbol_column"]]
            if symbol != leg.instrument.venue_symbol:
                column = leg.columns["symbol_column"]
                wanted = leg.instrument.venue_symbol
                raise MixedSymbols(f"column {column!r} was {symbol[:40]!r}, expected {wanted!r}")
        prices, rounded = self._prices(cells)
        stamp = self.stamp(cells)
        open_ns = stamp - self.interval_ns if self.time.at_close else stamp
        if "close_time" in self.slots:
            self._check_close(cells[self.slots["close_time"]], open_ns)
        check_prices(prices, RATE_EXPONENT if leg.is_premium else leg.instrument.price_exponent)
        volume, size, cut = self._size(cells)
        check_time(self.series, open_ns, self.interval_ns, self.time.column)
        self.made = (open_ns, *bar_prices(prices), volume, size, rounded + 2 * cut)

    def _prices(self, cells: list[str]) -> tuple[dict[str, int], int]:
        """Prices of a line, and whether one was rounded."""
        leg, prices, rounded = self.leg, dict[str, int](), 0
        for name in ("open", "high", "low", "close"):
            if name in self.slots:
                text, column = cells[self.slots[name]], leg.columns[name]
                prices[name], was = (
                    ratio_cell(text, column, leg.numbers)
                    if leg.is_premium
                    else price_cell(text, leg, column)
                )
                rounded |= was
        return prices, rounded

    @property
    def rows(self) -> Rows:
        """The accepted rows."""
        return self.series

    def columns(self, batch: Batch, good: Mask) -> None:
        """A batch at once; ``good`` becomes 0 where a row has to be read with care."""
        stamps = self.stamps(batch, good)
        self.values = leg_columns(self.leg, self.slots, batch, stamps, self.interval_ns, good)
        if "close_time" in self.slots:
            cells = batch.cells[self.slots["close_time"]]
            closed = read_stamps(cells, self.time, self.read_stamp, good)
            check = self.values["open_ns"] + self.interval_ns - closed
            good &= (check >= 0) & (check <= CLOSE_NS)

    def check_order(self, good: Mask) -> None:
        """Leave rows that are not behind all before them, or off the grid, to be read with care."""
        open_ns, series = self.values["open_ns"], self.series
        later_than_all(open_ns, good, series.last_ns)
        after = open_ns - series.first_ns
        good &= after // self.interval_ns * self.interval_ns == after  # NumPy's % is slower

    def pass_on(self, good: Mask) -> None:
        """Leave those of the batch's last rows that a row read with care overtook."""
        if n := len(good):
            good &= self.values["open_ns"][-n:] > self.series.last_ns

    def keep(self, k: int, line: int) -> None:
        """The row read with care is accepted, as number ``k`` of its batch."""
        for name, value in zip((*self.series.NAMES[:-1], "rounded"), self.made, strict=True):
            self.values[name][k] = value
        self.series.note(self.made[0], self.base + line)

    def reach(self, k: int, lines: Int64Array) -> None:
        """Rows of the batch up to number ``k`` are accepted."""
        self.series.note(int(self.values["open_ns"][k]), self.base + int(lines[k]))

    def end_batch(self, kept: NDArray[np.bool_], lines: Int64Array) -> None:
        """Keep a batch's accepted rows."""
        part = slice(None) if kept.all() else kept
        columns = {name: column[part] for name, column in self.values.items()}
        self.series.count_rounded(columns.pop("rounded"))
        self.series.append(columns | {"line": self.base + lines[part]})

    def _check_close(self, text: str, open_ns: int) -> None:
        column = self.leg.columns["close_time"]
        try:
            closed = self.read_stamp(text)
        except BadStamp as error:
            detail = f"column {column!r} was {text[:40]!r}, {error}"
            raise Faulty("bad-stamp", detail) from None
        check_close(closed, open_ns, self.interval_ns, f"column {column!r} was {text[:40]!r}")

    def _size(self, cells: list[str]) -> tuple[int, int, bool]:
        if "volume" not in self.slots:
            return 0, self.leg.fixed_size, False
        return volume_size(cells[self.slots["volume"]], self.leg, self.leg.columns["volume"])


class MixedSymbols(Exception):
    """A line of another symbol; ends the import."""


class FundingPart(_Part):
    """Settlements of the perpetual."""

    def __init__(
        self,
        funding: FundingMapping,
        columns: Columns,
        perp: LegMapping,
        alone: bool,
        interval_ns: int,
        settlements: Settlements,
    ) -> None:
        super().__init__(funding.time, columns, "funding")
        # The bar after a settlement's is no late line of it, however short bars are.
        self.late_ns = LATE_NS if alone else min(LATE_NS, interval_ns - 1)
        self.funding, self.perp, self.alone = funding, perp, alone
        self.rate_slot = columns.slot(funding.rate, "funding.rate")
        self.mark_slot = columns.slot(funding.mark, "funding.mark") if funding.mark else -1
        self.settlements = settlements
        self.made: tuple[int, int, int, int] | None = None
        self.at_ns = -1
        self.filled = self.off = False

    def read(self, cells: list[str]) -> None:
        """One line, with care."""
        funding = self.funding
        self.made, self.at_ns = None, -1
        text, every = cells[self.rate_slot], funding.every_ns
        at_ns = self.stamp(cells)
        on_time = True
        self.filled, self.off = bool(text), False
        if every:
            late = at_ns % every
            on_time = late <= self.late_ns
            if on_time:
                at_ns -= late
            elif self.alone:
                self.at_ns = at_ns
                raise Faulty("off-schedule", f"column {funding.time.column!r} is {late // 10**9} s "
                             f"after a settlement of every {every // 10**9} s")  # fmt: skip
        self.off = not on_time
        if not text and not (every and on_time):
            if self.alone:
                raise Faulty("empty-cell", f"column {funding.rate!r} was '', expected a rate")
            return
        if on_time:
            self.at_ns = at_ns
        rate, rounded = self._rate(text)
        mark, was = 0, False
        if self.mark_slot >= 0 and cells[self.mark_slot]:
            mark, was = price_cell(cells[self.mark_slot], self.perp, funding.mark)
        if not on_time:
            return  # carried on from the settlement before
        if at_ns <= self.settlements.last_ns:
            same = at_ns == self.settlements.last_ns
            raise Faulty("duplicate-time" if same else "time-reversal", f"column "
                         f"{funding.time.column!r}: a settlement at or after its time is in "
                         f"{self.settlements.last_place()}")  # fmt: skip
        self.made = (at_ns, rate, mark, rounded | was)

    def _rate(self, text: str) -> tuple[int, bool]:
        column, numbers = self.funding.rate, self.funding.numbers
        fine, rounded = decimal_cell(text, _RATE_DIGITS, column, "a rate", numbers)
        rate = fine * self.funding.times / 10 ** (RATE_EXPONENT - _RATE_DIGITS)
        if rate.denominator != 1 and numbers.rounds:
            rate, rounded = Fraction(div_round(rate.numerator, rate.denominator)), True
        if rate.denominator != 1:
            detail = f"column {column!r} was {text[:40]!r}, expected a rate that times "
            decimals = f"{self.funding.times} has at most {-RATE_EXPONENT} decimals"
            raise Faulty("too-fine", detail + decimals)
        if abs(rate) > 10**-RATE_EXPONENT:
            detail = f"column {column!r} was {text[:40]!r}, expected a rate within -1 to 1"
            raise Faulty("overflow", detail)
        return int(rate), rounded

    @property
    def rows(self) -> Rows:
        """The accepted rows."""
        return self.settlements

    def columns(self, batch: Batch, good: Mask) -> None:
        """A batch at once; ``good`` becomes 0 where a row has to be read with care."""
        stamps = self.stamps(batch, good)
        mark = batch.cells[self.mark_slot] if self.mark_slot >= 0 else None
        times = settlement_times(self.funding, stamps, self.late_ns)
        rates = batch.cells[self.rate_slot]
        self.is_filled, self.is_off = rates.ends > rates.starts, ~times[1]
        self.values = settlement_columns(
            self.funding, times, rates, mark, self.perp.price_digits, self.alone, good
        )

    def check_order(self, good: Mask) -> None:
        """Leave settlements that are not behind all before them to be read with care."""
        made = self.values["made"].astype(np.uint8) & good
        later = made.copy()
        later_than_all(self.values["at_ns"], later, self.settlements.last_ns)
        good[(made == 1) & (later == 0)] = 0

    def pass_on(self, good: Mask) -> None:
        """Leave those of the batch's last rows that a row read with care overtook."""
        if n := len(good):
            late = self.values["at_ns"][-n:] <= self.settlements.last_ns
            good[late & (self.values["made"][-n:] == 1)] = 0

    def keep(self, k: int, line: int) -> None:
        """The row read with care is accepted, as number ``k`` of its batch."""
        self.values["made"][k] = self.made is not None
        self.is_filled[k], self.is_off[k] = self.filled, self.off
        if self.made is not None:
            for name, value in zip(("at_ns", "rate", "mark", "rounded"), self.made, strict=True):
                self.values[name][k] = value
            self.settlements.note(self.made[0], self.base + line)

    def reach(self, k: int, lines: Int64Array) -> None:
        """Rows of the batch up to number ``k`` are accepted."""
        found = np.flatnonzero(self.values["made"][: k + 1])
        if len(found):
            last = int(found[-1])
            at_ns = int(self.values["at_ns"][last])
            if at_ns > self.settlements.last_ns:
                self.settlements.note(at_ns, self.base + int(lines[last]))

    def end_batch(self, kept: NDArray[np.bool_], lines: Int64Array) -> None:
        """Keep a batch's accepted rows."""
        self.settlements.note_cells(
            self.is_filled[kept], self.is_off[kept], self.base + lines[kept]
        )
        kept = kept & (self.values["made"] == 1)
        self.settlements.n_rounded += int(np.count_nonzero(self.values["rounded"][kept]))
        columns = {name: self.values[name][kept] for name in ("at_ns", "rate", "mark")}
        self.settlements.append(columns | {"line": self.base + lines[kept]})

    def lose(self, k: int) -> None:
        """The line of a settlement, number ``k`` of its batch, was set aside."""
        self.values["made"][k] = 0
        if self.at_ns >= 0:
            self.settlements.lost_ns.append(self.at_ns)
