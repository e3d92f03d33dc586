"""Steps of every import, of any format: open a source, write its rows, check, seal.

A format is one function, ``open_source(inputs, options) -> Source``. A `Source` says which
instruments it has, yields the segment's rows in order and fills in, while it is read, what became
of each file. `write_segment` is the only place that writes, checks and seals.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import InputError
from quantlaxmi.files import check_folder, check_outside, staged_directory, write_whole
from quantlaxmi.importers.exponents import TooFine
from quantlaxmi.importers.missing_days import LastMessages, with_missing_days
from quantlaxmi.importers.quarantine import QUARANTINE_NAME, quarantine_bytes
from quantlaxmi.importers.source import (
    CaptureCounts,
    ImportedFile,
    ImportOptions,
    Inputs,
    OpenSource,
    Source,
)
from quantlaxmi.importers.tick_sizes import Steps
from quantlaxmi.importers.traded_pair import contract_notes
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES
from quantlaxmi.segment import HeldSegment, Segment, SegmentWriter, open_segment
from quantlaxmi.segment.books import BookTally, market_problems, traded_books
from quantlaxmi.segment.manifest import Quarantine


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """The segment of an import, and its counts.

    Attributes
    ----------
    segment : Segment
        The sealed segment.
    messages_by_kind : dict of str to int
        Messages by table, over all files.
    quarantined : int
        Lines set aside.
    quarantine_reasons : dict of str to int
        Lines set aside, by reason.
    lines : int
        ``header_lines + message_lines + quarantined``.
    captures : tuple of CaptureCounts
        One a file.
    text_bytes : int
        Uncompressed text read.
    elapsed_s : float
        Seconds of the whole import.
    message_lines : int
        Lines the messages were read from; one a message in a stream capture.
    header_lines : int
        Lines of headers.
    """

    segment: Segment
    messages_by_kind: dict[str, int]
    quarantined: int
    quarantine_reasons: dict[str, int]
    lines: int
    captures: tuple[CaptureCounts, ...]
    text_bytes: int
    elapsed_s: float
    message_lines: int = 0
    header_lines: int = 0


def import_source(
    open_source: OpenSource, inputs: Inputs, out: Path | str, options: ImportOptions
) -> ImportResult:
    """Import inputs of one format to a segment.

    Parameters
    ----------
    open_source : callable
        The format.
    inputs : sequence or mapping of Path or str
    out : Path or str
        Folder of the segment; it must not exist.
    options : ImportOptions

    Raises
    ------
    InputError
        The inputs cannot be used, or ``out`` exists or is inside one of them.
    """
    started = time.perf_counter()
    check_folder(Path(out))
    check_outside(Path(out), inputs.values() if isinstance(inputs, Mapping) else inputs)
    kept: set[tuple[str, str]] = set()
    while True:
        try:
            result = write_segment(open_source(inputs, options), out, options, kept)
            break
        except TooFine as found:
            kept.add(found.kept)
    return msgspec.structs.replace(result, elapsed_s=time.perf_counter() - started)


def write_segment(
    source: Source,
    out: Path | str,
    options: ImportOptions,
    kept: Collection[tuple[str, str]] = (),
) -> ImportResult:
    """Write a source's rows, check its files and seal the segment.

    Parameters
    ----------
    source : Source
    out : Path or str
        Folder of the segment; it must not exist. It gets a temporary name and is renamed when it
        is whole and durable; after an error nothing is left.
    options : ImportOptions
    kept : collection of (str, str)
        Symbols with "price" or "qty" that are finer than tick or lot; written as they are read.

    Raises
    ------
    TooFine
        Another one is; write a new source with it.
    InputError
        A file cannot be used, is given twice or has too many faulty lines; or ``out`` exists.
    EngineError
        Lines were lost.
    """
    started = time.perf_counter()
    written = _MessageCounts()
    with staged_directory(out) as folder, closing(source.tables(folder)) as rows:
        steps = Steps(source.instruments, rows, count=source.cadence != "bars", kept=kept)
        with SegmentWriter(
            folder,
            venue=source.venue,
            instruments=steps.instruments,
            cadence=source.cadence,
        ) as writer:
            counts = _pass_on(source, steps, options, written, writer.append)
            reasons = _seal(writer, folder, source)
    return ImportResult(
        segment=open_segment(out, verify="manifest"),
        messages_by_kind={
            table: n for table, n in written.messages.items() if n or table not in OPTIONAL_TABLES
        },
        quarantined=sum(c.quarantined for c in counts),
        quarantine_reasons=dict(reasons),
        lines=sum(c.lines for c in counts),
        captures=counts,
        text_bytes=sum(c.text_bytes for c in counts),
        elapsed_s=time.perf_counter() - started,
        message_lines=sum(c.message_lines for c in counts),
        header_lines=sum(c.header_lines for c in counts),
    )


def hold_segment(source: Source, options: ImportOptions) -> HeldSegment:
    """Take a source's rows into memory, as `write_segment` takes them to a folder.

    Parameters
    ----------
    source : Source
        Of cadence ``"bars"``, that needs no folder for its rows.
    options : ImportOptions

    Raises
    ------
    InputError
        As `write_segment`.
    """
    parts: dict[str, list[Mapping[str, npt.NDArray[Any]]]] = {table: [] for table in TABLES}
    with closing(source.tables(Path())) as rows:
        steps = Steps(source.instruments, rows, count=source.cadence != "bars")
        _pass_on(
            source, steps, options, _MessageCounts(), lambda table, rows: parts[table].append(rows)
        )
    whole = {table: _joined(found) for table, found in parts.items() if found}
    return HeldSegment(
        steps.instruments,
        whole,
        venue=source.venue,
        cadence=source.cadence,
        gaps=source.gaps,
        notes=source.notes,
        copy=False,
    )


def _joined(parts: list[Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Batches of a table as one."""
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}


