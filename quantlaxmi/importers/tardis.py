"""Format ``tardis``: CSV files of Tardis.dev, ordered by their local receive time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance.symbols import binance_instrument, check_underlying
from quantlaxmi.importers.delimited.file_head import day_range, input_files, read_head
from quantlaxmi.importers.delimited.layout import (
    Column,
    CsvFile,
    FileHead,
    Layout,
    foreign_header,
    lacking,
    nearest,
    resolve,
)
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.instrument_mapping import load_mapping
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.source import ImportOptions, Inputs, Progress, Source, input_paths
from quantlaxmi.instruments import Instrument, counts_contracts, inverse_problem
from quantlaxmi.schema import EventKind, InstrumentKind
from quantlaxmi.settings import Place

_HEAD: Final = (
    Column("exchange", "text"),
    Column("symbol", "text"),
    Column("timestamp", "exchange"),
    Column("local_timestamp", "received"),
)


def _layout(name: str, kind: EventKind, *columns: Column, grouping: str = "line") -> Layout:
    depth = kind == EventKind.DEPTH
    return Layout(
        name,
        kind,
        (*_HEAD, *columns),
        grouping=grouping,
        snapshots=depth and grouping == "line",
        numbered=depth,
        units="us",
        ids=False,
        content="depth" if depth else "",
    )


def _book_snapshot(n_levels: int) -> Layout:
    return _layout(
        f"book_snapshot_{n_levels}",
        EventKind.DEPTH,
        *(
            Column(f"{side}s[{k}].{what}", f"{side}_{role}")
            for k in range(n_levels)
            for side in ("ask", "bid")
            for what, role in (("price", "price"), ("amount", "qty"))
        ),
    )


#: Layouts of headers; book snapshots have as many levels as their header tells.
LAYOUTS: Final = (
    _layout(
        "quotes",
        EventKind.QUOTE,
        Column("ask_amount", "qty", 3),
        Column("ask_price", "price", 2),
        Column("bid_price", "price", 0),
        Column("bid_amount", "qty", 1),
    ),
    _layout(
        "incremental_book_L2",
        EventKind.DEPTH,
        Column("is_snapshot", "is_snapshot"),
        Column("side", "is_ask"),
        Column("price", "price", 0),
        Column("amount", "qty", 1),
        grouping="stamps",
    ),
    _layout(
        "trades",
        EventKind.TRADE,
        Column("id", "trade_id"),
        Column("side", "taker"),
        Column("price", "price", 0),
        Column("amount", "size", 1),
    ),
    _layout(
        "derivative_ticker",
        EventKind.FUNDING,
        Column("funding_timestamp", "next_funding"),
        Column("funding_rate", "rate", 2),
        Column("index_price", "optional_price", 1),
        Column("mark_price", "price", 0),
    ),
)
_LEVEL = re.compile(r"asks\[([0-9]{1,2})\]\.price")
_NAME = re.compile(
    r"([a-z0-9-]+)_\w+_[0-9]{4}-[0-9][0-9]-[0-9][0-9]_(.+?)\.csv(?:\.gz|\.zip)?", re.ASCII
)
_DAY = re.compile(r"_([0-9]{4})-([0-9][0-9])-([0-9][0-9])_")


class _Known:
    """Instruments as a mapping describes them."""

    def __init__(self, path: Path | str | None) -> None:
        self.at = Place(path) / "instruments"
        self.entries = load_mapping(path) if path is not None else {}


_BINANCE: Final = {"binance": False, "binance-futures": True}


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """CSV files of Tardis.dev.

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
    known = _Known(options.mapping)
    paths = input_files(input_paths(inputs, "tardis"))
    return csv_source([_understand(path, known, options.underlying) for path in paths], options)


