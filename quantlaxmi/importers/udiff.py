"""Format ``udiff``: bhavcopies of NSE's derivatives, a snapshot of an underlying a day."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.bhavcopy import Bhavcopy, read_bhavcopy
from quantlaxmi.importers.nse.bhavcopy_days import DayRows, day_rows
from quantlaxmi.importers.nse.contracts import VENUE
from quantlaxmi.importers.nse.udiff_mapping import AssumedQuotes
from quantlaxmi.importers.nse.weekdays import weekday_gaps
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    ImportedFile,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
from quantlaxmi.segment.manifest import Gap

__all__ = ["open_source"]

MAX_FILES: Final = 10_000
#: How the exchange names the file of a whole market.
_MARKET: Final = "bhavcopy_nse_fo"


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Days of bhavcopies, as a source of the tables ``chain`` and ``settlement``.

    Parameters
    ----------
    inputs : sequence of Path or str
        CSV files, or folders: of a folder and the folders in it, files that are named
        ``<UNDERLYING>.csv`` or ``BhavCopy_NSE_FO*.csv`` are taken.
    options : ImportOptions
        ``underlying`` must be given; ``mapping`` assumes quotes.

    Raises
    ------
    InputError
        No underlying is given, there is no file of it, two files are of one day, or a row cannot
        be used: see `read_bhavcopy`.
    ConfigError
        The mapping is not valid, or the dated table has no session of a day or an expiry.
    """
    given = input_paths(inputs, "udiff")
    if options.underlying is None:
        raise InputError("import", "needs --underlying NAME for udiff, such as NIFTY")
    assumed = None if options.mapping is None else AssumedQuotes.load(options.mapping)
    paths = [path for one in given for path in _files(one, options.underlying)]
    if len(paths) > MAX_FILES:
        raise InputError(
            "import", f"has {counted(len(paths), 'file[s]')}, expected at most {MAX_FILES}"
        )
    read = [one for path in paths if (one := read_bhavcopy(path, options.underlying)) is not None]
    if not read:
        raise InputError(given[0], f"has no row of {options.underlying}")
    days = sorted(read, key=lambda one: one.day)
    for one, other in itertools.pairwise(days):
        if one.day == other.day:
            raise InputError(other.path, f"is of {other.day}, as {one.path} is")
    found = day_rows(days, options.underlying, assumed)
    files = [_file(one, options, *counts) for one, counts in zip(days, found.counts, strict=True)]
    total = sum(file.raw_bytes for file in files)

    def tables(_: Path) -> Generator[Tables, None, None]:
        yield {"chain": found.chain, "settlement": found.settlement}
        options.report_progress(total, total)

    return Source(
        venue=VENUE,
        cadence="snapshots",
        instruments=found.instruments,
        tables=tables,
        files=files,
        gaps=_gaps(found),
        knows_days=True,
        notes=_notes(days, found, assumed),
    )


def _files(given: Path, underlying: str) -> list[Path]:
    """A file, or those of a folder that may have rows of an underlying."""
    try:
        if not given.is_dir():
            return [given]
        folders = [given, *sorted(path for path in given.iterdir() if path.is_dir())]
        found = [path for folder in folders for path in sorted(folder.iterdir())]
    except OSError as error:
        raise InputError(given, f"cannot be read: {error.strerror}") from None
    named = f"{underlying}.csv".lower()
    wanted = [
        path
        for path in found
        if path.name.lower() == named
        or (path.name.lower().startswith(_MARKET) and path.suffix.lower() == ".csv")
    ]
    if not wanted:
        raise InputError(given, f"has no file {underlying}.csv or BhavCopy_NSE_FO*.csv")
    return wanted


def _file(one: Bhavcopy, options: ImportOptions, chain: int, settlement: int) -> ImportedFile:
    n = len(one.names)
    return ImportedFile(
        path=one.path,
        log=QuarantineLog(one.path, "bhavcopy", options.strict),
        symbol=str(options.underlying),
        lines=n + 1,
        header_lines=1,
        message_lines=n,
        messages_by_kind={"chain": chain, "settlement": settlement},
        raw_bytes=one.n_bytes,
        text_bytes=one.n_bytes,
        sha256=one.sha256,
    )


def _gaps(found: DayRows) -> list[Gap]:
    """Times with more than one weekday that no file is of: a single one may be a holiday."""
    stamps: dict[int, int] = dict(
        zip(found.chain["seq"].tolist(), found.chain["ts_ns"].tolist(), strict=True)
    )
    seq, ts_ns = (np.array(list(one), np.int64) for one in (stamps, stamps.values()))
    return weekday_gaps(ts_ns, seq, "file")


def _notes(days: Sequence[Bhavcopy], found: DayRows, assumed: AssumedQuotes | None) -> list[str]:
    n = sum(len(one.names) for one in days)
    untraded = n - found.traded
    if assumed is None:
        quotes = (
            "The files have no quotes, so that nothing can be traded; half_spread_bps and size in "
            "--mapping assume them."
        )
    else:
        quotes = (
            f"Quotes are assumed: {assumed.half_spread_bps} bps at either side of the closes that "
            f"traded, rounded outward to the tick, {counted(assumed.size, 'unit[s]')} in "
            "whole lots; "
            f"{counted(found.quoted, 'row[s] [has|have] one', n)}."
        )
    notes = [
        f"{counted(len(days), 'day[s]')} of bhavcopies, {days[0].day} to {days[-1].day}: "
        f"{counted(n, 'row[s]')} of "
        f"{counted(len(found.instruments), 'contract[s]')}.",
        quotes,
        f"{counted(untraded, 'row[s] did not trade: [its|their] close')} is of an earlier day "
        "and is left out.",
        "A day's rows have the time at which its session ends; the files are published later.",
        *found.notes,
    ]
    ends = {one.day for one in days if one.expiries[0] == one.day}
    other = sum(
        int(((c["settles"] != c["underlying"]) & (c["expiry"] == 0)).sum())
        for one in days
        if one.day in ends
        for c in (one.columns,)
    )
    if ends:
        shown = ", ".join(str(day) for day in sorted(ends)[:4])
        notes.append(
            f"{counted(len(found.settlement['seq']), 'contract[s] [settles|settle]')} at the "
            f"close of the underlying, on {shown}{', ...' if len(ends) > 4 else ''}."
        )
    if other:
        notes.append(f"SttlmPric of {other} of them is another than that close.")
    return notes
