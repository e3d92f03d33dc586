"""Ticks and lots of an import, from the dated tables, and how its quotes keep to them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.step_fit import count_off
from quantlaxmi.counted import counted
from quantlaxmi.importers.exponents import READ_EXPONENT, TooFine, fitted, refit
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues import grid_steps
from quantlaxmi.venues.tables import day_text

Tables = Mapping[str, Mapping[str, npt.NDArray[Any]]]


def with_steps(one: Instrument, ts_ns: int) -> Instrument:
    """An instrument with the tick and lot of a time, where it has none and they are known."""
    if one.tick and one.lot:
        return one
    tick, lot = grid_steps(
        one.venue, one.kind, one.venue_symbol, ts_ns, one.price_exponent, one.qty_exponent
    )
    return msgspec.structs.replace(one, tick=one.tick or tick, lot=one.lot or lot)


class Steps:
    """Instruments with the steps of their first message's date; counts quotes that are off them.

    A quote off tick or lot is data all the same: it is kept and counted. Steps that are not known
    are 0, which no order is refused for.

    Parameters
    ----------
    instruments : sequence of Instrument
        Without steps, or with those that the user told, which stand above the tables.
    tables : iterator of tables
        The segment's rows in order, as they will be written.
    count : bool
        Count quotes that are off them; quotes made with an assumed spread always are. These keep
        their exponents; others are written at those of tick and lot (see `importers.exponents`).
    kept : collection of (str, str)
        Symbols with "price", "mark" or "qty" that stay as they were read.

    Attributes
    ----------
    instruments : tuple of Instrument
        With the steps known for them.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        tables: Iterator[Tables],
        *,
        count: bool = True,
        kept: Collection[tuple[str, str]] = (),
    ) -> None:
        first = next(tables, {})
        stamps = [int(c["ts_ns"][0]) for c in first.values() if len(c["ts_ns"])]
        self._first_ns = self._last_ns = min(stamps, default=-1)
        self._read, self._counts, self._kept = tuple(instruments), count, set(kept)
        self._given = self._read
        if count:
            self._fit(first)
        self.instruments = tuple(with_steps(one, self._first_ns) for one in self._given)
        self._rest: Iterable[Tables] = itertools.chain([first] if first else [], tables)
        self._off = np.zeros(len(self.instruments), np.int64)
        self._quotes = np.zeros(len(self.instruments), np.int64)

    def _fit(self, first: Tables) -> None:
        """Find the exponents; what the first rows are too fine for needs no second beginning."""
        while True:
            self._given = tuple(fitted(one, self._first_ns, self._kept) for one in self._read)
            try:
                refit(first, self._read, self._given)
                break
            except TooFine as found:
                self._kept.add(found.kept)

    def tables(self) -> Iterator[Tables]:
        """Yield the rows, all of them, and look at them in passing."""
        for tables in self._rest:
            for columns in tables.values():
                if len(columns["ts_ns"]):
                    self._last_ns = max(self._last_ns, int(columns["ts_ns"][-1]))
            tables = refit(tables, self._read, self._given)
            if self._counts and "quotes" in tables:
                self._count(tables["quotes"])
            yield tables

    def _count(self, quotes: Mapping[str, npt.NDArray[Any]]) -> None:
        names = {"bid": "tick", "ask": "tick", "bid_qty": "lot", "ask_qty": "lot"}
        steps = {
            what: np.array([getattr(one, what) for one in self.instruments], np.int64)
            for what in ("tick", "lot")
        }
        off, rows = count_off(
            [quotes[name] for name in names],
            quotes["instrument"],
            [steps[what] for what in names.values()],
        )
        known = (steps["tick"] != 0) | (steps["lot"] != 0)
        self._quotes += np.where(known, rows, 0)
        self._off += off

    def notes(self) -> list[str]:
        """Return the manifest's notes on steps; call it after all rows."""
        notes = [
            f"{symbol}: a {'price' if what == 'price' else 'quantity'} is finer than "
            f"{'tick' if what == 'price' else 'lot'}; all are kept at 1e{READ_EXPONENT}."
            for symbol, what in sorted(self._kept)
            if what != "mark"  # a venue's marks are finer than its tick as a rule
        ]
        for one, given, off, quotes in zip(
            self.instruments, self._given, self._off, self._quotes, strict=True
        ):
            unknown = [name for name in ("tick", "lot") if not getattr(one, name)]
            if unknown and self._first_ns >= 0 and one.kind != InstrumentKind.INDEX:
                notes.append(
                    f"{one.symbol}: {' and '.join(unknown)} on {day_text(self._first_ns)} "
                    "not known; 0 stands for it and nothing is enforced."
                )
            if off:
                told = counted(int(off), "quote[s] [is|are] off tick or lot", int(quotes))
                notes.append(f"{one.symbol}: {told}.")
            if with_steps(given, self._last_ns) != one:
                notes.append(
                    f"{one.symbol}: tick or lot changed by {day_text(self._last_ns)}; those of "
                    f"{day_text(self._first_ns)} stand for the whole."
                )
        return notes
