"""Format ``klines-json``: Binance kline arrays, in an archive of one JSON file a month or alone.

A kline is ``[open time, open, high, low, close, volume, close time, ...]`` with prices as texts;
older files have millisecond stamps, later ones microseconds, told apart by size in every kline.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars import Progress, checked_inputs, teller
from quantlaxmi.importers.bars_cells import (
    Faulty,
    Series,
    check_close,
    check_prices,
    check_time,
    price_cell,
    volume_size,
)
from quantlaxmi.importers.bars_mapping import LegMapping, load_mapping
from quantlaxmi.importers.bars_stamp import FIRST_NS, LAST_NS
from quantlaxmi.importers.bars_write import BarsFile, write_bars
from quantlaxmi.importers.binance_symbols import QUOTE_CURRENCIES
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.result import ImportResult

#: Most bytes of one JSON file, of all of an archive, and most files in it.
MAX_MEMBER: Final = 64 << 20
MAX_UNPACKED: Final = 2 << 30
MAX_MEMBERS: Final = 100_000
_NAMES: Final = ("open time", "open", "high", "low", "close", "volume", "close time")
_UNREADABLE: Final = (
    tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError
)  # fmt: skip
_DECODE: Final = msgspec.json.Decoder(list[Any]).decode
_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def import_klines_json(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    mapping: Path | str,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import klines of a spot market, a perpetual, or both.

    Parameters
    ----------
    inputs : sequence of Path or str
        Archives (tar, plain or gzip) of JSON files, or single JSON files (plain or gzip), in the
        order of the mapping's ``input`` numbers.
    out, underlying, strict, max_quarantine, progress
        As `quantlaxmi.importers.bars.import_bars`.
    mapping : Path or str
        TOML file with symbols and assumptions; it names neither columns nor times, and the interval
        may be left out.

    Returns
    -------
    ImportResult
        A line is a kline; they are numbered through an archive in the order of time of its files.

    Raises
    ------
    InputError
        A file cannot be used, is of another symbol or of two, or has too many faulty klines.
    """
    started = time.perf_counter()
    rules = load_mapping(mapping, klines=True)
    paths = checked_inputs(rules, inputs, underlying)
    legs = sorted(rules.legs, key=lambda leg: leg.input)
    files = []
    interval_ns = rules.interval_ns
    if [leg.input for leg in legs] != list(range(len(legs))):
        raise InputError(rules.source, "must name each input once", "input")
    for number, (path, leg) in enumerate(zip(paths, legs, strict=True)):
        log = QuarantineLog(path, leg.instrument.kind.value, strict)
        archive = _Archive(path, leg.instrument.venue_symbol)
        months = archive.read(teller(paths, number, progress))
        interval_ns = interval_ns or _interval(path, months)
        files.append(_read(archive, months, leg, interval_ns, log))
    rules = replace(rules, interval_ns=interval_ns)
    return write_bars(rules, files, out, max_quarantine, started)


Months = list[tuple[str, list[msgspec.Raw]]]


def _read(
    archive: _Archive, months: Months, leg: LegMapping, interval_ns: int, log: QuarantineLog
) -> BarsFile:
    series, line = Series(leg), 0
    for name, klines in months:
        for k, kline in enumerate(klines, 1):
            line += 1
            try:
                values = _values(kline)
                open_ns, prices, size = _bar(values, leg, interval_ns)
                check_time(series, open_ns, interval_ns, "open time")
            except Faulty as fault:
                where = f"{name} kline {k}: {fault.detail}" if name else fault.detail
                excerpt = bytes(kline)[:160].decode("utf-8", "replace")
                log.add(line, fault.reason, where, excerpt)
                continue
            series.open_ns.append(open_ns)
            series.open.append(prices["open"])
            series.close.append(prices["close"])
            series.size.append(size)
            series.line.append(line)
    return BarsFile(
        path=archive.path,
        log=log,
        series=[series],
        settlements=None,
        lines=line,
        header_lines=0,
        raw_bytes=archive.raw_bytes,
        text_bytes=archive.text_bytes,
        sha256=archive.sha256,
    )


