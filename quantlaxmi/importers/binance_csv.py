"""Format ``binance-csv``: dumps of Binance's streams as CSV, one level or trade a line.

The columns are those of the archiver that wrote them: receive time first, then the stream's fields.
``docs/IMPORT.md`` says what is kept, what is set aside and what ends the import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance.symbols import binance_instrument, check_underlying
from quantlaxmi.importers.delimited.file_head import day_range, input_files, read_head
from quantlaxmi.importers.delimited.layout import (
    Column,
    CsvFile,
    FileHead,
    Layout,
    column_of,
    foreign_header,
    lacking,
    nearest,
    resolve,
)
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.source import ImportOptions, Inputs, Progress, Source, input_paths
from quantlaxmi.schema import EventKind

FORMAT: Final = "binance-csv"
SNAPSHOT: Final = Layout(
    "depth_snapshot",
    EventKind.DEPTH,
    (
        Column("TimestampOfReceive", "received"),
        Column("TimestampOfRequest", "requested"),
        Column("MessageOutputTime", "event", optional=True),
        Column("TransactionTime", "exchange", optional=True),
        Column("LastUpdateId", "id"),
        Column("IsAsk", "is_ask"),
        Column("Price", "price", 0),
        Column("Quantity", "size", 1),
    ),
    grouping="ids",
    snapshots=True,
)
DIFFERENCE: Final = Layout(
    "difference_depth",
    EventKind.DEPTH,
    (
        Column("TimestampOfReceive", "received"),
        Column("Stream", "text"),
        Column("EventType", "text"),
        Column("EventTime", "event"),
        Column("TransactionTime", "exchange", optional=True),
        Column("Symbol", "text"),
        Column("FirstUpdateId", "first_id"),
        Column("FinalUpdateId", "id"),
        Column("FinalUpdateIdInLastStream", "prev_id", optional=True),
        Column("IsAsk", "is_ask"),
        Column("Price", "price", 0),
        Column("Quantity", "qty", 1),
    ),
    grouping="ids",
)
TRADE: Final = Layout(
    "trade",
    EventKind.TRADE,
    (
        Column("TimestampOfReceive", "received"),
        Column("Stream", "text"),
        Column("EventType", "text"),
        Column("EventTime", "event"),
        Column("TransactionTime", "exchange"),
        Column("Symbol", "text"),
        Column("TradeId", "id"),
        Column("Price", "price", 0),
        Column("Quantity", "size", 1),
        Column("IsBuyerMarketMaker", "buyer_is_maker"),
        Column("MUnknownParameter", "flag", optional=True),
        Column("XUnknownParameter", "skip", optional=True),
    ),
    count_trades=True,
)
LAYOUTS: Final = (SNAPSHOT, DIFFERENCE, TRADE)

_NAME = re.compile(
    r"_(?P<market>spot|usd_m_futures|coin_m_futures)_(?P<symbol>[a-z0-9]+)"
    r"(?:_(?P<day>[0-9][0-9])-(?P<month>[0-9][0-9])-(?P<year>[0-9]{4}))?(?:\D|$)",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"# *[A-Z_]+ (?P<market>SPOT|USD_M_FUTURES|COIN_M_FUTURES) (?P<symbol>[A-Z0-9]+)"
    r"(?: (?P<day>[0-9][0-9])-(?P<month>[0-9][0-9])-(?P<year>[0-9]{4}))?\s*"
)
_SHAPE = re.compile(r"# *DataFrame shape: ([0-9]{1,12}) x [0-9]+ *")
_STREAMS: Final = {
    "trade": re.compile(r"([a-z0-9_]{1,40})@trade"),
    "difference_depth": re.compile(r"([a-z0-9_]{1,40})@depth(?:@[0-9]{1,5}ms)?"),
}
_EVENTS: Final = {"trade": "trade", "difference_depth": "depthUpdate"}


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Stream dumps of Binance.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files and folders of them.
    options : ImportOptions

    Raises
    ------
    InputError
        A file is none of the format, or a mapping is given.
    """
    paths = input_paths(inputs, FORMAT)
    if options.mapping is not None:
        problem = f"is not for {FORMAT}; the other formats of --input take one"
        raise InputError("--mapping", problem)
    return csv_source([_understand(p, options.underlying) for p in input_files(paths)], options)


