"""Sessions of option chains in memory and on disk, made of fair quotes with noise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.instruments import Instrument
from quantlaxmi.options import black76
from quantlaxmi.schema import TABLES, ChainFlag, InstrumentKind
from quantlaxmi.segment import MemorySegment, SegmentWriter
from tests.options.recorded import IST

LOT = 75
#: Weeklies of NIFTY that the dated table knows.
EXPIRIES = ("2025-09-02", "2025-09-09")
STRIKES = tuple(range(23_700, 25_600, 50))


def at(text: str) -> int:
    """Nanoseconds of a time in India, ``2025-08-29T09:45:00``."""
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * 10**9


def option(
    expiry: str, strike: int, call: bool, underlying: str = "NIFTY", lot: int = LOT
) -> Instrument:
    symbol = f"{underlying}-{expiry.replace('-', '')}-{strike}-{'CE' if call else 'PE'}"
    return Instrument(
        symbol=symbol,
        venue="nse",
        venue_symbol=symbol,
        kind=InstrumentKind.CALL if call else InstrumentKind.PUT,
        price_exponent=-2,
        qty_exponent=0,
        currency="INR",
        base=underlying,
        tick=5,
        lot=lot,
        expiry_ns=at(f"{expiry}T15:30:00"),
        strike=strike * 100,
    )


def instruments(
    expiries: Sequence[str] = EXPIRIES, strikes: Sequence[int] = STRIKES
) -> list[Instrument]:
    return [option(e, k, call) for e in expiries for k in strikes for call in (True, False)]


def chain_table(
    contracts: Sequence[Instrument], times: Sequence[int], seed: int = 0, **more: Any
) -> dict[str, np.ndarray]:
    """Rows of snapshots at times: the forward wanders, the back's volatility is the higher one.

    ``lag_s`` is the age of the exchange's time, ``iv`` the volatilities by expiry, ``size`` the
    displayed lots, ``step`` the standard deviation of a move in points.
    """
    rng = np.random.default_rng(seed)
    ends = np.array([one.expiry_ns for one in contracts], np.int64)
    strikes = np.array([one.strike for one in contracts]) / 100
    calls = np.array([one.kind == InstrumentKind.CALL for one in contracts])
    order = np.unique(ends, return_inverse=True)[1].reshape(-1)
    sigma = np.array(more.get("iv", (0.100, 0.110, 0.115)))[order]
    forward, n = 24_600.0, len(contracts)
    parts: list[dict[str, np.ndarray]] = []
    for seq, ts in enumerate(times):
        forward += float(rng.normal(0, more.get("step", 3.0)))
        years = np.maximum((ends - ts) / 1e9, 60) / 31_536_000
        # Volatility moves with the snapshot, so that the gap crosses its floor now and then.
        level = 1 + 0.05 * np.sin(seq / 4) * (order == order.max())
        fair = black76(forward + 15.0 * order, strikes, years, sigma * level, calls).value * 100
        bid = np.maximum(5, (fair / 5).astype(np.int64) * 5 - 5 * rng.integers(0, 2, n))
        lots = int(more.get("size", 40))
        part = {
            "seq": np.full(n, seq),
            "ts_ns": np.full(n, ts),
            "instrument": np.arange(n),
            "exch_ts_ns": np.full(n, ts - more.get("lag_s", 70) * 10**9),
            "bid": bid,
            "bid_qty": LOT * rng.integers(1, lots, n),
            "ask": bid + 5 * rng.integers(1, 4, n),
            "ask_qty": LOT * rng.integers(1, lots, n),
            "last": bid,
            "volume": np.full(n, 1000 * LOT),
            "oi": LOT * rng.integers(600, 9000, n),
            "iv": np.full(n, 100_000),
            "flags": np.where(np.arange(n) == n - 1, int(ChainFlag.LAST), 0),
        }
        parts.append(part)
    return {
        name: np.concatenate([part[name] for part in parts]).astype(dtype)
        for name, dtype in TABLES["chain"].items()
    }


def morning(n: int = 60, begin: str = "2025-08-29T09:20:00", every_s: int = 65) -> list[int]:
    """Times of collection."""
    return [at(begin) + k * every_s * 10**9 for k in range(n)]


def session(seed: int = 0, n: int = 60, **more: Any) -> MemorySegment:
    """A morning in memory."""
    contracts = instruments()
    times = more.pop("times", None) or morning(n)
    table = chain_table(contracts, times, seed, **more)
    return MemorySegment(contracts, {"chain": table}, cadence="snapshots")


def write_session(folder: Path, contracts: Sequence[Instrument], table: dict[str, Any]) -> Path:
    """A session on disk."""
    with SegmentWriter(folder, venue="nse", instruments=contracts, cadence="snapshots") as writer:
        writer.append("chain", table)
        writer.seal()
    return folder
