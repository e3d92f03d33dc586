"""Made-up CSV market data for the import tests, and the comparison with the naive import."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.schema import TABLES
from tests.naive.csv_cells import LAYOUTS, Lane
from tests.naive.csv_rows import naive_csv

T0_MS = 1_700_000_000_000
FORMAT_OF = {
    **dict.fromkeys(("trade", "difference_depth", "depth_snapshot"), "binance-csv"),
    **dict.fromkeys(
        ("aggTrades", "aggTrades_spot", "trades_perp", "trades_spot"), "binance-vision"
    ),
    **dict.fromkeys(("bookTicker", "fundingRate", "T_DEPTH"), "binance-vision"),
    "okx_trades": "okx",
    **dict.fromkeys(("bybit_trading", "bybit_spot"), "bybit"),
}
NAME_OF = {
    "trade": "x_spot_btcusdt.csv",
    "difference_depth": "x_spot_btcusdt.csv",
    "depth_snapshot": "x_spot_btcusdt.csv",
    "aggTrades": "BTCUSDT-aggTrades-2023-11.csv",
    "aggTrades_spot": "BTCUSDT-aggTrades-2023-11.csv",
    "trades_perp": "BTCUSDT-trades-2023-11.csv",
    "trades_spot": "BTCUSDT-trades-2023-11.csv",
    "T_DEPTH": "BTCUSDT_T_DEPTH_2023-11-14.csv",
    "bookTicker": "BTCUSDT-bookTicker-2023-11.csv",
    "fundingRate": "BTCUSDT-fundingRate-2023-11.csv",
    "okx_trades": "BTC-USDT-trades-2023-11-15.csv",  # of Hong Kong
    "bybit_trading": "BTCUSDT2023-11-14.csv",
    "bybit_spot": "BTCUSDT_2023-11-14.csv",
}
DAY_NS = 86_400 * 10**9
DAY = (1_699_920_000 * 10**9, 1_699_920_000 * 10**9 + DAY_NS)
#: What the names of others promise.
DAYS = {
    "okx_trades": (DAY[1] - DAY_NS // 3, DAY[1] + DAY_NS),
    "bybit_trading": DAY,
    "bybit_spot": DAY,
}
#: 2023-11 with a minute at each end, in ns: what the archive's names above promise.
MONTH = (1_698_796_740 * 10**9, 1_701_388_860 * 10**9)


def header(layout: str) -> str:
    return ",".join(name for name, _, _ in LAYOUTS[layout][2])


def clean_rows(layout: str, n: int = 24) -> list[str]:
    """``n`` lines (levels, for depth) of clean data."""
    rows = []
    for k in range(n):
        ms = T0_MS + 37 * k
        us = ms * 1000
        head = f"binance-futures,BTCUSDT,{us},{us + 4321}"
        m = k // 3  # of three levels
        group = (T0_MS + 100 * m) * 1000
        flag = ("True", "False")[k % 2]
        one = {
            "trade": f"{us + 900},btcusdt@trade,trade,{us + 500},{us},BTCUSDT,{700 + k},"
            f"100.{k:02},0.5,{k % 2},True",
            "difference_depth": f"{group + 900},btcusdt@depth@100ms,depthUpdate,{group},BTCUSDT,"
            f"{500 + 4 * m},{503 + 4 * m},{int(k % 3 == 2)},{99 + 3 * (k % 3 == 2)}.{k:02},{k % 2}",
            "depth_snapshot": f"{group // 1000 + 9},{group // 1000},{500 + 4 * m},"
            f"{int(k % 3 == 2)},{99 + 3 * (k % 3 == 2)}.{k:02},1.50",
            "aggTrades": f"{700 + k},100.{k:02},0.5,{k},{k + 1},{ms},{flag}",
            "bookTicker": f"{700 + k},100.{k:02},1,100.{k + 1:02},2.5,{ms},{ms + 2}",
            "fundingRate": f"{ms},8,-0.0001{k:04}",
            "aggTrades_spot": f"{700 + k},100.{k:02},0.5,{k},{k + 1},{us},{flag},True",
            "trades_perp": f"{700 + k},100.{k:02},0.5,50.25,{ms},{flag.lower()}",
            "trades_spot": f"{700 + k},100.{k:02},0.5,,{us},{flag},True",
            "T_DEPTH": f"BTCUSDT,{group // 1000},{500 + 4 * m},{503 + 4 * m},{'ba'[k % 3 == 2]},"
            f"{('set', 'snap')[m == 0]},{99 + 3 * (k % 3 == 2)}.{k:02},{k % 2 or int(m == 0)},"
            f"{499 + 4 * m if m else -1}",
            "okx_trades": f"BTC-USDT,{700 + k},{('buy', 'sell')[k % 2]},100.{k:02},0.50,{ms},0",
            "bybit_trading": f"{ms // 1000}.{ms % 1000:03}0,BTCUSDT,{('Buy', 'Sell')[k % 2]},0.5,"
            f"100.{k:02},PlusTick,{k:08x}-4abc-5def,7.8e+09,0.5,50.1",
            "bybit_spot": f"{k + 1},{ms},100.{k:02},0.5,{('buy', 'sell')[k % 2]}",
            "quotes": f"{head},1.5,100.{k + 1:02},100.{k:02},2",
            "trades": f"{head},{('a-', '')[k % 2]}{k},{('buy', 'sell', 'unknown')[k % 3]},"
            f"100.5,{k + 1}",
            "incremental_book_L2": f"binance-futures,BTCUSDT,{group},{group + 5},"
            f"{('false', 'true')[m == 0]},{('bid', 'ask')[k % 2]},"
            f"{99 + 3 * (k % 2)}.{k:02},{k % 4}",
            "book_snapshot_2": f"{head},101,1,100,2,102.5,3,99,4",
            "derivative_ticker": f"{head},{us + 10**9},0.0001,,,,{('', '99.5')[k % 2]},100.25",
        }
        rows.append(one[layout])
    return rows


def lane_of(
    layout: str, rows: list[str] | bytes, end: str = "\n", with_header: bool = True
) -> Lane:
    body = rows if isinstance(rows, bytes) else "\n".join(rows).encode() + end.encode()
    lane = Lane(layout, body, n_header=int(with_header))
    if with_header:
        lane.text = header(layout).encode() + b"\n" + body
    lane.fine_ends = not FORMAT_OF.get(layout, "tardis").startswith("binance")
    lane.symbol = "BTC-USDT" if layout == "okx_trades" else lane.symbol
    lane.day = DAYS.get(layout, lane.day)
    if FORMAT_OF.get(layout) == "binance-vision" and layout != "T_DEPTH":
        lane.day = MONTH
    return lane


def check(folder: Path, lanes: list[Lane]) -> ImportResult:
    """Import lanes of one format and hold everything equal to the naive import's."""
    expected = naive_csv(lanes)
    paths = []
    for k, lane in enumerate(lanes):
        (folder / str(k)).mkdir(exist_ok=True)
        path = folder / str(k) / NAME_OF.get(lane.layout, "file.csv")
        path.write_bytes(lane.text)
        paths.append(path)
    format = FORMAT_OF.get(lanes[0].layout, "tardis")
    out = folder / "seg"
    result = import_capture(format, inputs=paths, out=out, max_quarantine=Fraction(1))
    found = []
    order = [capture.stream for capture in result.captures]
    if (out / "quarantine.jsonl").exists():
        for text in (out / "quarantine.jsonl").read_text().splitlines():
            record = json.loads(text)
            found.append((order.index(record["stream"]), record["line"], record["reason"]))
    assert found == expected.quarantined
    for table in TABLES:
        for name, column in result.segment.columns(table).items():
            want = np.array(expected.tables[table][name], dtype=np.int64)
            np.testing.assert_array_equal(column, want, err_msg=f"{table}.{name}")
    gaps = [(g.table, g.after_seq, g.start_ns, g.end_ns) for g in result.segment.manifest.gaps]
    assert gaps == expected.gaps
    assert result.lines == expected.lines
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    assert sum(result.messages_by_kind.values()) == expected.messages
    assert sum(c.reordered for c in result.captures) == expected.reordered
    return result
