"""Fills that a broker or other software recorded, as a strategy that follows their positions.

The replay trades the positions at the recorded books and at its own costs, which anyone can
recompute. The prices and fees of the fills themselves are kept exactly and are hashed with the
positions; `quantlaxmi.run.own_fills.compare_fills` compares them with what the replay paid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.frame_columns import frame_columns
from quantlaxmi.importers.bars.frame_table import FrameTable
from quantlaxmi.importers.bars.recognised import time_of
from quantlaxmi.importers.bars.value_cells import ValueCells
from quantlaxmi.instruments import Instrument, symbols_text
from quantlaxmi.schema import I64
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.positions import (
    RecordedPositions,
    close_name,
    recorded_times,
)

__all__ = ["FEE_EXPONENT", "OwnFills", "RecordedFills", "from_fills"]

#: Fees are kept to twelve decimals, prices to eight or to those of the instrument.
FEE_EXPONENT: Final = -12
_PRICE_EXPONENT: Final = -8
_PLACE: Final = "fills"
_TAG: Final = b"quantlaxmi.recorded-fills.v1\0"
_COLUMNS: Final = {
    "symbol": ("symbol", "instrument", "ticker", "market"),
    "side": ("side", "direction", "action"),
    "quantity": ("qty", "quantity", "size", "amount", "volume", "filled_qty"),
    "price": ("price", "fill_price", "avg_price", "average_price"),
    "fee": ("fee", "fees", "commission"),
}
_BUYS: Final = ("buy", "b", "bid", "long", "bot", "1", "+1")
_SELLS: Final = ("sell", "s", "ask", "short", "sld", "-1")


@dataclass(frozen=True, eq=False)
class OwnFills:
    """Fills as they were recorded, in their order.

    Attributes
    ----------
    ts_ns : ndarray of int64, shape (n_fills,)
        Not descending.
    which : ndarray of int64, shape (n_fills,)
        Place among the symbols.
    qty : ndarray of int64, shape (n_fills,)
        Signed, at the instruments' quantity exponents.
    price : ndarray of int64, shape (n_fills,)
        At `price_exponents` of the instrument.
    fee : ndarray of int64, shape (n_fills,)
        Paid in the quote currency at 10**-12; below 0 a rebate.
    price_exponents : tuple of int
        By symbol.
    """

    ts_ns: I64
    which: I64
    qty: I64
    price: I64
    fee: I64
    price_exponents: tuple[int, ...]


class RecordedFills(RecordedPositions):
    """Follows the positions that recorded fills led to; `from_fills` makes it.

    Parameters
    ----------
    symbols : sequence of str
    own : OwnFills
    """

    strategy_id = "recorded_fills"

    def __init__(self, symbols: Sequence[str], own: OwnFills) -> None:
        self.own = own
        times, last = np.unique(own.ts_ns[::-1], return_index=True)
        rows = len(own.ts_ns) - 1 - last  # the last fill of each time
        targets = np.zeros((len(times), len(symbols)), np.int64)
        for k in range(len(symbols)):
            targets[:, k] = np.cumsum(np.where(own.which == k, own.qty, 0))[rows]
        super().__init__(symbols, times, targets)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Instruments of the fills."""
        return self._symbols

    def _hash(self) -> str:
        digest, own = hashlib.sha256(_TAG), self.own
        for symbol, exponent in zip(self._symbols, own.price_exponents, strict=True):
            name = symbol.encode()
            digest.update(len(name).to_bytes(8, "little") + name)
            digest.update(exponent.to_bytes(8, "little", signed=True))
        for array in (own.ts_ns, own.which, own.qty, own.price, own.fee):
            digest.update(np.ascontiguousarray(array, "<i8").tobytes())
        return digest.hexdigest()

    def fresh(self) -> Self:
        """Return the same fills, as they were before any event."""
        return type(self)(self._symbols, self.own)


