"""Klines of JSON files to bars, in the order of time.

A kline is ``[open time, open, high, low, close, volume, close time, ...]`` with prices as texts;
older files have millisecond stamps, later ones microseconds, told apart by size in every kline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.cell_checks import (
    Faulty,
    bar_prices,
    check_close,
    check_prices,
    check_time,
    plain_bar,
    price_cell,
    volume_size,
)
from quantlaxmi.importers.bars.columns import later_than_all
from quantlaxmi.importers.bars.mapping_file import MAX_SPAN_S
from quantlaxmi.importers.bars.mapping_leg import LegMapping
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.importers.bars.spool import Int64Array, Store, chunks
from quantlaxmi.importers.bars.timestamps import FIRST_NS, LAST_NS
from quantlaxmi.importers.quarantine import MAX_FAULTS, QuarantineLog

_NAMES: Final = ("open time", "open", "high", "low", "close", "volume", "close time")
_DECODE: Final = msgspec.json.Decoder(list[Any]).decode


@dataclass
class _Month:
    """One JSON file of an archive."""

    first_ns: int
    number: int  # in the archive
    name: str
    n_klines: int
    rows: slice  # of what could be read
    faults: list[tuple[int, Faulty, str]]  # number of the kline, what was wrong, excerpt


class Months:
    """Klines of one input, read in the archive's order and taken in that of time.

    Parameters
    ----------
    leg : LegMapping
    interval_ns : int
        Length of a bar; 0 until the first kline tells it.
    store : Store
        Where they are kept.
    """

    def __init__(self, leg: LegMapping, interval_ns: int, store: Store) -> None:
        self._leg, self.interval_ns, self._store = leg, interval_ns, store
        self._spool = store.spool(("kline", *Series.NAMES[:-1], "rounded"))
        self._months: list[_Month] = []
        self._n_faults = 0
        self.n_klines = 0
        self.first = ""

    def add(self, name: str, klines: list[msgspec.Raw]) -> None:
        """Read the klines of one file."""
        first_ns, start = 0, len(self._spool)
        rows: list[tuple[int, ...]] = []
        faults: list[tuple[int, Faulty, str]] = []
        for k, kline in enumerate(klines, 1):
            try:
                values = _values(kline)
                stamp = _stamp(values[0], _NAMES[0])
                first_ns = first_ns or stamp[0]
                self.interval_ns = self.interval_ns or _interval(values, stamp)
                bar = _bar(values, stamp, self._leg, self.interval_ns)
            except Faulty as fault:
                where = f"{name} kline {k}: {fault.detail}" if name else fault.detail
                self.first = self.first or f"first at line {self.n_klines + k}, {where}"
                shown = Faulty(fault.reason, where)
                faults.append((k, shown, bytes(kline)[:160].decode("utf-8", "replace")))
                continue
            rows.append((k, *bar))
        table = np.array(rows, np.int64).reshape(-1, len(self._spool.names))
        if len(table):
            self._spool.append(dict(zip(self._spool.names, table.T, strict=True)))
        self._n_faults += len(faults)
        if self._n_faults > MAX_FAULTS:
            raise InputError(
                self._leg.instrument.symbol, f"has more than {MAX_FAULTS} faulty klines"
            )
        part = slice(start, len(self._spool))
        month = _Month(first_ns, len(self._months), name, len(klines), part, faults)
        self._months.append(month)
        self.n_klines += len(klines)

    def in_order(self, log: QuarantineLog) -> Series:
        """The bars in the order of their files' first times, numbered through them."""
        series, before = Series(self._leg, self._store), 0
        for month in sorted(self._months, key=lambda m: (m.first_ns, m.number)):
            for k, fault, excerpt in month.faults:
                log.add(before + k, fault.reason, fault.detail, excerpt)
            for start, stop in chunks(month.rows.stop - month.rows.start):
                part = slice(month.rows.start + start, month.rows.start + stop)
                rows = {name: np.array(self._spool.column(name)[part]) for name in
                        self._spool.names}  # fmt: skip
                rows["line"] = before + rows.pop("kline")
                self._take(series, rows, month.name, before, log)
            before += month.n_klines
        self._spool.close()
        return series

    def _take(
        self,
        series: Series,
        rows: dict[str, Int64Array],
        name: str,
        before: int,
        log: QuarantineLog,
    ) -> None:
        """Take the bars that begin behind all before, on the grid."""
        times, kept = rows["open_ns"], np.zeros(len(rows["line"]), np.bool_)
        good = np.ones(len(times), np.uint8)
        later_than_all(times, good, series.last_ns)
        first = series.first_ns if series.first_ns >= 0 else int(times[0])
        good &= (times - first) % self.interval_ns == 0
        at = 0
        for k in [*np.flatnonzero(good == 0).tolist(), len(times)]:
            if k > at:
                kept[at:k] = True
                series.note(int(times[at]), int(rows["line"][at]))
                series.note(int(times[k - 1]), int(rows["line"][k - 1]))
            at = k + 1
            if k == len(times):
                break
            line = int(rows["line"][k])
            try:
                check_time(series, int(times[k]), self.interval_ns, _NAMES[0])
                series.note(int(times[k]), line)
                kept[k] = True
            except Faulty as fault:
                where = f"{name} kline {line - before}: " if name else ""
                log.add(line, fault.reason, where + fault.detail)
        accepted = {n: column[kept] for n, column in rows.items()}
        series.count_rounded(accepted.pop("rounded"))
        series.append(accepted)


