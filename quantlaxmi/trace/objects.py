"""Rows of a trace as typed events, and decisions as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import TraceError
from quantlaxmi.events import (
    BorrowPayment,
    DecisionEvent,
    DecisionLeg,
    FillEvent,
    FundingPayment,
    MarketSnapshot,
    OrderCancel,
    OrderEvent,
    OrderModify,
    OrderNew,
    OrderUpdate,
    RiskEvent,
    SettlementPayment,
)
from quantlaxmi.schema import (
    DECISION_DTYPE,
    LEG_DTYPE,
    BundlePolicy,
    DecisionType,
    FillFlag,
    OrderAction,
    OrderEventKind,
    OrderReason,
    OrderStatus,
    OrderType,
    RiskRule,
    Side,
    TimeInForce,
)
from quantlaxmi.trace.header import Correlator, TraceHeader

Rows: TypeAlias = npt.NDArray[np.void]
T = TypeVar("T")

_ORDER_TYPES: Final[dict[int, type[OrderEvent]]] = {
    OrderEventKind.NEW: OrderNew,
    OrderEventKind.MODIFY: OrderModify,
    OrderEventKind.CANCEL: OrderCancel,
    OrderEventKind.UPDATE: OrderUpdate,
}
_LO_MASK: Final = (1 << 64) - 1


class LazyRows(Sequence[T]):
    """Rows of a table as objects, made on access; equal to any sequence of equal objects."""

    __slots__ = ("_make", "_n")

    def __init__(self, n: int, make: Callable[[int], T]) -> None:
        self._n, self._make = n, make

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(self._n))]
        i = index + self._n if index < 0 else index
        if not 0 <= i < self._n:
            raise IndexError(f"row {index} of {self._n}")
        return self._make(i)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(self._n))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._n} rows>"


def join_halves(hi: int, lo: int) -> int:
    """Signed 128-bit integer of the two int64 halves of a row."""
    return (hi << 64) | (lo & _LO_MASK)


class RowReader:
    """Makes typed events of a trace's rows, each with its correlation context.

    Parameters
    ----------
    header : TraceHeader
    tables : mapping of str to ndarray
        Rows by the names of ``trace.TRACE_TABLES``.
    """

    __slots__ = ("_header", "_tables", "correlator")

    def __init__(self, header: TraceHeader, tables: Mapping[str, Rows]) -> None:
        self._header, self._tables = header, tables
        self.correlator = Correlator(header)

    def _row(self, table: str, i: int) -> dict[str, Any]:
        rows = self._tables[table]
        return dict(zip(rows.dtype.names or (), rows[i].item(), strict=True))

    def _symbol(self, instrument: int) -> str:
        return self._header.instruments[instrument].symbol if instrument >= 0 else ""

    def _leg(self, i: int) -> DecisionLeg:
        r = self._row("legs", i)
        symbol = self._symbol(r["instrument"])
        kind = OrderType(r["order_type"])
        return DecisionLeg(
            r["instrument"],
            symbol,
            Side(r["side"]),
            kind,
            r["qty"],
            r["limit_price"] if kind is OrderType.LIMIT else None,
            r["reference_price"],
            MarketSnapshot(
                symbol, r["bid"], r["bid_qty"], r["ask"], r["ask_qty"], r["quote_ts_ns"]
            ),
            OrderAction(r["action"]),
            TimeInForce(r["time_in_force"]),
            r["target"] if r["target"] >= 0 else None,
        )

    def decision(self, i: int) -> DecisionEvent:
        """Decision of row ``i``, with its legs."""
        r = self._row("decisions", i)
        legs = tuple(map(self._leg, range(r["first_leg"], r["first_leg"] + r["n_legs"])))
        return DecisionEvent(
            r["sequence"],
            r["seq"],
            r["ts_ns"],
            DecisionType(r["decision_type"]),
            r["direction"],
            r["confidence"] if r["confidence"] >= 0 else None,
            self._header.rationales[r["rationale"]],
            bool(r["bundle"]),
            legs,
            self.correlator.context(legs[0].instrument, decision=r["sequence"]),
            BundlePolicy(r["bundle"] or BundlePolicy.MATCHED),
            r["units"],
        )

    def order(self, i: int) -> OrderEvent:
        """Order event of row ``i``."""
        r = self._row("orders", i)
        kind = OrderType(r["order_type"])
        return _ORDER_TYPES[r["kind"]](
            r["order"],
            r["decision"],
            r["leg"],
            self._symbol(r["instrument"]),
            Side(r["side"]),
            kind,
            r["qty"],
            r["filled_qty"],
            r["limit_price"] if kind is OrderType.LIMIT else None,
            OrderStatus(r["status"]),
            OrderReason(r["reason"]),
            r["ts_ns"],
            r["seq"],
            self.correlator.context(r["instrument"], decision=r["decision"], order=r["order"]),
            TimeInForce(r["time_in_force"]),
        )

    def fill(self, i: int) -> FillEvent:
        """Fill of row ``i``."""
        r = self._row("fills", i)
        instrument = self._header.instruments[r["instrument"]]
        return FillEvent(
            i,
            r["order"],
            r["decision"],
            r["leg"],
            instrument.symbol,
            Side(r["side"]),
            r["price"],
            r["qty"],
            r["ts_ns"],
            r["seq"],
            FillFlag(r["flags"]),
            join_halves(r["fee_hi"], r["fee_lo"]),
            instrument.currency,
            r["position"],
            join_halves(r["realized_hi"], r["realized_lo"]),
            join_halves(r["cash_hi"], r["cash_lo"]),
            self.correlator.context(
                r["instrument"], decision=r["decision"], order=r["order"], fill=i
            ),
        )

    def funding(self, i: int) -> FundingPayment:
        """Funding payment of row ``i``."""
        r = self._row("funding", i)
        return FundingPayment(
            self._symbol(r["instrument"]),
            r["ts_ns"],
            r["seq"],
            r["position"],
            r["mark"],
            r["rate"],
            join_halves(r["amount_hi"], r["amount_lo"]),
            r["fills_before"],
            self.correlator.context(r["instrument"]),
        )

    def borrow(self, i: int) -> BorrowPayment:
        """Interest payment of row ``i``."""
        r = self._row("borrow", i)
        return BorrowPayment(
            self._symbol(r["instrument"]),
            r["since_ns"],
            r["ts_ns"],
            r["seq"],
            r["position"],
            r["mid2"],
            join_halves(r["amount_hi"], r["amount_lo"]),
            r["fills_before"],
            self.correlator.context(r["instrument"]),
        )

    def settled(self, i: int) -> SettlementPayment:
        """Settlement of row ``i``."""
        r = self._row("settled", i)
        return SettlementPayment(
            self._symbol(r["instrument"]),
            r["ts_ns"],
            r["seq"],
            r["position"],
            r["price"],
            r["intrinsic"],
            join_halves(r["amount_hi"], r["amount_lo"]),
            join_halves(r["fee_hi"], r["fee_lo"]),
            r["fills_before"],
            self.correlator.context(r["instrument"]),
        )

    def risk(self, i: int) -> RiskEvent:
        """Risk event of row ``i``."""
        r = self._row("risk", i)
        return RiskEvent(
            r["decision"],
            self._symbol(r["instrument"]),
            RiskRule(r["rule"]),
            r["value"],
            r["limit"],
            r["ts_ns"],
            r["seq"],
            self.correlator.context(r["instrument"], decision=r["decision"]),
        )


def decision_rows(
    decisions: Iterable[DecisionEvent], rationales: Iterable[str] = ()
) -> tuple[Rows, Rows, tuple[str, ...]]:
    """Rows of decisions.

    Parameters
    ----------
    decisions : iterable of DecisionEvent
        In order of sequence.
    rationales : iterable of str
        Texts known already; new ones are added behind them.

    Returns
    -------
    decisions, legs : ndarray of DECISION_DTYPE and LEG_DTYPE
    rationales : tuple of str

    Raises
    ------
    TraceError
        An integer needs more than 64 bits.
    """
    index: dict[str, int] = {}
    for text in rationales:
        index.setdefault(text, len(index))
    rows: list[tuple[int, ...]] = []
    legs: list[tuple[int, ...]] = []
    for d in decisions:
        confidence = -1 if d.confidence is None else d.confidence
        rationale = index.setdefault(d.rationale, len(index))
        head = (d.sequence, d.seq, d.ts_ns, d.decision_type, d.direction, confidence, rationale)
        rows.append((*head, int(d.bundle and d.policy), len(legs), len(d.legs), d.units))
        for g in d.legs:
            s, limit = g.snapshot, 0 if g.limit_price is None else g.limit_price
            target = -1 if g.target is None else g.target
            kind = (g.action, g.side, g.order_type, g.time_in_force)
            intent = (d.sequence, g.instrument, *kind, g.qty, limit, target)
            book = (s.bid, s.bid_qty, s.ask, s.ask_qty, s.quote_ts_ns)
            legs.append((*intent, g.reference_price, *book))
    try:
        return np.array(rows, DECISION_DTYPE), np.array(legs, LEG_DTYPE), tuple(index)
    except OverflowError as error:
        raise TraceError("trace", f"a decision's value does not fit 64 bits: {error}") from error


def check_outcomes(header: TraceHeader, tables: Mapping[str, Rows]) -> None:
    """Check that outcome rows name kinds, instruments, decisions and legs that exist.

    Raises
    ------
    TraceError
        Names table, row and field of the first value out of range.
    """
    bounds = {
        "instrument": (0, len(header.instruments) - 1),
        "decision": (-1, len(tables["decisions"]) - 1),
        "leg": (-1, len(tables["legs"]) - 1),
        "side": (min(Side), max(Side)),
        "kind": (min(OrderEventKind), max(OrderEventKind)),
        "status": (min(OrderStatus), max(OrderStatus)),
        "reason": (min(OrderReason), max(OrderReason)),
        "order_type": (min(OrderType), max(OrderType)),
        "time_in_force": (min(TimeInForce), max(TimeInForce)),
        "flags": (0, sum(FillFlag)),
        "rule": (min(RiskRule), max(RiskRule)),
        "policy": (BundlePolicy.ALL_OR_NONE, max(BundlePolicy)),
        "order": (0, np.iinfo(np.int64).max),
    }
    for name in ("orders", "fills", "funding", "risk", "borrow", "bundles", "settled"):
        rows = tables[name]
        for field in rows.dtype.names or ():
            if field not in bounds:
                continue
            low, high = bounds[field]
            bad = (rows[field] < low) | (rows[field] > high)
            if field == "side":
                bad |= rows[field] == 0
            if bad.any():
                row = int(bad.argmax())
                problem = f"{field} was {rows[row][field]}; {low} to {high} was expected"
                raise TraceError("trace", problem, f"{name}, row {row}")
