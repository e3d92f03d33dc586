"""Result tables that a strategy makes of a run, and the margin that it may ask about for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.scan_orders import MarginAsk
from quantlaxmi.events import IndiaMarketEvent
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.execution.run_terms import RunTerms, run_terms
from quantlaxmi.fixed import int128_to_int
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.records import RunRecords
from quantlaxmi.run.scan_terms import scan_terms
from quantlaxmi.run.session import Session
from quantlaxmi.schema import EventKind, OrderEventKind, OrderStatus
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.margin_asks import MarginAsks, Orders
from quantlaxmi.strategies.sdk import IndiaOptionsStrategy, Strategy

__all__ = ["margin_asks", "own_table"]

_ENDED: Final = (OrderStatus.FILLED, OrderStatus.PARTIAL, OrderStatus.CANCELLED)


def own_table(
    strategy: Strategy, name: str, records: RunRecords, segment: MarketData, config: RunConfig
) -> pa.Table:
    """Return one of the tables that a strategy makes of a run.

    Parameters
    ----------
    strategy : Strategy
    name : str
        One of its ``own_tables``.
    records : RunRecords
    segment : MarketData
        The market of the run.
    config : RunConfig
        Of the run, complete.

    Returns
    -------
    pyarrow.Table
    """
    own = {name: getattr(records, name) for name in ("decisions", "orders", "fills", "risk")}
    asks = margin_asks(records, segment, config)
    return pa.table(strategy.own_table(name, segment, own, asks))


def margin_asks(records: RunRecords, segment: MarketData, config: RunConfig) -> MarginAsks:
    """Return what tells at which chain messages of a run orders would have lacked their margin.

    Its answers are those of the engine: books, positions, cash and orders on their way are as the
    run had them when its strategy was asked. Of a run without a margin by scan it is none.

    Parameters
    ----------
    records : RunRecords
    segment : MarketData
    config : RunConfig
        Of the run, complete.

    Returns
    -------
    callable
        See `quantlaxmi.strategies.margin_asks.MarginAsks`.
    """

    def asks(orders: Orders) -> frozenset[int]:
        if config.limits.margin != "scan" or not orders:
            return frozenset()
        money = run_terms(records.instruments, config.costs, config.limits)
        watch = _Watch(orders, _Book(records, money, config.limits))
        bound = _Watcher().bind(records.instruments)
        bound.instance.watch = watch
        plain = replace(config, limits=RiskLimits(), flatten=False)
        session = Session(records.instruments, bound, plain)
        session.feed({name: segment.columns(name) for name in schema.TABLES})
        return frozenset(watch.found)

    return asks


class _Watcher(IndiaOptionsStrategy):
    """Sees the books at every snapshot of a chain, and trades nothing."""

    strategy_id: ClassVar[str] = "margin_watch"
    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.CHAIN,)

    watch: _Watch

    def on_market(self, event: IndiaMarketEvent, ctx: Context) -> None:
        """Ask about the orders of this message, where there are any."""
        self.watch.see(event.seq, event.ts_ns, ctx.books)


class _Watch:
    """Orders by message, and the messages at which there was no margin for them."""

    def __init__(self, orders: Orders, book: _Book) -> None:
        self._orders, self._book = orders, book
        self.found: set[int] = set()

    def see(self, seq: int, ts_ns: int, books: NDArray[np.void]) -> None:
        if seq not in self._orders:
            return
        self._book.go_on_to(seq)
        if not self._book.allows(self._orders[seq], books, ts_ns):
            self.found.add(seq)


class _Book:
    """Positions, cash and orders on their way in the course of a run, from its records."""

    def __init__(self, records: RunRecords, money: RunTerms, limits: RiskLimits) -> None:
        scales = [terms[1] for terms in money.accounts]
        self._scan = MarginAsk(*scan_terms(records.instruments, scales, limits.daily_volatility))
        capital = money.limits[-1]
        assert capital is not None  # a margin by scan needs it
        # Capital is kept at a tenth of the ledger's unit.
        self._capital, self._cash = _real(capital[0]) / 10.0, 0
        self._held = np.zeros(len(records.instruments), np.int64)
        self._open: dict[int, tuple[int, int]] = {}  # order: instrument, signed quantity
        self._filled: dict[int, int] = {}  # of it, signed
        rows = [(int(row["seq"]), 0, row) for row in records.orders]
        rows += [(int(row["seq"]), 1, row) for row in records.fills]
        self._rows = sorted(rows, key=lambda row: row[0])
        self._next = 0

    def go_on_to(self, seq: int) -> None:
        """Apply what happened before a message."""
        while self._next < len(self._rows) and self._rows[self._next][0] < seq:
            _, is_fill, row = self._rows[self._next]
            (self._fill if is_fill else self._order)(row)
            self._next += 1

    def _order(self, row: Mapping[str, Any]) -> None:
        number, kind = int(row["order"]), row["kind"]
        if kind == OrderEventKind.UPDATE and row["status"] in _ENDED:
            self._open.pop(number, None)
        elif kind == OrderEventKind.NEW or (kind == OrderEventKind.UPDATE and number in self._open):
            self._open[number] = int(row["instrument"]), int(row["side"]) * int(row["qty"])

    def _fill(self, row: Mapping[str, Any]) -> None:
        instrument = int(row["instrument"])
        self._held[instrument] = row["position"]
        self._cash = int128_to_int(int(row["cash_hi"]), int(row["cash_lo"]))
        number, qty = int(row["order"]), int(row["side"]) * int(row["qty"])
        self._filled[number] = self._filled.get(number, 0) + qty

    def allows(
        self, orders: tuple[tuple[int, int], ...], books: NDArray[np.void], ts_ns: int
    ) -> bool:
        pending = np.zeros_like(self._held)
        for number, (instrument, qty) in self._open.items():
            pending[instrument] += qty - self._filled.get(number, 0)
        asked = np.array(orders, np.int64).reshape(-1, 2)
        return self._scan.allows(
            books,
            self._held,
            pending,
            np.ascontiguousarray(asked[:, 0]),
            np.ascontiguousarray(asked[:, 1]),
            self._capital + _real(self._cash),
            ts_ns,
        )


def _real(value: int) -> float:
    """Ledger units as the engine's float: rounded in halves of 64 bits."""
    high, low = divmod(abs(value), 1 << 64)
    size = float(high) * 2.0**64 + float(low)
    return -size if value < 0 else size