def import_tardis(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    underlying: str | None = None,
    mapping: Path | str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import CSV files of Tardis.dev.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, gzip, plain or zip, one symbol each, and folders of them.
    out : Path or str
        Folder of the segment; it must not exist.
    underlying : str, optional
        Symbol or base that the files must have.
    mapping : Path or str, optional
        TOML file that describes instruments, see `load_mapping`; it wins over what is known.
    strict, max_quarantine, progress
        As in `import_binance_stream`.

    Returns
    -------
    ImportResult
        The sealed segment, and the number of lines and messages read.

    Raises
    ------
    InputError
        A file is none of Tardis, cannot be read, has an instrument that is not known or numbers
        finer than its exponents, or has nothing acceptable or too much that is not.

    Examples
    --------
    >>> _ = Path("trades.csv").write_text(
    ...     "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\\n"
    ...     "binance,BTCUSDT,1700000000000000,1700000000001000,7,buy,100.01,0.25\\n"
    ... )
    >>> import_tardis(["trades.csv"], "segment").segment.instruments[0].symbol
    'BTCUSDT'
    """
    options = ImportOptions(
        underlying=underlying,
        mapping=mapping,
        strict=strict,
        max_quarantine=max_quarantine,
        progress=progress,
    )
    return import_source(open_source, inputs, out, options)


def _understand(path: Path, known: _Known, underlying: str | None) -> CsvFile:
    head = read_head(path, header=True)
    layout = _layout_of(head)
    columns = resolve(head, layout)
    exchange, symbol = head.most_common("exchange"), head.most_common("symbol")
    if not head.rows and (name := _NAME.fullmatch(path.name)):  # a day without messages
        exchange, symbol = name[1], name[2]
    if not exchange or not symbol:
        raise InputError(path, "has no line behind its header")
    instrument = _instrument(path, exchange, symbol, known)
    if underlying is not None:
        if exchange in _BINANCE:
            check_underlying(path, symbol, underlying)
        elif underlying.upper() not in (symbol.upper(), instrument.base.upper()):
            raise InputError(path, f"has {symbol}; expected {underlying}, as --underlying says")

    def check(name: str, text: str) -> str:
        return "" if text == (exchange if name == "exchange" else symbol) else "wrong-symbol"

    day = _DAY.search(path.name)
    day_from, day_to = day_range(int(day[1]), int(day[2]), int(day[3])) if day else (0, 0)
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


def _layout_of(head: FileHead) -> Layout:
    header = head.header or ()
    levels = [int(m[1]) for m in map(_LEVEL.fullmatch, header) if m]
    layouts = [_book_snapshot(max(levels) + 1)] if levels else list(LAYOUTS)
    # The L2 layout has all columns of trades but the id, so the fewest missing decide.
    best = nearest(header, layouts)
    if len(lacking(header, best)) > 4:
        names = ", ".join([layout.name for layout in LAYOUTS] + ["book_snapshot_N"])
        raise foreign_header(head, f"the header of one of {names}")
    return best


def _instrument(path: Path, exchange: str, symbol: str, known: _Known) -> Instrument:
    key = f"{exchange}/{symbol}"
    entry = known.entries.get(key)
    if entry is None and exchange in _BINANCE:
        return binance_instrument(path, symbol.upper(), _BINANCE[exchange])
    # Nothing is assumed of an unknown one but what would forbid it.
    plain = (
        entry.plain(exchange, symbol)
        if entry is not None
        else Instrument(
            symbol=symbol,
            venue=exchange,
            venue_symbol=symbol,
            kind=InstrumentKind.PERP,
            price_exponent=0,
            qty_exponent=0,
            currency="?",
            base="",
        )
    )
    # A mapping may call a venue otherwise: the file's own name for it counts, too.
    for venue in (exchange, plain.venue):
        told = msgspec.structs.replace(plain, venue=venue, venue_symbol=symbol)
        if problem := inverse_problem(told):
            raise InputError(path, problem)
    if entry is not None:
        return entry.instrument(exchange, symbol, known.at / key)
    needed = " and contract_size" if counts_contracts(exchange) else ""
    raise InputError(
        path,
        f"has {key[:100]}, of which kind, currency and base are not known; expected "
        f'--mapping FILE with [instruments."{key[:100]}"]{needed}',
    )
