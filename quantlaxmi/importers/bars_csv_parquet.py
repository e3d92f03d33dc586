"""Format ``bars``: any CSV or Parquet file of bars, read by a small TOML mapping.

``docs/IMPORT.md`` has the mapping; ``bars/messages.py`` says how a bar becomes quotes that are
never traded at the bar that decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import Any

from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.bars.csv import CsvTable
from quantlaxmi.importers.bars.inputs import BarsInput, checked_inputs, fill_in, progress_reporter
from quantlaxmi.importers.bars.mapping import BarsMapping, load_mapping, mapping_of
from quantlaxmi.importers.bars.mapping_file import BarsFile
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.recognised import recognised_mapping
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.bars.text_form import FileForm
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    ImportedFile,
    ImportOptions,
    Inputs,
    Progress,
    Source,
    input_paths,
    required_mapping,
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of bars, by the mapping of the options.

    Parameters
    ----------
    inputs : sequence of Path or str
        In the order of the mapping's ``input`` numbers.
    options : ImportOptions

    Raises
    ------
    InputError
        The mapping cannot be used, or needs other files.
    """
    paths = input_paths(inputs, "bars")
    if options.bars is None:
        mapping = load_mapping(required_mapping(options, "bars"))
    else:
        values = recognised(paths, options.bars)
        mapping = mapping_of(BarsFile.from_mapping(values, "bars"), "bars")
    paths = checked_inputs(mapping, paths, options.underlying)
    return bars_source(mapping, lambda store: _read(mapping, paths, options, store), options)


def recognised(paths: Sequence[Path], terms: BarsTerms) -> dict[str, Any]:
    """The mapping of files whose columns have the usual names, as TOML holds it.

    Parameters
    ----------
    paths : sequence of Path
        One an instrument.
    terms : BarsTerms

    Raises
    ------
    InputError
        A file cannot be read, or a column is missing.
    """
    with ExitStack() as stack:
        tables = []
        for path in paths:
            table = _open_table(path, FileForm(), lambda _: None, Path())
            tables.append(stack.enter_context(closing(table)))
        return recognised_mapping(tables, terms)


def import_bars(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    mapping: Path | str,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import bars of a spot market, a perpetual, or both, with funding.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files in the order of the mapping's ``input`` numbers; CSV (plain or gzip) or Parquet.
    out : Path or str
        Folder of the segment; it must not exist. It is built under a temporary name and renamed
        when it is whole.
    mapping : Path or str
        TOML file; see ``docs/IMPORT.md``. Without one, `import_capture` recognises columns.
    underlying : str, optional
        Symbol or base that the mapping must name.
    strict : bool
        End at the first faulty line instead of setting it aside.
    max_quarantine : Fraction
        Largest share of faulty lines accepted, of each file by itself.
    progress : callable, optional
        Called with bytes read and bytes in all, as stored.

    Returns
    -------
    ImportResult
        ``lines`` are header lines + lines accepted + ``quarantined``.

    Raises
    ------
    InputError
        The mapping or a file cannot be used, a file has no bars or too many faulty lines, or
        ``out`` exists.

    Examples
    --------
    >>> _ = Path("bars.csv").write_text(
    ...     "time,open,high,low,close\\n1704067200,100,102,99,101\\n1704070800,101,103,100,102\\n"
    ... )
    >>> _ = Path("bars.toml").write_text('''
    ... interval = "1h"
    ... venue = "binance"
    ... currency = "USDT"
    ... base = "BTC"
    ... half_spread_bps = "1"
    ... size = "5"
    ... [time]
    ... column = "time"
    ... unit = "s"
    ... [spot]
    ... symbol = "BTCUSDT"
    ... open = "open"
    ... high = "high"
    ... low = "low"
    ... close = "close"
    ... ''')
    >>> import_bars(["bars.csv"], "segment", mapping="bars.toml").segment.cadence
    'bars'
    """
    options = ImportOptions(
        underlying=underlying,
        mapping=mapping,
        strict=strict,
        max_quarantine=max_quarantine,
        progress=progress,
    )
    return import_source(open_source, inputs, out, options)


def _read(
    mapping: BarsMapping, paths: Sequence[Path], options: ImportOptions, store: Store
) -> Bars:
    """Read every input to its end."""
    inputs = []
    for number, path in enumerate(paths):
        reading = Reading(mapping, number, store)
        file = ImportedFile(path=path, log=QuarantineLog(path, reading.stream, options.strict))
        report_progress = progress_reporter(paths, number, options.progress)
        with closing(_open_table(path, mapping.form, report_progress, store.folder)) as table:
            read_input(table, mapping, reading, file.log)
            fill_in(file, table)
        inputs.append(BarsInput([file], reading.series, reading.settlements))
    return Bars(mapping, inputs)


def _open_table(
    path: Path, form: FileForm, report_progress: Callable[[int], None], folder: Path
) -> Table:
    """Open a file of bars, CSV or Parquet as its first bytes say.

    Raises
    ------
    InputError
        It cannot be read, names a column twice, or is Parquet and the mapping describes text.
    """
    try:
        with open_regular(path, InputError, "a file of bars") as file:
            is_parquet = file.read(4) == b"PAR1"
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from None
    table: Table
    if is_parquet:
        from quantlaxmi.importers.bars.parquet import ParquetTable

        told = {"columns": form.columns, "skip_lines": form.skip_lines, "decimal": form.comma}
        if wrong := [key for key, value in told.items() if value]:
            raise InputError(path, f"is Parquet; expected text, which {wrong[0]} describes")
        table = ParquetTable(path, report_progress, form.descending)
    else:
        table = CsvTable(path, form, report_progress, folder=folder)
    twice = {name for name in table.header if table.header.count(name) > 1}
    if twice:
        table.close()
        place = f"line {table.header_lines or 1}"
        raise InputError(path, f"has column {min(twice)[:40]!r} twice", place)
    return table
