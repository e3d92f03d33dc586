"""What a finished run was: decisions, orders, fills, money, and where the money came from."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.events import TradeAttribution
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.attribution import Attributions, trade_attributions
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trace import DecisionTrace
from quantlaxmi.trace.header import TraceHeader

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Account:
    """What one instrument's position and money came to; money at the run's ledger exponent.

    Attributes
    ----------
    position : int
        Open position at the end, quantity mantissa.
    cost : int
        Total cost of the open position, not negative.
    realized : int
        PnL of what was closed, by average cost, before fees and funding.
    fees, funding : int
        Paid; received.
    unrealized : int
        Open position at the last mid against its cost, at ledger exponent - 1.
    """

    position: int
    cost: int
    realized: int
    fees: int
    funding: int
    unrealized: int


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: what was decided, ordered, filled and earned.

    Attributes
    ----------
    header : TraceHeader
    segment : MarketData
    strategy : BoundStrategy
    costs : CostModel
        Complete: what was given, the rest from the dated tables.
    limits : RiskLimits
    latency : LatencyModel
    ledger_exponent : int
        Exponent of all money, unless a field says otherwise.
    decisions, legs, orders, fills, funding, risk : ndarray of the schema's dtypes
    accounts : tuple of Account
        By instrument of the segment.
    cash : dict of str to int
        By currency; starts at 0.
    attributions : Attributions
        One row a fill, checked against the ledger.
    n_messages : int
    last_mids : ndarray of int64
        Mid of each instrument at the end, at price exponent - 1; 0 where it had no book.
    """

    header: TraceHeader
    segment: MarketData
    strategy: BoundStrategy
    costs: CostModel
    limits: RiskLimits
    latency: LatencyModel
    ledger_exponent: int
    decisions: NDArray[Any]
    legs: NDArray[Any]
    orders: NDArray[Any]
    fills: NDArray[Any]
    funding: NDArray[Any]
    risk: NDArray[Any]
    accounts: tuple[Account, ...]
    cash: Mapping[str, int]
    attributions: Attributions
    n_messages: int
    last_mids: NDArray[np.int64]
    depth_gaps: tuple[int, ...]

    @functools.cached_property
    def trace(self) -> DecisionTrace:
        """The decision trace, hashed on first use."""
        return DecisionTrace.from_arrays(
            self.header,
            self.decisions,
            self.legs,
            self.orders,
            self.fills,
            self.funding,
            self.risk,
        )

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments of the segment, in the order indices name them."""
        return self.segment.instruments

    @property
    def latency_ns(self) -> int:
        """From a decision to its orders' arrival; of a table the largest value."""
        return self.latency.entry.largest_ns

    @property
    def net_pnl(self) -> int:
        """Realized and unrealized PnL minus fees plus funding, at ledger exponent - 1."""
        return sum(10 * (a.realized - a.fees + a.funding) + a.unrealized for a in self.accounts)

    @property
    def gross_pnl(self) -> int:
        """Mid-to-mid PnL, open positions at the last mid, at ledger exponent - 1."""
        marked = sum(
            a.position * int(mid) * term
            for a, mid, term in zip(self.accounts, self.last_mids, self._scales, strict=True)
        )
        return self.attributions.gross_total + marked

    @property
    def _scales(self) -> tuple[int, ...]:
        return tuple(
            10 ** (i.price_exponent + i.qty_exponent - self.ledger_exponent) * i.contract_size
            for i in self.instruments
        )

    def table(self, name: str) -> pa.Table:
        """Return decisions, orders, fills, the ledger and so on as an Arrow table.

        Symbols, UTC times and exact decimals; see `quantlaxmi.run.tables.run_table`.
        """
        from quantlaxmi.run.tables import run_table

        return run_table(self, name)

    def trade_attributions(self) -> Iterator[TradeAttribution]:
        """Yield one `TradeAttribution` for every fill, in order."""
        return trade_attributions(
            self.header, self.decisions, self.legs, self.fills, self.attributions
        )
