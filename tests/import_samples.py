"""A small clean file of every format and kind, as rows of named cells that a test can spoil."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from quantlaxmi.importers.bars.klines_csv import KLINE_COLUMNS as VISION_KLINES
from tests import bars_files
from tests.captures import T0, perp_lines, spot_lines
from tests.csv_texts import NAME_OF, T0_MS, clean_rows, header

Rows = list[dict[str, str]]
N_ROWS = 48


@dataclass(frozen=True)
class Sample:
    """One kind of file.

    Attributes
    ----------
    kind : str
        Format and kind, as the tables of tests name it.
    name : str
        What the file is called.
    rows : list of dict
        Text of each cell by the name of its column; a line each.
    encode : callable
        Rows to the file's bytes; the names of the first row are the header's.
    stamps : tuple of str
        Columns of times that change together.
    price, symbol, id : str
        Columns of a price, the symbol and the id; empty where there is none.
    n_header : int
        Lines before the first row.
    mapping : str
        TOML, for formats that want one.
    unit_ns : int
        Of the first stamp column.
    """

    kind: str
    name: str
    rows: Rows
    encode: Callable[[Rows], bytes]
    stamps: tuple[str, ...]
    price: str
    symbol: str = ""
    id: str = ""
    n_header: int = 1
    mapping: str = ""
    unit_ns: int = 10**6

    @property
    def format(self) -> str:
        """Its name for the importer."""
        return self.kind.split()[0]

    @property
    def by_line(self) -> bool:
        """Every line names its fields: there is no column."""
        return self.format in ("binance-stream", "klines-json") or self.kind.endswith(" json")

    @property
    def is_parquet(self) -> bool:
        """It is no text."""
        return self.kind.endswith(("parquet", "feather"))


def csv_text(rows: Rows, with_header: bool = True) -> bytes:
    """Lines of cells; the names of the first row are the header."""
    lines = [",".join(rows[0])] * with_header + [",".join(row.values()) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _bare(rows: Rows) -> bytes:
    return csv_text(rows, with_header=False)


def _stream_text(rows: Rows) -> bytes:
    """Captures: the stamp and the JSON of the other cells, in the stream that the cells name."""
    lines = []
    for row in rows:
        cells = {k: json.loads(v) for k, v in row.items() if k not in ("stamp", "stream")}
        content = {"stream": row["stream"], "data": cells} if row["stream"] else cells
        lines.append(f"{row['stamp']} {json.dumps(content, separators=(',', ':'))}\n")
    return "".join(lines).encode()


def _stream_rows(lines: list[bytes]) -> Rows:
    rows = []
    for line in lines:
        stamp, _, text = line.decode().partition(" ")
        content = json.loads(text)
        cells = content.get("data", content)
        shown = {k: json.dumps(v) for k, v in cells.items()}
        rows.append({"stamp": stamp, "stream": content.get("stream", ""), **shown})
    return rows


def _kline_text(rows: Rows) -> bytes:
    lines = [f"[{','.join(row.values())}]" for row in rows]
    return ("[" + ",\n".join(lines) + "]").encode()


def _parquet(rows: Rows) -> bytes:
    """Stamps as integers, prices as floats where they are numbers, else as texts."""
    columns: dict[str, Any] = {}
    for name in rows[0]:
        texts = [row.get(name, "") for row in rows]
        try:
            columns[name] = list(map(int if name == "time" else float, texts))
        except ValueError:
            columns[name] = texts
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def _cells(layout: str) -> Rows:
    names = header(layout).split(",")
    return [dict(zip(names, row.split(","), strict=True)) for row in clean_rows(layout, N_ROWS)]


def _csv(kind: str, layout: str, stamps: str, price: str, **more: Any) -> Sample:
    name = NAME_OF.get(layout, "file.csv")
    return Sample(kind, name, _cells(layout), csv_text, tuple(stamps.split()), price, **more)


def _trades() -> Rows:
    return [
        {"id": f"{700 + k}", "price": f"100.{k:02}", "qty": "0.50", "quote_qty": "50.10",
         "time": f"{T0_MS + 37 * k}", "is_buyer_maker": ("true", "false")[k % 2]}
        for k in range(N_ROWS)
    ]  # fmt: skip


def _funding() -> Rows:
    return [
        {"calc_time": f"{T0_MS + 8 * 3_600_000 * k}", "funding_interval_hours": "8",
         "last_funding_rate": f"0.0001{k:04}"}
        for k in range(N_ROWS)
    ]  # fmt: skip


def _t_depth() -> Rows:
    rows = []
    for k in range(N_ROWS):
        m = k // 3
        rows.append(
            {"symbol": "BTCUSDT", "timestamp": f"{T0_MS + 100 * m}",
             "first_update_id": f"{500 + 4 * m}", "last_update_id": f"{503 + 4 * m}",
             "side": ("b", "b", "a")[k % 3], "update_type": "set",
             "price": f"{(99, 99, 102)[k % 3]}.{k:02}", "qty": f"{k % 2}.50",
             "pu": f"{499 + 4 * m}"}
        )  # fmt: skip
    return rows


def _klines(quote: str = '"') -> Rows:
    names = ("open_time", *VISION_KLINES[1:])
    rows = []
    for k in range(N_ROWS):
        start = (bars_files.START + k * bars_files.HOUR) // 10**6
        prices = [f"{quote}{100 + k + more}.50{quote}" for more in (0, 1, -1, 0)]
        rest = [f"{quote}12.50{quote}", f"{start + 3_599_999}", f"{quote}0{quote}", "7"]
        zero = f"{quote}0{quote}"
        cells = [f"{start}", *prices, *rest, zero, zero, zero]
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def _bars() -> Rows:
    names = bars_files.HEADER.split(",")
    lines = bars_files.random_lines(N_ROWS)
    return [dict(zip(names, line.split(","), strict=True)) for line in lines]


def _ohlcv(stamp: str = "date", unit: int = 10**6) -> Rows:
    """Bars of an hour, one a row."""
    rows = []
    for k in range(N_ROWS):
        cells = [f"{100 + k + more}.5" for more in (0, 1, -1, 0)]
        start = f"{(bars_files.START + k * bars_files.HOUR) // unit}"
        names = (stamp, "open", "high", "low", "close", "volume")
        rows.append(dict(zip(names, [start, *cells, f"{k % 7}.25"], strict=True)))
    return rows


def _minutes_of_day() -> Rows:
    return [row | {"time": f"{60_000 * k}"} for k, row in enumerate(_ohlcv("time"))]


def _feather(rows: Rows) -> bytes:
    """As freqtrade writes it: stamps with a zone, floats, compressed."""
    columns: dict[str, Any] = {}
    for name in rows[0]:
        texts = [row.get(name, "") for row in rows]
        if name == "date":
            columns[name] = pa.array(list(map(int, texts)), pa.timestamp("ms", "UTC"))
            continue
        try:
            columns[name] = list(map(float, texts))
        except ValueError:
            columns[name] = texts
    file = io.BytesIO()
    feather.write_feather(pa.table(columns), file, "lz4", chunksize=20)
    return file.getvalue()


_TARDIS = {"symbol": "symbol", "unit_ns": 10**3}
_TARDIS_STAMPS = "timestamp local_timestamp"
_KLINE_MAPPING = """
venue = "binance"
base = "BTC"
half_spread_bps = "1"
[spot]
symbol = "BTCUSDT"
"""

_OKX_MAPPING = 'interval = "1h"\n' + _KLINE_MAPPING.replace("BTCUSDT", "BTC-USDT")


def _candles() -> Rows:
    """Candles that have ended."""
    more = {"vol_ccy": "7", "vol_quote": "700"}
    rows = []
    for row in _ohlcv("open_time"):
        stamp = {"open_time": row.pop("open_time"), "confirm": "1"}
        row["vol"] = row.pop("volume")
        rows.append({"instrument_name": "BTC-USDT"} | row | more | stamp)
    return rows


def _okx_json() -> Rows:
    rows = []
    for row in _candles():
        cells = {"open_time": row["open_time"]} | row
        del cells["instrument_name"]
        rows.append({name: json.dumps(text) for name, text in cells.items()})
    return rows


_BYBIT_MAPPING = """
[instruments."bybit/BTCUSDT"]
kind = "perp"
currency = "USDT"
base = "BTC"
symbol = "BTCUSDT-PERP"
"""


def _bybit_book() -> Rows:
    return [
        {"ts": f"{T0_MS + 100 * k}", "cts": f"{T0_MS + 100 * k - 7}", "s": '"BTCUSDT"',
         "u": f"{500 + k}", "type": ('"delta"', '"snapshot"')[k == 0], "price": f'"100.{k:02}"'}
        for k in range(N_ROWS)
    ]  # fmt: skip


def _book_text(rows: Rows) -> bytes:
    """A message a row; of a row without price a level of one cell."""
    lines = []
    for row in rows:
        level = ",".join([row["price"], '"1.5"'] if "price" in row else ['"1.5"'])
        data = f'"s":{row["s"]},"b":[[{level}]],"a":[["102","2"]],"u":{row["u"]},"seq":1'
        head = f'"topic":"orderbook.500.BTCUSDT","type":{row["type"]},"ts":{row["ts"]}'
        lines.append(f'{{{head},"data":{{{data}}},"cts":{row["cts"]}}}\n')
    return "".join(lines).encode()


SAMPLES = {
    sample.kind: sample
    for sample in (
        Sample("binance-stream spot", "spot.txt", _stream_rows(spot_lines(N_ROWS)), _stream_text,
               ("stamp",), "p", "s", "t", 0, unit_ns=1),
        Sample("binance-stream perp", "perp.txt", _stream_rows(perp_lines(N_ROWS)), _stream_text,
               ("stamp",), "p", "s", "t", 0, unit_ns=1),
        _csv("binance-csv trade", "trade", "TimestampOfReceive EventTime TransactionTime", "Price",
             symbol="Symbol", id="TradeId", unit_ns=10**3),
        _csv("binance-csv difference_depth", "difference_depth", "TimestampOfReceive EventTime",
             "Price", symbol="Symbol", id="FinalUpdateId", unit_ns=10**3),
        _csv("binance-csv depth_snapshot", "depth_snapshot",
             "TimestampOfReceive TimestampOfRequest", "Price", id="LastUpdateId"),
        _csv("binance-vision aggTrades", "aggTrades", "transact_time", "price",
             id="agg_trade_id"),
        Sample("binance-vision aggTrades bare", NAME_OF["aggTrades"], _cells("aggTrades"), _bare,
               ("transact_time",), "price", "", "agg_trade_id", 0),
        Sample("binance-vision trades", "BTCUSDT-trades-2023-11.csv", _trades(), csv_text,
               ("time",), "price", "", "id"),
        _csv("binance-vision bookTicker", "bookTicker", "transaction_time event_time",
             "best_bid_price", id="update_id"),
        Sample("binance-vision fundingRate", NAME_OF["fundingRate"], _funding(), csv_text,
               ("calc_time",), "last_funding_rate"),
        Sample("binance-vision T_DEPTH", "BTCUSDT_T_DEPTH_2023-11-14_depth_update.csv", _t_depth(),
               csv_text, ("timestamp",), "price", "symbol", "last_update_id"),
        _csv("okx trades", "okx_trades", "created_time", "price", symbol="instrument_name",
             id="trade_id"),
        _csv("bybit trading", "bybit_trading", "timestamp", "price", symbol="symbol",
             id="trdMatchID", unit_ns=10**9),
        _csv("bybit spot", "bybit_spot", "timestamp", "price", id="id"),
        Sample("okx candles", "candles.csv", _candles(), csv_text, ("open_time",), "open",
               "instrument_name", mapping=_OKX_MAPPING),
        Sample("okx candles json", "candles.json", _okx_json(), _kline_text, ("open_time",),
               "open", n_header=0, mapping=_OKX_MAPPING),
        Sample("bybit book json", "2023-11-14_BTCUSDT_ob500.data", _bybit_book(), _book_text,
               ("ts", "cts"), "price", "s", "u", 0, mapping=_BYBIT_MAPPING),
        _csv("tardis quotes", "quotes", _TARDIS_STAMPS, "bid_price", **_TARDIS),
        _csv("tardis trades", "trades", _TARDIS_STAMPS, "price", id="id", **_TARDIS),
        _csv("tardis book_snapshot_2", "book_snapshot_2", _TARDIS_STAMPS, "asks[0].price",
             **_TARDIS),
        _csv("tardis incremental_book_L2", "incremental_book_L2", _TARDIS_STAMPS, "price",
             **_TARDIS),
        _csv("tardis derivative_ticker", "derivative_ticker", _TARDIS_STAMPS, "mark_price",
             **_TARDIS),
        Sample("binance-vision klines", "BTCUSDT-1h-2024-01.csv", _klines(""), csv_text,
               ("open_time", "close_time"), "open", mapping=_KLINE_MAPPING),
        Sample("binance-vision klines bare", "BTCUSDT-1h-2024-01.csv", _klines(""), _bare,
               ("open_time", "close_time"), "open", n_header=0, mapping=_KLINE_MAPPING),
        Sample("klines-json", "BTCUSDT_1h.json", _klines(), _kline_text,
               ("open_time", "close_time"), "open", n_header=0, mapping=_KLINE_MAPPING),
        Sample("ohlcv json", "BTC_USDT-1h.json", _ohlcv(), _kline_text, ("date",), "open",
               n_header=0, mapping=_KLINE_MAPPING),
        Sample("ohlcv feather", "BTC_USDT-1h.feather", _ohlcv(), _feather, ("date",), "open",
               n_header=0, mapping=_KLINE_MAPPING),
        Sample("kraken", "BTCUSDT_60.csv", [r | {"trades": "7"} for r in _ohlcv("time", 10**9)],
               _bare, ("time",), "open", n_header=0, mapping=_KLINE_MAPPING, unit_ns=10**9),
        Sample("lean", "20240101_trade.csv", _minutes_of_day(), _bare, ("time",), "open",
               n_header=0, mapping='scale = "1"\ninterval = "1m"\n' + _KLINE_MAPPING),
        Sample("bars csv", "bars.csv", _bars(), csv_text, ("time",), "s_open",
               mapping=bars_files.MAPPING, unit_ns=10**9),
        Sample("bars parquet", "bars.parquet", _bars(), _parquet, ("time",), "s_open", n_header=0,
               mapping=bars_files.MAPPING, unit_ns=10**9),
    )
}  # fmt: skip

assert T0 == T0_MS * 10**6
