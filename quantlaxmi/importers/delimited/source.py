"""CSV files of any known layout as one source: the part that all CSV formats share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack

from quantlaxmi._ext.csv_fields import ROLES
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.delimited.announced import (
    Announced,
    settlement_gaps,
    times_of_cells,
)
from quantlaxmi.importers.delimited.layout import CsvFile
from quantlaxmi.importers.delimited.merge import merged_tables
from quantlaxmi.importers.delimited.streams import CsvRecord, CsvStream, make_streams
from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportOptions, Source, Tables
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind


def csv_source(
    files: Sequence[CsvFile], options: ImportOptions, notes: Sequence[str] = ()
) -> Source:
    """Files whose heads were understood, as one source.

    Parameters
    ----------
    files : sequence of CsvFile
    options : ImportOptions
    notes : sequence of str
        For the manifest, before those of the files.

    Raises
    ------
    InputError
        Two files name one symbol of different venues.

    Notes
    -----
    Instruments are numbered spot first, then by symbol. Messages are numbered in the order
    (receive time, `EventKind`, exchange sequence, line), equal ones in the order of instruments
    and layouts.
    """
    instruments = _instruments(files)
    source = Source(
        venue=instruments[0].venue,
        cadence="events",
        instruments=instruments,
        tables=lambda folder: _tables(files, options, source),
        notes=list(notes),
    )
    return source


def _instruments(files: Sequence[CsvFile]) -> list[Instrument]:
    found: dict[str, Instrument] = {}
    for file in files:
        other = found.setdefault(file.instrument.symbol, file.instrument)
        if other != file.instrument:
            raise InputError(
                file.path,
                f"has {file.instrument.symbol} of {file.instrument.venue}, another file that of "
                f"{other.venue}; a mapping can give them different symbols",
            )
    return sorted(found.values(), key=lambda i: (i.kind != InstrumentKind.SPOT, i.symbol))


def _tables(
    files: Sequence[CsvFile], options: ImportOptions, source: Source
) -> Generator[Tables, None, None]:
    """Yield the rows of the files in order, and fill in the source."""
    symbols = [instrument.symbol for instrument in source.instruments]
    total = sum(file.head.size for file in files)
    with ExitStack() as stack:
        streams = make_streams(files, symbols, options)
        for stream in streams:
            stack.callback(stream.close)
        announced = Announced({one.number: one.files[0].path for one in streams})
        for tables in merged_tables(
            streams, source.gaps, lambda done: options.report_progress(done, total)
        ):
            announced.add(tables)
            yield tables
        for stream in streams:
            stream.finish()
        source.gaps += settlement_gaps(announced, _announcements(streams))
        records = [file for stream in streams for file in stream.files]
        source.files += records
        source.notes += _notes(records, options.reorder_window_ns)


def _announcements(
    streams: Sequence[CsvStream],
) -> Generator[tuple[int, CsvRecord, set[int]], None, None]:
    """Number, file and settlement times of the faulty lines that announce settlements."""
    for stream in streams:
        for file in stream.files:
            roles = [role for _, role, _ in file.csv.columns]
            if ROLES["next_funding"] in roles and file.log.faults:
                column = roles.index(ROLES["next_funding"])
                yield stream.number, file, times_of_cells(file.log.faults, column)


def _notes(files: Sequence[CsvRecord], window_ns: int) -> list[str]:
    notes: list[str] = []
    for file in files:
        n_rows = file.lines - file.header_lines
        if file.csv.promised_rows not in (-1, n_rows):
            promised = file.csv.promised_rows
            notes.append(
                f"{file.log.name}: its header tells {counted(promised, 'row[s]')}, it has {n_rows}."
            )
        if file.is_empty:
            notes.append(f"{file.log.name}: has a header and no line; no message is of its time.")
        notes += file.book_notes()
        if file.reordered:
            notes.append(
                f"{file.log.name}: {counted(file.reordered, 'message[s] [was|were]')} out "
                "of order by receive "
                f"time, at most {window_ns} ns, and were put in their place."
            )
    if (n_gaps := sum(file.depth_gaps + file.trade_gaps for file in files)) > MAX_LISTED_GAPS:
        notes.append(f"{counted(n_gaps, 'gap[s]')}, the first {MAX_LISTED_GAPS} are listed.")
    return notes
