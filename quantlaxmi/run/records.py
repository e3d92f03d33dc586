"""The records of a finished run: decisions, orders, fills and money, as exact rows.

`RunRecords` needs neither the strategy nor the segment, so what a catalog stores of a run can be
read, tabled and attributed without them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.events import TradeAttribution
from quantlaxmi.execution.conversion import one_currency
from quantlaxmi.execution.ledger import ledger_scale
from quantlaxmi.fixed import int128_array, int128_sum
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.attribution import Attributions, trade_attributions
from quantlaxmi.run.capital import CapitalUse
from quantlaxmi.run.note_rounding import NO_NOTES
from quantlaxmi.schema import FillFlag
from quantlaxmi.trace import OUTCOME_TABLES, DecisionTrace
from quantlaxmi.trace.header import TraceHeader


@dataclass(frozen=True)
class Account:
    """Final position and money of one instrument.

    Money is a mantissa at the run's ledger exponent.

    Attributes
    ----------
    position : int
        Open position at the end, quantity mantissa.
    cost : int
        Total cost of the open position, not negative.
    realized : int
        PnL of what was closed, by average cost, before fees and funding.
    fees, funding, borrow : int
        Fees paid; funding received; interest paid on spot that was sold and not held.
    unrealized : int
        Open position at the last mid against its cost, at ledger exponent - 1.
    """

    position: int
    cost: int
    realized: int
    fees: int
    funding: int
    borrow: int
    unrealized: int

    @property
    def net(self) -> int:
        """Realized and unrealized PnL less all costs, at ledger exponent - 1."""
        booked = self.realized - self.fees + self.funding - self.borrow
        return 10 * booked + self.unrealized

    @classmethod
    def marked(cls, booked: Sequence[int], mid: int, scale: int) -> Account:
        """Return the booked account, with the open position valued at a mid.

        Parameters
        ----------
        booked : sequence of int
            Position, cost, realized, fees, funding, borrow.
        mid : int
            At price exponent - 1.
        scale : int
            Of `ledger_scale`.
        """
        position, cost, realized, fees, funding, borrow = booked
        put_in = cost if position >= 0 else -cost
        unrealized = position * mid * scale - 10 * put_in
        return cls(position, cost, realized, fees, funding, borrow, unrealized)


@dataclass(frozen=True)
class VenueClock:
    """The venue's clock as an instrument's stamps show it, and what it kept from resting orders.

    Attributes
    ----------
    offset_ns : int or None
        Venue's clock minus receive clock at the end of the run: the largest exchange stamp minus
        receive time within the last two hours that had stamps. None where there was no stamp: then
        trades and settlements go by receive time.
    n_met : int
        Trades that reached the price of a resting order, counted for each order.
    n_over : int
        Those of them that were over before the order arrived, and so did nothing for it.
    """

    offset_ns: int | None
    n_met: int
    n_over: int


@dataclass(frozen=True, eq=False)
class RunRecords:
    """Rows and money of a finished run, exact: integer mantissas, instrument indices.

    Attributes
    ----------
    header : TraceHeader
        Names the instruments that rows hold by index.
    ledger_exponent : int
        Exponent of all money, unless a field says otherwise.
    decisions, legs, orders, fills, funding, risk, borrow, bundles, settled : ndarray
        Of the schema's dtypes.
        In the order in which they happened.
    accounts : tuple of Account
        By instrument.
    cash : dict of str to int
        By currency; starts at 0. What the engine booked: rounding of contract notes comes after.
    attributions : Attributions
        One row a fill; their sum is the ledger's cash.
    last_mids : ndarray of int64, shape (n_instruments,)
        Mid of each instrument at the end, at price exponent - 1; 0 where it had no book.
    n_messages : int
        Messages of the market that the engine read.
    depth_gaps : tuple of int
        By instrument: gaps in the numbering of its depth updates.
    venue_clocks : tuple of VenueClock
        By instrument.
    capital : CapitalUse or None
        None where the limits state no capital.
    notes : ndarray of `quantlaxmi.run.note_rounding.NOTE_DTYPE`
        Rounded sums of fees of each session day; none where no component is rounded.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> records = backtest("data/planted", "basis_capture").exact
    >>> records.fills.shape, records.fills["qty"].dtype
    ((1212,), dtype('int64'))
    """

    header: TraceHeader
    ledger_exponent: int
    decisions: NDArray[Any]
    legs: NDArray[Any]
    orders: NDArray[Any]
    fills: NDArray[Any]
    funding: NDArray[Any]
    risk: NDArray[Any]
    borrow: NDArray[Any]
    bundles: NDArray[Any]
    settled: NDArray[Any]
    accounts: tuple[Account, ...]
    cash: Mapping[str, int]
    attributions: Attributions
    last_mids: NDArray[np.int64]
    n_messages: int
    depth_gaps: tuple[int, ...]
    venue_clocks: tuple[VenueClock, ...]
    capital: CapitalUse | None = None
    notes: NDArray[Any] = field(default_factory=lambda: NO_NOTES)

    def __repr__(self) -> str:
        decisions = counted(len(self.decisions), "decision[s]")
        fills = counted(len(self.fills), "fill[s]")
        return f"<RunRecords of {self.header.strategy_id}: {decisions}, {fills}>"

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """In the order in which rows name them by index."""
        return self.header.instruments

    @functools.cached_property
    def trace(self) -> DecisionTrace:
        """The decision trace, hashed on first use."""
        return DecisionTrace.from_arrays(
            self.header,
            self.decisions,
            self.legs,
            **{name: getattr(self, name) for name in OUTCOME_TABLES},
        )

    @functools.cached_property
    def scales(self) -> tuple[int, ...]:
        """By instrument: ledger units of one ``price * quantity`` mantissa product."""
        return tuple(ledger_scale(one, self.ledger_exponent) for one in self.instruments)

    @functools.cached_property
    def traded(self) -> tuple[int, ...]:
        """Instruments that have fills, ascending."""
        counts = np.bincount(self.fills["instrument"], minlength=1)
        return tuple(np.flatnonzero(counts).tolist())

    @functools.cached_property
    def traded_currencies(self) -> tuple[str, ...]:
        """Quote currencies of the instruments that have fills, in the segment's order."""
        return tuple(dict.fromkeys(self.instruments[i].currency for i in self.traded))

    @property
    def n_stop_first(self) -> int:
        """Fills of a stop whose target lay in the same bar: which was met first is not known."""
        return int(np.count_nonzero(self.fills["flags"] & FillFlag.STOP_FIRST))

    def by_currency(self, amounts: Iterable[int]) -> dict[str, int]:
        """Sums of amounts of instruments, one for each currency of the run."""
        found = dict.fromkeys(self.cash, 0)
        for one, amount in zip(self.instruments, amounts, strict=True):
            found[one.currency] += amount
        return found

    def fills_by_currency(self, hi: NDArray[np.int64], lo: NDArray[np.int64]) -> dict[str, int]:
        """Sums of amounts of fills in 128-bit halves, one for each currency of the run."""
        found = dict.fromkeys(self.cash, 0)
        if len(self.traded_currencies) == 1:
            found[self.traded_currencies[0]] = int128_sum(hi, lo)
            return found
        which = self.fills["instrument"]
        for i in self.traded:
            own = which == i
            found[self.instruments[i].currency] += int128_sum(hi[own], lo[own])
        return found

    @functools.cached_property
    def rounding_by_currency(self) -> dict[str, int]:
        """What rounding of contract notes adds to the fees, ledger units, of each currency."""
        found = dict.fromkeys(self.cash, 0)
        names, rows = list(found), self.notes
        amounts = int128_array(rows["amount_hi"], rows["amount_lo"]).tolist()
        for which, amount in zip(rows["currency"].tolist(), amounts, strict=True):
            found[names[which]] += amount
        return found

    @property
    def net_by_currency(self) -> dict[str, int]:
        """`net_pnl` of each currency of the run."""
        booked = self.by_currency(a.net for a in self.accounts)
        rounding = self.rounding_by_currency
        return {currency: amount - 10 * rounding[currency] for currency, amount in booked.items()}

    @property
    def gross_by_currency(self) -> dict[str, int]:
        """`gross_pnl` of each currency of the run."""
        mids: list[int] = self.last_mids.tolist()
        marked = self.by_currency(
            a.position * mid * scale
            for a, mid, scale in zip(self.accounts, mids, self.scales, strict=True)
        )
        traded = self.fills_by_currency(*self.attributions.halves("gross"))
        return {currency: amount + traded[currency] for currency, amount in marked.items()}

    @property
    def net_pnl(self) -> int:
        """Realized and unrealized PnL minus all costs plus funding, at ledger exponent - 1.

        Raises
        ------
        CurrencyError
            Instruments of several currencies were traded: see `net_by_currency`.
        """
        return one_currency(self.net_by_currency, self.traded_currencies, "net PnL")

    @property
    def gross_pnl(self) -> int:
        """Mid-to-mid PnL, open positions at the last mid, at ledger exponent - 1.

        Raises
        ------
        CurrencyError
            As `net_pnl`.
        """
        return one_currency(self.gross_by_currency, self.traded_currencies, "gross PnL")

    def trade_attributions(self) -> Iterator[TradeAttribution]:
        """Yield one `TradeAttribution` for every fill, in order."""
        return trade_attributions(
            self.header, self.decisions, self.legs, self.fills, self.attributions
        )
