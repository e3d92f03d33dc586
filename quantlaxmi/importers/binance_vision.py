"""Format ``binance-vision``: the public archive of Binance, CSV files plain or zipped.

``bookTicker``, ``aggTrades``, ``trades`` and ``fundingRate`` of spot and USDM perpetuals, and depth
as ``T_DEPTH``. They carry no receive time: the exchange's own orders them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.klines_csv import is_klines, klines_source
from quantlaxmi.importers.binance.symbols import binance_instrument, check_underlying
from quantlaxmi.importers.delimited.file_head import day_range, input_files, read_head
from quantlaxmi.importers.delimited.layout import (
    Column,
    CsvFile,
    FileHead,
    Layout,
    foreign_header,
    lacking,
    resolve,
)
from quantlaxmi.importers.delimited.source import csv_source
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.source import ImportOptions, Inputs, Progress, Source, input_paths
from quantlaxmi.schema import EventKind

_AGG: Final = (
    Column("agg_trade_id", "id"),
    Column("price", "price", 0),
    Column("quantity", "size", 1, aliases=("qty",)),
    Column("first_trade_id", "number", aliases=("first",)),
    Column("last_trade_id", "number", aliases=("last",)),
    Column("transact_time", "received", aliases=("time",)),
    Column("is_buyer_maker", "buyer_is_maker"),
)
_TRADES: Final = (
    Column("id", "id", aliases=("trade_id",)),
    Column("price", "price", 0),
    Column("qty", "size", 1, aliases=("quantity",)),
    Column("quote_qty", "skip", aliases=("quote_quantity",)),
    Column("time", "received", aliases=("transact_time",)),
    Column("is_buyer_maker", "buyer_is_maker"),
)
_BEST: Final = Column("is_best_match", "flag", aliases=("best_match",))


def _trades(name: str, columns: tuple[Column, ...]) -> Layout:
    return Layout(
        name, EventKind.TRADE, columns, stamp_is_exchange=True, count_trades=True, content="trades"
    )


#: Layouts by (what the file's name says, perpetual).
LAYOUTS: Final[dict[tuple[str, bool], Layout]] = {
    ("aggTrades", False): _trades("aggTrades", (*_AGG, _BEST)),
    ("aggTrades", True): _trades("aggTrades", _AGG),
    ("trades", False): _trades("trades", (*_TRADES, _BEST)),
    ("trades", True): _trades("trades", _TRADES),
    ("bookTicker", True): Layout(
        "bookTicker",
        EventKind.QUOTE,
        (
            Column("update_id", "id"),
            Column("best_bid_price", "price", 0),
            Column("best_bid_qty", "qty", 1),
            Column("best_ask_price", "price", 2),
            Column("best_ask_qty", "qty", 3),
            Column("transaction_time", "exchange"),
            Column("event_time", "received"),
        ),
    ),
    ("fundingRate", True): Layout(
        "fundingRate",
        EventKind.FUNDING,
        (
            Column("calc_time", "received"),
            Column("funding_interval_hours", "hours"),
            Column("last_funding_rate", "rate", 2),
        ),
        stamp_is_exchange=True,
    ),
    ("T_DEPTH", True): Layout(
        "T_DEPTH",
        EventKind.DEPTH,
        (
            Column("symbol", "text"),
            Column("timestamp", "received"),
            Column("first_update_id", "first_id"),
            Column("last_update_id", "id"),
            Column("side", "is_ask"),
            Column("update_type", "is_snapshot"),
            Column("price", "price", 0),
            Column("qty", "qty", 1),
            Column("pu", "prev_id"),
        ),
        grouping="ids",
        stamp_is_exchange=True,
    ),
}
_KINDS: Final = tuple(dict.fromkeys(kind for kind, _ in LAYOUTS))
_NAME = re.compile(
    r"(?P<symbol>[A-Z0-9_]+?)-(?P<kind>[A-Za-z]+)(?:-[0-9]+[smhdwM][a-z]?)?"
    r"-(?P<year>[0-9]{4})-(?P<month>[0-9][0-9])(?:-(?P<day>[0-9][0-9]))?\.(?:csv|zip)(?:\.gz|\.zip)?"
)
_DEPTH_NAME = re.compile(r"(?P<symbol>[A-Z0-9]+)_T_DEPTH_.*")
_BARS: Final = ("klines", "markPriceKlines", "indexPriceKlines")
#: A day's file may have a message sent just after midnight.
_SLACK_NS: Final = 60 * 10**9
_NO_RECEIVE_TIME: Final = (
    "The archive tells no receive times: messages are ordered by the exchange's own times "
    "(quotes by their event time), so any delay to a reader is left to the latency of a run."
)
_NO_MARK: Final = (
    "Funding files tell no mark price (mark 0): a run settles at the instrument's mid when the "
    "settlement's time comes."
)


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of Binance's public archive; klines, where a mapping is given.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files and folders of them.
    options : ImportOptions

    Raises
    ------
    InputError
        A file is none of the format.
    """
    paths = input_paths(inputs, "binance-vision")
    if options.mapping is not None:
        return klines_source(paths, options.mapping, options)
    files = [_understand(path, options.underlying) for path in input_files(paths)]
    notes = [_NO_RECEIVE_TIME]
    if any(file.layout.kind == EventKind.FUNDING for file in files):
        notes.append(_NO_MARK)
    return csv_source(files, options, notes)


