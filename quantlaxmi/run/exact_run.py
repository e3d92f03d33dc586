"""What a finished run is made of: its exact records and its inputs.

Figures for people (`quantlaxmi.run.result.Run`) are worked out from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantlaxmi.errors import CurrencyError
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.accrued import Loans, loans_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.records import Account, RunRecords
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trace import DecisionTrace
from quantlaxmi.trace.header import TraceHeader

__all__ = ["ExactRun"]


@dataclass(frozen=True, eq=False)
class ExactRun:
    """Records and inputs of a run, money in integers; `Run` describes its attributes."""

    exact: RunRecords
    segment: MarketData
    strategy: BoundStrategy
    config: RunConfig
    conversion: Conversion | None = None

    @property
    def header(self) -> TraceHeader:
        """All that decides the run's outcome, hashed."""
        return self.exact.header

    @property
    def trace(self) -> DecisionTrace:
        """The decision trace, hashed on first use."""
        return self.exact.trace

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments of the segment, in the order indices name them."""
        return self.exact.instruments

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Position and money of each instrument at the end."""
        return self.exact.accounts

    @property
    def cash(self) -> Mapping[str, int]:
        """By currency, at the ledger exponent."""
        return self.exact.cash

    @property
    def ledger_exponent(self) -> int:
        """Exponent of the run's money; with a conversion, of its results."""
        own = self.exact.ledger_exponent
        return own if self.conversion is None else own + self.conversion.exponent

    @property
    def weights(self) -> tuple[int, ...]:
        """By instrument: what its money is multiplied by in results, 1 without a conversion."""
        if self.conversion is None:
            return (1,) * len(self.instruments)
        return tuple(self.conversion.weight(one.currency) for one in self.instruments)

    @property
    def net_by_currency(self) -> dict[str, int]:
        """`net_pnl` of each currency, never converted, at the records' ledger exponent - 1."""
        return self.exact.net_by_currency

    @property
    def net_pnl(self) -> int:
        """Realized and unrealized PnL - fees + funding - interest, at ledger exponent - 1.

        Raises
        ------
        CurrencyError
            Instruments of several currencies were traded, and there is no conversion.
        """
        if self.conversion is None:
            return self.exact.net_pnl
        return self.conversion.total(self.exact.net_by_currency)

    @property
    def gross_pnl(self) -> int:
        """Mid-to-mid PnL, open positions at the last mid, at ledger exponent - 1.

        Raises
        ------
        CurrencyError
            As `net_pnl`.
        """
        if self.conversion is None:
            return self.exact.gross_pnl
        return self.conversion.total(self.exact.gross_by_currency)

    @property
    def currency(self) -> str:
        """Currency of `net` and its like, and of statistics.

        Raises
        ------
        CurrencyError
            Instruments of several currencies were traded, and there is no conversion.
        """
        if self.conversion is not None:
            return self.conversion.currency
        traded = self.exact.traded_currencies
        if len(traded) > 1:
            raise CurrencyError(
                f"the run's money is in {' and '.join(traded)}, which are never added: ask "
                "run.money by currency, or give the gates rates with --convert FILE"
            )
        return traded[0] if traded else next(iter(self.cash))

    @property
    def n_messages(self) -> int:
        """Messages of the market that the engine read."""
        return self.exact.n_messages

    @property
    def n_decisions(self) -> int:
        """Decisions of the strategy."""
        return len(self.exact.decisions)

    @property
    def n_fills(self) -> int:
        """Fills of its orders."""
        return len(self.exact.fills)

    @property
    def costs(self) -> CostModel:
        """Complete costs: those given, the rest from the dated tables."""
        return self.config.costs

    @property
    def limits(self) -> RiskLimits:
        """Limits that orders were checked against."""
        return self.config.limits

    @property
    def latency(self) -> LatencyModel:
        """Latency of order entry and response."""
        return self.config.latency

    @property
    def latency_ns(self) -> int:
        """From a decision to its orders' arrival; of a table the largest value."""
        return self.config.latency_ns

    @property
    def loans(self) -> Loans:
        """At what the run borrows each instrument; see `quantlaxmi.run.accrued.loans_of`."""
        return loans_of(self.instruments, self.costs, self.exact.ledger_exponent)