def import_binance_csv(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import stream dumps of Binance: depth snapshots, depth differences and trades.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, plain, gzip or zip, and folders of them.
    out : Path or str
        Folder of the segment; it must not exist.
    underlying : str, optional
        Symbol (``BTCUSDT``) or base (``BTC``) that the files must have; a symbol also names that
        of snapshots whose file does not.
    strict, max_quarantine, progress
        As in `import_binance_stream`.

    Returns
    -------
    ImportResult
        The sealed segment, and the number of lines and messages read.

    Raises
    ------
    InputError
        A file is no such dump, cannot be read, or has nothing acceptable or too much that is not.

    Examples
    --------
    >>> _ = Path("x_spot_btcusdt.csv").write_text(
    ...     "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,"
    ...     "Price,Quantity,IsBuyerMarketMaker\\n"
    ...     "1700000000000900,btcusdt@trade,trade,1700000000000500,1700000000000000,BTCUSDT,700,"
    ...     "100.01,0.5,1\\n"
    ... )
    >>> import_binance_csv(["x_spot_btcusdt.csv"], "segment").messages_by_kind["trades"]
    1
    """
    options = ImportOptions(
        underlying=underlying, strict=strict, max_quarantine=max_quarantine, progress=progress
    )
    return import_source(open_source, inputs, out, options)


def _understand(path: Path, underlying: str | None) -> CsvFile:
    head = read_head(path, header=True)
    assert head.header is not None
    layout = _layout(head)
    columns = resolve(head, layout)
    told = _NAME.search(path.name)
    for comment in head.comments:
        told = told or _COMMENT.fullmatch(comment)
    symbol = str(told["symbol"]).upper() if told else ""
    symbol = symbol or head.most_common("Symbol") or (underlying or "").upper()
    if not symbol:
        raise InputError(path, "does not name its symbol; expected --underlying SYMBOL")
    instrument = binance_instrument(path, symbol, _is_perp(head, told["market"] if told else ""))
    if underlying is not None:
        check_underlying(path, symbol, underlying)
    day_from, day_to = 0, 0
    if told and told["day"]:
        day_from, day_to = day_range(int(told["year"]), int(told["month"]), int(told["day"]))
    shapes = [int(m[1]) for m in map(_SHAPE.fullmatch, head.comments) if m]
    return CsvFile(
        head=head,
        layout=layout,
        columns=columns,
        instrument=instrument,
        follow=2 if column_of(head.header, "FinalUpdateIdInLastStream") >= 0 else 1,
        check_text=_checker(layout.name, symbol),
        day_from=day_from,
        day_to=day_to,
        promised_rows=shapes[0] if shapes else -1,
    )


def _layout(head: FileHead) -> Layout:
    """The layout a header is of, or comes nearest to."""
    header = head.header or ()
    best = nearest(header, LAYOUTS)
    if len(lacking(header, best)) > len(best.columns) // 2:
        names = ", ".join(layout.name for layout in LAYOUTS)
        raise foreign_header(head, f"the header of one of {names}")
    return best


def _is_perp(head: FileHead, market: str) -> bool:
    if market:
        if market.upper() == "COIN_M_FUTURES":
            raise InputError(head.path, "has coin-margined (inverse) futures, expected linear ones")
        return market.upper() == "USD_M_FUTURES"
    header = head.header or ()
    for name, perp in (("FinalUpdateIdInLastStream", True), ("XUnknownParameter", True),
                       ("MessageOutputTime", True), ("MUnknownParameter", False),
                       ("FirstUpdateId", False)):  # fmt: skip
        if column_of(header, name) >= 0:
            return perp
    raise InputError(
        head.path, "does not name its market; expected a name such as ..._spot_btcusdt_14-04-2025"
    )


def _checker(layout: str, symbol: str) -> Callable[[str, str], str]:
    def check(name: str, text: str) -> str:
        if name == "Symbol":
            return "" if text == symbol else "wrong-symbol"
        if name == "EventType":
            return "" if text == _EVENTS[layout] else "unknown-stream"
        match = _STREAMS[layout].fullmatch(text)
        if not match:
            return "unknown-stream"
        return "" if match[1].upper() == symbol else "wrong-symbol"

    return check