def from_fills(segment: MarketData, frame: Any) -> RecordedFills:
    """Make a strategy of fills that a broker or other software recorded.

    It trades the positions that the fills led to, at the recorded books and at the costs of the
    run, and is judged so. Its own prices and fees decide nothing; they are kept exactly, every hash
    covers them, and `compare_fills` compares them with the replay's. As with `from_positions` the
    verdict can be FAIL or INCONCLUSIVE and never PASS.

    Parameters
    ----------
    segment : MarketData
        As `open_segment` or `from_frame` gives it.
    frame : data frame or dict of columns
        One row a fill, by names in any case: a time, not descending; ``symbol``, where the segment
        has several instruments; ``qty`` (``quantity``, ``size``, ``amount``), signed, or above 0
        with ``side`` (buy or sell); ``price``; and, where there is one, ``fee`` (``commission``)
        in the quote currency, above 0 paid and below 0 a rebate.

    Returns
    -------
    RecordedFills

    Raises
    ------
    InputError
        A column or row cannot be used: the error names it, its value and what was expected. Rows
        count from 0.

    Examples
    --------
    >>> from quantlaxmi import backtest, open_segment
    >>> segment = open_segment("data/planted")
    >>> times = [segment.first_ts_ns + 10**9 * k for k in (1, 60)]
    >>> made = from_fills(segment, {
    ...     "time": times, "symbol": ["BTCUSDT"] * 2, "side": ["buy", "sell"],
    ...     "qty": [0.01, 0.01], "price": [60_000.5, 60_010], "fee": ["0.3", "0.3"],
    ... })
    >>> backtest(segment, made).n_fills
    2
    """
    columns = frame_columns(frame, _PLACE)
    time, _ = time_of(FrameTable(_PLACE, columns))
    named = _named(columns, time["column"])
    times_ns = recorded_times(columns, time, _PLACE, strictly=False)
    _check_within(times_ns, segment)
    instruments, which = _instruments(columns, named, segment, len(times_ns))
    signs = _signs(columns, named)
    qty, price = np.zeros(len(times_ns), np.int64), np.zeros(len(times_ns), np.int64)
    exponents = tuple(min(one.price_exponent, _PRICE_EXPONENT) for one in instruments)
    for k, one in enumerate(instruments):
        own = which == k
        qty[own] = _numbers(columns, named["quantity"], one.qty_exponent, own)[own]
        price[own] = _numbers(columns, named["price"], exponents[k], own)[own]
        _check(columns, named, own & (qty % (one.lot or 1) != 0), "quantity", "whole lots")
    _check(columns, named, price <= 0, "price", "a price above 0")
    if signs is None:
        _check(columns, named, qty == 0, "quantity", "a quantity that is not 0")
    else:
        _check(columns, named, qty <= 0, "quantity", "a quantity above 0 with a side")
    fee = np.zeros(len(qty), np.int64)
    if "fee" in named:
        every = np.ones(len(qty), bool)
        fee = _numbers(columns, named["fee"], FEE_EXPONENT, every, empty=True)
    qty = qty if signs is None else qty * signs
    _check_sums(qty, which, len(instruments))
    own_fills = OwnFills(times_ns, which, qty, price, fee, exponents)
    return RecordedFills([one.symbol for one in instruments], own_fills)


def _named(columns: dict[str, Any], time: str) -> dict[str, str]:
    """The column of each role."""
    plain = {name.lower().strip().replace(" ", "_"): name for name in columns if name != time}
    found: dict[str, str] = {}
    for role, names in _COLUMNS.items():
        if there := [plain[name] for name in names if name in plain]:
            found[role] = there[0]
    for role in ("quantity", "price"):
        if role not in found:
            known = ", ".join(_COLUMNS[role])
            raise InputError(_PLACE, f"lacks a column of {role}; expected one of {known}")
    return found


