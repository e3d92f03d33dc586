"""Format ``klines-json``: Binance kline arrays, in an archive of one JSON file a month or alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.inputs import BarsInput, checked_inputs, progress_reporter
from quantlaxmi.importers.bars.json_archive import KlinesArchive
from quantlaxmi.importers.bars.json_klines import Months
from quantlaxmi.importers.bars.mapping import BarsMapping, load_mapping
from quantlaxmi.importers.bars.mapping_file import KlinesFile
from quantlaxmi.importers.bars.mapping_leg import LegMapping
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import Store
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
    """Archives of klines, by the mapping of the options.

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
    paths = input_paths(inputs, "klines-json")
    mapping = load_mapping(required_mapping(options, "klines-json"), KlinesFile)
    paths = checked_inputs(mapping, paths, options.underlying)
    legs = sorted(mapping.legs, key=lambda leg: leg.input)
    if [leg.input for leg in legs] != list(range(len(legs))):
        raise InputError(mapping.source, "must name each input once", "input")
    return bars_source(mapping, lambda store: _read(mapping, paths, options, store), options)


def import_klines_json(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    mapping: Path | str,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import klines of a spot market, a perpetual, or both.

    Parameters
    ----------
    inputs : sequence of Path or str
        Archives (tar, plain or gzip) of JSON files, or single JSON files (plain or gzip), in the
        order of the mapping's ``input`` numbers.
    out, underlying, strict, max_quarantine, progress
        As `quantlaxmi.importers.import_bars`.
    mapping : Path or str
        TOML file with symbols and assumptions; it names neither columns nor times, and the interval
        may be left out.

    Returns
    -------
    ImportResult
        A line is a kline; they are numbered through an archive in the order of time of its files.

    Raises
    ------
    InputError
        A file cannot be used, is of another symbol or of two, or has too many faulty klines.

    Examples
    --------
    >>> _ = Path("klines.json").write_text(
    ...     '[[1704067200000, "100", "102", "99", "101", "5", 1704070799999,'
    ...     ' "505", 9, "2", "202", "0"]]'
    ... )
    >>> _ = Path("klines.toml").write_text('''
    ... venue = "binance"
    ... currency = "USDT"
    ... base = "BTC"
    ... half_spread_bps = "1"
    ... size = "5"
    ... [spot]
    ... symbol = "BTCUSDT"
    ... ''')
    >>> result = import_klines_json(["klines.json"], "segment", mapping="klines.toml")
    >>> result.messages_by_kind["quotes"]
    2
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
    """Read every archive to its end."""
    interval_ns, inputs = mapping.interval_ns, []
    legs = sorted(mapping.legs, key=lambda leg: leg.input)
    for number, (path, leg) in enumerate(zip(paths, legs, strict=True)):
        archive = KlinesArchive(path, leg.instrument.venue_symbol)
        report_progress = progress_reporter(paths, number, options.progress)
        months = _read_months(archive, leg, interval_ns, store, report_progress)
        interval_ns = months.interval_ns
        file = ImportedFile(
            path=path,
            log=QuarantineLog(path, leg.instrument.kind.value, options.strict),
            lines=months.n_klines,
            raw_bytes=archive.raw_bytes,
            text_bytes=archive.text_bytes,
            sha256=archive.sha256,
        )
        inputs.append(BarsInput([file], [months.in_order(file.log)], None))
    return Bars(replace(mapping, interval_ns=interval_ns), inputs)


def _read_months(
    archive: KlinesArchive,
    leg: LegMapping,
    interval_ns: int,
    store: Store,
    report_progress: Callable[[int], None],
) -> Months:
    """Read the JSON files of an archive; ``interval_ns`` is 0 where the klines tell it."""
    months = Months(leg, interval_ns, store)
    for name, klines in archive.read(report_progress):
        months.add(name, klines)
    if not months.n_klines:
        raise InputError(archive.path, "has no kline")
    if not months.interval_ns:
        raise InputError(archive.path, f"has no kline that shows its interval; {months.first}; "
                         "set interval in the mapping")  # fmt: skip
    return months
