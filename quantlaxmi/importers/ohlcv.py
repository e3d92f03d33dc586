"""Format ``ohlcv``: lists of six cells, as ccxt gives bars and freqtrade keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.bars.feather_table import FeatherTable
from quantlaxmi.importers.bars.json_table import JsonTable
from quantlaxmi.importers.bars.mapping import load_mapping
from quantlaxmi.importers.bars.mapping_file import FundedFile, span_ns
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.bars.vendor_files import BAR_COLUMNS, VendorFile, vendor_source
from quantlaxmi.importers.source import (
    ImportOptions,
    Inputs,
    Source,
    input_paths,
    required_mapping,
)

_NAMES: Final = ("date", *BAR_COLUMNS)
_UTC: Final = ZoneInfo("UTC")
#: ``BTC_USDT-1h.json``, ``BTC_USDT_USDT-1h-futures.feather``, ``...-8h-funding_rate.feather``.
_NAME: Final = re.compile(
    r"(?P<base>[A-Za-z0-9]{1,30})_(?P<quote>[A-Za-z0-9]{1,30})(?:_[A-Za-z0-9]{1,30})?"
    r"-(?P<interval>[0-9]{1,3}[smhd])(?P<kind>-[a-zA-Z_]{1,20})?\.(?:json|json\.gz|feather)"
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Lists of bars, by the mapping of the options.

    Parameters
    ----------
    inputs : sequence of Path or str
        JSON (plain or gzip) or Feather, one file an input, in the order of the mapping's numbers.
    options : ImportOptions

    Raises
    ------
    InputError
        The mapping cannot be used, needs other files, or a file's name tells another symbol.
    """
    paths = input_paths(inputs, "ohlcv")
    mapping = load_mapping(required_mapping(options, "ohlcv"), FundedFile)
    return vendor_source(mapping, paths, lambda path: [path], _understand, options)


def _understand(path: Path, leg: LegMapping, rates: bool) -> VendorFile:
    told = _NAME.fullmatch(path.name)
    kind = (told["kind"] or "") if told else ""
    if told and rates != (kind == "-funding_rate"):
        expected = "a file of funding_rate" if rates else "bars"
        raise InputError(path, f"is named as {kind[1:] or 'bars'}; expected {expected}", "name")
    if kind in ("-mark", "-index", "-premiumIndex"):
        raise InputError(path, f"has {kind[1:]} prices, at which nobody trades; expected bars")
    feather = _is_feather(path)

    def open_table(report_progress: Callable[[int], None], folder: Path) -> Table:
        if feather:
            return FeatherTable(path, report_progress)
        return JsonTable(path, _NAMES, report_progress)

    return VendorFile(
        path=path,
        open_table=open_table,
        time=TimeColumn("date", "text" if feather else "ms", _UTC),
        # The rate of a settlement stands where a bar has its open.
        columns={"rate": "open"} if rates else dict(BAR_COLUMNS),
        symbol=f"{told['base']}{told['quote']}" if told else "",
        interval_ns=0 if rates or not told else span_ns(told["interval"]),
    )


def _is_feather(path: Path) -> bool:
    try:
        with open_regular(path, InputError, "a file of bars") as file:
            start = file.read(6)
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from None
    if start[:4] == b"FEA1":
        raise InputError(path, "is Feather of version 1; expected version 2 or JSON")
    return start == b"ARROW1"