def _instruments(
    columns: dict[str, Any], named: dict[str, str], segment: MarketData, n: int
) -> tuple[list[Instrument], I64]:
    """Instruments of the fills in the segment's order, and which of them each fill is of."""
    known = {one.symbol: k for k, one in enumerate(segment.instruments)}
    if "symbol" not in named:
        if len(known) != 1:
            problem = (
                f"lacks a column of symbols; expected it to say which of {symbols_text(known)}"
            )
            raise InputError(_PLACE, problem)
        return list(segment.instruments), np.zeros(n, np.int64)
    codes = np.zeros(n, np.int64)
    for k, symbol in enumerate(columns[named["symbol"]].to_pylist()):
        if symbol not in known:
            shown, hint = str(symbol)[:40], close_name(str(symbol), known)
            problem = f"column {named['symbol']!r} was {shown!r}; {hint}"
            raise InputError(_PLACE, problem, f"row {k}")
        codes[k] = known[symbol]
    used, which = np.unique(codes, return_inverse=True)
    return [segment.instruments[k] for k in used.tolist()], which.astype(np.int64)


def _signs(columns: dict[str, Any], named: dict[str, str]) -> I64 | None:
    """1 for a buy and -1 for a sell; None where quantities are signed."""
    if "side" not in named:
        return None
    name, signs = named["side"], []
    for k, value in enumerate(columns[name].to_pylist()):
        text = str(value).strip().lower()
        if text not in _BUYS + _SELLS:
            problem = f"column {name!r} was {str(value)[:40]!r}, expected buy or sell"
            raise InputError(_PLACE, problem, f"row {k}")
        signs.append(1 if text in _BUYS else -1)
    return np.array(signs, np.int64)


def _numbers(
    columns: dict[str, Any], name: str, exponent: int, own: Any, *, empty: bool = False
) -> I64:
    """Mantissas of the rows ``own`` at an exponent, exactly; an empty cell is 0 where it may be."""
    cells, n = ValueCells(columns[name]), len(columns[name])
    read = own.copy()
    if empty:
        read &= np.asarray(columns[name].is_valid().to_numpy(zero_copy_only=False), bool)
        read &= np.array(cells.ends > cells.starts)
    good, rounded = read.astype(np.uint8), np.zeros(n, np.uint8)
    values = cells.decimals(exponent, -1, good, rounded)
    if (bad := np.flatnonzero(read & (good == 0))).size:
        k = int(bad[0])
        problem = f"column {name!r} was {cells.text_of(k)[:40]!r}, expected a number of at most "
        raise InputError(_PLACE, f"{problem}{counted(-exponent, 'decimal[s]')}", f"row {k}")
    return np.where(read, values, 0)


def _check(
    columns: dict[str, Any], named: dict[str, str], wrong: Any, role: str, expected: str
) -> None:
    if (bad := np.flatnonzero(wrong)).size:
        k = int(bad[0])
        shown = ValueCells(columns[named[role]]).text_of(k)[:40]
        problem = f"column {named[role]!r} was {shown!r}, expected {expected}"
        raise InputError(_PLACE, problem, f"row {k}")


def _check_within(times_ns: I64, segment: MarketData) -> None:
    """Refuse fills outside the segment: what moved before or after it is not known."""
    for wrong, side in (
        (times_ns < segment.first_ts_ns, "before the first"),
        (times_ns > segment.last_ts_ns, "after the last"),
    ):
        if (bad := np.flatnonzero(wrong)).size:
            problem = f"lies {side} message of the segment; expected fills within it alone"
            raise InputError(_PLACE, problem, f"row {int(bad[0])}")


def _check_sums(qty: I64, which: I64, n: int) -> None:
    """Refuse fills whose quantities leave 64 bits together."""
    for k in range(n):
        size = sum(abs(one) for one in qty[which == k].tolist())
        if size >= 1 << 62:
            raise InputError(_PLACE, "have quantities too large to be added; expected smaller ones")
