"""Bars that were read to a segment, with notes of everything that was assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.messages import BarTables, set_marks
from quantlaxmi.importers.bars.premium_index import IndicativeRates, missing_rates
from quantlaxmi.importers.bars.series import Series, Settlements, partial_lines
from quantlaxmi.importers.bars.spool import chunks
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.pipeline import (
    MAX_LISTED_GAPS,
    check_copies,
    check_options,
    check_share,
    import_result,
    seal,
)
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.result import CaptureCounts, ImportResult
from quantlaxmi.importers.tick_sizes import Steps, with_steps
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter
from quantlaxmi.segment.manifest import Gap, SourceFile


@dataclass
class BarsFile:
    """One file, as it was read.

    Attributes
    ----------
    path : Path
    log : QuarantineLog
    lines, header_lines, raw_bytes, text_bytes : int
    sha256 : str
    """

    path: Path
    log: QuarantineLog
    lines: int
    header_lines: int
    raw_bytes: int
    text_bytes: int
    sha256: str

    @classmethod
    def of(cls, table: Table, path: Path, log: QuarantineLog) -> BarsFile:
        """A table that was read to its end."""
        return cls(
            path, log, table.lines, table.header_lines, table.raw_bytes, table.text_bytes,
            table.sha256,
        )  # fmt: skip

    @property
    def taken(self) -> int:
        """Lines that were taken."""
        return self.lines - self.header_lines - len(self.log)


@dataclass
class BarsInput:
    """What was read of one input.

    Attributes
    ----------
    files : list of BarsFile
        One, or several that follow each other; lines are numbered through them.
    series : list of Series
        Of the legs that stand in it.
    settlements : Settlements or None
    """

    files: list[BarsFile]
    series: list[Series]
    settlements: Settlements | None

    @property
    def path(self) -> Path:
        """The first file."""
        return self.files[0].path

    def set_aside(self, lines: dict[int, str], reason: str) -> None:
        """Move lines that were accepted to the quarantine, with all they held."""
        if not lines:
            return
        before, rest = 0, sorted(lines)
        for file in self.files:
            own = [line for line in rest if line <= before + file.lines]
            for line in own:
                file.log.add(line - before, reason, lines[line])
            rest, before = rest[len(own) :], before + file.lines
        gone = np.array(sorted(lines), np.int64)
        for series in self.series:
            series.drop(gone)
        if self.settlements is not None:
            self.settlements.drop(gone)

    def counts(self) -> list[CaptureCounts]:
        """What became of the lines of each file.

        Raises
        ------
        EngineError
            They do not add up.
        """
        taken = sum(file.taken for file in self.files)
        for series in self.series:
            if len(series) != taken:
                raise EngineError(f"{self.path}: {len(series)} bars are of {taken} lines")
        return [
            CaptureCounts(
                file=file.log.name,
                stream=file.log.stream,
                symbol=", ".join(s.leg.instrument.symbol for s in self.series),
                lines=file.lines,
                messages_by_kind=self._kinds(file),
                quarantined=len(file.log),
                reordered=0,
                depth_gaps=0,
                raw_bytes=file.raw_bytes,
                text_bytes=file.text_bytes,
                message_lines=file.taken,
                header_lines=file.header_lines,
            )
            for file in self.files
        ]

    def _kinds(self, file: BarsFile) -> dict[str, int]:
        if any(series.leg.is_premium for series in self.series):
            return {"premium": file.taken}
        kinds = {"bars": file.taken * len(self.series)}
        if self.settlements is not None:
            kinds["funding"] = file.taken if not self.series else len(self.settlements)
        return kinds


@dataclass(frozen=True)
class Written:
    """What an import of bars wrote, but for the segment that is not in its place yet."""

    messages: dict[str, int]
    reasons: Counter[str]
    counts: tuple[CaptureCounts, ...]

    def result(self, out: Path | str, started: float) -> ImportResult:
        """What the importer returns, when the segment is in its place."""
        return import_result(out, started, self.messages, self.reasons, self.counts)


def write_bars(
    mapping: BarsMapping,
    inputs: Sequence[BarsInput],
    folder: Path,
    max_quarantine: Fraction,
    rates: IndicativeRates | None = None,
) -> Written:
    """Write the segment of files that were read.

    Parameters
    ----------
    mapping : BarsMapping
    inputs : sequence of BarsInput
    folder : Path
        An empty folder, which is put in its place when it is whole.
    max_quarantine : Fraction
    rates : IndicativeRates, optional
        By the premium index, where the mapping names one.

    Raises
    ------
    InputError
        A file has no bars or too many faulty lines, or the two legs' bars do not begin on one grid.
    """
    interval = mapping.interval_ns
    files = [file for one in inputs for file in one.files]
    check_copies([file.path for file in files], [file.sha256 for file in files])
    if mapping.max_jump_bps is not None:
        for one in inputs:
            found: dict[int, str] = {}
            for series in (s for s in one.series if not s.leg.is_premium):
                found = partial_lines(series, interval, mapping.max_jump_bps) | found
            one.set_aside(found, "partial-bar")
    legs = {s.leg.key: (s, one) for one in inputs for s in one.series}
    ordered = [legs[leg.key] for leg in mapping.legs]
    for series, one in (legs[leg.key] for leg in mapping.read):
        if not len(series):
            for file in one.files:
                _check_share(file, max_quarantine)
            raise InputError(one.path, f"holds no bar of {series.leg.instrument.symbol}")
        start = ordered[0][0].first_ns
        if apart := abs(series.first_ns - start) % interval:
            problem = f"its bars begin {apart // 10**9} s beside those of {ordered[0][1].path.name}"
            raise InputError(one.path, f"{problem}; expected one grid of {interval // 10**9} s")
    paid = next((one for one in inputs if one.settlements is not None), None)
    settlements = paid.settlements if paid is not None else None
    n_own_marks = 0
    if paid is not None and settlements is not None:
        for start, stop in chunks(len(settlements)):
            n_own_marks += int(np.count_nonzero(settlements.column("mark")[start:stop]))
        paid.set_aside(set_marks(settlements, ordered[-1][0], interval), "no-mark")
    for file in files:
        _check_share(file, max_quarantine)
    all_series = [series for series, _ in ordered]
    counts = tuple(count for one in inputs for count in one.counts())
    bare = [leg.instrument for leg in mapping.legs]
    lots = [with_steps(one, min(s.first_ns for s in all_series)).lot for one in bare]
    made = BarTables(
        all_series,
        settlements,
        rates,
        interval,
        [one.path for _, one in ordered],
        lots,
        MAX_LISTED_GAPS,
    )
    steps = Steps(bare, made.tables(), count=False)
    with SegmentWriter(
        folder, venue=mapping.venue, instruments=steps.instruments, cadence="bars"
    ) as writer:
        for tables in steps.tables():
            for table, columns in tables.items():
                writer.append(table, columns)
        gaps, n_gaps = [gap for found in made.gaps for gap in found], made.n_gaps
        if mapping.funding is not None and settlements is not None:
            lost = _lost(settlements, mapping.funding.every_ns, all_series[-1])
            for at_ns in lost:
                n_gaps += 1
                if len(gaps) < MAX_LISTED_GAPS:
                    gaps.append(_lost_gap(at_ns, all_series[-1]))
        if rates is not None:
            symbol = bare[-1].symbol
            for gap in missing_rates(rates, symbol, interval, made.first_ns, made.last_ns):
                n_gaps += 1
                if len(gaps) < MAX_LISTED_GAPS:
                    gaps.append(gap)
        notes = _notes(mapping, settlements, n_own_marks, n_gaps, lots)
        reasons = seal(
            writer,
            folder,
            [file.log for file in files],
            gaps=gaps[:MAX_LISTED_GAPS],
            notes=[*notes, *steps.notes()],
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
        )
    messages = dict.fromkeys(TABLES, 0) | made.messages
    return Written(messages, reasons, counts)


def _check_share(file: BarsFile, max_quarantine: Fraction) -> None:
    check_options(max_quarantine)
    lines = file.lines - file.header_lines
    if lines == 0:
        raise InputError(file.path, "holds no line below its header; expected bars")
    check_share(file.log, lines, max_quarantine, file.log.first)


def _lost(settlements: Settlements, every_ns: int, perp: Series) -> Iterator[int]:
    """Settlement times within the perpetual's bars of which the data say nothing, ascending."""
    known, last_ns = settlements.column("at_ns"), perp.last_ns

    def missing(times: NDArray[Any]) -> list[int]:
        if not len(known):
            return list(map(int, times))
        k = np.minimum(np.searchsorted(known, times), len(known) - 1)
        return list(map(int, times[known[k] != times]))

    faulty = sorted({at_ns for at_ns in settlements.lost_ns if at_ns >= perp.first_ns})
    faulty = missing(np.array(faulty, np.int64))
    if not every_ns:
        yield from faulty
        return
    faulty = [at_ns for at_ns in faulty if at_ns > last_ns]
    start = -(-perp.first_ns // every_ns)
    for low, high in chunks(last_ns // every_ns - start + 1):
        yield from missing(np.arange(start + low, start + high) * every_ns)
    yield from faulty


def _lost_gap(at_ns: int, perp: Series) -> Gap:
    return Gap(
        table="funding",
        symbol=perp.leg.instrument.symbol,
        start_ns=at_ns,
        end_ns=at_ns,
        reason="a settlement is missing: nothing is paid at this time",
    )


def _plain(value: Fraction) -> str:
    """A fraction that a mapping wrote as a decimal, as one."""
    digits = f"{float(value):.15g}"
    return digits if Fraction(digits) == value else str(value)


def _notes(
    mapping: BarsMapping,
    settlements: Settlements | None,
    n_own_marks: int,
    n_gaps: int,
    lots: Sequence[int],
) -> list[str]:
    notes = [
        f"Bars of {mapping.interval_ns // 10**9} s: decisions are made at a bar's close and trade "
        "at the next bar's open; where the next bar is missing orders are cancelled."
    ]
    for leg, lot in zip(mapping.legs, lots, strict=True):
        shown = (
            f"{_plain(leg.share)} of the bar's volume"
            if leg.size == 0
            else f"{_plain(leg.size)}, whatever was traded"
        )
        shown += ", in whole lots" * bool(lot)
        notes.append(
            f"{leg.instrument.symbol}: half spread assumed {_plain(leg.half_spread_bps)} bps on "
            f"either side of open and close, rounded outward; displayed size assumed {shown}."
        )
    if settlements is not None and mapping.funding is not None:
        n = len(settlements)
        notes.append(
            f"{mapping.legs[-1].instrument.symbol}: {n} funding settlements, each once at its "
            f"time, at {_plain(mapping.funding.times)} times the rate of column "
            f"{mapping.funding.rate!r}; {n_own_marks} have the file's mark price, "
            f"{n - n_own_marks} the perpetual's price: the close of the bar that ends "
            "then, or else the open of the bar it falls in."
        )
    if (premium := mapping.premium) is not None:
        notes.append(
            f"{premium.leg.instrument.symbol}: indicative rates from premiumIndexKlines by "
            f"formula, {premium.every_ns // 10**9} s from settlement to settlement, interest "
            f"{_plain(premium.interest)} for eight hours, one sample a bar. They announce no "
            "settlement, none is made by them, and their mark is 0."
        )
    if mapping.max_jump_bps is not None:
        notes.append(
            f"Bars whose close is more than {_plain(mapping.max_jump_bps)} bps from the next open "
            "were taken for partial and set aside."
        )
    if n_gaps > MAX_LISTED_GAPS:
        notes.append(f"{n_gaps} gaps, the first {MAX_LISTED_GAPS} are listed.")
    return notes
