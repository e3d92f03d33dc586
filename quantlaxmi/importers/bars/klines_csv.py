"""Klines of the public archive: a file a day or month, with or without header, ms or µs.

They are bars whose columns are known. Files of one input follow each other in time;
since 2025 spot's stamps are microseconds, so that every file has its own unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.csv import CsvTable
from quantlaxmi.importers.bars.inputs import BarsInput, checked_inputs, fill_in, progress_reporter
from quantlaxmi.importers.bars.mapping import BarsMapping, load_mapping
from quantlaxmi.importers.bars.mapping_file import ArchiveFile, span_ns
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.premium_index import rates_of
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.importers.bars.timestamps import FIRST_NS, LAST_NS
from quantlaxmi.importers.delimited.file_head import input_files, read_head
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile, ImportOptions, Source

KLINE_COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
FUNDING_COLUMNS: Final = ("calc_time", "funding_interval_hours", "last_funding_rate")
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9]+)-(?P<interval>[0-9]+[smhd])-[0-9]{4}-[0-9][0-9](?:-[0-9][0-9])?\.(?:csv|zip)(?:\.gz|\.zip)?"
)
_FUNDING: Final = re.compile(r"(?P<symbol>[A-Z0-9]+)-fundingRate-.*")
_UTC: Final = ZoneInfo("UTC")


def is_klines(path: Path) -> bool:
    """Whether a file is named as the archive names klines."""
    return _NAME.fullmatch(path.name) is not None


def klines_source(
    inputs: Sequence[Path], mapping_path: Path | str, options: ImportOptions
) -> Source:
    """Klines of the archive, of a spot market, a perpetual, or both, with funding.

    Parameters
    ----------
    inputs : sequence of Path
        Files or folders of them, in the order of the mapping's ``input`` numbers.
    mapping_path : Path or str
        TOML file with symbols and assumptions; it names neither columns nor times. ``[funding]``
        names the input of ``fundingRate`` files, ``[premium]`` that of ``premiumIndexKlines``.
    options : ImportOptions

    Raises
    ------
    InputError
        The mapping cannot be used, or a file's name tells another symbol or interval.
    """
    mapping = load_mapping(mapping_path, ArchiveFile)
    given = checked_inputs(mapping, inputs, options.underlying)
    members = [input_files([path]) for path in given]
    mapping = _completed(mapping, members)
    return bars_source(mapping, lambda store: _read(mapping, members, options, store), options)


def _read(
    mapping: BarsMapping, members: Sequence[Sequence[Path]], options: ImportOptions, store: Store
) -> Bars:
    """Read the files of every input to their ends."""
    inputs, done, rates = [], 0, None
    flat = [path for paths in members for path in paths]
    for number, paths in enumerate(members):
        reading = Reading(mapping, number, store)
        files: list[ImportedFile] = []
        for path in sorted(paths, key=_first_time):
            log = QuarantineLog(path, reading.stream, options.strict)
            reading.next_file(path.name, sum(file.lines for file in files))
            names = FUNDING_COLUMNS if reading.alone else KLINE_COLUMNS
            report_progress = progress_reporter(flat, done, options.progress)
            with closing(CsvTable(path, mapping.form, report_progress, names)) as table:
                read_input(table, _in_unit(mapping, path), reading, log)
                files.append(ImportedFile(path=path, log=log))
                fill_in(files[-1], table)
            done += 1
        if mapping.premium is not None and mapping.premium.leg.input == number:
            rates = rates_of(mapping, reading.series[0], store, files[0].path)
        inputs.append(BarsInput(files, reading.series, reading.settlements))
    return Bars(mapping, inputs, rates)


def _completed(rules: BarsMapping, members: Sequence[Sequence[Path]]) -> BarsMapping:
    """The mapping with what the archive's names and columns tell."""
    interval_ns = rules.interval_ns
    stamps = TimeColumn("open_time", "ms", _UTC)
    legs = []
    for leg in rules.read:
        for path in members[leg.input]:
            told = _NAME.fullmatch(path.name)
            if told is None:
                problem = f"is not named as klines are; expected {leg.instrument.venue_symbol}-1h-"
                raise InputError(path, f"{problem}2024-08.csv or .zip")
            _check_name(path, "symbol", told["symbol"], leg.instrument.venue_symbol)
            own_ns = span_ns(told["interval"])
            interval_ns = interval_ns or own_ns
            if own_ns != interval_ns:
                _check_name(path, "interval", told["interval"], f"{interval_ns // 10**9}s")
        columns = {name: name for name in KLINE_COLUMNS[1:7]}
        if leg.is_premium:
            del columns["volume"]  # an index has none
        legs.append(replace(leg, columns=columns, time=stamps))
    premium = rules.premium
    if premium is not None:
        premium = replace(premium, leg=legs.pop())
    funding = rules.funding
    if funding is not None:
        symbol = rules.legs[-1].instrument.venue_symbol
        for path in members[funding.input]:
            told = _FUNDING.fullmatch(path.name)
            _check_name(path, "symbol", told["symbol"] if told else path.name, symbol)
        time_ = TimeColumn("calc_time", "ms", _UTC)
        funding = replace(funding, time=time_, rate="last_funding_rate")
    return replace(
        rules, legs=tuple(legs), funding=funding, premium=premium, interval_ns=interval_ns
    )


def _check_name(path: Path, what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise InputError(path, f"has {what} {found}; expected {wanted}", "name")


def _stamp(path: Path) -> int:
    """First stamp of a file, in its own unit; 0 where it cannot be read."""
    head = read_head(path, header=None)
    for row in head.rows:
        if row[0].isascii() and row[0].isdigit() and len(row[0]) <= 19:
            return int(row[0])
    return 0


def _first_time(path: Path) -> tuple[int, str]:
    value = _stamp(path)
    return value * (10**3 if _is_micro(value) else 10**6), path.name


def _is_micro(value: int) -> bool:
    return FIRST_NS <= value * 10**3 < LAST_NS


def _in_unit(rules: BarsMapping, path: Path) -> BarsMapping:
    """The mapping with the unit of a file's stamps, as its first one tells."""
    if not _is_micro(_stamp(path)):
        return rules
    legs = tuple(replace(leg, time=replace(leg.time, unit="us")) for leg in rules.legs)
    funding, premium = rules.funding, rules.premium
    if premium is not None:
        leg = premium.leg
        premium = replace(premium, leg=replace(leg, time=replace(leg.time, unit="us")))
    if funding is not None:
        funding = replace(funding, time=replace(funding.time, unit="us"))
    return replace(rules, legs=legs, funding=funding, premium=premium)
