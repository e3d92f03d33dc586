"""Contract sizes and quote currencies: derived from symbol and mapping, or asked for."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from quantlaxmi.data_quality import segment_quality
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.importers import import_bars, import_capture
from quantlaxmi.importers.traded_pair import Terms, bare_symbol, pair_fields, splits
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import InstrumentKind, Side
from quantlaxmi.settings import Place
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests.bars_files import START

EXAMPLES = Path(__file__).parents[2] / "examples"
QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
SWAP = '[instruments."okex-swap/BTC-USDT-SWAP"]\nkind = "perp"\ncurrency = "USDT"\nbase = "BTC"\n'


class Once(CryptoStrategy):
    """Buys a hundred contracts at its first message."""

    strategy_id = "once"
    Config = StrategyConfig
    rationales = ("once",)

    def on_start(self, ctx: Any) -> None:
        self.done = False

    def on_market(self, event: Any, ctx: Any) -> Any:
        if self.done:
            return None
        self.done = True
        one = ctx.instruments[0]
        leg = LegIntent(one.symbol, Side.BUY, 100 * 10**-one.qty_exponent)
        return ctx.decide([leg], rationale="once", direction=1)


def fields(
    symbol: str,
    currency: str = "",
    base: str = "",
    size: str | None = None,
    units: int | None = None,
    kind: InstrumentKind = InstrumentKind.PERP,
    venue: str = "somewhere",
) -> Any:
    told = Terms(currency, base, None if size is None else Decimal(size), units)
    found = pair_fields(Place("m.toml", "perp"), symbol, kind, venue, told)
    size_ = Fraction(found.contract_size) * Fraction(10) ** found.contract_exponent
    return found.base, found.currency, size_, found.price_units


@pytest.mark.parametrize(
    ("symbol", "told", "expected"),
    [
        ("BTCUSDT", {}, ("BTC", "USDT", 1, 1)),
        ("ETHBTC", {}, ("ETH", "BTC", 1, 1)),
        ("BTC-USDT-SWAP", {"size": "0.01"}, ("BTC", "USDT", Fraction(1, 100), 1)),
        ("btc_usdt", {}, ("BTC", "USDT", 1, 1)),
        ("BNTUSD", {"base": "BNT"}, ("BNT", "USD", 1, 1)),
        ("BTCTUSD", {"currency": "TUSD"}, ("BTC", "TUSD", 1, 1)),
        ("AAPL", {"currency": "USD"}, ("AAPL", "USD", 1, 1)),
        ("SOL", {"currency": "USDC", "base": "SOL"}, ("SOL", "USDC", 1, 1)),
        ("1000SHIBUSDT", {}, ("1000SHIB", "USDT", 1, 1)),
        ("1000SHIBUSDT", {"base": "SHIB", "size": "1000"}, ("SHIB", "USDT", 1000, 1000)),
        ("SHIB1000USDT", {"base": "SHIB", "size": "1000"}, ("SHIB", "USDT", 1000, 1000)),
        ("1MBABYDOGEUSDT", {"base": "BABYDOGE", "size": "1e6"}, ("BABYDOGE", "USDT", 10**6, 10**6)),
        ("SHIB-USDT-SWAP", {"base": "SHIB", "size": "1000000"}, ("SHIB", "USDT", 10**6, 1)),
        ("XBTUSDT", {"base": "BTC", "size": "1"}, ("BTC", "USDT", 1, 1)),
    ],
)
def test_what_a_symbol_and_a_mapping_say(symbol: str, told: dict[str, str], expected: Any) -> None:
    assert fields(symbol, **told) == expected


@pytest.mark.parametrize(
    ("symbol", "told", "said"),
    [
        ("1000SHIBUSDT", {"base": "SHIB"}, "contract_size = 1000 where one unit of quantity is"),
        ("SHIB1000USDT", {"base": "SHIB"}, "contract_size = 1000"),
        ("ETHUSDT", {"base": "BTC"}, "ETHUSDT is not BTC + USDT"),
        ("ETHBTC", {"currency": "USDT"}, "was 'USDT', but ETHBTC ends in BTC"),
        ("ETHBTC", {"currency": "USDT", "base": "ETH"}, "was 'USDT', but ETHBTC ends in BTC"),
        ("AAPL", {}, "AAPL ends in no known quote currency"),
        ("BNTUSD", {}, "BNTUSD may be quoted in TUSD or USD"),
        ("BTC-USDT-SWAP", {"venue": "okex-swap"}, "okex-swap counts contracts"),
        ("BTCUSDT", {"venue": "KuCoin-Futures"}, "counts contracts"),
        ("BTCUSDT", {"units": 500}, "was 500, expected a power of ten"),
        ("BTC", {"base": "BTC"}, "ends in no known quote currency"),
    ],
)
def test_what_is_not_known_is_asked(symbol: str, told: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=r"^m\.toml \(perp\.[a-z_]+\): ") as caught:
        fields(symbol, **told)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_spot_market_counts_coins_wherever_it_is() -> None:
    spot = InstrumentKind.SPOT
    assert fields("BTC-USDT", venue="okx", kind=spot) == ("BTC", "USDT", 1, 1)
    assert bare_symbol("PF_XBTUSD") == "XBTUSD"
    assert list(splits("BTCFDUSD")) == [("BTC", "FDUSD"), ("BTCFD", "USD")]


# --- through the importers ------------------------------------------------------------------------


def okx(tmp_path: Path, setting: str, out: str = "seg") -> Any:
    start = 1_719_792_000_000_000
    rows = [
        f"okex-swap,BTC-USDT-SWAP,{start + k * 10**6},{start + k * 10**6 + 5000},250,"
        f"{60000 + k}.1,{60000 + k}.0,300"
        for k in range(600)
    ]
    path = tmp_path / "okex-swap_quotes_2024-07-01_BTC-USDT-SWAP.csv"
    path.write_text("\n".join([QUOTES, *rows]) + "\n")
    (tmp_path / "m.toml").write_text(SWAP + setting)
    return import_capture(
        format="tardis", inputs=[path], out=tmp_path / out, mapping=tmp_path / "m.toml"
    ).segment


def test_a_venue_of_contracts_asks_for_their_size(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"contract_size\): is missing: okex-swap counts"):
        okx(tmp_path, "")
    assert not (tmp_path / "seg").exists()
    with pytest.raises(ConfigError, match="okex-swap counts"):  # whatever the mapping calls it
        okx(tmp_path, 'venue = "mine"\n')
    for k, text in enumerate(("0.0", "-0.01", "1e-13", "2e9", '"1/100"', "true")):
        with pytest.raises(ConfigError, match=r"contract_size\): was"):
            okx(tmp_path, f"contract_size = {text}\n", f"bad{k}")


@pytest.mark.parametrize("written", ["0.01", '"0.01"', "1e-2"])
def test_a_hundred_contracts_of_a_hundredth_are_one_coin(tmp_path: Path, written: str) -> None:
    segment = okx(tmp_path, f"contract_size = {written}\n")
    [one] = segment.instruments
    assert (one.contract_size, one.contract_exponent, one.price_units) == (1, -2, 1)
    assert any("one unit of quantity is 0.01 BTC" in note for note in segment.manifest.notes)
    (tmp_path / "c.toml").write_text('[perp]\nmaker_bps = "2"\ntaker_bps = "5"\n')
    run = backtest(segment, Once(), costs=CostModel.load(tmp_path / "c.toml"), flatten=True)
    money = Fraction(10) ** (run.ledger_exponent - 1)
    assert run.n_fills == 2
    # Bought at 60001.1 a second in, and sold at 60599.0 at the end: 100 contracts are 1 coin.
    bought, sold = (Fraction(p, 10**8) for p in run.exact.fills["price"].tolist())
    fees = [round(p * 5 / 10**4 * 10**8) for p in (bought, sold)]
    assert run.exact.net_pnl * money == sold - bought - Fraction(sum(fees), 10**8)
    assert 500 < sold - bought < 700


@pytest.mark.parametrize("size", ["0.01", "1000"])
def test_every_kind_of_bars_takes_a_contract_size(tmp_path: Path, size: str) -> None:
    start = START // 10**6
    klines = [
        [begin, "100", "101", "99", "100.5", "7", begin + 3600_000 - 1, "1", 1, "1", "1", "0"]
        for begin in range(start, start + 3 * 3600_000, 3600_000)
    ]
    leg = f'symbol = "1000XUSDT"\nvenue = "okx"\nbase = "X"\ncontract_size = {size}\n'
    head = 'half_spread_bps = "1"\n'
    files = {
        "klines-json": ("X.json", json.dumps(klines), head + "[perp]\n" + leg),
        "binance-vision": (
            "1000XUSDT-1h-2024-01.csv",
            "\n".join(",".join(map(str, row)) for row in klines) + "\n",
            head + "[perp]\n" + leg,
        ),
        "bars": (
            "x.csv",
            "time,o,c,v\n" + "".join(f"{START // 10**9 + 3600 * k},100,101,7\n" for k in range(3)),
            head
            + 'interval = "1h"\ntime = { column = "time", unit = "s" }\n[perp]\nopen = "o"\n'
            + f'close = "c"\nvolume = "v"\n{leg}',
        ),
    }
    for format_, (name, text, mapping) in files.items():
        path, toml = tmp_path / name, tmp_path / f"{format_}.toml"
        path.write_text(text)
        toml.write_text(mapping)
        out = tmp_path / f"{format_}-{size}"
        [one] = import_capture(
            format=format_, inputs=[path], out=out, mapping=toml
        ).segment.instruments
        assert (one.contract, one.price_units) == (Fraction(size), 1000)
        assert (one.base, one.currency) == ("X", "USDT")
        toml.write_text(mapping.replace(f"contract_size = {size}\n", ""))
        with pytest.raises(InputError, match=r"perp\.contract_size\): is missing"):
            import_capture(format=format_, inputs=[path], out=tmp_path / "none", mapping=toml)


def test_bars_without_a_currency_are_in_that_of_their_symbol(tmp_path: Path) -> None:
    path, toml = tmp_path / "x.csv", tmp_path / "m.toml"
    path.write_text("time,o,c,v\n" + f"{START // 10**9},100,101,7\n" * 1)
    text = (
        'interval = "1h"\nhalf_spread_bps = "1"\ntime = { column = "time", unit = "s" }\n[spot]\n'
    )
    text += 'open = "o"\nclose = "c"\nvolume = "v"\n'
    toml.write_text(text + 'symbol = "ETHBTC"\n')
    [one] = import_bars([path], tmp_path / "a", mapping=toml).segment.instruments
    assert (one.base, one.currency) == ("ETH", "BTC")
    for extra, said in (
        ('symbol = "ETHBTC"\ncurrency = "USDT"\n', "but ETHBTC ends in BTC"),
        ('symbol = "AAPL"\n', "ends in no known quote currency"),
    ):
        toml.write_text(text + extra)
        with pytest.raises(ConfigError, match=said):
            import_bars([path], tmp_path / "b", mapping=toml)


# --- a pair of unlike units, from files to money --------------------------------------------------

PAIR = """
interval = "1h"
half_spread_bps = "0.5"
base = "SHIB"
price_exponent = -12
qty_exponent = -2
time = { column = "time", unit = "s" }
[spot]
symbol = "SHIBUSDT"
venue = "binance"
open = "so"
close = "sc"
volume = "sv"
lot = 1
[perp]
symbol = "1000SHIBUSDT"
venue = "binance-usdm"
contract_size = 1000
open = "po"
close = "pc"
volume = "pv"
lot = 1
"""


def shib(tmp_path: Path) -> Any:
    """Spot at about 0.000017 a coin; the perpetual of a thousand coins wanders around it."""
    random = Random(5)
    lines, spot, perp = ["time,so,sc,sv,po,pc,pv"], 170_000, 170_000
    for k in range(200):
        before = spot, perp
        spot += random.randint(-300, 300)
        perp = spot + random.choice((-400, 0, 0, 400))
        s, p = (
            [f"{Decimal(v).scaleb(-scale):f}" for v in pair]
            for pair, scale in (((before[0], spot), 10), ((before[1], perp), 7))
        )
        lines.append(
            f"{START // 10**9 + 3600 * k},{s[0]},{s[1]},10000000000,{p[0]},{p[1]},10000000"
        )
    (tmp_path / "shib.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "pair.toml").write_text(PAIR)
    return import_bars(
        [tmp_path / "shib.csv"], tmp_path / "shib", mapping=tmp_path / "pair.toml"
    ).segment


def test_a_thousand_coins_are_hedged_by_a_thousand_coins(tmp_path: Path) -> None:
    segment = shib(tmp_path)
    spot, perp = segment.instruments
    assert (spot.price_units, perp.price_units, perp.contract_size) == (1, 1000, 1000)
    assert any("one unit of quantity is 1000 SHIB" in note for note in segment.manifest.notes)
    (tmp_path / "c.toml").write_text(
        '[spot]\nmaker_bps = "1"\ntaker_bps = "1"\nmin_notional = "0"\nborrow_bps = "0"\n'
        'buy_fee = "quote"\n'
        '[perp]\nmaker_bps = "1"\ntaker_bps = "1"\nmin_notional = "0"\n'
    )
    settings = ["position_size=25000 threshold_bps=10 exit_threshold_bps=1 max_quote_age_ms=0"]
    runs = []
    for name, interpreted in (
        ("basis_capture", False),
        ("basis_capture", True),
        (f"{EXAMPLES}/basis_capture_python.py:Basis", False),
    ):
        strategy = StrategyRegistry().create(name, sets=settings)
        costs = CostModel.load(tmp_path / "c.toml")
        runs.append(backtest(segment, strategy, costs=costs, interpreted=interpreted))
    assert len({run.trace.trace_hash for run in runs}) == 1
    fills = [dict(zip(f.dtype.names, f.tolist(), strict=True)) for f in runs[0].exact.fills]
    assert len(fills) > 40
    cash = held = Fraction(0)
    coins = [Fraction(0), Fraction(0)]
    for fill in fills:
        one = segment.instruments[fill["instrument"]]
        size = Fraction(fill["qty"], 100) * (1000 if one is perp else 1)
        a_coin = Fraction(fill["price"], 10**12) / (1000 if one is perp else 1)
        assert size == 25_000 and Fraction("0.00001") < a_coin < Fraction("0.00003")
        coins[fill["instrument"]] += fill["side"] * size
        fee = Fraction(round(size * a_coin / 10**4 * 10**8), 10**8)
        cash -= fill["side"] * size * a_coin + fee
    assert sum(coins) == 0  # hedged to the coin, whatever is open
    mids = runs[0].exact.last_mids.tolist()
    for amount, mid, of in zip(coins, mids, (1, 1000), strict=True):
        held += amount * Fraction(mid, 10**13) / of
    assert runs[0].exact.net_pnl * Fraction(10) ** (runs[0].ledger_exponent - 1) == cash + held


def test_the_quality_of_a_pair_compares_prices_of_one_coin(tmp_path: Path) -> None:
    [pair] = segment_quality(shib(tmp_path)).pairs
    basis = pair.basis_bps
    assert basis is not None
    assert all(abs(v) * Fraction(10) ** basis.exponent < 100 for v in basis.values)
