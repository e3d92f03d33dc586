"""Mappings of instruments from TOML, and the files of ticks that they describe."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_tardis
from quantlaxmi.importers.instrument_mapping import load_mapping

ALLOWED = (InputError,)
SEEDS = (
    b'[instruments."bybit/BTCUSDT"]\nkind = "perp"\ncurrency = "USDT"\nbase = "BTC"\n'
    b'symbol = "BTCUSDT-BYBIT"\nvenue = "bybit"\nprice_exponent = -8\ncontract_size = 1\n',
    b'instruments = { "bybit/BTCUSDT" = { kind = "spot", currency = "USDT", base = "B", '
    b"contract_size = 0.0125, price_units = 1000, qty_exponent = -3, inverse = false } }\n",
    b'[instruments."bybit/BTCUSDT"]\nkind = "perp"\ncurrency = "USD"\nbase = "BTC"\n'
    b"inverse = true\ncontract_size = 100\nprice_exponent = 0\n",
)
QUOTES = b"exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
QUOTES += b"bybit,BTCUSDT,1700000000000000,1700000000000000,1,101,100,2\n"


def one(draw: Draw) -> None:
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    path, quotes = folder / "map.toml", folder / "quotes.csv"
    path.write_bytes(edit_toml(draw, draw.pick(SEEDS)))
    quotes.write_bytes(QUOTES)
    try:
        mapping = load_mapping(path)
        for key, entry in mapping.items():
            exchange, _, symbol = key.partition("/")
            made = entry.instrument(exchange, symbol)
            assert f"{made.currency}{made.base}".isprintable()
        result = import_tardis([quotes], folder / "seg", mapping=path)
        (instrument,) = result.segment.instruments
        row = {name: int(v[0]) for name, v in result.segment.columns("quotes").items()}
        assert row["ask"] == 101 * 10**-instrument.price_exponent
        assert row["bid_qty"] == 2 * 10**-instrument.qty_exponent
    finally:
        shutil.rmtree(folder)
