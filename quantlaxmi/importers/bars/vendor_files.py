"""Files of bars whose columns and times a vendor fixed; several of an input follow each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.csv import CsvTable
from quantlaxmi.importers.bars.inputs import BarsInput, checked_inputs, fill_in, progress_reporter
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.bars.text_form import FileForm
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile, ImportOptions, Source

#: Columns of a bar by what they hold, where the vendor calls them so.
BAR_COLUMNS: Final = {name: name for name in ("open", "high", "low", "close", "volume")}
#: Opens a file: what is told of the bytes read, and a folder for what has to wait.
OpenTable = Callable[[Callable[[int], None], Path], Table]


@dataclass(frozen=True)
class VendorFile:
    """One file, understood.

    Attributes
    ----------
    path : Path
    open_table : callable
    time : TimeColumn
    columns : dict of str to str
        Of a bar, as `LegMapping.columns`; of a file of funding ``rate``.
    symbol : str
        As its name or its lines tell; empty where they do not.
    interval_ns : int
        Length of a bar, as its name tells; 0 where it does not.
    first_ns : int
        By which the files of an input follow each other.
    shift : int or None
        Prices are in units of ten to its power; None where the mapping tells.
    """

    path: Path
    open_table: OpenTable
    time: TimeColumn
    columns: dict[str, str]
    symbol: str = ""
    interval_ns: int = 0
    first_ns: int = 0
    shift: int | None = None


#: Understands a file that holds bars of an instrument, or the funding of one (``rates``).
Understand = Callable[[Path, LegMapping, bool], VendorFile]


def csv_opener(path: Path, form: FileForm) -> OpenTable:
    """Return the opener of a file of text."""
    return lambda report, folder: CsvTable(path, form, report, folder=folder)


def vendor_source(
    mapping: BarsMapping,
    inputs: Sequence[Path | str],
    members: Callable[[Path], list[Path]],
    understand: Understand,
    options: ImportOptions,
) -> Source:
    """Files of bars as a source.

    Parameters
    ----------
    mapping : BarsMapping
        Without columns.
    inputs : sequence of Path or str
        In the order of the mapping's ``input`` numbers.
    members : callable
        Input to its files.
    understand : callable
    options : ImportOptions

    Raises
    ------
    InputError
        A file cannot be understood, or is of another symbol or interval than the mapping says.
    """
    given = checked_inputs(mapping, inputs, options.underlying)
    perp = mapping.legs[-1]
    files: list[list[VendorFile]] = []
    for number, path in enumerate(given):
        leg = next((leg for leg in mapping.legs if leg.input == number), None)
        found = [understand(one, leg or perp, leg is None) for one in members(path)]
        files.append(sorted(found, key=lambda file: (file.first_ns, file.path.name)))
        for file in found:
            _check_symbol(file, leg or perp)
    mapping = replace(mapping, interval_ns=_interval(mapping, files))
    return bars_source(mapping, lambda store: _read(mapping, files, options, store), options)


def plain_symbol(text: str) -> str:
    """A symbol without what vendors put between its parts."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _check_symbol(file: VendorFile, leg: LegMapping) -> None:
    wanted = leg.instrument.venue_symbol
    if file.symbol and plain_symbol(file.symbol) != plain_symbol(wanted):
        raise InputError(
            file.path, f"has {file.symbol[:60]}; expected {wanted}, as the mapping says"
        )


def _interval(mapping: BarsMapping, files: Sequence[Sequence[VendorFile]]) -> int:
    """Length of a bar, which the mapping or the files' names tell."""
    interval_ns = mapping.interval_ns
    bars = {leg.input for leg in mapping.legs}
    for number in sorted(bars):
        for file in files[number]:
            interval_ns = interval_ns or file.interval_ns
            if file.interval_ns not in (0, interval_ns):
                told = f"has bars of {file.interval_ns // 10**9} s"
                problem = f"{told}; expected {interval_ns // 10**9} s"
                raise InputError(file.path, problem, "name")
    if not interval_ns:
        problem = "has no length of its bars in its name; set interval in the mapping"
        raise InputError(files[min(bars)][0].path, problem)
    return interval_ns


def _read(
    mapping: BarsMapping,
    files: Sequence[Sequence[VendorFile]],
    options: ImportOptions,
    store: Store,
) -> Bars:
    """Read the files of every input to their ends."""
    inputs, done = [], 0
    notes: list[str] = []
    flat = [file.path for members in files for file in members]
    for number, members in enumerate(files):
        reading = Reading(mapping, number, store)
        read: list[ImportedFile] = []
        for file in members:
            one = ImportedFile(
                path=file.path, log=QuarantineLog(file.path, reading.stream, options.strict)
            )
            reading.next_file(file.path.name, sum(before.lines for before in read))
            report_progress = progress_reporter(flat, done, options.progress)
            with closing(file.open_table(report_progress, store.folder)) as table:
                read_input(table, _described(mapping, number, file), reading, one.log)
                fill_in(one, table)
                notes += getattr(table, "notes", ())
            read.append(one)
            done += 1
        inputs.append(BarsInput(read, reading.series, reading.settlements))
    return Bars(mapping, inputs, notes=notes)


def _described(mapping: BarsMapping, number: int, file: VendorFile) -> BarsMapping:
    """The mapping with the columns and times of a file."""
    legs = tuple(
        leg if leg.input != number else replace(
            leg, time=file.time, columns=file.columns,
            shift=leg.shift if file.shift is None else file.shift,
        )
        for leg in mapping.legs
    )  # fmt: skip
    funding = mapping.funding
    if funding is not None and funding.input == number:
        funding = replace(funding, time=file.time, rate=file.columns["rate"])
    return replace(mapping, legs=legs, funding=funding)
