"""Null markets: quotes whose mids move by symmetric integer increments.

Prices and quantities are mantissas at 10**-8. A message is one quote of one instrument; two
instruments take turns. The spread is the same at every row unless it is given.

References
----------
Calvet, Fisher (2004), How to forecast long-run volatility: regime switching and the estimation of
multifractal processes, J. Financial Econometrics 2(1): volatility as a product of factors that
change at different paces.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi.calibrate.random_streams import bell, below
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, InstrumentKind
from quantlaxmi.segment.memory import MemorySegment

__all__ = [
    "COSTS",
    "HALF_SPREAD",
    "MOVE",
    "PERP",
    "SPOT",
    "autoregressive",
    "clustered",
    "make_quotes",
    "two_volatilities",
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
_FREE = FixedPoint(0, -8)
_TAKER = FixedPoint(2, 0)
#: Two basis points a fill, and no least notional: nothing is looked up in dated tables.
COSTS = CostModel(
    rates={kind: FeeRate(maker_bps=_TAKER, taker_bps=_TAKER) for kind in InstrumentKind},
    min_notional={kind.value: _FREE for kind in InstrumentKind},
)
#: Price units of one unit of `bell`: a row's move has a standard deviation of about 0.9 bps.
MOVE = 10_000
HALF_SPREAD = 10**7
_START_PRICE = 42_000 * 10**8
_START_NS = 1_705_302_000_000_000_000  # 2024-01-15 07:00:00 UTC
_STEP_NS = 5 * 10**9
_SIZE = 10**10


def make_quotes(
    moves: I64, *, instruments: tuple[Instrument, ...] = (PERP,), half_spread: I64 | None = None
) -> MemorySegment:
    """A segment of quotes, five seconds apart.

    Parameters
    ----------
    moves : ndarray of int64, shape (n_rows,)
        Increment of the mid of the row's instrument, in units of `MOVE`; ``moves[0]`` is not used.
    instruments : tuple of Instrument
        Rows take them in turn.
    half_spread : ndarray of int64, shape (n_rows,), optional
        Price units from the mid to either side.
    """
    rows = len(moves)
    mid = np.empty(rows, np.int64)
    turns = len(instruments)
    for i in range(turns):
        own = moves[i::turns].copy()
        own[:1] = 0
        mid[i::turns] = _START_PRICE + np.cumsum(own) * MOVE
    half = np.full(rows, HALF_SPREAD) if half_spread is None else half_spread
    number = np.arange(rows, dtype=np.int64)
    size = np.full(rows, _SIZE)
    quotes = {
        "seq": number,
        "ts_ns": _START_NS + number * _STEP_NS,
        "instrument": number % turns,
        "exch_ts_ns": np.zeros(rows, np.int64),
        "update_id": number + 1,
        "bid": mid - half,
        "bid_qty": size,
        "ask": mid + half,
        "ask_qty": size,
        "flags": np.zeros(rows, np.int8),
    }
    return MemorySegment(instruments, {"quotes": quotes})


def autoregressive(key: int, stream: int, rows: int, rho: float) -> I64:
    """AR(1) increments: x[t] = rho x[t-1] + e[t], rounded; the memory ends after 64 rows.

    (1 + rL)(1 + r^2 L^2)(1 + r^4 L^4)... is the geometric series of rL. Elementwise products and
    sums alone, so that every machine rounds alike.
    """
    made = bell(key, stream, rows + 64).astype(np.float64)
    weight, lag = rho, 1
    while lag < 64:
        later = made.copy()
        later[lag:] += weight * made[:-lag]
        made, weight, lag = later, weight * weight, 2 * lag
    return np.rint(made[64:]).astype(np.int64)


def clustered(key: int, stream: int, rows: int) -> I64:
    """Independent signs under clustered volatility: factors of 1 or 3 that last 8 to 200 rows."""
    volatility = np.ones(rows, np.int64)
    for k, length in enumerate((8, 40, 200)):
        loud = below(key, stream + 1 + k, rows // length + 2, 2)
        shift = int(below(key, stream + 4 + k, 1, length)[0])
        volatility *= 1 + 2 * loud[(np.arange(rows) + shift) // length]
    return bell(key, stream, rows) * volatility


def two_volatilities(key: int, stream: int, rows: int) -> I64:
    """Independent increments, sixteen times as large in every second block of 100 rows."""
    shift = int(below(key, stream + 1, 1, 200)[0])
    loud = (np.arange(rows) + shift) // 100 % 2 == 0
    return bell(key, stream, rows) * np.where(loud, 16, 1)
