"""Format ``bybit``: the exchange's public archive of trades, and its files of order books."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance.symbols import split_symbol
from quantlaxmi.importers.delimited.file_head import day_range, input_files, read_head
from quantlaxmi.importers.delimited.layout import (
    Column,
    CsvFile,
    Layout,
    foreign_header,
    lacking,
    nearest,
    resolve,
)
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.instrument_mapping import MappedInstrument, load_mapping
from quantlaxmi.importers.source import ImportOptions, Inputs, Source, input_paths
from quantlaxmi.instruments import Instrument, inverse_problem
from quantlaxmi.schema import EventKind, InstrumentKind
from quantlaxmi.settings import Place

_CONTRACTS: Final = Layout(
    "trading",
    EventKind.TRADE,
    (
        Column("timestamp", "received"),
        Column("symbol", "text"),
        Column("side", "taker"),
        Column("size", "size", 1),
        Column("price", "price", 0),
        Column("trdMatchID", "trade_id"),
    ),
    stamp_is_exchange=True,
    units="s",
    ids=False,
    content="trades",
)
_SPOT: Final = Layout(
    "spot",
    EventKind.TRADE,
    (
        Column("id", "trade_id"),
        Column("timestamp", "received"),
        Column("price", "price", 0),
        Column("volume", "size", 1),
        Column("side", "taker"),
    ),
    stamp_is_exchange=True,
    units="ms",
    ids=False,  # they begin anew with each file
    content="trades",
)
#: ``BTCUSDT2024-01-01.csv.gz`` of contracts, ``BTCUSDT_2024-01-01.csv.gz`` and
#: ``BTCUSDT-2024-01.csv.gz`` of spot.
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9]{2,30}?)[_-]?(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?"
    r"\.csv(?:\.gz|\.zip)?"
)
#: What contracts are paid in: of ``BTCPERP`` that is USDC.
_CONTRACT: Final = re.compile(r"(?P<base>[A-Z0-9]{1,30}?)(?P<quote>USDT|USDC|USD|PERP)")
_NO_RECEIVE_TIME: Final = (
    "The archive tells no receive times: trades are ordered by the exchange's own times, so any "
    "delay to a reader is left to the latency of a run."
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of the public archive.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files and folders of them.
    options : ImportOptions

    Raises
    ------
    InputError
        A file is none of the format, or has an instrument that is not known.
    """
    known = load_mapping(options.mapping) if options.mapping is not None else {}
    paths = input_files(input_paths(inputs, "bybit"))
    files = [_understand(path, known, options.underlying) for path in paths]
    return csv_source(files, options, [_NO_RECEIVE_TIME])


def _understand(path: Path, known: dict[str, MappedInstrument], underlying: str | None) -> CsvFile:
    head = read_head(path, header=True)
    layout = nearest(head.header or (), (_CONTRACTS, _SPOT))
    if len(lacking(head.header or (), layout)) > 2:
        raise foreign_header(head, "the header of trades of contracts or of spot")
    columns = resolve(head, layout)
    name = _NAME.fullmatch(path.name)
    symbol = head.most_common("symbol") or (name["symbol"] if name else "")
    if not symbol:
        problem = "tells no symbol by its name; expected one such as BTCUSDT_2024-01-01.csv.gz"
        raise InputError(path, problem, "name")
    instrument = instrument_of(path, symbol, layout is _CONTRACTS, known)
    if underlying is not None and underlying.upper() not in (symbol.upper(), instrument.base):
        raise InputError(path, f"has {symbol}; expected {underlying}, as --underlying says")

    def check(column: str, text: str) -> str:
        return "" if text == symbol else "wrong-symbol"

    day_from = day_to = 0
    if name:
        day = int(name["day"]) if name["day"] else None
        day_from, day_to = day_range(int(name["year"]), int(name["month"]), day)
    return CsvFile(
        head=head,
        layout=layout,
        columns=columns,
        instrument=instrument,
        check_text=check,
        day_from=day_from,
        day_to=day_to,
        fine_ends=True,
    )


def instrument_of(
    path: Path, symbol: str, perp: bool, known: dict[str, MappedInstrument]
) -> Instrument:
    """The instrument of a symbol: linear perpetuals trade in the base, as spot does.

    Raises
    ------
    InputError
        It is inverse, dated, or ends in no known currency, and no mapping describes it.
    """
    if (mapped := known.get(f"bybit/{symbol}")) is not None:
        return mapped.instrument("bybit", symbol, Place("instruments") / f"bybit/{symbol}")
    contract = _CONTRACT.fullmatch(symbol) if perp else None
    if contract is not None:
        base, quote = contract["base"], contract["quote"].replace("PERP", "USDC")
    else:
        base, quote = split_symbol(path, symbol)
    made = Instrument(
        symbol=f"{symbol}-PERP" if perp else symbol,
        venue="bybit",
        venue_symbol=symbol,
        kind=InstrumentKind.PERP if perp else InstrumentKind.SPOT,
        price_exponent=-8,
        qty_exponent=-8,
        currency=quote,
        base=base,
    )
    problem = inverse_problem(made)
    if perp and quote == "USD" and not problem:
        problem = f"has {symbol}, an inverse (coin-margined) contract; expected one in USDT or USDC"
    if problem:
        raise InputError(path, problem)
    return made
