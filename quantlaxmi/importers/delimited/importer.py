"""CSV files of any known layout to one segment: the part that all CSV formats share."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.csv_fields import FAULTS
from quantlaxmi._ext.stream_merge import StreamMerge
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.files import staged_directory
from quantlaxmi.importers.delimited.layout import CsvFile
from quantlaxmi.importers.delimited.streams import TABLE_OF, Lane, make_lanes
from quantlaxmi.importers.pipeline import (
    MAX_LISTED_GAPS,
    REORDER_WINDOW_NS,
    check_copies,
    check_options,
    furthest_behind,
    import_result,
    seal,
)
from quantlaxmi.importers.result import ImportResult
from quantlaxmi.importers.tick_sizes import Steps
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, EventKind, InstrumentKind
from quantlaxmi.segment import SegmentWriter
from quantlaxmi.segment.manifest import Gap, SourceFile

_GAPS: Final = {
    EventKind.TRADE: "trade after {last} is missing, the next is {found}",
    EventKind.DEPTH: "depth update after {last} is missing, the next joins {found}",
    EventKind.FUNDING: "a settlement is missing: nothing is paid between these two",
}

Tables = dict[str, dict[str, npt.NDArray[np.integer]]]


def import_csv_files(
    files: Sequence[CsvFile],
    out: Path | str,
    *,
    strict: bool,
    max_quarantine: Fraction,
    progress: Callable[[int, int], None] | None,
    reorder_window_ns: int = REORDER_WINDOW_NS,
    notes: Sequence[str] = (),
) -> ImportResult:
    """Import understood files to one segment.

    Parameters
    ----------
    files : sequence of CsvFile
    out : Path or str
        Folder of the segment; it must not exist. It is built beside and renamed in when whole.
    strict, max_quarantine, progress, reorder_window_ns
        As in `import_binance_stream`; the share is of each file's lines behind its header.
    notes : sequence of str
        For the manifest, before those of the files.

    Returns
    -------
    ImportResult

    Raises
    ------
    InputError
        A file cannot be read, has nothing acceptable or too much that is not, or is given twice.

    Notes
    -----
    Instruments are numbered spot first, then by symbol. Messages are numbered in the order
    (receive time, `EventKind`, exchange sequence, line), equal ones in the order of instruments
    and layouts.
    """
    started = time.perf_counter()
    check_options(max_quarantine, reorder_window_ns)
    instruments = _instruments(files)
    symbols = [instrument.symbol for instrument in instruments]
    with ExitStack() as stack:
        folder = stack.enter_context(staged_directory(out))
        lanes = make_lanes(files, symbols, reorder_window_ns, strict)
        for lane in lanes:
            stack.callback(lane.close)
        total = sum(file.head.size for file in files)

        def report_progress() -> None:
            if progress is not None:
                progress(sum(lane.raw_bytes for lane in lanes), total)

        gaps: list[Gap] = []
        messages: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
        venue = instruments[0].venue
        steps = Steps(instruments, _tables(lanes, messages, gaps, report_progress))
        with SegmentWriter(
            folder, venue=venue, instruments=steps.instruments, cadence="events"
        ) as writer:
            for tables in steps.tables():
                for table, columns in tables.items():
                    writer.append(table, columns)
            for lane in lanes:
                lane.check_share(max_quarantine)
            states = [(lane, state) for lane in lanes for state in lane.files]
            counts = tuple(lane.counts(state) for lane, state in states)
            _check_sums(counts_of=Counter(), messages=messages, lanes=lanes)
            check_copies([state.file.path for _, state in states], [s.sha256 for _, s in states])
            reasons = seal(
                writer,
                folder,
                [state.log for _, state in states],
                gaps=gaps,
                notes=[*notes, *_notes(lanes, reorder_window_ns), *steps.notes()],
                sources=[
                    SourceFile(
                        name=state.log.name,
                        sha256=state.sha256,
                        bytes=state.raw_bytes,
                        lines=state.lines,
                        stream=state.file.layout.name,
                    )
                    for _, state in states
                ],
            )
    return import_result(out, started, messages, reasons, counts)


def _instruments(files: Sequence[CsvFile]) -> list[Instrument]:
    found: dict[str, Instrument] = {}
    for file in files:
        other = found.setdefault(file.instrument.symbol, file.instrument)
        if other != file.instrument:
            raise InputError(
                file.path,
                f"holds {file.instrument.symbol} of {file.instrument.venue}, another file that of "
                f"{other.venue}; a mapping can give them different symbols",
            )
    return sorted(found.values(), key=lambda i: (i.kind != InstrumentKind.SPOT, i.symbol))


def _tables(
    lanes: list[Lane], messages: Counter[str], gaps: list[Gap], report_progress: Callable[[], None]
) -> Iterator[Tables]:
    """Rows of the segment in order; reads on in whichever lane is behind."""
    merge = StreamMerge([lane.rows for lane in lanes])
    for lane in lanes:
        lane.feed()
    while True:
        finished = [lane.finished for lane in lanes]
        tables = merge.release(finished)
        for counts in merge.take_counts():
            messages.update(counts)
        for source, line, code, number, before, n_lines in merge.take_faults():
            lanes[source].refuse(line, n_lines, FAULTS[code], f"{number} after {before}")
        for source, seq, start_ns, end_ns, last, found, line, rank in merge.take_gaps():
            state = lanes[source].state_of(line)
            state.gaps += 1
            if len(gaps) < MAX_LISTED_GAPS:
                gaps.append(
                    Gap(
                        table=TABLE_OF[EventKind(rank)],
                        symbol=lanes[source].symbol,
                        start_ns=start_ns,
                        end_ns=end_ns,
                        after_seq=seq,
                        reason=_GAPS[EventKind(rank)].format(last=last, found=found),
                    )
                )
        if tables:
            yield tables
        if merge.more:
            continue
        if all(finished):
            return
        furthest_behind(lanes).feed()
        report_progress()


def _check_sums(counts_of: Counter[str], messages: Counter[str], lanes: list[Lane]) -> None:
    for lane in lanes:
        counts_of[lane.table] += sum(state.messages for state in lane.files)
    for table, n in messages.items():
        if counts_of[table] != n:
            raise EngineError(f"{n} messages of {table} were written, {counts_of[table]} were read")


def _notes(lanes: list[Lane], window_ns: int) -> list[str]:
    notes: list[str] = []
    for lane in lanes:
        for state in lane.files:
            notes += [note for note in state.file.notes if note not in notes]
            held = state.lines - state.header
            if state.file.promised_rows not in (-1, held):
                promised = state.file.promised_rows
                notes.append(f"{state.log.name}: its header tells {promised} rows, it has {held}.")
            if state.reordered:
                notes.append(
                    f"{state.log.name}: {state.reordered} messages were out of order by receive "
                    f"time, at most {window_ns} ns, and were put in their place."
                )
    if (n_gaps := sum(state.gaps for lane in lanes for state in lane.files)) > MAX_LISTED_GAPS:
        notes.append(f"{n_gaps} gaps, the first {MAX_LISTED_GAPS} are listed.")
    return notes
