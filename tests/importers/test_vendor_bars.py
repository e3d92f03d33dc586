"""Bars as vendors keep them: values, names of files, several files of one input, hostile ones."""

from __future__ import annotations

import json
import struct
import zipfile
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from tests.bars_files import HOUR, START

START_MS = START // 10**6
SPOT = 'half_spread_bps = 1\nbase = "BTC"\n{more}\n[spot]\nsymbol = "BTCUSDT"\n'
BOTH = SPOT + '[perp]\nsymbol = "BTCUSDT"\ninput = 2\n[funding]\ninput = 3\n'


def bars(n: int, first: int = 0, step_ms: int = 3_600_000) -> list[list]:
    return [
        [START_MS + step_ms * k, 100.5 + k, 102.5 + k, 99.5 + k, 101.5 + k, 0.1 * 3 * k]
        for k in range(first, first + n)
    ]


def imported(
    folder: Path, format: str, *inputs: Path, rules: str = SPOT, more: str = "", out="seg"
):
    (folder / "m.toml").write_text(rules.format(more=more))
    return import_capture(
        format, inputs=list(inputs), out=folder / out, mapping=folder / "m.toml",
        max_quarantine=Fraction(1, 2),
    )  # fmt: skip


def written(path: Path, rows: list) -> Path:
    path.write_text(json.dumps(rows))
    return path


def freqtrade(path: Path, rows: list[list]) -> Path:
    columns = dict(
        zip(
            ("date", "open", "high", "low", "close", "volume"), zip(*rows, strict=True), strict=True
        )
    )
    columns["date"] = pa.array(columns["date"], pa.timestamp("ms", "UTC"))
    feather.write_feather(pa.table({k: v if k == "date" else list(v) for k, v in columns.items()}),
                          path, "lz4")  # fmt: skip
    return path


def test_json_and_feather_of_one_series_are_one_segment(tmp_path: Path) -> None:
    a = imported(tmp_path, "ohlcv", written(tmp_path / "BTC_USDT-1h.json", bars(30)), out="a")
    b = imported(tmp_path, "ohlcv", freqtrade(tmp_path / "BTC_USDT-1h.feather", bars(30)), out="b")
    assert a.segment.digest == b.segment.digest
    quotes = a.segment.columns("quotes")
    assert (quotes["ts_ns"][0], quotes["ts_ns"][-1]) == (START, START + 30 * HOUR)
    assert quotes["bid"][0] == 10_048_995_000  # 100.5 less one basis point
    assert quotes["bid_qty"][2] == 3_000_000  # a tenth of 0.30000000000000004, rounded down
    assert any("volumes of" in note for note in a.segment.manifest.notes)


def test_freqtrade_futures_with_funding(tmp_path: Path) -> None:
    rates = [[START_MS + 8 * 3_600_000 * k, 0.0001 * (k + 1), 0, 0, 0, 0] for k in range(3)]
    paths = (
        written(tmp_path / "BTC_USDT-1h.json", bars(24)),
        freqtrade(tmp_path / "BTC_USDT_USDT-1h-futures.feather", bars(24)),
        written(tmp_path / "BTC_USDT_USDT-8h-funding_rate.json", rates),
    )
    result = imported(tmp_path, "ohlcv", *paths, rules=BOTH, more="round = true")
    funding = result.segment.columns("funding")
    assert funding["rate"].tolist() == [10_000, 20_000, 30_000]
    assert [i.symbol for i in result.segment.instruments] == ["BTCUSDT", "BTCUSDT-PERP"]
    with pytest.raises(InputError, match=r"is named as bars; expected a file of funding_rate"):
        imported(tmp_path, "ohlcv", *paths[:2], paths[0], rules=BOTH, out="x")
    mark = written(tmp_path / "BTC_USDT_USDT-1h-mark.json", bars(24))
    with pytest.raises(InputError, match=r"has mark prices, at which nobody trades"):
        imported(tmp_path, "ohlcv", mark, out="y")


