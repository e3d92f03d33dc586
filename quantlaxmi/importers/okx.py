"""Format ``okx``: the exchange's archive of trades, and its candles as CSV or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.bars.confirmed import ConfirmedTable
from quantlaxmi.importers.bars.csv import CsvTable
from quantlaxmi.importers.bars.json_table import JsonTable
from quantlaxmi.importers.bars.mapping import load_mapping as load_bars
from quantlaxmi.importers.bars.mapping_file import KlinesFile
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.bars.text_form import FileForm
from quantlaxmi.importers.bars.vendor_files import BAR_COLUMNS, VendorFile, vendor_source
from quantlaxmi.importers.delimited.file_head import day_range, input_files, read_head
from quantlaxmi.importers.delimited.layout import (
    Column,
    CsvFile,
    FileHead,
    Layout,
    foreign_header,
    resolve,
)
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.instrument_mapping import MappedInstrument, load_mapping
from quantlaxmi.importers.source import ImportOptions, Inputs, Source, input_paths
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind, InstrumentKind
from quantlaxmi.settings import Place

_TRADES: Final = Layout(
    "trades",
    EventKind.TRADE,
    (
        Column("instrument_name", "text", optional=True),
        Column("trade_id", "id"),
        Column("side", "taker"),
        Column("price", "price", 0),
        Column("size", "size", 1),
        Column("created_time", "received"),
        Column("source", "number", optional=True),
    ),
    stamp_is_exchange=True,
    units="ms",
)
_CANDLES: Final = (
    "open_time", "open", "high", "low", "close", "vol", "vol_ccy", "vol_quote", "confirm",
)  # fmt: skip
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9]+-[A-Z0-9]+(?:-[A-Z0-9]+)?)-(?:agg)?trades-"
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})\..*"
)
_SYMBOL: Final = re.compile(r"(?P<base>[A-Z0-9]{1,30})-(?P<quote>[A-Z0-9]{1,30})(?P<kind>-SWAP)?")
#: Days of the archive begin at midnight in Hong Kong.
_BEFORE_NS: Final = 8 * 3600 * 10**9
_NO_RECEIVE_TIME: Final = (
    "The archive tells no receive times: trades are ordered by the exchange's own times, so any "
    "delay to a reader is left to the latency of a run."
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of trades; candles, where the first file has them.

    Parameters
    ----------
    inputs : sequence of Path or str
        Of trades, files and folders of them, and a mapping of instruments for swaps. Of candles,
        CSV or JSON, and a mapping of bars, in the order of its ``input`` numbers.
    options : ImportOptions

    Raises
    ------
    InputError
        A file is none of the format, or has an instrument that is not known.
    """
    paths = input_paths(inputs, "okx")
    first = input_files(paths[:1])[0]
    if _is_json(first):
        return _candles_source(paths, options)
    head = _head(first)
    if "open_time" in (head.header or ()):
        return _candles_source(paths, options)
    if not {"trade_id", "side", "created_time"} & set(head.header or ()):
        raise foreign_header(head, "the header of trades or of candles")
    known = load_mapping(options.mapping) if options.mapping is not None else {}
    trades = [_understand(path, known, options.underlying) for path in input_files(paths)]
    return csv_source(trades, options, [_NO_RECEIVE_TIME])


def _candles_source(paths: list[Path], options: ImportOptions) -> Source:
    if options.mapping is None:
        raise InputError("import", "needs --mapping FILE for candles of okx")
    mapping = load_bars(options.mapping, KlinesFile)
    for leg in mapping.legs:
        _check_linear(Path(options.mapping), leg.instrument.venue_symbol)
    return vendor_source(mapping, paths, _members, _candles, options)


def _members(path: Path) -> list[Path]:
    return input_files([path])


def _is_json(path: Path) -> bool:
    if path.name.lower().endswith((".json", ".json.gz")):
        return True
    try:
        with open_regular(path, InputError, "a file of okx") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"[", b"{")
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from None


def _head(path: Path) -> FileHead:
    """The start of a file; of names in two languages the English one."""
    head = read_head(path, header=True)
    return replace(head, header=tuple(name.split("/")[0] for name in head.header or ()))


