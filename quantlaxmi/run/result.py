"""A finished run: its records, its inputs, and the figures people ask for first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from quantlaxmi.events import TradeAttribution
from quantlaxmi.run.exact_run import ExactRun
from quantlaxmi.run.summary.line import PRICE_STEP, FinishedRun, SummaryLine, price_step_of

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from quantlaxmi.run.equity import EquityCurve
    from quantlaxmi.run.money import RunMoney
    from quantlaxmi.run.result_table import ResultTable
    from quantlaxmi.run.run_statistics import RunStatistics


@dataclass(frozen=True, eq=False)
class Run(ExactRun):
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
        Where it is given, `net` and the other money of a run are in its currency.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> run = backtest("data/planted", "basis_capture")
    >>> run.n_decisions, run.table("fills").num_rows
    (602, 1212)
    >>> run.summary()[0].what
    'no capital stated'
    """

    def __repr__(self) -> str:
        from quantlaxmi.run.run_text import run_text

        return run_text(self)

    def _repr_html_(self) -> str:
        from quantlaxmi.run.run_text import run_html

        return run_html(self)

    @property
    def money(self) -> Mapping[str, RunMoney]:
        """Net, gross and costs as Decimal, by traded currency; never converted.

        See `quantlaxmi.run.money.RunMoney`.
        """
        from quantlaxmi.run.money import money_by_currency

        return money_by_currency(self)

    @property
    def net(self) -> Decimal:
        """Gross - slippage - fees + funding - interest - rounding, exact, in `currency`.

        Raises
        ------
        CurrencyError
            As `currency`; so do the others.
        """
        return self._money.net

    @property
    def gross(self) -> Decimal:
        """PnL from mid to mid, open positions at the last mid, exact, in `currency`."""
        return self._money.gross

    @property
    def fees(self) -> Decimal:
        """Fees paid, exact, in `currency`; below 0 rebates."""
        return self._money.fees

    @property
    def funding(self) -> Decimal:
        """Funding received, exact, in `currency`; below 0 paid."""
        return self._money.funding

    @property
    def slippage(self) -> Decimal:
        """By how much fills were worse than the mids of their decisions, exact, in `currency`."""
        return self._money.slippage

    @property
    def interest(self) -> Decimal:
        """Interest paid on what was sold and not held, exact, in `currency`."""
        return self._money.interest

    @property
    def rounding(self) -> Decimal:
        """What rounding of contract notes adds to the fees, exact, in `currency`."""
        return self._money.rounding

    @property
    def _money(self) -> RunMoney:
        from quantlaxmi.run.money import money_in_all

        return money_in_all(self)

    def trades(self, *, by_instrument: bool = False) -> ResultTable:
        """Return one row a round trip, from flat to flat over all instruments together.

        Parameters
        ----------
        by_instrument : bool
            A row for each instrument of each trip, in its own currency; otherwise one a trip.

        Returns
        -------
        ResultTable
            ``trip``, ``entry_ts``, ``exit_ts`` (null while open), ``held``, ``open``,
            ``instruments`` (how many); ``symbol``, ``side``, ``qty`` (the largest), ``entry_price``
            and ``exit_price`` (averages, half to even) of the instrument that was traded first;
            ``currency``, ``gross``, ``slippage``, ``fees``, ``funding``, ``interest``, ``net`` of
            all, exact: their sums are the run's, and ``net`` adds up to ``run.net +
            run.rounding``, because contract notes are rounded over days and not over trips;
            ``net_bps`` of what was opened; ``worst``, ``best``: extremes of the result at mids
            before costs (MAE, MFE), not by instrument.

        Raises
        ------
        CurrencyError
            A trip is in several currencies, and there is no conversion.

        Examples
        --------
        >>> from quantlaxmi import backtest
        >>> run = backtest("data/planted", "basis_capture")
        >>> trades = run.trades()
        >>> len(trades), sum(trades["net"]) == run.net
        (300, True)
        """
        from quantlaxmi.run.result_table import ResultTable
        from quantlaxmi.run.trades import trades_table

        return ResultTable(trades_table(self, by_instrument=by_instrument))

    def fills(self) -> ResultTable:
        """Return one row a fill; see `quantlaxmi.run.tables.run_table`."""
        from quantlaxmi.run.result_table import ResultTable

        return ResultTable(self.table("fills"))

    def orders(self) -> ResultTable:
        """Return one row an event of an order; see `quantlaxmi.run.tables.run_table`."""
        from quantlaxmi.run.result_table import ResultTable

        return ResultTable(self.table("orders"))

    def bundles(self) -> ResultTable:
        """Return one row a bundle with units and a policy, when its last leg has ended.

        Returns
        -------
        ResultTable
            ``decision``, ``decided``, ``ended``, ``policy``, ``legs``, ``legs_short`` (that did not
            fill whole), ``units_wanted``, ``units_filled`` (that it keeps), ``currency``, and
            ``cost``: slippage and fees of what was hedged out, exact.
        """
        from quantlaxmi.run.result_table import ResultTable

        return ResultTable(self.table("bundles"))

    def equity(self, freq: str | int = "1D", capital: Any = None) -> ResultTable:
        """Return equity at the run's beginning, at regular times, and at its end.

        Parameters
        ----------
        freq : str or int
            Such as ``"1D"``, ``"4h"``, ``"15min"``; a number is nanoseconds. Times are multiples of
            it since the epoch, UTC.
        capital : Decimal, str or int, optional
            In `currency`; by default that of the risk limits, if any.

        Returns
        -------
        ResultTable
            ``ts``, ``net`` (PnL so far), ``equity`` (with the capital, 0 where none is stated),
            ``drawdown`` (below the highest equity so far, at most 0), all exact; and with a capital
            ``return`` over each step, a double.

        Raises
        ------
        InputError
            The frequency or the capital cannot be read, or equity is not above 0 at some time.
        CurrencyError
            As `currency`.

        Examples
        --------
        >>> from quantlaxmi import backtest
        >>> equity = backtest("data/planted", "basis_capture").equity("1h", capital=10_000)
        >>> equity["equity"][0]
        Decimal('10000.000000000')
        """
        from quantlaxmi.run.returns import equity_table

        return equity_table(self, freq, capital)

    def returns(self, freq: str | int = "1D", capital: Any = None) -> Any:
        """Return the returns of equity as a pandas Series, which quantstats and pyfolio take.

        Parameters
        ----------
        freq, capital
            As of `equity`; a capital is needed.

        Returns
        -------
        pandas.Series of float64
            Indexed by the beginning of each step, UTC; the first and the last may be partial.

        Raises
        ------
        InputError
            pandas is not installed, no capital is stated, or as of `equity`.
        """
        from quantlaxmi.run.returns import returns_series

        return returns_series(self, freq, capital)

    def stats(self, capital: Any = None, freq: str | int | None = None) -> RunStatistics:
        """Return the figures that people ask for, floats made at the edge, on a stated capital.

        Parameters
        ----------
        capital : Decimal, str or int, optional
            In `currency`; by default that of the risk limits. Else what needs one is None.
        freq : str or int, optional
            Step of the returns; by default days, hours, minutes or seconds, the longest of which
            there are 30.

        Returns
        -------
        RunStatistics
            Annualised by the clock: a year has 365 days, closed times count.

        Raises
        ------
        InputError, CurrencyError
            As of `equity`.

        Examples
        --------
        >>> from quantlaxmi import backtest
        >>> stats = backtest("data/planted", "basis_capture").stats(capital=10_000)
        >>> stats.round_trips
        300
        """
        from quantlaxmi.run.statistics import run_statistics

        return run_statistics(self, capital, freq)

    def table(self, name: str) -> pa.Table:
        """Return one table of the run: decisions, orders, fills, the ledger and so on.

        `quantlaxmi.run.tables.run_table` describes the columns of each.

        Parameters
        ----------
        name : str
            Name of the table, for example ``"fills"``, or one of the strategy's ``own_tables``.

        Returns
        -------
        pyarrow.Table
            Symbols, UTC times and exact decimals.
        """
        from quantlaxmi.run.own_tables import own_table
        from quantlaxmi.run.tables import run_table

        if name in self.strategy.strategy.own_tables:
            return own_table(self.strategy.strategy, name, self.exact, self.segment, self.config)
        return run_table(self.exact, self.segment, name, self.loans)

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

    def plot(self, *, narrow: bool = False) -> Figure:
        """Lay out the pictures of the run; see `quantlaxmi.run.plots.plot_run`.

        Parameters
        ----------
        narrow : bool
            For a screen of 390 pixels.

        Returns
        -------
        matplotlib.figure.Figure
            Not known to pyplot.

        Raises
        ------
        InputError
            Nothing was traded.
        """
        from quantlaxmi.run.plots import plot_run

        return plot_run(self, narrow=narrow)

    def plot_payoff(self, decision: int | None = None, ax: Axes | None = None) -> Axes:
        """Draw what a bundle of options comes to at expiry; see `quantlaxmi.run.payoff.payoff`.

        Parameters
        ----------
        decision : int, optional
            Number of its decision; by default the first that kept something.
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
            Not known to pyplot.

        Raises
        ------
        InputError
            The decision kept nothing, or its legs are not options of one underlying.
        """
        from quantlaxmi.run.payoff import plot_payoff

        return plot_payoff(self.exact, decision, ax)

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
