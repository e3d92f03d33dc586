"""What a finished run is made of: its exact records and its inputs.

Figures for people (`quantlaxmi.run.result.Run`) are worked out from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import CurrencyError
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.accrued import Loans, loans_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.note_rounding import currency_weights, rounding_at
from quantlaxmi.run.records import RunRecords
from quantlaxmi.schema import IntColumn
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trace import DecisionTrace
from quantlaxmi.trace.header import TraceHeader

__all__ = ["ExactRun", "gross_in_all", "net_in_all", "rounding_until"]

#: Integers that stand under `ExactRun.exact`, and what people read instead.
_UNDER_EXACT: Final = {
    "accounts": "run.money or run.table('ledger')",
    "cash": "run.money or run.table('ledger')",
    "net_pnl": "run.net",
    "gross_pnl": "run.gross",
    "net_by_currency": "run.money",
}


@dataclass(frozen=True, eq=False)
class ExactRun:
    """Records and inputs of a run, money in integers; `Run` describes its attributes."""

    exact: RunRecords
    segment: MarketData
    strategy: BoundStrategy
    config: RunConfig
    conversion: Conversion | None = None

    if not TYPE_CHECKING:  # with it every attribute would exist

        def __getattr__(self, name: str) -> Any:
            if name in _UNDER_EXACT:
                raise AttributeError(
                    f"{type(self).__name__} has no attribute {name!r}: the integer at the ledger's "
                    f"exponent is run.exact.{name}, the decimal amount {_UNDER_EXACT[name]}",
                    name=name,
                    obj=self,
                )
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )

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
        return traded[0] if traded else next(iter(self.exact.cash))

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


def net_in_all(run: ExactRun) -> int:
    """Net PnL of a run in its one currency, at its ledger exponent - 1.

    Parameters
    ----------
    run : ExactRun
        With a conversion in that one's currency.

    Raises
    ------
    CurrencyError
        Instruments of several currencies were traded, and there is no conversion.
    """
    if run.conversion is None:
        return run.exact.net_pnl
    return run.conversion.total(run.exact.net_by_currency)


def gross_in_all(run: ExactRun) -> int:
    """Mid-to-mid PnL of a run, open positions at the last mid; otherwise as `net_in_all`.

    Parameters
    ----------
    run : ExactRun

    Raises
    ------
    CurrencyError
        As `net_in_all`.
    """
    if run.conversion is None:
        return run.exact.gross_pnl
    return run.conversion.total(run.exact.gross_by_currency)


def rounding_until(run: ExactRun, ts_ns: NDArray[np.int64]) -> IntColumn:
    """Return what rounding has added to a run's fees by points in time, in all its currencies.

    Parameters
    ----------
    run : ExactRun
        Of one currency, or with a conversion to one.
    ts_ns : ndarray of int64, shape (n_times,)

    Returns
    -------
    ndarray of int (object), shape (n_times,)
        At the run's ledger exponent - 1.
    """
    rows = run.exact.notes
    at = np.searchsorted(rows["ts_ns"], ts_ns, side="right")
    return rounding_at(rows, currency_weights(run.instruments, run.weights), at)
