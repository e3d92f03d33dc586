"""Profit computed again in doubles, within one basis point, on every segment there is.

The exact ledger is integers at 10**-16. Here the same money is worked out as anybody would in a
notebook: floats of price and size, rates of the cost model as fractions, funding from the rows of
the segment and the fills before each settlement, the last quote as mark. Only what was traded
(side, price, size, time) is taken from the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.importers import import_bars, import_capture
from quantlaxmi.run.ledger_lines import lines_at_fills
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.strategies import StrategyRegistry
from tests import random_markets, twins
from tests.depth import some
from tests.importers.test_bars_real import DAILY_MAPPING, HOURLY_MAPPING
from tests.importers.test_klines_json import MAPPING as KLINES_MAPPING
from tests.naive.engine import Decision, Leg, Market, merged

DATA = Path(__file__).parents[2] / "data"
REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
CRYPTO = REAL / "crypto"
PAIR = CRYPTO / "binance_capture_2024_08"
MICRO = CRYPTO / "binance_capture_2023_04_us/usdm/btcusdt_20230404.dat.gz"
DAILY = CRYPTO / "spot_perp_1d_2021_2024"
DUMPS = CRYPTO / "binance_csv_pos_neg"
TARDIS = CRYPTO / "nautilus"

Make = Callable[[Path], Segment]


#: Fees in base come in steps, which a count in doubles does not follow.
IN_QUOTE = CostModel(rates={}, buy_fee={"spot": "quote"})


def here(*paths: Path) -> list[Path]:
    for path in paths:
        if not path.exists():
            pytest.skip(f"{path} is not here; set QUANTLAXMI_REAL_DATA")
    return list(paths)


def capture(format: str, *paths: Path) -> Make:
    def make(folder: Path) -> Segment:
        return import_capture(format, inputs=here(*paths), out=folder / "seg").segment

    return make


def stream(spot: Path | None, perp: Path) -> Make:
    def make(folder: Path) -> Segment:
        here(*([spot] if spot else []), perp)
        return import_capture("binance-stream", spot=spot, perp=perp, out=folder / "seg").segment

    return make


def bars(mapping: str, *paths: Path, format: str = "bars") -> Make:
    def make(folder: Path) -> Segment:
        (folder / "mapping.toml").write_text(mapping)
        inputs, options = here(*paths), {"mapping": folder / "mapping.toml"}
        if format == "bars":
            return import_bars(inputs, folder / "seg", **options).segment
        return import_capture(format, inputs=inputs, out=folder / "seg", **options).segment

    return make


def bundled(name: str) -> Make:
    return lambda folder: open_segment(DATA / name)


SEGMENTS: dict[str, Make] = {
    "planted": bundled("planted"),
    "edgeless": bundled("edgeless"),
    "pair of 2024": stream(PAIR / "spot/btcusdt_20240808.gz", PAIR / "usdm/btcusdt_20240808.gz"),
    "perpetual of 2023": stream(None, MICRO),
    "hourly": bars(HOURLY_MAPPING, CRYPTO / "spot_perp_1h_funding/BTCUSDT_1h.csv"),
    "daily": bars(
        DAILY_MAPPING,
        DAILY / "spot_BTCUSDT_1d_20210101_20241231.csv",
        DAILY / "perp_BTCUSDT_1d_20210101_20241231.csv",
        DAILY / "funding_BTCUSDT_20210101_20241231.csv",
    ),
    **{
        f"klines of {symbol}": bars(
            KLINES_MAPPING.replace("BTC", symbol.removesuffix("USDT")),
            CRYPTO / f"binance_spot_klines/{symbol}_1h.tar.gz",
            format="klines-json",
        )
        for symbol in ("BTCUSDT", "SOLUSDT")
    },
    **{
        f"dump of {name}": capture("binance-csv", DUMPS / f"test_positive_binance_{file}.csv")
        for name, file in (
            ("snapshots", "depth_snapshot_spot_btcusdt_14-04-2025"),
            ("differences", "difference_depth_stream_spot_trxusdt_04-03-2025"),
            ("trades", "trade_stream_spot_trxusdt_04-03-2025"),
        )
    },
    **{
        f"{n} levels": capture("tardis", TARDIS / f"binance-futures_book_snapshot_{n}_BTCUSDT.csv")
        for n in (5, 25)
    },
    "archived depth": capture("binance-vision", TARDIS / "btcusdt-depth-snap.csv"),
}
#: Nothing can be bought where no book ever stands: trades alone, differences without a snapshot,
#: one side of a book.
BOOKLESS = {"dump of differences", "dump of trades", "archived depth"}


def profit(run: Run) -> tuple[float, float]:
    """Profit less fees with funding, open positions at the last mid; and the money traded."""
    segment, fills = run.segment, run.exact.fills
    cash = traded = worth = 0.0
    marks = last_mids(segment)
    for i, one in enumerate(segment.instruments):
        mine = fills[fills["instrument"] == i]
        price = mine["price"].astype(float) * 10.0**one.price_exponent
        qty = mine["qty"].astype(float) * 10.0**one.qty_exponent * float(one.contract)
        held = mine["side"] * qty
        rate = run.costs.rate(one).taker_bps.to_f64() / 10_000
        cash -= float((held * price).sum()) + float((price * qty).sum()) * rate
        traded += float((price * qty).sum())
        worth += float(held.sum()) * marks[i] * 10.0**one.price_exponent
        for at, mark, paid in settlements(segment, i):
            position = float(held[mine["ts_ns"] < at].sum())
            cash -= position * mark * 10.0**one.price_exponent * paid * 1e-8
        if one.kind == InstrumentKind.SPOT:
            cash -= interest(run, i, float(held.sum()), marks[i])
    return cash + worth, traded


def interest(run: Run, i: int, at_end: float, mark: float) -> float:
    """On what was sold and not held, fill by fill, at the mids that the ledger's lines have."""
    one, total, held, since = run.instruments[i], 0.0, 0.0, 0
    lines = lines_at_fills(run.exact, run.segment)
    unit = 10.0**one.qty_exponent * one.contract_size
    for k, fill in enumerate(run.exact.fills):
        if fill["instrument"] == i:
            mid = float(lines.mid2[lines.held.index(i), k]) / 2
            total += max(0.0, -held) * mid * float(fill["ts_ns"] - since)
            held += float(fill["side"]) * float(fill["qty"]) * unit
            since = fill["ts_ns"]
    total += max(0.0, -at_end) * mark * float(run.segment.last_ts_ns - since)
    years = 10.0**one.price_exponent / (365 * 86_400e9)
    return total * years * run.costs.borrow_bps(one).to_f64() / 10_000


