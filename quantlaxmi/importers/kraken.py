"""Format ``kraken``: the exchange's OHLCVT archive, CSV without header, an interval a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.mapping import load_mapping
from quantlaxmi.importers.bars.mapping_file import KlinesFile
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

_COLUMNS: Final = ("time", *BAR_COLUMNS, "trades")
#: ``XBTUSD_60.csv``: the pair and the minutes of a bar.
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Za-z0-9.]{2,30})_(?P<minutes>[0-9]{1,5})\.(?:csv|csv\.gz|csv\.zip|zip)"
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of the OHLCVT archive, by the mapping of the options.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, or folders of files that follow each other, in the order of the mapping's numbers.
    options : ImportOptions

    Raises
    ------
    InputError
        The mapping cannot be used, needs other files, or a file's name tells another pair.
    """
    paths = input_paths(inputs, "kraken")
    mapping = load_mapping(required_mapping(options, "kraken"), KlinesFile)
    return vendor_source(mapping, paths, lambda path: input_files([path]), _understand, options)


def _understand(path: Path, leg: LegMapping, rates: bool) -> VendorFile:
    told = _NAME.fullmatch(path.name)
    if told is None:
        symbol = leg.instrument.venue_symbol
        raise InputError(path, f"is not named as the archive is; expected {symbol}_60.csv", "name")
    head = read_head(path, header=False)
    first = head.rows[0][0] if head.rows else ""
    return VendorFile(
        path=path,
        open_table=csv_opener(path, FileForm(columns=_COLUMNS)),
        time=TimeColumn("time", "s", ZoneInfo("UTC")),
        columns=dict(BAR_COLUMNS),
        symbol=told["symbol"],
        interval_ns=int(told["minutes"]) * 60 * 10**9,
        first_ns=int(first) if first.isascii() and first.isdigit() and len(first) < 20 else 0,
    )
