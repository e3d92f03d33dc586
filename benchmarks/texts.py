"""Made-up files of every format that imports read, the same every time."""

from __future__ import annotations

import datetime
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

Rows = Callable[[random.Random, int], Iterator[str]]
T0_MS = 1_722_470_400_000  # 2024-08-01
BARS_MAPPING = """
interval = "1m"
half_spread_bps = "0.5"
size = "100"
base = "BTC"
time = { column = "time" }
[spot]
symbol = "BTCUSDT"
open = "s_open"
high = "s_high"
low = "s_low"
close = "s_close"
[perp]
symbol = "BTCUSDT"
open = "p_open"
high = "p_high"
low = "p_low"
close = "p_close"
[funding]
rate = "rate"
every = "8h"
"""
ARCHIVE_MAPPING = """
half_spread_bps = "0.5"
base = "BTC"
[perp]
symbol = "BTCUSDT"
venue = "binance-usdm"
"""
PREMIUM_MAPPING = ARCHIVE_MAPPING + "[premium]\ninput = 2\n"
KLINES_MAPPING = 'half_spread_bps = "0.5"\nbase = "BTC"\n[spot]\nsymbol = "BTCUSDT"\n'


def _side(rng: random.Random) -> str:
    return ("True", "False")[rng.randrange(2)]


def _qty(rng: random.Random) -> float:
    return rng.randrange(1, 10**6) / 1e3


def _clock(rng: random.Random, n: int, each: int = 1) -> Iterator[tuple[int, int]]:
    """Line and milliseconds, moving on every ``each`` lines; a month holds 30 million."""
    ms = T0_MS
    for k in range(n):
        if k % each == 0:
            ms += rng.randrange(80)
        yield k, ms


def agg_trades(rng: random.Random, n: int) -> Iterator[str]:
    """Spot ``aggTrades`` without header, as the archive has them."""
    for k, ms in _clock(rng, n):
        price, qty = 60_000 + rng.randrange(100_000) / 100, rng.randrange(1, 10**6) / 1e5
        yield f"{3_000_000 + k},{price:.8f},{qty:.8f},{2 * k},{2 * k + 1},{ms},{_side(rng)},True\n"


def trades(rng: random.Random, n: int) -> Iterator[str]:
    """Perpetual ``trades``."""
    yield "id,price,qty,quote_qty,time,is_buyer_maker\n"
    for k, ms in _clock(rng, n):
        price, qty = 60_000 + rng.randrange(10_000) / 10, _qty(rng)
        yield f"{k},{price:.1f},{qty:.3f},{price * qty:.4f},{ms},{_side(rng).lower()}\n"


def book_ticker(rng: random.Random, n: int) -> Iterator[str]:
    """Perpetual ``bookTicker``."""
    yield "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,"
    yield "transaction_time,event_time\n"
    for k, ms in _clock(rng, n):
        bid = 60_000 + rng.randrange(10_000) / 10
        yield f"{k},{bid:.1f},{_qty(rng):.3f},{bid + 0.1:.1f},{_qty(rng):.3f},{ms},{ms + 2}\n"


def funding_rate(rng: random.Random, n: int) -> Iterator[str]:
    """``fundingRate`` at a pace no venue has: a month's file has 90 lines."""
    yield "calc_time,funding_interval_hours,last_funding_rate\n"
    for k, _ in _clock(rng, n):
        yield f"{T0_MS + k},8,0.000{rng.randrange(10**5):05}\n"


