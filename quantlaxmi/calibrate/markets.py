"""Markets of calibration runs: quotes, trades and funding in memory, in the house's integers.

Prices and quantities are mantissas at 10**-8. A row is one quote of one instrument; two instruments
take turns, five seconds apart unless it is said otherwise. A trade comes in the middle between two
rows, a settlement too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, TRADED_KINDS, InstrumentKind
from quantlaxmi.segment.memory import MemorySegment

__all__ = [
    "COSTS",
    "HALF_SPREAD",
    "MOVE",
    "PERP",
    "SIZE",
    "SPOT",
    "START_PRICE",
    "STEP_NS",
    "Funding",
    "Trades",
    "fees",
    "make_market",
    "make_quotes",
    "mids_of",
]


def _instrument(symbol: str, kind: InstrumentKind) -> Instrument:
    return Instrument(
        symbol=symbol,
        venue="generated",
        venue_symbol=symbol,
        kind=kind,
        price_exponent=-8,
        qty_exponent=-8,
        currency="USDT",
        base="BTC",
    )


SPOT = _instrument("BTCUSDT", InstrumentKind.SPOT)
PERP = _instrument("BTCUSDT-PERP", InstrumentKind.PERP)


def fees(bps: str) -> CostModel:
    """So many basis points of every fill; no least notional, and spot is lent for nothing.

    So no dated table is looked up, and a rule without an edge loses nothing where fees are 0.
    """
    rate = FixedPoint.from_text(bps)
    return CostModel(
        rates={kind: FeeRate(maker_bps=rate, taker_bps=rate) for kind in TRADED_KINDS},
        min_notional={kind.value: FixedPoint(0, -8) for kind in TRADED_KINDS},
        borrow={InstrumentKind.SPOT.value: FixedPoint(0, 0)},
    )


#: By name: without fees, where a rule without an edge has its best chance, and with them.
COSTS = {"free": fees("0"), "paid": fees("0.1")}
#: Price units of one unit of noise: a row's move has a standard deviation of about 0.9 bps.
MOVE = 10_000
#: Half the spread of a market without costs, a hundred-millionth of a basis point.
HALF_SPREAD = 1
START_PRICE = 42_000 * 10**8
STEP_NS = 5 * 10**9
SIZE = 10**10
_START_NS = 1_705_302_000_000_000_000  # 2024-01-15 07:00:00 UTC


@dataclass(frozen=True, slots=True)
class Trades:
    """A trade of the first instrument after some rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_trades,)
        Rows that they follow, ascending.
    price, qty, side : ndarray of int64, shape (n_trades,)
        Side of the aggressor.
    """

    rows: I64
    price: I64
    qty: I64
    side: I64


@dataclass(frozen=True, slots=True)
class Funding:
    """Settlements of the first instrument: each is announced at a row and paid before another.

    Attributes
    ----------
    every : int
        Rows from one announcement to the next; the payment is half a row before that.
    rate : ndarray of int64, shape (n_settlements,)
        At 10**-8.
    mark : int
        Price at which all are settled.
    """

    every: int
    rate: I64
    mark: int


def mids_of(moves: I64, turns: int = 1, unit: int = MOVE) -> I64:
    """Mids of the rows, from the increments of each row's instrument in price units of `unit`.

    The first increment of an instrument is not used.
    """
    mid = np.empty(len(moves), np.int64)
    for i in range(turns):
        own = moves[i::turns].copy()
        own[:1] = 0
        mid[i::turns] = START_PRICE + np.cumsum(own) * unit
    return mid


def make_quotes(
    moves: I64,
    *,
    unit: int = MOVE,
    instruments: tuple[Instrument, ...] = (PERP,),
    half_spread: I64 | None = None,
    step_ns: int = STEP_NS,
) -> MemorySegment:
    """A segment of quotes from increments of the mids, see `mids_of`.

    Parameters
    ----------
    moves : ndarray of int64, shape (n_rows,)
    unit : int
        Price units of one unit of the moves.
    instruments : tuple of Instrument
        Rows take them in turn.
    half_spread : ndarray of int64, shape (n_rows,), optional
        Price units from the mid to either side.
    step_ns : int
        Time from one row to the next.
    """
    mid = mids_of(moves, len(instruments), unit)
    half = np.full(len(moves), HALF_SPREAD) if half_spread is None else half_spread
    return make_market(mid - half, mid + half, instruments=instruments, step_ns=step_ns)


def make_market(
    bid: I64,
    ask: I64,
    *,
    sizes: tuple[I64, I64] | None = None,
    instruments: tuple[Instrument, ...] = (PERP,),
    step_ns: int = STEP_NS,
    trades: Trades | None = None,
    funding: Funding | None = None,
) -> MemorySegment:
    """A segment of quotes, with trades and settlements of the first instrument.

    Parameters
    ----------
    bid, ask : ndarray of int64, shape (n_rows,)
    sizes : tuple of two ndarrays of int64, shape (n_rows,), optional
        Sizes at bid and ask; `SIZE` by default.
    instruments : tuple of Instrument
        Rows take them in turn.
    step_ns : int
        Time from one row to the next.
    trades : Trades, optional
    funding : Funding, optional
    """
    rows = len(bid)
    number = np.arange(rows, dtype=np.int64)
    # Four numbers a row: announcement, quote, trade, and one that no message has.
    seq, ts_ns = 4 * number + 1, _START_NS + number * step_ns
    same = np.full(rows, SIZE)
    bid_qty, ask_qty = sizes or (same, same)
    tables = {
        "quotes": {
            "seq": seq,
            "ts_ns": ts_ns,
            "instrument": number % len(instruments),
            "exch_ts_ns": np.zeros(rows, np.int64),
            "update_id": number + 1,
            "bid": bid,
            "bid_qty": bid_qty,
            "ask": ask,
            "ask_qty": ask_qty,
            "flags": np.zeros(rows, np.int8),
        }
    }
    if trades is not None:
        none = np.zeros(len(trades.rows), np.int64)
        tables["trades"] = {
            "seq": seq[trades.rows] + 1,
            "ts_ns": ts_ns[trades.rows] + step_ns // 2,
            "instrument": none,
            "exch_ts_ns": none,
            "trade_id": np.arange(len(none)) + 1,
            "price": trades.price,
            "qty": trades.qty,
            "side": trades.side,
        }
    if funding is not None:
        at = number[:: funding.every][: len(funding.rate)]
        none = np.zeros(len(at), np.int64)
        tables["funding"] = {
            "seq": seq[at] - 1,
            "ts_ns": ts_ns[at] - step_ns // 4 * (at > 0),
            "instrument": none,
            "exch_ts_ns": none,
            "mark": none + funding.mark,
            "index": none,
            "rate": funding.rate[: len(at)],
            "next_funding_ns": ts_ns[at] + funding.every * step_ns - step_ns // 2,
        }
    return MemorySegment(instruments, tables)