def test_names_that_tell_another_symbol_or_interval(tmp_path: Path) -> None:
    other = written(tmp_path / "ETH_USDT-1h.json", bars(3))
    with pytest.raises(InputError, match=r"has ETHUSDT; expected BTCUSDT, as the mapping says"):
        imported(tmp_path, "ohlcv", other)
    right = written(tmp_path / "BTC_USDT-1h.json", bars(3))
    with pytest.raises(InputError, match=r"has bars of 3600 s; expected 60 s"):
        imported(tmp_path, "ohlcv", right, more='interval = "1m"')
    unknown = written(tmp_path / "fetched.json", bars(3))
    with pytest.raises(InputError, match=r"has no length of its bars.*set interval"):
        imported(tmp_path, "ohlcv", unknown)
    assert imported(tmp_path, "ohlcv", unknown, more='interval = "1h"').quarantined == 0


@pytest.mark.parametrize(
    "text", ["{}", "[]", "[[", '{"data": 5}', "[[1,2]]", "5", "[5]", '["1,2"]']
)
def test_json_that_is_no_list_of_bars(tmp_path: Path, text: str) -> None:
    path = tmp_path / "BTC_USDT-1h.json"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        imported(tmp_path, "ohlcv", path)
    assert "\n" not in str(error.value)


def test_a_feather_batch_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = freqtrade(tmp_path / "BTC_USDT-1h.feather", bars(4000))
    data = bytearray(path.read_bytes())
    told = struct.pack("<q", 32_000)  # of the first column, unpacked
    assert told in data
    data[data.index(told) : data.index(told) + 8] = struct.pack("<q", 1 << 40)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"\(batch 1\): unpacks to .* expected at most 536870912"):
        imported(tmp_path, "ohlcv", path)


def test_kraken_files_follow_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "XBT"
    folder.mkdir()
    for name, first in (("BTCUSDT_60.csv", 10), ("BTCUSDT_60.csv.zip", 0)):
        text = "".join(
            f"{t // 1000},{o},{h},{low},{c},{v},7\n" for t, o, h, low, c, v in bars(10, first)
        )
        if name.endswith("zip"):
            with zipfile.ZipFile(folder / name, "w") as archive:
                archive.writestr("BTCUSDT_60.csv", text)
        else:
            (folder / name).write_text(text)
    result = imported(tmp_path, "kraken", folder)
    assert (result.lines, result.quarantined, result.segment.manifest.gaps) == (20, 0, ())
    with pytest.raises(
        InputError, match=r"is not named as the archive is; expected BTCUSDT_60.csv"
    ):
        imported(tmp_path, "kraken", written(tmp_path / "x.csv", bars(1)), out="x")