def t_depth(rng: random.Random, n: int) -> Iterator[str]:
    """``T_DEPTH``: five levels a message, behind a snapshot."""
    yield "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
    for k, ms in _clock(rng, n, 5):
        m, side = 10 * (k // 5), "ba"[k % 2]
        level = 60_000 + (k % 1000) * (-0.1 if side == "b" else 0.1) + k % 2
        head = f"BTCUSDT,{ms},{m + 1 if m else 10},{m + 10},{side},{'set' if m else 'snap'}"
        yield f"{head},{level:.2f},{_qty(rng):.3f},{m if m else -1}\n"


def quotes(rng: random.Random, n: int) -> Iterator[str]:
    """Tardis ``quotes``."""
    yield "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
    for _, ms in _clock(rng, n):
        bid = 60_000 + rng.randrange(10_000) / 10
        head = f"binance-futures,BTCUSDT,{ms}000,{ms}500"
        yield f"{head},{_qty(rng)},{bid + 0.1:.1f},{bid:.1f},{_qty(rng)}\n"


def tardis_trades(rng: random.Random, n: int) -> Iterator[str]:
    """Tardis ``trades``."""
    yield "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    for k, ms in _clock(rng, n):
        price, side = 60_000 + rng.randrange(10_000) / 10, ("buy", "sell")[k % 2]
        yield f"binance-futures,BTCUSDT,{ms}000,{ms}500,{k},{side},{price},{_qty(rng)}\n"


def incremental_book(rng: random.Random, n: int) -> Iterator[str]:
    """Tardis ``incremental_book_L2``: five levels a message, behind a snapshot."""
    yield "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    for k, ms in _clock(rng, n, 5):
        head, side = (
            f"binance-futures,BTCUSDT,{ms}{k // 5 % 1000:03},{ms}999",
            ("bid", "ask")[k % 2],
        )
        level = 60_000 + (k % 1000) * (-0.1 if k % 2 == 0 else 0.1)
        first = "true" if k < 5 else "false"
        yield f"{head},{first},{side},{level + k % 2:.2f},{rng.randrange(1, 9999) / 1000}\n"


def book_snapshot(levels: int) -> Rows:
    """Tardis ``book_snapshot_N``."""

    def rows(rng: random.Random, n: int) -> Iterator[str]:
        names = ("asks[{}].price", "asks[{}].amount", "bids[{}].price", "bids[{}].amount")
        cells = ",".join(name.format(k) for k in range(levels) for name in names)
        yield f"exchange,symbol,timestamp,local_timestamp,{cells}\n"
        for _, ms in _clock(rng, n):
            bid = 600_000 + rng.randrange(10_000)
            cells = ",".join(
                f"{(bid + 1 + k) / 10},{_qty(rng)},{(bid - k) / 10},{_qty(rng)}"
                for k in range(levels)
            )
            yield f"binance-futures,BTCUSDT,{ms}000,{ms}500,{cells}\n"

    return rows


def derivative_ticker(rng: random.Random, n: int) -> Iterator[str]:
    """Tardis ``derivative_ticker``."""
    yield "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,"
    yield "predicted_funding_rate,open_interest,last_price,index_price,mark_price\n"
    for _, ms in _clock(rng, n):
        price = 60_000 + rng.randrange(10**6) / 100
        head = f"binance-futures,BTCUSDT,{ms}000,{ms}500,{T0_MS + 10**10}000"
        yield f"{head},0.0001,,{_qty(rng)},{price:.1f},{price:.2f},{price + 1:.2f}\n"


def dump_trades(rng: random.Random, n: int) -> Iterator[str]:
    """Trades of a stream dump."""
    yield "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,"
    yield "Quantity,IsBuyerMarketMaker,MUnknownParameter\n"
    for k, ms in _clock(rng, n):
        price = 60_000 + rng.randrange(100_000) / 100
        head = f"{ms}900,btcusdt@trade,trade,{ms}500,{ms}000,BTCUSDT"
        yield f"{head},{k},{price:.8f},{_qty(rng):.8f},{k % 2},True\n"


def dump_depth(rng: random.Random, n: int) -> Iterator[str]:
    """Differences of a stream dump: five levels a message."""
    yield "TimestampOfReceive,Stream,EventType,EventTime,Symbol,FirstUpdateId,FinalUpdateId,IsAsk,"
    yield "Price,Quantity\n"
    for k, ms in _clock(rng, n, 5):
        m = 10 * (k // 5)
        price = 60_000 + (k % 1000) * (0.01 if k % 2 else -0.01)
        head = f"{ms}900,btcusdt@depth@100ms,depthUpdate,{ms}000,BTCUSDT,{m + 1},{m + 10},{k % 2}"
        yield f"{head},{price:.8f},{_qty(rng):.8f}\n"


def dump_snapshots(rng: random.Random, n: int) -> Iterator[str]:
    """Snapshots of a stream dump, a thousand levels each."""
    yield "TimestampOfReceive,TimestampOfRequest,LastUpdateId,IsAsk,Price,Quantity\n"
    for k in range(n):
        m, level = k // 1000, k % 1000
        price = 60_000 + (level - 500) * 0.01
        head = f"{T0_MS + 60_000 * m + 9},{T0_MS + 60_000 * m},{m + 1},{int(level >= 500)}"
        yield f"{head},{price:.8f},{_qty(rng):.8f}\n"


def bars(rng: random.Random, n: int) -> Iterator[str]:
    """Minutes of spot and perpetual with funding."""
    yield "time,s_open,s_high,s_low,s_close,p_open,p_high,p_low,p_close,rate\n"
    start = datetime.datetime(2023, 6, 1)
    for k in range(n):
        prices = []
        for _ in range(2):
            price = 60_000 + rng.randrange(100_000) / 100
            prices.append(f"{price:.2f},{price + 2:.2f},{price - 2:.2f},{price + 1:.2f}")
        yield f"{start + datetime.timedelta(minutes=k)},{prices[0]},{prices[1]},0.0001\n"


def _archived(rng: random.Random, n: int, prices: Callable[[], tuple[str, ...]]) -> Iterator[str]:
    """Minutes as the archive has them; nine columns behind the prices."""
    yield (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore\n"
    )
    for k in range(n):
        opened = T0_MS + 60_000 * k
        qty = _qty(rng)
        yield f"{opened},{','.join(prices())},{qty},{opened + 59_999},{qty},9,{qty},{qty},0\n"


def archived_klines(rng: random.Random, n: int) -> Iterator[str]:
    """Klines of a minute."""

    def prices() -> tuple[str, ...]:
        price = 60_000 + rng.randrange(100_000) / 100
        return tuple(f"{price + d:.2f}" for d in (0, 2, -2, 1))

    return _archived(rng, n, prices)


def premium_klines(rng: random.Random, n: int) -> Iterator[str]:
    """``premiumIndexKlines`` of a minute."""

    def prices() -> tuple[str, ...]:
        close = rng.randrange(-50_000, 50_000) / 10**8
        return tuple(f"{close + d:.8f}" for d in (0, 0.0001, -0.0001, 0))

    return _archived(rng, n, prices)


#: Format, name of the file and its rows.
CSV: tuple[tuple[str, str, Rows], ...] = (
    ("binance-vision", "BTCUSDT-aggTrades-2024-08.csv", agg_trades),
    ("binance-vision", "BTCUSDT-trades-2024-08.csv", trades),
    ("binance-vision", "BTCUSDT-bookTicker-2024-08.csv", book_ticker),
    ("binance-vision", "BTCUSDT-fundingRate-2024-08.csv", funding_rate),
    ("binance-vision", "BTCUSDT_T_DEPTH_2024-08-01.csv", t_depth),
    ("tardis", "quotes.csv", quotes),
    ("tardis", "trades.csv", tardis_trades),
    ("tardis", "incremental_book_L2.csv", incremental_book),
    ("tardis", "book_snapshot_5.csv", book_snapshot(5)),
    ("tardis", "book_snapshot_25.csv", book_snapshot(25)),
    ("tardis", "derivative_ticker.csv", derivative_ticker),
    ("binance-csv", "trade_stream_spot_btcusdt.csv", dump_trades),
    ("binance-csv", "difference_depth_stream_spot_btcusdt.csv", dump_depth),
    ("binance-csv", "depth_snapshot_spot_btcusdt.csv", dump_snapshots),
)


def write_csv(path: Path, rows: Rows, n: int) -> None:
    """Write ``n`` lines below a header."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(rows(random.Random(7), n))


def write_parquet(path: Path, n: int) -> None:
    """The bars of `bars` as Parquet, prices as doubles."""
    import pyarrow.csv
    import pyarrow.parquet

    text = "".join(bars(random.Random(7), n)).encode()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(io.BytesIO(text)), path)


def write_klines(path: Path, n: int) -> None:
    """A tar of ``n`` klines of a minute, 40,000 in a file."""
    rng = random.Random(7)
    with tarfile.open(path, "w") as archive:
        for first in range(0, n, 40_000):
            klines = []
            for k in range(first, min(n, first + 40_000)):
                opened, price = T0_MS + 60_000 * (k - n), 60_000 + rng.randrange(100_000) / 100
                texts = [f"{price + d:.8f}" for d in (0, 2, -2, 1)]
                klines.append([opened, *texts, f"{_qty(rng):.8f}", opened + 59_999, "0", 9])
            text = json.dumps(klines, separators=(",", ":")).encode()
            member = tarfile.TarInfo(f"BTCUSDT/1m/{first:09}.json")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
