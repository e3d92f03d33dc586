"""Strategies over bars, written as people know it: ``init()`` once, ``next()`` at every bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from quantlaxmi._ext.bar_lines import Line
from quantlaxmi._ext.bar_lines import crossover as crossover
from quantlaxmi.errors import StrategyError
from quantlaxmi.events import ReplayEvent
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind
from quantlaxmi.strategies.bar_history import Indicator, indicator_name, name_by_attributes
from quantlaxmi.strategies.bar_run import RATIONALES, BarRun
from quantlaxmi.strategies.bar_views import BarData, BarPosition
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.own_signals import check_names
from quantlaxmi.strategies.sdk import PythonStrategy, failed

__all__ = ["BarStrategy", "crossover"]


class BarStrategy(PythonStrategy):
    """A strategy over bars: subclass it, and write ``init`` and ``next``.

    ``next`` is called when a bar has ended, once every indicator has a value. What it asks for is
    traded at the open of the next bar. docs/STRATEGIES.md says by which rule limits, stops and
    targets are met inside a bar.

    Attributes
    ----------
    symbols : tuple of str
        What it reads and trades; all instruments of the segment where it is empty.
    data : BarData
        Bars up to the one at hand.
    symbol : str
        The first of its instruments.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from quantlaxmi import CostModel, backtest, from_frame
    >>> class Dip(BarStrategy):
    ...     strategy_id = "dip"
    ...     def next(self):
    ...         if not self.position and self.data.close[-1] < self.data.open[-1]:
    ...             self.buy(1, take_profit=self.data.open[-1])
    >>> closes = [100.0, 99.0, 101.0, 98.0, 103.0, 102.0, 99.0]
    >>> bars = pa.table({
    ...     "time": [1704067200 + 3600 * k for k in range(7)], "open": [100.0, *closes[:-1]],
    ...     "high": [104.0] * 7, "low": [97.0] * 7, "close": closes, "volume": [50.0] * 7,
    ... })
    >>> backtest(from_frame(bars, symbol="BTCUSDT"), Dip, costs=CostModel.binance()).n_fills
    5
    """

    reads_bars: ClassVar[bool] = True
    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.QUOTE,)
    rationales: ClassVar[tuple[str, ...]] = RATIONALES
    symbols: ClassVar[tuple[str, ...]] = ()
    bar_run: BarRun
    data: BarData
    symbol: str

    def init(self) -> None:
        """Declare indicators with `I`; called before the first bar, when there is none to read."""

    def next(self) -> None:
        """Read ``self.data`` and ask for trades; called when a bar has ended."""
        raise StrategyError(f"strategy {self.strategy_id!r} has no method next")

    # --- what init and next call ----------------------------------------------------------------

    def I(  # noqa: E743
        self,
        function: Callable[..., Any],
        *arguments: Any,
        name: str | None = None,
        outputs: int = 1,
        **named: Any,
    ) -> Any:
        """Declare an indicator; only ``init`` may.

        The function is called with whole arrays of doubles in place of series, and once more over
        beginnings of them: a value that depends on later bars is an error. It returns as many
        values as there are bars, NaN where there is none yet.

        Parameters
        ----------
        function : callable
            Of NumPy, pandas, TA-Lib or your own.
        *arguments, **named
            Series of ``self.data``, other indicators, and whatever else the function takes.
        name : str, optional
            Of the signal, which ablation makes 0; by default made of the function's name and its
            plain arguments, or that of the attribute where the function has no name.
        outputs : int
            How many arrays it returns.

        Returns
        -------
        Line, or tuple of Line
        """
        run = self.bar_run
        if run.begun:
            raise StrategyError("an indicator is declared in init, not later")
        lines = [a for a in (*arguments, *named.values()) if isinstance(a, Line)]
        if not lines:
            raise StrategyError(
                "an indicator needs a series such as self.data.close among its arguments"
            )
        if len({id(line.cursor) for line in lines}) > 1:
            raise StrategyError("an indicator takes series of one instrument")
        taken = {one.name for one in run.history.indicators}
        name = indicator_name(function, (*arguments, *named.values()), taken, name)
        numbers = [""] if outputs == 1 else [f"[{k}]" for k in range(outputs)]
        made = tuple(Line(name + number, lines[0].cursor) for number in numbers)
        run.history.indicators.append(Indicator(name, function, arguments, named, made))
        return made[0] if outputs == 1 else made

    def buy(
        self,
        qty: Any,
        symbol: str | None = None,
        *,
        limit: Any = None,
        stop: Any = None,
        take_profit: Any = None,
    ) -> None:
        """Ask to buy at the open of the next bar, or at a limit as soon as a bar goes through it.

        Parameters
        ----------
        qty : number
            Units of the base; rounded down to whole lots.
        symbol : str, optional
            The strategy's first instrument by default.
        limit : number, optional
            Price at which the order stands until a bar meets it or `cancel`.
        stop, take_profit : number, optional
            Prices at which what it bought is sold again.
        """
        self.bar_run.order(1, qty, symbol, limit, stop, take_profit)

    def sell(
        self,
        qty: Any,
        symbol: str | None = None,
        *,
        limit: Any = None,
        stop: Any = None,
        take_profit: Any = None,
    ) -> None:
        """Ask to sell; as `buy`, the other way round."""
        self.bar_run.order(-1, qty, symbol, limit, stop, take_profit)

    def target(
        self,
        symbol: str,
        qty: Any = None,
        *,
        share_of_equity: Any = None,
        stop: Any = None,
        take_profit: Any = None,
    ) -> None:
        """Ask for what is missing to a position; nothing is sent where nothing is.

        Parameters
        ----------
        symbol : str
        qty : number, optional
            Signed, units of the base, 0 for flat. Rounded to whole lots toward 0.
        share_of_equity : number, optional
            In its place: the worth of the position as a share of `equity` at the mid.
        stop, take_profit : number, optional
            Of what the order opens.
        """
        self.bar_run.target(symbol, qty, share_of_equity, stop, take_profit)

    def cancel(self, symbol: str | None = None) -> None:
        """Take back the limits that stand, of one instrument or of all."""
        self.bar_run.cancel(symbol)

    @property
    def position(self) -> BarPosition:
        """What is held; also called with a symbol."""
        return self.bar_run.position

    @property
    def equity(self) -> Decimal:
        """The stated capital with all that was earned and lost so far, positions at the mids.

        Raises
        ------
        StrategyError
            The run states no capital (``RiskLimits(capital=...)``).
        """
        return self.bar_run.equity_now()

    # --- how a run drives it --------------------------------------------------------------------

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """Those that ``symbols`` names, or all."""
        index = {one.symbol: i for i, one in enumerate(instruments)}
        missing = [name for name in self.symbols if name not in index]
        if missing or not index:
            wanted = missing[0] if missing else "an instrument"
            raise StrategyError(
                f"strategy {self.strategy_id!r} needs {wanted}, which the segment does not have"
            )
        return tuple(index[name] for name in self.symbols or index)

    def on_market(self, event: ReplayEvent, ctx: Context) -> None:
        """Refuse an event: the engine calls ``next``, with the bars that were told."""
        raise StrategyError(f"strategy {self.strategy_id!r} is over bars: it has next, no events")

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind a fresh instance; its indicators are its signals."""
        bound = super().bind(instruments, interpreted=interpreted)
        scratch = self.fresh()
        scratch._open(bound.universe)
        try:
            scratch._declare()
        except Exception as error:
            raise failed(bound, error, "init") from error
        declared = tuple(one.name for one in scratch.bar_run.history.indicators)
        names = check_names((*type(self).signals, *declared), self.strategy_id)
        return replace(bound, named_signals=names)

    def _open(self, universe: tuple[Instrument, ...]) -> None:
        """Make a run's series, with no bar in them."""
        self.bar_run = BarRun(universe, self.trades(universe))
        self.data, self.symbol = self.bar_run.data, self.bar_run.symbol

    def _declare(self) -> None:
        self.init()
        name_by_attributes(self, self.bar_run.history.indicators)

    def begin(self, ctx: Context) -> None:
        """Begin a run: declare the indicators, and forget what an earlier run left."""
        super().begin(ctx)
        self._open(ctx.instruments)
        self.bar_run.attach(ctx, self.next)
        self._declare()
        self.bar_run.begun = True
        for one in self.bar_run.history.indicators:
            one.neutral = ctx.own_signals.is_neutral(one.name)
