"""A finished run: its records, its inputs, and the figures people ask for first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from quantlaxmi.events import TradeAttribution
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.accrued import Loans, loans_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.records import Account, RunRecords
from quantlaxmi.run.summary.line import PRICE_STEP, FinishedRun, SummaryLine, price_step_of
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trace import DecisionTrace
from quantlaxmi.trace.header import TraceHeader

if TYPE_CHECKING:
    import pyarrow as pa

    from quantlaxmi.run.equity import EquityCurve


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: its decisions, orders, fills and money.

    Attributes
    ----------
    exact : RunRecords
        Raw arrays and money: ``run.exact.fills``, ``run.exact.decisions`` and so on.
    segment : MarketData
        The market: a segment, or a window of it.
    strategy : BoundStrategy
        The strategy with its settings.
    config : RunConfig
        Complete: costs that were not given are those of the dated tables.
    conversion : Conversion or None
        Where it is given, `net_pnl` and `gross_pnl` are in its currency, at its finer exponent.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> run = backtest("data/planted", "basis_capture")
    >>> run.n_decisions, run.table("fills").num_rows
    (602, 1212)
    >>> run.summary()[0].what
    'no capital stated'
    """

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

    def table(self, name: str) -> pa.Table:
        """Return one table of the run: decisions, orders, fills, the ledger and so on.

        `quantlaxmi.run.tables.run_table` describes the columns of each.

        Parameters
        ----------
        name : str
            Name of the table, for example ``"fills"``.

        Returns
        -------
        pyarrow.Table
            Symbols, UTC times and exact decimals.
        """
        from quantlaxmi.run.tables import run_table

        return run_table(self.exact, self.segment, name, self.loans)

    @property
    def loans(self) -> Loans:
        """At what the run borrows each instrument; see `quantlaxmi.run.accrued.loans_of`."""
        return loans_of(self.instruments, self.costs, self.exact.ledger_exponent)

    def equity_curve(self, step_ns: int, currency: str | None = None) -> EquityCurve:
        """Return the ledger at regular times; see `quantlaxmi.run.equity.equity_curve`.

        Parameters
        ----------
        step_ns : int
            Nanoseconds between two lines.
        currency : str, optional
            Currency of the sums, where the run has several.

        Returns
        -------
        EquityCurve
        """
        from quantlaxmi.run.equity import equity_curve

        return equity_curve(self.exact, self.segment, step_ns, currency, self.loans)

    def summary(self, price_step: Fraction | str = PRICE_STEP) -> tuple[SummaryLine, ...]:
        """Return the facts to know besides the figures: refused orders, gaps held over and so on.

        Parameters
        ----------
        price_step : Fraction or str
            A mid that moves by more than this factor between two books is listed where it was
            held; above 1.

        Returns
        -------
        tuple of SummaryLine
            One sentence each (``str(line)``), with its count, whole, cause and figures.

        Raises
        ------
        InputError
            ``price_step`` is no number above 1.
        """
        from quantlaxmi.run.summary.sections import summary_lines

        step = price_step_of(price_step)
        return summary_lines(FinishedRun(self.exact, self.segment, self.config, step))

    def trade_attributions(self) -> Iterator[TradeAttribution]:
        """Yield one `TradeAttribution` for every fill, in order."""
        return self.exact.trade_attributions()
