"""Format ``lean``: trade bars of QuantConnect's LEAN, CSV without header, mostly in zips."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.mapping import load_mapping
from quantlaxmi.importers.bars.mapping_file import LeanFile, span_ns
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.text_form import FileForm
from quantlaxmi.importers.bars.vendor_files import (
    BAR_COLUMNS,
    VendorFile,
    csv_opener,
    vendor_source,
)
from quantlaxmi.importers.delimited.file_head import input_files, read_head
from quantlaxmi.importers.source import (
    ImportOptions,
    Inputs,
    Source,
    input_paths,
    required_mapping,
)

_COLUMNS: Final = ("time", *BAR_COLUMNS)
#: ``20240102_trade.zip`` of seconds and minutes, in a folder by the ticker; of hours and days
#: ``btcusdt_trade.zip`` or ``spy.zip``.
_DAY: Final = re.compile(r"(?P<day>[0-9]{8})_(?:[a-z0-9.]+_)*trade\.(?:zip|csv)", re.IGNORECASE)
_ALL: Final = re.compile(r"(?P<symbol>[a-z0-9.]{1,30}?)(?:_trade)?\.(?:zip|csv)", re.IGNORECASE)
_LENGTHS: Final = {"second": "1s", "minute": "1m", "hour": "1h", "daily": "1d"}
#: Asset classes whose prices are written times 10,000, and those whose prices stand as they are.
_SCALED: Final = frozenset({"equity", "option"})
_PLAIN: Final = frozenset(
    {"crypto", "cryptofuture", "forex", "cfd", "future", "futureoption", "index", "indexoption"}
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of trade bars, by the mapping of the options.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, or folders of files that follow each other, in the order of the mapping's numbers.
    options : ImportOptions

    Raises
    ------
    InputError
        The mapping cannot be used, needs other files, or a file's path does not tell what its
        prices are written in.
    """
    paths = input_paths(inputs, "lean")
    path = required_mapping(options, "lean")
    mapping, zone = load_mapping(path, LeanFile), LeanFile.load(path).zone

    def understand(file: Path, leg: LegMapping, rates: bool) -> VendorFile:
        return _understand(file, leg, zone)

    return vendor_source(mapping, paths, lambda path: input_files([path]), understand, options)


def _understand(path: Path, leg: LegMapping, zone: ZoneInfo) -> VendorFile:
    _check_columns(path)
    folders = [part.lower() for part in path.absolute().parts[:-1]]
    length = next((part for part in reversed(folders) if part in _LENGTHS), "")
    interval_ns = span_ns(_LENGTHS[length]) if length else 0
    if day := _DAY.fullmatch(path.name):
        first_ns = _midnight(path, day["day"], zone)
        time = TimeColumn("time", "ms", zone, day_ns=first_ns)
        symbol = folders[-1] if len(folders) > 1 and folders[-2] == length != "" else ""
    elif every := _ALL.fullmatch(path.name):
        # A bar of a day is told by its date, whatever the clock does.
        zone = ZoneInfo("UTC") if length == "daily" else zone
        time, symbol, first_ns = TimeColumn("time", "%Y%m%d %H:%M", zone), every["symbol"], 0
    else:
        problem = "is not named as LEAN's bars are; expected 20240102_trade.zip or spy.zip"
        raise InputError(path, problem, "name")
    return VendorFile(
        path=path,
        open_table=csv_opener(path, FileForm(columns=_COLUMNS)),
        time=time,
        columns=dict(BAR_COLUMNS),
        symbol=symbol,
        interval_ns=interval_ns,
        first_ns=first_ns,
        shift=_shift(path, folders, leg),
    )


def _check_columns(path: Path) -> None:
    head = read_head(path, header=False)
    counts = [len(row) for row in head.rows]
    most = max(counts, key=counts.count)
    if most != len(_COLUMNS):
        kind = " (bars of quotes)" if most == 11 else ""
        problem = (
            f"has {counted(most, 'column[s]')}{kind}; expected {len(_COLUMNS)} of trade bars: "
        )
        raise InputError(path, problem + ",".join(_COLUMNS), "line 1")


def _midnight(path: Path, day: str, zone: ZoneInfo) -> int:
    """When the day of a file begins, in ns; its clock is the one at noon."""
    try:
        noon = datetime.strptime(day, "%Y%m%d").replace(hour=12, tzinfo=zone)
        seconds = int(noon.timestamp()) - 12 * 3600
    except (ValueError, OverflowError):
        raise InputError(path, f"names the day {day}, which is none", "name") from None
    if seconds <= 0:
        raise InputError(path, f"names the day {day}; expected one from 2000 on", "name")
    return seconds * 10**9


def _shift(path: Path, folders: list[str], leg: LegMapping) -> int | None:
    """Power of ten of the units of prices, as the asset class tells; None: the mapping's."""
    if leg.shift or leg.scaled:
        return None
    for part in reversed(folders):
        if part in _SCALED:
            return -4
        if part in _PLAIN:
            return 0
    raise InputError(
        path,
        "is not in a folder by its asset class, such as equity or crypto, which shows what "
        'prices are written in; set scale = "0.0001" (equities, options) or "1" in the mapping',
    )