def _values(kline: msgspec.Raw) -> list[Any]:
    try:
        values = _DECODE(kline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Faulty("wrong-shape", " ".join(str(error).split())[:200]) from None
    kinds = (int, str, str, str, str, str, int)
    if len(values) < len(kinds):
        raise Faulty("wrong-shape", f"has {len(values)} values, expected {len(kinds)} or more")
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


def _bar(values: list[Any], leg: LegMapping, interval_ns: int) -> tuple[int, dict[str, int], int]:
    open_ns, unit = _stamp(values[0], _NAMES[0])
    close_ns, close_unit = _stamp(values[6], _NAMES[6])
    if unit != close_unit:
        problem = f"open time was {values[0]}, close time {values[6]}; expected one unit"
        raise Faulty("stamp-unit", problem)
    exponent = leg.instrument.price_exponent
    prices = {
        name: price_cell(text, exponent, name)
        for name, text in zip(_NAMES[1:5], values[1:5], strict=True)
    }
    check_close(close_ns, open_ns, interval_ns, f"close time was {values[6]}")
    check_prices(prices)
    return open_ns, prices, volume_size(values[5], leg, "volume")


def _interval(path: Path, months: Months) -> int:
    """Length of a bar: that of the first kline that can be read."""
    for _, klines in months:
        for kline in klines:
            try:
                values = _values(kline)
                open_ns, unit = _stamp(values[0], _NAMES[0])
                interval_ns = _stamp(values[6], _NAMES[6])[0] + unit - open_ns
            except Faulty:
                continue
            if interval_ns > 0 and interval_ns % 10**9 == 0:
                return interval_ns
    raise InputError(path, "holds no kline that tells its interval; set interval in the mapping")


class _Archive:
    """The JSON files of one input, in the order of time."""

    def __init__(self, path: Path, symbol: str) -> None:
        self.path, self.symbol = path, symbol
        self.raw_bytes = self.text_bytes = 0
        self.sha256 = ""

    def read(self, tell: Callable[[int], None]) -> Months:
        """Every JSON file: its name in the archive (empty for a single file) and its klines."""
        self._check_name(self.path.name)
        try:
            if not self.path.is_file():
                raise InputError(self.path, "is no regular file; expected an archive of klines")
            with self.path.open("rb") as raw:
                months = list(self._months(raw))
                raw.seek(0)
                digest = hashlib.sha256()
                while data := raw.read(1 << 20):
                    digest.update(data)
                    self.raw_bytes += len(data)
                    tell(self.raw_bytes)
        except _UNREADABLE as error:
            if isinstance(error, InputError):
                raise
            words = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
            raise InputError(self.path, f"cannot be read: {words}") from None
        self.sha256 = digest.hexdigest()
        if not any(klines for _, klines in months):
            raise InputError(self.path, "holds no kline")
        return [month for _, month in sorted(months, key=lambda pair: pair[0])]

    def _months(self, raw: IO[bytes]) -> Iterator[tuple[int, tuple[str, list[msgspec.Raw]]]]:
        start = raw.read(512)
        raw.seek(0)
        packed = start.startswith(b"\x1f\x8b")
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        head = stream.read(1024)
        if not head:
            raise InputError(self.path, "is empty; expected klines")
        stream.seek(0)
        if head.lstrip()[:1] == b"[":
            text = stream.read(MAX_UNPACKED + 1)
            if len(text) > MAX_UNPACKED:
                raise InputError(self.path, f"unpacks to more than {MAX_UNPACKED} bytes")
            yield self._month("", text)
            return
        folders = set()
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for n, member in enumerate(archive):
                if n == MAX_MEMBERS:
                    raise InputError(self.path, f"has more than {MAX_MEMBERS} files")
                if not member.isfile():
                    if member.isdir():
                        continue
                    raise InputError(self.path, "holds a link or device; expected files of klines",
                                     member.name[:80])  # fmt: skip
                if member.size > MAX_MEMBER or self.text_bytes + member.size > MAX_UNPACKED:
                    raise InputError(self.path, f"holds {member.size} bytes in one file, more than "
                                     "an archive of klines may", member.name[:80])  # fmt: skip
                self._check_name(member.name)
                folders.add(member.name.rpartition("/")[0])
                if len(folders) > 1:
                    shown = " and ".join(sorted(folder[:60] for folder in folders))
                    raise InputError(self.path, f"holds folders {shown}; expected one symbol")
                file = archive.extractfile(member)
                assert file is not None
                yield self._month(member.name.rpartition("/")[2][:60], file.read())

    def _month(self, name: str, text: bytes) -> tuple[int, tuple[str, list[msgspec.Raw]]]:
        self.text_bytes += len(text)
        try:
            klines = [msgspec.Raw(bytes(kline)) for kline in _RAW(text)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problem = f"is no JSON array of klines: {' '.join(str(error).split())[:200]}"
            raise InputError(self.path, problem, name) from None
        first = 0
        for kline in klines:
            try:
                first = _stamp(_values(kline)[0], _NAMES[0])[0]
                break
            except Faulty:
                continue
        return first, (name, klines)

    def _check_name(self, name: str) -> None:
        """Refuse a path that names another symbol."""
        for word in re.findall(r"[A-Z0-9]{5,20}", name):
            is_symbol = any(word.endswith(c) and word != c for c in QUOTE_CURRENCIES)
            if is_symbol and word != self.symbol:
                raise InputError(self.path, f"holds {word}; expected {self.symbol}, as the mapping "
                                 "says", name[:80])  # fmt: skip
