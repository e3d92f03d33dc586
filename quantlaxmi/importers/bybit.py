"""Format ``bybit``: the exchange's public archive of trades, and its files of order books."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance.symbols import split_symbol
from quantlaxmi.importers.bybit_book import NAME, BookFeed, BookFile
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
from quantlaxmi.importers.delimited.merge import merged_tables
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.delimited.streams import CsvStream, make_streams
from quantlaxmi.importers.instrument_mapping import MappedInstrument, load_mapping
from quantlaxmi.importers.source import (
    MAX_LISTED_GAPS,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
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


_BOOK_TIME: Final = (
    "Order books are ordered by the time at which the exchange made each message (ts), which is "
    "later than that of its matching engine (cts, the exchange time)."
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
    trades = [
        _understand(path, known, options.underlying)
        for path in paths
        if not NAME.fullmatch(path.name)
    ]
    books = [
        _book(path, known, options.underlying)
        for path in sorted(paths, key=lambda path: path.name)
        if NAME.fullmatch(path.name)
    ]
    notes = [_NO_RECEIVE_TIME] * bool(trades) + [_BOOK_TIME] * bool(books)
    if not books:
        return csv_source(trades, options, notes)
    return _both_source(trades, books, options, notes)


def _both_source(
    trades: Sequence[CsvFile], books: Sequence[BookFile], options: ImportOptions, notes: list[str]
) -> Source:
    """Trades and order books as one source."""
    found: dict[str, Instrument] = {}
    files: list[CsvFile | BookFile] = [*trades, *books]
    for file in files:
        if found.setdefault(file.instrument.symbol, file.instrument) != file.instrument:
            problem = f"has {file.instrument.symbol}, which another file describes otherwise"
            raise InputError(file.path, problem)
    instruments = sorted(found.values(), key=lambda i: (i.kind != InstrumentKind.SPOT, i.symbol))
    source = Source(
        venue=instruments[0].venue,
        cadence="events",
        instruments=instruments,
        tables=lambda folder: _tables(trades, books, options, source),
        notes=notes,
    )
    return source


def _tables(
    trades: Sequence[CsvFile], books: Sequence[BookFile], options: ImportOptions, source: Source
) -> Generator[Tables, None, None]:
    """Yield the rows of the files in order, and fill in the source."""
    symbols = [instrument.symbol for instrument in source.instruments]
    paths = [file.path for file in trades] + [file.path for file in books]
    total = sum(path.stat().st_size for path in paths if path.exists())
    with ExitStack() as stack:
        streams = make_streams(trades, symbols, options) if trades else []
        by_symbol: dict[str, list[BookFile]] = {}
        for book in books:
            by_symbol.setdefault(book.instrument.symbol, []).append(book)
        n = len(streams) + len(by_symbol)
        feeds = [
            BookFeed(files, symbols.index(symbol), options, n)
            for symbol, files in sorted(by_symbol.items())
        ]
        all_feeds: list[CsvStream | BookFeed] = [*streams, *feeds]
        for one in all_feeds:
            stack.callback(one.close)
        yield from merged_tables(
            all_feeds, source.gaps, lambda done: options.report_progress(done, total)
        )
        for one in all_feeds:
            one.finish()
            source.files += one.files
        if (n_gaps := sum(f.depth_gaps + f.trade_gaps for f in source.files)) > MAX_LISTED_GAPS:
            source.notes.append(
                f"{counted(n_gaps, 'gap[s]')}, the first {MAX_LISTED_GAPS} are listed."
            )


def _book(path: Path, known: dict[str, MappedInstrument], underlying: str | None) -> BookFile:
    """A file of an order book, of which only its folder or a mapping tells the market."""
    told = NAME.fullmatch(path.name)
    assert told is not None
    symbol, folders = told["symbol"], [part.lower() for part in path.absolute().parts[:-1]]
    market = next((part for part in reversed(folders) if part in ("spot", "linear")), "")
    if not market and f"bybit/{symbol}" not in known:
        raise InputError(
            path,
            "does not name its market; expected it in a folder named spot or linear, or --mapping "
            f'FILE with [instruments."bybit/{symbol}"]',
        )
    instrument = instrument_of(path, symbol, market == "linear", known)
    if (instrument.price_exponent, instrument.qty_exponent) != (-8, -8):
        raise InputError(path, "needs price_exponent and qty_exponent -8 of its mapping")
    if underlying is not None and underlying.upper() not in (symbol, instrument.base):
        raise InputError(path, f"has {symbol}; expected {underlying}, as --underlying says")
    return BookFile(path, instrument)


def _understand(path: Path, known: dict[str, MappedInstrument], underlying: str | None) -> CsvFile:
    head = read_head(path, header=True)
    layout = nearest(head.header or (), (_CONTRACTS, _SPOT))
    if len(lacking(head.header or (), layout)) > 2:
        raise foreign_header(head, "the header of trades of contracts or of spot")
    columns = resolve(head, layout)
    name = _NAME.fullmatch(path.name)
    symbol = head.most_common("symbol") or (name["symbol"] if name else "")
    if not symbol:
        problem = "has no symbol in its name; expected one such as BTCUSDT_2024-01-01.csv.gz"
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
