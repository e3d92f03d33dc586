"""Format ``bars``: any CSV or Parquet file of bars, read by a small TOML mapping.

``docs/IMPORT.md`` has the mapping; ``bars_messages`` says how a bar becomes quotes that are never
traded at the bar that decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular, staged_directory
from quantlaxmi.importers.bars.csv import CsvTable
from quantlaxmi.importers.bars.mapping import BarsMapping, load_mapping
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.bars.write import BarsFile, BarsInput, write_bars
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.result import ImportResult

Progress = Callable[[int, int], None]


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
        Folder of the segment; it must not exist. It is built beside and renamed in when whole.
    mapping : Path or str
        TOML file; see ``docs/IMPORT.md``.
    underlying : str, optional
        Symbol or base that the mapping must name.
    strict : bool
        End at the first faulty line instead of setting it aside.
    max_quarantine : Fraction
        Largest share of faulty lines taken, of each file by itself.
    progress : callable, optional
        Called with bytes read and bytes in all, as stored.

    Returns
    -------
    ImportResult
        ``lines`` are header lines + lines taken + ``quarantined``.

    Raises
    ------
    InputError
        The mapping or a file cannot be used, a file has no bars or too many faulty lines, or
        ``out`` exists.
    """
    started = time.perf_counter()
    rules = load_mapping(mapping)
    paths = checked_inputs(rules, inputs, underlying)
    with staged_directory(out) as folder, Store(folder) as store:
        inputs_read = []
        for number, path in enumerate(paths):
            reading = Reading(rules, number, store)
            log = QuarantineLog(path, reading.stream, strict)
            with ExitStack() as stack:
                table = _open_table(
                    path, rules.delimiter, progress_reporter(paths, number, progress)
                )
                stack.callback(table.close)
                read_input(table, rules, reading, log)
                files = [BarsFile.of(table, path, log)]
            inputs_read.append(BarsInput(files, reading.series, reading.settlements))
        written = write_bars(rules, inputs_read, folder, max_quarantine)
    return written.result(out, started)


def checked_inputs(
    mapping: BarsMapping, inputs: Sequence[Path | str], underlying: str | None
) -> list[Path]:
    """The files, as many as the mapping speaks of.

    Raises
    ------
    InputError
        There are more or fewer, or the mapping names another underlying.
    """
    for leg in mapping.legs:
        known = (leg.instrument.venue_symbol.upper(), leg.instrument.base.upper())
        if underlying is not None and underlying.upper() not in known:
            problem = f"names {known[0]}; expected {underlying}, as --underlying says"
            raise InputError(mapping.source, problem, f"{leg.instrument.kind.value}.symbol")
    if len(inputs) != mapping.n_inputs:
        problem = f"was given {len(inputs)} times; {mapping.source} speaks of {mapping.n_inputs}"
        raise InputError("--input", problem)
    return [Path(path) for path in inputs]


def progress_reporter(
    paths: list[Path], number: int, progress: Progress | None
) -> Callable[[int], None]:
    """Progress of one file as progress of them all."""

    def size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0

    total, before = sum(map(size, paths)), sum(map(size, paths[:number]))

    def report_progress(done: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return report_progress


def _open_table(path: Path, delimiter: str, report_progress: Callable[[int], None]) -> Table:
    """Open a file of bars, CSV or Parquet as its first bytes say.

    Raises
    ------
    InputError
        It cannot be read, or names a column twice.
    """
    try:
        with open_regular(path, InputError, "a file of bars") as file:
            is_parquet = file.read(4) == b"PAR1"
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from None
    table: Table
    if is_parquet:
        from quantlaxmi.importers.bars.parquet import ParquetTable

        table = ParquetTable(path, report_progress)
    else:
        table = CsvTable(path, delimiter, report_progress)
    twice = {name for name in table.header if table.header.count(name) > 1}
    if twice:
        table.close()
        raise InputError(path, f"has column {min(twice)[:40]!r} twice", "line 1")
    return table