def settlements(segment: Segment, instrument: int) -> list[tuple[int, int, int]]:
    """Time, mark and rate of each settlement: the last row up to its time that announces it.

    The time is the receive time at which the venue's clock shows the settlement's.
    """
    rows, ahead = segment.columns("funding"), offset(segment, instrument)
    found: dict[int, tuple[int, int, int]] = {}
    for ts, i, mark, rate, at in zip(
        *(rows[k].tolist() for k in ("ts_ns", "instrument", "mark", "rate", "next_funding_ns")),
        strict=True,
    ):
        if i == instrument and ts <= at - ahead <= segment.last_ts_ns:
            found[at] = (at - ahead, mark, rate)
    return list(found.values())


def offset(segment: Segment, instrument: int) -> int:
    """Largest exchange stamp minus receive time; these captures last minutes, bars have none."""
    apart = [0]
    for table in map(segment.columns, segment.counts):
        mine = (table["instrument"] == instrument) & (table["exch_ts_ns"] > 0)
        apart.extend((table["exch_ts_ns"] - table["ts_ns"])[mine].tolist())
    return max(apart[1:], default=0)


def last_mids(segment: Segment) -> list[float]:
    """By instrument, from the last quote, or the book that depth alone gives; 0 without either."""
    quotes, found = segment.columns("quotes"), []
    by_depth = Market(len(segment.instruments))
    if not len(quotes["seq"]):
        for table, rows in merged({t: segment.columns(t) for t in segment.counts}):
            by_depth.apply(table, rows)
    for i, book in enumerate(by_depth.books):
        mine = np.flatnonzero(quotes["instrument"] == i)
        bid, ask = (
            (int(quotes[side][mine[-1]]) for side in ("bid", "ask"))
            if len(mine)
            else (book.bid, book.ask)
        )
        found.append((bid + ask) / 2)
    return found


def random_trades(segment: Segment) -> twins.Script:
    """In and out at random, every so many calls, at sizes of a few thousandths."""
    n = segment.n_messages
    schedule = random_markets.random_schedule(5, 200, len(segment.instruments), share=1.0)
    step = max(1, n // 201)
    spread = {
        1 + k * step: Decision(
            tuple(Leg(x.instrument, x.side, x.qty * 10**5) for x in decision.legs),
            decision.bundle,
            decision.decision_type,
        )
        for k, decision in schedule.items()
    }
    # The first call too: some samples have a message or two.
    spread[0] = Decision((Leg(0, 1, 10**5),))
    return twins.script(spread)


#: The longest of them last; the naive engine has its every row in test_real_capture.py.
NAMES = sorted(SEGMENTS, key="pair of 2024".__eq__)


@pytest.mark.parametrize("name", some(NAMES, len(NAMES) - 1))
def test_profit_in_doubles_is_within_a_basis_point(name: str, tmp_path: Path) -> None:
    segment = SEGMENTS[name](tmp_path)
    strategies = [random_trades(segment)]
    if len(segment.instruments) == 2:
        sets = ("threshold_bps=3", "exit_threshold_bps=1")
        strategies.append(StrategyRegistry(installed=False).create("basis_capture", sets=sets))
    for strategy in strategies:
        run = backtest(segment, strategy, costs=IN_QUOTE, latency_ns=0)
        found, traded = profit(run)
        exact = run.exact.net_pnl * 10.0 ** (run.ledger_exponent - 1)
        assert (run.n_fills == 0) == (name in BOOKLESS)
        # One basis point is the promise; what doubles really lose is a matter of 1e-12.
        assert abs(found - exact) <= 1e-4 * abs(exact)
        assert abs(found - exact) <= 1e-9 * max(1.0, traded)


def test_settlements_take_part() -> None:
    """The comparison would be empty of funding if no run were paid any."""
    segment = open_segment(DATA / "planted")
    assert settlements(segment, 1)
