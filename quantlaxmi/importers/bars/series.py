"""Bars and settlements of one input, as they were accepted, and which bars are partial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.importers.bars.mapping_leg import LegMapping
from quantlaxmi.importers.bars.spool import Int64Array, Store, chunks

_MOST: Final = (1 << 63) - 1
Mask = NDArray[np.bool_]


class Rows:
    """Rows of integers that are accepted one by one or many at once, kept until they are written.

    Parameters
    ----------
    store : Store
        Where they are kept.
    names : sequence of str
        The first is a time, by which they ascend; the last is the line each was read from.

    Attributes
    ----------
    first_ns, last_ns, last_line : int
        Times of the first and the last row, and where the last was read; -1 without rows.
    files : list of (int, str)
        Files that are read one after the other: lines before them, and their names. Lines are
        numbered through them.
    """

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._spool = store.spool(names)
        self.first_ns = self.last_ns = self.last_line = -1
        self.files: list[tuple[int, str]] = []
        #: They are rows of a frame, which its user counts from 0; the first is line 2.
        self.counts_rows = False

    def last_place(self) -> str:
        """Where the last row was read, in words."""
        return self.place(self.last_line)

    def place(self, line: int) -> str:
        """Position of a line, in words."""
        if self.counts_rows:
            return f"row {line - 2}"
        before, name = next((f for f in reversed(self.files) if f[0] < line), (0, ""))
        here = not self.files or self.files[-1][0] == before
        return f"line {line - before}" + ("" if here else f" of {name}")

    def __len__(self) -> int:
        return len(self._spool)

    def append(self, columns: Mapping[str, Int64Array]) -> None:
        """Add rows."""
        names = self._spool.names
        if len(columns[names[0]]):
            self.note(int(columns[names[0]][0]), int(columns[names[-1]][0]))
            self.note(int(columns[names[0]][-1]), int(columns[names[-1]][-1]))
            self._spool.append(columns)

    def note(self, time_ns: int, line: int) -> None:
        """Note a row that is accepted and appended later."""
        self.first_ns = time_ns if self.first_ns < 0 else self.first_ns
        self.last_ns, self.last_line = time_ns, line

    def column(self, name: str) -> Int64Array:
        """All rows of a column."""
        return self._spool.column(name)

    def drop(self, lines: Int64Array) -> None:
        """Forget the rows of some lines."""
        time, line = self._spool.names[0], self._spool.names[-1]
        self._spool = self._spool.without(lines, line)
        known = len(self) > 0
        self.first_ns = int(self.column(time)[0]) if known else -1
        self.last_ns = int(self.column(time)[-1]) if known else -1
        self.last_line = int(self.column(line)[-1]) if known else -1


class Series(Rows):
    """Accepted bars of one instrument, ascending in time.

    Columns: ``open_ns``; ``open`` and ``close``, prices at the instrument's price exponent;
    ``high`` and ``low``, those of open and close where the file has none; ``volume``, 0 where it
    has none, and ``size``, displayed, at its quantity exponent; ``line``, where each bar was read.
    Of a premium index prices are ratios at `RATE_EXPONENT`.

    Parameters
    ----------
    leg : LegMapping
    store : Store
        Where they are kept.

    Attributes
    ----------
    n_rounded, n_cut : int
        Bars that were accepted with a price rounded, and with digits of the volume dropped.
    """

    NAMES: Final = ("open_ns", "open", "high", "low", "close", "volume", "size", "line")

    def __init__(self, leg: LegMapping, store: Store) -> None:
        super().__init__(store, self.NAMES)
        self.leg = leg
        self.n_rounded = self.n_cut = 0

    def count_rounded(self, flags: Int64Array) -> None:
        """Tell of bars that are accepted: 1 where a price was rounded, and 2 where digits of the
        volume were dropped."""
        self.n_rounded += int(np.count_nonzero(flags & 1))
        self.n_cut += int(np.count_nonzero(flags & 2))


class Settlements(Rows):
    """Accepted funding settlements, ascending.

    Columns: ``at_ns``; ``rate``; ``mark``, 0 where the file has none; ``line``.

    Parameters
    ----------
    store : Store
        Where they are kept.

    Attributes
    ----------
    lost_ns : list of int
        Settlement times whose line was set aside.
    off_filled, off_empty : int
        The first lines off the schedule with a rate, and, behind one with a rate, without: -1
        where there is none.
    n_rounded : int
        Settlements that were accepted with a rate or mark rounded.
    """

    NAMES: Final = ("at_ns", "rate", "mark", "line")

    def __init__(self, store: Store) -> None:
        super().__init__(store, self.NAMES)
        self.lost_ns: list[int] = []
        self.off_filled = self.off_empty = -1
        self.n_rounded = 0
        self._begun = False

    def note_cells(self, filled: Mask, off: Mask, lines: Int64Array) -> None:
        """Tell which lines have a rate, and which are off the schedule."""
        if not len(lines):
            return
        begun = np.logical_or.accumulate(filled) | self._begun
        self._begun = bool(begun[-1])
        if self.off_filled < 0 and (off & filled).any():
            self.off_filled = int(lines[(off & filled).argmax()])
        if self.off_empty < 0 and (off & ~filled & begun).any():
            self.off_empty = int(lines[(off & ~filled & begun).argmax()])

    def drop(self, lines: Int64Array) -> None:
        """Forget the settlements of some lines, and note their times."""
        for start, stop in chunks(len(self)):
            gone = np.isin(self.column("line")[start:stop], lines)
            self.lost_ns += self.column("at_ns")[start:stop][gone].tolist()
        super().drop(lines)


def partial_lines(series: Series, interval_ns: int, most_bps: Fraction) -> dict[int, str]:
    """Lines whose close is not where the next bar opens, with what was found.

    Parameters
    ----------
    series : Series
    interval_ns : int
    most_bps : Fraction
        Largest distance taken.
    """
    found = {}
    name = series.leg.columns.get("close", "close")
    over, under = most_bps.numerator, most_bps.denominator * 10_000
    for start, stop in chunks(max(len(series) - 1, 0)):
        times = series.column("open_ns")[start : stop + 1]
        follows = np.flatnonzero(np.diff(times) == interval_ns)
        closed = series.column("close")[start:stop][follows]
        opened = series.column("open")[start + 1 : stop + 1][follows]
        if not len(follows):
            continue
        if max(int(closed.max()), int(opened.max())) * max(over, under) > _MOST:
            closed, opened = closed.astype(object), opened.astype(object)
        for k in np.flatnonzero(abs(opened - closed) * under > over * closed).tolist():
            bps = Fraction(abs(int(opened[k]) - int(closed[k])) * 10_000, int(closed[k]))
            found[int(series.column("line")[start + int(follows[k])])] = (
                f"column {name!r} is {float(bps):.2f} bps from the next "
                f"bar's open, expected at most {float(most_bps):g}"
            )
    return found
