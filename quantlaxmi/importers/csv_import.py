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
from quantlaxmi.files import staged_directory, write_whole
from quantlaxmi.importers.csv_lanes import TABLE_OF, Lane, make_lanes
from quantlaxmi.importers.csv_layout import CsvFile
from quantlaxmi.importers.quarantine import QUARANTINE_NAME, quarantine_bytes
from quantlaxmi.importers.result import ImportResult
from quantlaxmi.importers.steps import Steps
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, EventKind, InstrumentKind
from quantlaxmi.segment import SegmentWriter, open_segment
from quantlaxmi.segment.manifest import Gap, Quarantine, SourceFile

#: How far a receive stamp may fall behind the latest one and still be put in its place.
REORDER_WINDOW_NS: Final = 1_000_000_000
#: Gaps listed one by one in the manifest; the rest is counted in a note.
MAX_LISTED_GAPS: Final = 10_000

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
    if not 0 <= max_quarantine <= 1:
        raise InputError("--max-quarantine", f"was {max_quarantine}; expected a share from 0 to 1")
    if not 0 <= reorder_window_ns <= 86_400 * 10**9:
        raise InputError("reorder window", f"was {reorder_window_ns} ns; expected 0 to a day")
    instruments = _instruments(files)
    symbols = [instrument.symbol for instrument in instruments]
    with ExitStack() as stack:
        folder = stack.enter_context(staged_directory(out))
        lanes = make_lanes(files, symbols, reorder_window_ns, strict)
        for lane in lanes:
            stack.callback(lane.close)
        total = sum(file.head.size for file in files)

        def tell() -> None:
            if progress is not None:
                progress(sum(lane.raw_bytes for lane in lanes), total)

        gaps: list[Gap] = []
        messages: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
        venue = instruments[0].venue
        steps = Steps(instruments, _tables(lanes, messages, gaps, tell))
        with SegmentWriter(folder, venue=venue, instruments=steps.instruments) as writer:
            for tables in steps.tables():
                for table, columns in tables.items():
                    writer.append(table, columns)
            for lane in lanes:
                lane.check_share(max_quarantine)
            states = [(lane, state) for lane in lanes for state in lane.files]
            counts = tuple(lane.counts(state) for lane, state in states)
            _check_sums(counts_of=Counter(), messages=messages, lanes=lanes)
            _check_copies([state.file.path for _, state in states], [s.sha256 for _, s in states])
            logs = [state.log for _, state in states]
            reasons = sum((log.reasons() for log in logs), Counter[str]())
            n_quarantined = sum(map(len, logs))
            if n_quarantined:
                write_whole(folder / QUARANTINE_NAME, quarantine_bytes(logs))
            writer.seal(
                gaps=gaps,
                quarantine=Quarantine(lines=n_quarantined, reasons=dict(sorted(reasons.items()))),
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
                files=[QUARANTINE_NAME] if n_quarantined else [],
            )
    return ImportResult(
        segment=open_segment(out, verify="manifest"),
        messages_by_kind=dict(messages),
        quarantined=n_quarantined,
        quarantine_reasons=dict(reasons),
        lines=sum(c.lines for c in counts),
        captures=counts,
        text_bytes=sum(c.text_bytes for c in counts),
        elapsed_s=time.perf_counter() - started,
        message_lines=sum(c.message_lines for c in counts),
        header_lines=sum(c.header_lines for c in counts),
    )


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
    lanes: list[Lane], messages: Counter[str], gaps: list[Gap], tell: Callable[[], None]
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
        if all(finished):
            return
        behind = min(
            (lane for lane in lanes if not lane.finished),
            key=lambda lane: lane.rows.high_ns if lane.rows.started else -1,
        )
        behind.feed()
        tell()


def _check_sums(counts_of: Counter[str], messages: Counter[str], lanes: list[Lane]) -> None:
    for lane in lanes:
        counts_of[lane.table] += sum(state.messages for state in lane.files)
    for table, n in messages.items():
        if counts_of[table] != n:
            raise EngineError(f"{n} messages of {table} were written, {counts_of[table]} were read")


def _check_copies(paths: Sequence[Path], digests: Sequence[str]) -> None:
    seen: dict[str, Path] = {}
    for path, digest in zip(paths, digests, strict=True):
        if digest in seen:
            raise InputError(path, f"holds the same bytes as {seen[digest]}")
        seen[digest] = path


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