def import_binance_vision(
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    underlying: str | None = None,
    mapping: Path | str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
) -> ImportResult:
    """Import files of Binance's public archive.

    Parameters
    ----------
    inputs : sequence of Path or str
        Files, zipped, gzip or plain, with or without header, and folders of them.
    out : Path or str
        Folder of the segment; it must not exist.
    underlying : str, optional
        Symbol (``BTCUSDT``) or base (``BTC``) that the files must have; a symbol also names that
        of files whose name does not.
    mapping : Path or str, optional
        For klines: a TOML file with symbols and assumptions, which names neither columns nor
        times. Then ``inputs`` are files or folders in the order of its ``input`` numbers;
        ``[funding]`` names the input of ``fundingRate`` files, ``[premium]`` that of
        ``premiumIndexKlines``.
    strict, max_quarantine, progress
        As in `import_binance_stream`.

    Returns
    -------
    ImportResult
        The sealed segment, and the number of lines and messages read.

    Raises
    ------
    InputError
        A file is none of the archive, cannot be read, or has nothing acceptable or too much that
        is not.

    Examples
    --------
    >>> _ = Path("BTCUSDT-trades-2024-01-01.csv").write_text(
    ...     "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\\n"
    ...     "7,100.01,0.25,25.0025,1704067200000,False,True\\n"
    ... )
    >>> result = import_binance_vision(["BTCUSDT-trades-2024-01-01.csv"], "segment")
    >>> result.messages_by_kind["trades"], result.quarantined
    (1, 0)
    """
    options = ImportOptions(
        underlying=underlying,
        mapping=mapping,
        strict=strict,
        max_quarantine=max_quarantine,
        progress=progress,
    )
    return import_source(open_source, inputs, out, options)


def _understand(path: Path, underlying: str | None) -> CsvFile:
    told = _NAME.fullmatch(path.name)
    kind = told["kind"] if told else ""
    if kind in _BARS or is_klines(path):
        raise InputError(path, "has klines; expected --mapping FILE with what to assume of them")
    if told and kind not in _KINDS:
        raise InputError(path, f"has {kind}, expected one of {', '.join(_KINDS)}")
    head = read_head(path, header=None)
    layout, perp = _layout(head, kind)
    columns = resolve(head, layout)
    depth = _DEPTH_NAME.match(path.name)
    symbol = told["symbol"] if told else depth["symbol"] if depth else ""
    symbol = symbol or head.most_common("symbol") or (underlying or "").upper()
    if not symbol:
        problem = f"does not name its symbol; expected BTCUSDT-{layout.name}-2024-08-01.csv or .zip"
        raise InputError(path, f"{problem}, or --underlying SYMBOL")
    instrument = binance_instrument(path, symbol, perp)
    if underlying is not None:
        check_underlying(path, symbol, underlying)
    day_from, day_to = 0, 0
    if told:
        day = int(told["day"]) if told["day"] else None
        day_from, day_to = day_range(int(told["year"]), int(told["month"]), day, _SLACK_NS)
    return CsvFile(
        head=head,
        layout=layout,
        columns=columns,
        instrument=instrument,
        follow=2 if perp else 1,
        check_text=lambda name, text: "" if text == symbol else "wrong-symbol",
        day_from=day_from,
        day_to=day_to,
    )


def _layout(head: FileHead, kind: str) -> tuple[Layout, bool]:
    """Layout and market of a file, by its name and its columns."""
    choices = {key: layout for key, layout in LAYOUTS.items() if kind in ("", key[0])}
    if head.header is not None:
        fits = {key: layout for key, layout in choices.items() if not lacking(head.header, layout)}
        # Spot files have one column more than the perpetual's: the fuller layout is the file's.
        if fits:
            key = max(fits, key=lambda key: len(fits[key].columns))
            return fits[key], key[1]
        key = min(choices, key=lambda key: len(lacking(head.header or (), choices[key])))
        if len(lacking(head.header, choices[key])) > len(choices[key].columns) // 2:
            names = ", ".join(dict.fromkeys(k for k, _ in choices))
            raise foreign_header(head, f"those of one of {names}")
        return choices[key], key[1]
    if not kind:
        problem = "has neither a header nor a name such as BTCUSDT-aggTrades-2024-08-01"
        raise InputError(head.path, f"{problem}; expected one of them")
    counts = [len(row) for row in head.rows]
    n_columns = max(counts, key=counts.count)
    for key, layout in choices.items():
        if len(layout.columns) == n_columns:
            return layout, key[1]
    wanted = ", ".join(str(len(layout.columns)) for layout in choices.values())
    raise InputError(
        head.path, f"has {counted(n_columns, 'column[s]')}; expected {wanted} for {kind}", "line 1"
    )
