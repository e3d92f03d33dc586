"""Bars and settlements as they are read, and the checks of one cell and one bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.errors import DecimalTextError, FixedPointOverflow
from quantlaxmi.importers.bars.mapping import LegMapping
from quantlaxmi.importers.bars.spool import Int64Array, Store, chunks
from quantlaxmi.schema import RATE_EXPONENT

#: A bar's last instant may be written up to this much before the next one's first.
CLOSE_NS: Final = 10**9
_MOST: Final = (1 << 63) - 1


class Rows:
    """Rows of integers that are accepted one by one or many at once, kept on disk.

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

    def last_place(self) -> str:
        """Where the last row was read, in words."""
        before, name = next((f for f in reversed(self.files) if f[0] < self.last_line), (0, ""))
        here = not self.files or self.files[-1][0] == before
        return f"line {self.last_line - before}" + ("" if here else f" of {name}")

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
        """Tell that a row is accepted which is appended later."""
        self.first_ns = time_ns if self.first_ns < 0 else self.first_ns
        self.last_ns, self.last_line = time_ns, line

    def column(self, name: str) -> Int64Array:
        """All rows of a column, mapped from disk."""
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
    ``size``, displayed, at its quantity exponent; ``line``, where each bar was read. Of a premium
    index ``open`` and ``close`` are ratios at `RATE_EXPONENT`.

    Parameters
    ----------
    leg : LegMapping
    store : Store
        Where they are kept.
    """

    NAMES: Final = ("open_ns", "open", "close", "size", "line")

    def __init__(self, leg: LegMapping, store: Store) -> None:
        super().__init__(store, self.NAMES)
        self.leg = leg


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
    """

    NAMES: Final = ("at_ns", "rate", "mark", "line")

    def __init__(self, store: Store) -> None:
        super().__init__(store, self.NAMES)
        self.lost_ns: list[int] = []

    def drop(self, lines: Int64Array) -> None:
        """Forget the settlements of some lines, and note their times."""
        for start, stop in chunks(len(self)):
            gone = np.isin(self.column("line")[start:stop], lines)
            self.lost_ns += self.column("at_ns")[start:stop][gone].tolist()
        super().drop(lines)


class Faulty(Exception):
    """One line to set aside: reason and detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason)


def decimal_cell(text: str, exponent: int, column: str, expected: str) -> int:
    """Mantissa of one cell; raises `Faulty` naming column, value and what was expected."""
    try:
        return parse_decimal(text, exponent)
    except DecimalTextError as error:
        fine = error.reason.startswith("has digits")
        reason = "empty-cell" if not text else "too-fine" if fine else "bad-decimal"
        expected = f"{expected} of at most {-exponent} decimals" if fine else expected
    except FixedPointOverflow:
        reason = "overflow"
    raise Faulty(reason, f"column {column!r} was {text[:40]!r}, expected {expected}")


def price_cell(text: str, exponent: int, column: str) -> int:
    """A positive price."""
    value = decimal_cell(text, exponent, column, "a price")
    if value <= 0:
        problem = f"column {column!r} was {text[:40]!r}, expected a price above 0"
        raise Faulty("price-not-positive", problem)
    return value


def ratio_cell(text: str, column: str) -> int:
    """A premium index, of either sign, at `RATE_EXPONENT`."""
    value = decimal_cell(text, RATE_EXPONENT, column, "a premium index")
    if abs(value) > 10**-RATE_EXPONENT:
        problem = f"column {column!r} was {text[:40]!r}, expected a premium index within -1 to 1"
        raise Faulty("overflow", problem)
    return value


def volume_size(text: str, leg: LegMapping, column: str) -> int:
    """Displayed size of a bar: a share of its volume, rounded down."""
    volume = decimal_cell(text, leg.instrument.qty_exponent, column, "a volume")
    if volume < 0:
        detail = f"column {column!r} was {text[:40]!r}, expected a volume of 0 or more"
        raise Faulty("bad-quantity", detail)
    size = volume * leg.share.numerator // leg.share.denominator
    if size > _MOST:
        detail = f"column {column!r} was {text[:40]!r}, expected a volume of which the share fits"
        raise Faulty("overflow", detail)
    return size


def check_prices(prices: Mapping[str, int]) -> None:
    """Hold low <= open, close <= high."""
    inner = [prices["open"], prices["close"]]
    if prices.get("low", min(inner)) > min(inner) or prices.get("high", max(inner)) < max(inner):
        shown = ", ".join(f"{name} {value}" for name, value in prices.items())
        raise Faulty("inconsistent-bar", f"{shown} in price units; expected low <= open, close "
                     "<= high")  # fmt: skip


def check_close(closed: int, open_ns: int, interval_ns: int, shown: str) -> None:
    """A whole bar ends at the next one's beginning, or one tick of the clock before."""
    if not 0 <= open_ns + interval_ns - closed <= CLOSE_NS:
        seconds = Fraction(closed - open_ns, 10**9)
        detail = f"{shown}, {float(seconds):g} s after the bar's beginning; expected its whole "
        raise Faulty("partial-bar", f"{detail}{interval_ns // 10**9} s")


def check_time(before: Series, open_ns: int, interval_ns: int, column: str) -> None:
    """Bars ascend and begin on one grid."""
    if before.first_ns < 0:
        return
    last = before.last_ns
    after = f"column {column!r}: the bar begins {abs(open_ns - last) // 10**9} s"
    if open_ns == last:
        raise Faulty("duplicate-time", f"column {column!r}: the bar of {before.last_place()} "
                     "begins at the same time")  # fmt: skip
    if open_ns < last:
        raise Faulty("time-reversal", f"{after} before that of {before.last_place()}")
    if (open_ns - before.first_ns) % interval_ns:
        raise Faulty("off-grid", f"{after} after that of {before.last_place()}; expected a "
                     f"multiple of {interval_ns // 10**9} s")  # fmt: skip


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