def _pass_on(
    source: Source,
    steps: Steps,
    options: ImportOptions,
    written: _MessageCounts,
    append: Callable[[str, Mapping[str, npt.NDArray[Any]]], None],
) -> tuple[CaptureCounts, ...]:
    """Hand all rows on, check the files, and complete the source's gaps and notes."""
    books = BookTally([one.symbol for one in steps.instruments])
    # Bars tell their gaps, so that nobody asks for the last messages of their days.
    last = None if source.cadence == "bars" else LastMessages()
    for tables in steps.tables():
        books.add(tables)
        if last is not None:
            last.add(tables)
        for table, columns in tables.items():
            append(table, columns)
            written.add(table, columns["seq"])
    check_copies(source.files)
    for file in source.files:
        file.check_share(options.max_quarantine)
    counts = tuple(file.counts() for file in source.files)
    traded = traded_books(books.counts(), steps.instruments)
    problems = [f"{sentence}." for sentence in market_problems(traded, source.cadence)]
    if not source.knows_days:
        source.gaps = with_missing_days(source.gaps, source.files, last)
    contracts = contract_notes(source.instruments)
    source.notes = [*problems, *source.notes, *contracts, *steps.notes()]
    return counts


def check_copies(files: Sequence[ImportedFile]) -> None:
    """Refuse a file that was given twice under two names.

    Raises
    ------
    InputError
    """
    seen: dict[str, Path] = {}
    for file in files:
        if file.is_empty:
            continue  # days without messages are alike
        if file.sha256 in seen:
            raise InputError(file.path, f"has the same content as {seen[file.sha256]}")
        seen[file.sha256] = file.path


class _MessageCounts:
    """Messages written by table; rows of one message share its ``seq``."""

    def __init__(self) -> None:
        self.messages = dict.fromkeys(TABLES, 0)
        self._last_seq = dict.fromkeys(TABLES, -1)

    def add(self, table: str, seq: npt.NDArray[Any]) -> None:
        """Count the messages of a batch's rows."""
        if len(seq):
            new = np.count_nonzero(seq[1:] != seq[:-1]) + int(seq[0] != self._last_seq[table])
            self.messages[table] += int(new)
            self._last_seq[table] = int(seq[-1])


def _seal(writer: SegmentWriter, folder: Path, source: Source) -> Counter[str]:
    """Write the quarantine file and seal the segment; lines set aside, by reason."""
    logs = [file.log for file in source.files]
    reasons = sum((log.reasons() for log in logs), Counter[str]())
    n_quarantined = sum(map(len, logs))
    if n_quarantined:
        write_whole(folder / QUARANTINE_NAME, quarantine_bytes(logs))
    writer.seal(
        gaps=source.gaps,
        quarantine=Quarantine(lines=n_quarantined, reasons=dict(sorted(reasons.items()))),
        notes=source.notes,
        sources=[file.source_file() for file in source.files],
        files=[QUARANTINE_NAME] if n_quarantined else [],
    )
    return reasons