def _values(kline: msgspec.Raw) -> list[Any]:
    try:
        values = _DECODE(kline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Faulty("wrong-shape", " ".join(str(error).split())[:200]) from None
    kinds = (int, str, str, str, str, str, int)
    if len(values) < len(kinds):
        raise Faulty(
            "wrong-shape", f"has {counted(len(values), 'value[s]')}, expected {len(kinds)} or more"
        )
    for name, value, kind in zip(_NAMES, values, kinds, strict=False):
        if type(value) is not kind:
            expected = "an integer" if kind is int else "a text"
            raise Faulty("wrong-shape", f"{name} was {str(value)[:40]!r}, expected {expected}")
    return values


def _stamp(value: int, name: str) -> tuple[int, int]:
    """Nanoseconds of a stamp, and how many of them its unit has."""
    for unit_ns in (10**6, 10**3):
        if FIRST_NS <= value * unit_ns < LAST_NS:
            return value * unit_ns, unit_ns
    expected = "expected milli- or microseconds since 1970 within 2000 to 2099"
    raise Faulty("bad-stamp", f"{name} was {value}, {expected}")


def _bar(
    values: list[Any], stamp: tuple[int, int], leg: LegMapping, interval_ns: int
) -> tuple[int, ...]:
    """What `Series` keeps of a bar, and what of it was rounded."""
    open_ns, unit = stamp
    close_ns, close_unit = _stamp(values[6], _NAMES[6])
    if unit != close_unit:
        problem = f"open time was {values[0]}, close time {values[6]}; expected one unit"
        raise Faulty("stamp-unit", problem)
    plain = plain_bar(values[1:6], leg)
    if plain is not None:
        check_close(close_ns, open_ns, interval_ns, f"close time was {values[6]}")
        return open_ns, *plain, 0
    prices, rounded = {}, 0
    for name, text in zip(_NAMES[1:5], values[1:5], strict=True):
        prices[name], was = price_cell(text, leg, name)
        rounded |= was
    check_close(close_ns, open_ns, interval_ns, f"close time was {values[6]}")
    check_prices(prices, leg.instrument.price_exponent)
    volume, size, cut = volume_size(values[5], leg, "volume")
    return open_ns, *bar_prices(prices), volume, size, rounded + 2 * cut


def _interval(values: list[Any], stamp: tuple[int, int]) -> int:
    """Length of a bar, as a kline that can be read tells it."""
    open_ns, unit = stamp
    interval_ns = _stamp(values[6], _NAMES[6])[0] + unit - open_ns
    if interval_ns <= 0 or interval_ns % 10**9 or interval_ns > MAX_SPAN_S * 10**9:
        problem = f"open time was {values[0]}, close time {values[6]}; expected whole seconds "
        raise Faulty("partial-bar", problem + "between them")
    return interval_ns
