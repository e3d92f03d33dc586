"""Trades of OKX's and Bybit's archives: which instrument they are of, and in which units."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture

T0 = 1_700_000_000
OKX_HEAD = "instrument_name,trade_id,side,price,size,created_time,source\n"
BYBIT_HEAD = (
    "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,"
    "foreignNotional,RPI\n"
)


def okx(symbol: str, n: int = 3) -> str:
    return OKX_HEAD + "".join(
        f"{symbol},{7 + k},{('buy', 'sell')[k % 2]},100.5,{k + 1}.25,{T0}{k:03},0\n"
        for k in range(n)
    )


def bybit(symbol: str, n: int = 3) -> str:
    return BYBIT_HEAD + "".join(
        f"{T0}.00{k}5,{symbol},{('Buy', 'Sell')[k % 2]},{k + 1},100.5,PlusTick,{k}-ab,1e9,1,1,0\n"
        for k in range(n)
    )


def imported(folder: Path, format: str, name: str, text: str | bytes, mapping: str = ""):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    options = {}
    if mapping:
        (folder / "m.toml").write_text(mapping)
        options["mapping"] = folder / "m.toml"
    return import_capture(format, inputs=[path], out=folder / f"seg-{name}", **options)


def test_okx_spot(tmp_path: Path) -> None:
    name = "BTC-USDT-trades-2023-11-15.csv"
    result = imported(tmp_path, "okx", name, okx("BTC-USDT"))
    (one,) = result.segment.instruments
    assert (one.symbol, one.currency, one.base, one.venue) == ("BTC-USDT", "USDT", "BTC", "okx")
    trades = result.segment.columns("trades")
    assert trades["side"].tolist() == [1, -1, 1]
    assert trades["qty"].tolist() == [125_000_000, 225_000_000, 325_000_000]
    assert trades["ts_ns"].tolist() == [T0 * 10**9 + k * 10**6 for k in range(3)]


def test_okx_swaps_ask_for_the_size_of_a_contract(tmp_path: Path) -> None:
    name, text = "BTC-USDT-SWAP-trades-2023-11-15.csv", okx("BTC-USDT-SWAP")
    with pytest.raises(InputError, match=r"sizes count contracts.*and its contract_size"):
        imported(tmp_path, "okx", name, text)
    mapping = (
        '[instruments."okx/BTC-USDT-SWAP"]\nkind = "perp"\ncurrency = "USDT"\nbase = "BTC"\n'
        "contract_size = 0.01\n"
    )
    (one,) = imported(tmp_path, "okx", name, text, mapping).segment.instruments
    assert (one.contract_size, one.contract_exponent) == (1, -2)
    with pytest.raises(InputError, match=r"BTC-USD-SWAP, an inverse"):
        imported(tmp_path, "okx", "x.csv", okx("BTC-USD-SWAP"))
    with pytest.raises(InputError, match=r"expected spot or a swap"):
        imported(tmp_path, "okx", "x.csv", okx("BTC-USDT-240927"))


def test_older_files_of_okx_name_columns_in_two_languages(tmp_path: Path) -> None:
    head = "trade_id/\u4ea4\u6613id,side/\u4ea4\u6613\u65b9\u5411,size/\u6570\u91cf,"
    head += "price/\u4ef7\u683c,created_time/\u6210\u4ea4\u65f6\u95f4\n"
    body = f"7,buy,0.5,100.25,{T0}000\n8,sell,0.5,100.5,{T0}001\n"
    name = "BTC-USDT-trades-2023-11-15.csv"
    result = imported(tmp_path, "okx", name, head.encode("gbk") + body.encode())
    assert result.segment.columns("trades")["price"].tolist() == [10_025_000_000, 10_050_000_000]
    with pytest.raises(InputError, match=r"names no instrument; expected a column instrument_name"):
        imported(tmp_path, "okx", "trades.csv", head.encode("gbk") + body.encode())


def test_bybit_contracts_have_seconds_and_spot_milliseconds(tmp_path: Path) -> None:
    text = gzip.compress(bybit("BTCUSDT").encode())
    result = imported(tmp_path, "bybit", "BTCUSDT2023-11-14.csv.gz", text)
    (one,) = result.segment.instruments
    assert (one.symbol, one.currency, one.base) == ("BTCUSDT-PERP", "USDT", "BTC")
    trades = result.segment.columns("trades")
    assert trades["ts_ns"].tolist() == [T0 * 10**9 + (10 * k + 5) * 10**5 for k in range(3)]
    assert trades["side"].tolist() == [1, -1, 1]
    spot = f"id,timestamp,price,volume,side,rpi\n1,{T0}001,100.5,0.25,sell,0\n"
    (tmp_path / "spot").mkdir()
    result = imported(tmp_path / "spot", "bybit", "BTCUSDT_2023-11-14.csv", spot)
    assert result.segment.instruments[0].symbol == "BTCUSDT"
    assert result.segment.columns("trades")["qty"].tolist() == [25_000_000]


@pytest.mark.parametrize(
    ("symbol", "words"),
    [("BTCUSD", "inverse"), ("DOTUSD", "inverse"), ("BTC-27DEC24", "expected a spot or perpetual")],
)
def test_bybit_contracts_that_are_not_computed(tmp_path: Path, symbol: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        imported(tmp_path, "bybit", "x.csv", bybit(symbol))


def test_bybit_perpetuals_in_usdc(tmp_path: Path) -> None:
    result = imported(tmp_path, "bybit", "x.csv", bybit("BTCPERP"))
    assert result.segment.instruments[0].currency == "USDC"


def test_files_of_something_else(tmp_path: Path) -> None:
    for format in ("okx", "bybit"):
        with pytest.raises(InputError, match=r"has columns 'a,b,c'; expected the header of"):
            imported(tmp_path, format, "x.csv", "a,b,c\n1,2,3\n")