def _candles(path: Path, leg: LegMapping, rates: bool) -> VendorFile:
    # Of a swap `vol` counts contracts and `vol_ccy` is in the base; of spot `vol` is.
    spot = leg.instrument.kind is InstrumentKind.SPOT
    volume = "vol" if spot or leg.instrument.contract != 1 else "vol_ccy"
    columns = BAR_COLUMNS | {"volume": volume}
    time, first_ns = TimeColumn("open_time", "ms", ZoneInfo("UTC")), 0
    if _is_json(path):

        def open_json(report_progress: Callable[[int], None], folder: Path) -> Table:
            table = JsonTable(path, _CANDLES, report_progress)
            if _stamp(table.end_row(last=False)) > _stamp(table.end_row(last=True)):
                table.read_descending()
            return ConfirmedTable(table, "confirm")

        return VendorFile(path, open_json, time, columns)
    head = read_head(path, header=True)
    place = (head.header or ()).index("open_time") if "open_time" in (head.header or ()) else -1
    if head.rows and 0 <= place < len(head.rows[0]) and head.rows[0][place].isdigit():
        first_ns = int(head.rows[0][place][:19]) * 10**6

    def open_csv(report_progress: Callable[[int], None], folder: Path) -> Table:
        return ConfirmedTable(CsvTable(path, FileForm(), report_progress, folder=folder), "confirm")

    columns |= {"symbol_column": "instrument_name"}
    return VendorFile(path, open_csv, time, columns, first_ns=first_ns)


def _stamp(row: bytes) -> int:
    """First cell of a row, 0 where it is no number: files are then read in their own order."""
    try:
        text = str(msgspec.json.decode(row)[0])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, LookupError, TypeError):
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _understand(path: Path, known: dict[str, MappedInstrument], underlying: str | None) -> CsvFile:
    head = _head(path)
    columns = resolve(head, _TRADES)
    name = _NAME.fullmatch(path.name)
    symbol = head.most_common("instrument_name") or (name["symbol"] if name else "")
    if not symbol:
        problem = "names no instrument; expected a column instrument_name or a name such as "
        raise InputError(path, f"{problem}BTC-USDT-trades-2024-01-15.csv")
    instrument = _instrument(path, symbol, known)
    if underlying is not None and underlying.upper() not in (symbol, instrument.base):
        raise InputError(path, f"has {symbol}; expected {underlying}, as --underlying says")

    def check(column: str, text: str) -> str:
        return "" if text == symbol else "wrong-symbol"

    day_from = day_to = 0
    if name:
        day = (int(name["year"]), int(name["month"]), int(name["day"]))
        day_from, day_to = day_range(*day)
        day_from -= _BEFORE_NS if day_from else 0
    return CsvFile(
        head=head,
        layout=_TRADES,
        columns=columns,
        instrument=instrument,
        check_text=check,
        day_from=day_from,
        day_to=day_to,
        fine_ends=True,
    )


def _check_linear(path: Path, symbol: str) -> None:
    """Refuse contracts whose profit is in the coin they are of."""
    if symbol.upper().endswith("-USD-SWAP"):
        problem = "an inverse (coin-margined) contract; expected a linear one such as BTC-USDT-SWAP"
        raise InputError(path, f"has {symbol[:60]}, {problem}")


def _instrument(path: Path, symbol: str, known: dict[str, MappedInstrument]) -> Instrument:
    _check_linear(path, symbol)
    if (mapped := known.get(f"okx/{symbol}")) is not None:
        return mapped.instrument("okx", symbol, Place("instruments") / f"okx/{symbol}")
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        problem = f"has {symbol[:60]!r}; expected spot or a swap such as BTC-USDT-SWAP"
        raise InputError(path, problem)
    if found["kind"]:
        raise InputError(
            path,
            f"has {symbol}, whose sizes count contracts of a size that the file does not give; "
            f'expected --mapping FILE with [instruments."okx/{symbol}"] and its contract_size',
        )
    return Instrument(
        symbol=symbol,
        venue="okx",
        venue_symbol=symbol,
        kind=InstrumentKind.SPOT,
        price_exponent=-8,
        qty_exponent=-8,
        currency=found["quote"],
        base=found["base"],
    )