def lean_day(folder: Path, day: str, ticker: str, scale: int, at: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(
        f"{k * 60_000},{100 * scale},{101 * scale},{99 * scale},{100 * scale + k},{k}\n" for k in at
    )
    with zipfile.ZipFile(folder / f"{day}_trade.zip", "w") as archive:
        archive.writestr(f"{day}_{ticker}_minute_trade.csv", text)


def test_lean_equities_are_scaled_and_in_the_exchange_s_zone(tmp_path: Path) -> None:
    folder = tmp_path / "equity" / "usa" / "minute" / "spy"
    for day in ("20240308", "20240311"):  # clocks changed on the 10th
        lean_day(folder, day, "spy", 10_000, [570, 571, 572])
    rules = SPOT.replace("BTCUSDT", "SPY").replace('"BTC"', '"SPY"')
    more = 'zone = "America/New_York"\ncurrency = "USD"'
    result = imported(tmp_path, "lean", folder, rules=rules, more=more)
    quotes = result.segment.columns("quotes")
    half_past_nine = [1_709_908_200, 1_710_163_800]  # 14:30 UTC, then 13:30
    assert sorted({t for t in quotes["ts_ns"].tolist() if t // 10**9 in half_past_nine}) == [
        t * 10**9 for t in half_past_nine
    ]
    assert quotes["ask"][0] == 10_001_000_000  # 100 and one basis point
    crypto = tmp_path / "crypto" / "binance" / "minute" / "btcusdt"
    lean_day(crypto, "20240101", "btcusdt", 1, [0, 1])
    plain = imported(tmp_path, "lean", crypto, out="c")
    assert plain.segment.columns("quotes")["ask"][0] == 10_001_000_000
    with pytest.raises(InputError, match=r"has spy; expected BTCUSDT"):
        imported(tmp_path, "lean", folder, out="x")


def test_lean_that_does_not_tell_its_units_asks(tmp_path: Path) -> None:
    lean_day(tmp_path / "minute" / "btcusdt", "20240101", "btcusdt", 1, [0, 1])
    path = tmp_path / "minute" / "btcusdt" / "20240101_trade.zip"
    with pytest.raises(InputError, match=r'set scale = "0.0001" .equities, options. or "1"'):
        imported(tmp_path, "lean", path)
    assert imported(tmp_path, "lean", path, more='scale = "1"').quarantined == 0
    daily = tmp_path / "crypto" / "daily"
    daily.mkdir(parents=True)
    (daily / "btcusdt.csv").write_text("20240101 00:00,1,1,1,1,1\n20240102 00:00,1,1,1,1,1\n")
    assert imported(tmp_path, "lean", daily / "btcusdt.csv", out="d").quarantined == 0
    (daily / "btcusdt_trade.csv").write_text("20240101 00:00,1,1,1,1,1,1,1,1,1,1\n")
    with pytest.raises(InputError, match=r"has 11 columns .bars of quotes.; expected 6"):
        imported(tmp_path, "lean", daily / "btcusdt_trade.csv", out="q")


OKX = SPOT.replace("BTCUSDT", "BTC-USDT")


def candle(k: int, confirm: str = "1") -> list[str]:
    return [str(START_MS + 3_600_000 * k), "100", "102", "99", "101", "5", "7", "700", confirm]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("answer", [True, False])
def test_the_last_candle_of_okx_is_left_out_where_it_has_not_ended(
    tmp_path: Path, newest_first: bool, answer: bool
) -> None:
    rows = [candle(k, "01"[k < 9]) for k in range(10)]
    rows = rows[::-1] if newest_first else rows
    path = tmp_path / "candles.json"
    path.write_text(json.dumps({"code": "0", "data": rows} if answer else rows))
    result = imported(tmp_path, "okx", path, rules=OKX, more='interval = "1h"')
    assert (result.lines, result.header_lines, result.quarantined) == (10, 1, 0)
    line = 1 if newest_first else 10
    note = f"candles.json: line {line}, the last bar, had not ended and was left out."
    assert note in result.segment.manifest.notes
    quotes = result.segment.columns("quotes")
    assert quotes["ts_ns"][-1] == START + 9 * HOUR
    assert quotes["bid_qty"][0] == 50_000_000  # a tenth of `vol`


def test_an_unfinished_candle_before_others_is_set_aside(tmp_path: Path) -> None:
    header = "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm\n"
    lines = [",".join(["BTC-USDT-SWAP", *c[1:-1], c[0], c[-1]]) for c in
             (candle(k, "01"[k not in (4, 9)]) for k in range(10))]  # fmt: skip
    path = tmp_path / "c.csv"
    path.write_text(header + "\n".join(lines) + "\n")
    rules = OKX.replace("[spot]", "[perp]").replace("BTC-USDT", "BTC-USDT-SWAP")
    result = imported(tmp_path, "okx", path, rules=rules, more='interval = "1h"')
    assert result.quarantine_reasons == {"partial-bar": 1}
    assert result.segment.columns("quotes")["bid_qty"][0] == 70_000_000  # a tenth of `vol_ccy`
    with pytest.raises(InputError, match=r"BTC-USD-SWAP, an inverse .coin-margined. contract"):
        imported(tmp_path, "okx", path, rules=rules.replace("USDT-SWAP", "USD-SWAP"), out="x")
    with pytest.raises(InputError, match=r"needs --mapping FILE for candles of okx"):
        import_capture("okx", inputs=[path], out=tmp_path / "y")
