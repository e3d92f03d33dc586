"""Bars that were read to a segment, with notes of everything that was assumed."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.files import staged_directory, write_whole
from quantlaxmi.importers.bars_cells import Series, Settlements, partial_lines
from quantlaxmi.importers.bars_mapping import BarsMapping
from quantlaxmi.importers.bars_messages import Table, bar_tables, set_marks
from quantlaxmi.importers.quarantine import QUARANTINE_NAME, QuarantineLog, quarantine_bytes
from quantlaxmi.importers.result import CaptureCounts, ImportResult
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter, open_segment
from quantlaxmi.segment.manifest import Gap, Quarantine, SourceFile

#: Gaps listed one by one in the manifest; the rest is counted in a note.
MAX_LISTED_GAPS: Final = 10_000
_BATCH: Final = 1 << 16


@dataclass
class BarsFile:
    """What was read of one file.

    Attributes
    ----------
    path : Path
    log : QuarantineLog
    series : list of Series
        Of the legs that stand in it.
    settlements : Settlements or None
    lines, header_lines, raw_bytes, text_bytes : int
    sha256 : str
    """

    path: Path
    log: QuarantineLog
    series: list[Series]
    settlements: Settlements | None
    lines: int
    header_lines: int
    raw_bytes: int
    text_bytes: int
    sha256: str

    def set_aside(self, lines: dict[int, str], reason: str) -> None:
        """Move lines that were accepted to the quarantine, with all they held."""
        for line in sorted(lines):
            self.log.add(line, reason, lines[line])
        for series in self.series:
            series.drop(set(lines))
        if self.settlements is not None:
            self.settlements.drop(set(lines))

    @property
    def bar_lines(self) -> int:
        """Lines that were taken, each counted once."""
        return self.lines - self.header_lines - len(self.log)


def write_bars(
    mapping: BarsMapping,
    files: list[BarsFile],
    out: Path | str,
    max_quarantine: Fraction,
    started: float,
) -> ImportResult:
    """Write the segment of files that were read.

    Raises
    ------
    InputError
        A file has no bars or too many faulty lines, the two legs' bars do not begin on one grid,
        or ``out`` exists.
    """
    interval = mapping.interval_ns
    digests = [file.sha256 for file in files]
    for k, digest in enumerate(digests):
        if digest in digests[:k]:
            raise InputError(
                files[k].path, f"holds the same as {files[digests.index(digest)].path}"
            )
    if mapping.max_jump_bps is not None:
        for file in files:
            found: dict[int, str] = {}
            for series in file.series:
                found = partial_lines(series, interval, mapping.max_jump_bps) | found
            file.set_aside(found, "partial-bar")
    legs = {s.leg.instrument.symbol: (s, f) for f in files for s in f.series}
    ordered = [legs[leg.instrument.symbol] for leg in mapping.legs]
    for series, file in ordered:
        if not series.open_ns:
            _check_share(file, max_quarantine)
            raise InputError(file.path, f"holds no bar of {series.leg.instrument.symbol}")
    first = [series.open_ns[0] for series, _ in ordered]
    if (first[-1] - first[0]) % interval:
        apart = abs(first[-1] - first[0]) % interval // 10**9
        problem = f"its bars begin {apart} s beside those of {ordered[0][1].path.name}"
        raise InputError(ordered[-1][1].path, f"{problem}; expected one grid of {interval // 10**9}"
                         " s")  # fmt: skip
    paid = next((file for file in files if file.settlements is not None), None)
    n_own_marks = 0
    if paid is not None and paid.settlements is not None:
        n_own_marks = sum(map(bool, paid.settlements.mark))
        paid.set_aside(set_marks(paid.settlements, ordered[-1][0], interval), "no-mark")
    for file in files:
        _check_share(file, max_quarantine)
    settlements = paid.settlements if paid is not None else None
    all_series = [series for series, _ in ordered]
    tables, gaps = bar_tables(all_series, settlements, interval, [f.path for _, f in ordered])
    if mapping.funding is not None and settlements is not None:
        gaps += _lost(settlements, mapping.funding.every_ns, all_series[-1])
    notes = _notes(mapping, settlements, n_own_marks, len(gaps))
    return _seal(mapping, files, out, tables, gaps[:MAX_LISTED_GAPS], notes, started)


def _check_share(file: BarsFile, max_quarantine: Fraction) -> None:
    if not 0 <= max_quarantine <= 1:
        raise InputError("--max-quarantine", f"was {max_quarantine}; expected a share from 0 to 1")
    n, lines = len(file.log), file.lines - file.header_lines
    if lines == 0:
        raise InputError(file.path, "holds no line below its header; expected bars")
    if n > max_quarantine * lines:
        limit = f"more than the {float(100 * max_quarantine):g} % of --max-quarantine"
        share = f"{n} of {lines} lines are faulty ({100 * n / lines:.2f} %)"
        raise InputError(file.path, f"{share}, {limit}; {file.log.first()}")


def _lost(settlements: Settlements, every_ns: int, perp: Series) -> list[Gap]:
    """Settlement times within the perpetual's bars of which the data say nothing."""
    known = set(settlements.at_ns)
    missing = set(settlements.lost_ns) - known
    if every_ns:
        first = -(-perp.open_ns[0] // every_ns) * every_ns
        missing |= set(range(first, perp.open_ns[-1] + 1, every_ns)) - known
    return [
        Gap(
            table="funding",
            symbol=perp.leg.instrument.symbol,
            start_ns=at_ns,
            end_ns=at_ns,
            reason="a settlement is missing: nothing is paid at this time",
        )
        for at_ns in sorted(missing)
        if perp.open_ns[0] <= at_ns
    ]


def _plain(value: Fraction) -> str:
    """A fraction that a mapping wrote as a decimal, as one."""
    digits = f"{float(value):.15g}"
    return digits if Fraction(digits) == value else str(value)


def _notes(
    mapping: BarsMapping, settlements: Settlements | None, n_own_marks: int, n_gaps: int
) -> list[str]:
    notes = [
        f"Bars of {mapping.interval_ns // 10**9} s: decisions are made at a bar's close and trade "
        "at the next bar's open; where the next bar is missing orders are cancelled."
    ]
    for leg in mapping.legs:
        shown = (
            f"{_plain(leg.share)} of the bar's volume"
            if leg.size == 0
            else f"{_plain(leg.size)}, whatever was traded"
        )
        notes.append(
            f"{leg.instrument.symbol}: half spread assumed {_plain(leg.half_spread_bps)} bps on "
            f"either side of open and close, rounded outward; displayed size assumed {shown}."
        )
    if settlements is not None and mapping.funding is not None:
        n = len(settlements.at_ns)
        notes.append(
            f"{mapping.legs[-1].instrument.symbol}: {n} funding settlements, each once at its "
            f"time, at {_plain(mapping.funding.times)} times the rate of column "
            f"{mapping.funding.rate!r}; {n_own_marks} have the file's mark price, "
            f"{n - n_own_marks} the perpetual's price: the close of the bar that ends "
            "then, or else the open of the bar it falls in."
        )
    if mapping.max_jump_bps is not None:
        notes.append(
            f"Bars whose close is more than {_plain(mapping.max_jump_bps)} bps from the next open "
            "were taken for partial and set aside."
        )
    if n_gaps > MAX_LISTED_GAPS:
        notes.append(f"{n_gaps} gaps, the first {MAX_LISTED_GAPS} are listed.")
    return notes


def _seal(
    mapping: BarsMapping,
    files: list[BarsFile],
    out: Path | str,
    tables: dict[str, Table],
    gaps: list[Gap],
    notes: list[str],
    started: float,
) -> ImportResult:
    logs = [file.log for file in files]
    reasons = sum((log.reasons() for log in logs), Counter[str]())
    n_quarantined = sum(map(len, logs))
    counts = tuple(_counts(file) for file in files)
    with staged_directory(out) as folder:
        instruments = [leg.instrument for leg in mapping.legs]
        with SegmentWriter(folder, venue=mapping.venue, instruments=instruments) as writer:
            for table, columns in tables.items():
                n = len(columns["seq"])
                for start in range(0, n, _BATCH):
                    piece = {name: c[start : start + _BATCH] for name, c in columns.items()}
                    writer.append(table, piece)
            if n_quarantined:
                write_whole(folder / QUARANTINE_NAME, quarantine_bytes(logs))
            writer.seal(
                gaps=gaps,
                quarantine=Quarantine(lines=n_quarantined, reasons=dict(sorted(reasons.items()))),
                notes=notes,
                sources=[
                    SourceFile(
                        name=file.log.name,
                        sha256=file.sha256,
                        bytes=file.raw_bytes,
                        lines=file.lines,
                        stream=file.log.stream,
                    )
                    for file in files
                ],
                files=[QUARANTINE_NAME] if n_quarantined else [],
            )
    messages = dict.fromkeys(TABLES, 0) | {name: len(t["seq"]) for name, t in tables.items()}
    return ImportResult(
        segment=open_segment(out, verify="manifest"),
        messages_by_kind=messages,
        quarantined=n_quarantined,
        quarantine_reasons=dict(reasons),
        lines=sum(c.lines for c in counts),
        captures=counts,
        text_bytes=sum(c.text_bytes for c in counts),
        elapsed_s=time.perf_counter() - started,
        message_lines=sum(c.message_lines for c in counts),
        header_lines=sum(c.header_lines for c in counts),
    )


def _counts(file: BarsFile) -> CaptureCounts:
    taken = {n for s in file.series for n in s.line}
    if file.series and len(taken) != file.bar_lines:
        raise EngineError(
            f"{file.path}: {len(taken)} lines of bars and {len(file.log)} quarantined do not add up"
        )
    kinds = {"bars": sum(len(s.open_ns) for s in file.series)}
    if file.settlements is not None:
        kinds["funding"] = len(file.settlements.at_ns)
    return CaptureCounts(
        file=file.log.name,
        stream=file.log.stream,
        symbol=", ".join(s.leg.instrument.symbol for s in file.series),
        lines=file.lines,
        messages_by_kind=kinds,
        quarantined=len(file.log),
        reordered=0,
        depth_gaps=0,
        raw_bytes=file.raw_bytes,
        text_bytes=file.text_bytes,
        message_lines=file.bar_lines,
        header_lines=file.header_lines,
    )
