"""Interface for strategy authors: base classes, and the context of a plain-Python call."""

from __future__ import annotations

import contextlib
import inspect
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.events import (
    DecisionEvent,
    FillEvent,
    IndiaMarketEvent,
    MultiLegOrderIntent,
    OptionsStrategyType,
    OrderNotice,
    ReplayEvent,
)
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.context import Context as Context
from quantlaxmi.strategies.decisions import write_decision as write_decision
from quantlaxmi.strategies.kernel import BoundStrategy, FeatureSpec, mask_of
from quantlaxmi.strategies.margin_asks import MarginAsks
from quantlaxmi.strategies.own_signals import check_names


class Strategy(ABC):
    """A trading rule with its settings: the base of kernels and plain-Python strategies.

    A subclass sets the class attributes. It is made with one argument, the settings.

    Attributes
    ----------
    strategy_id : str
        Stable name; the header of every trace has it.
    Config : type of StrategyConfig
        Type of the settings.
    rationales : tuple of str
        Every text that a decision may give as its reason.
    grid : mapping of str to tuple of str
        Parameter grid: values of settings to try in training, as texts; may be empty.
    own_tables : tuple of str
        Names of result tables of its own, which `own_table` makes; in no trace.
    binds_alike : bool
        Whether `bind` reads nothing but settings and instruments: a kernel is then bound once.
    trades_skew : bool
        Its signal is how the skew of an option chain moves, which no null draws.
    is_recording : bool
        It follows what somebody recorded, so gates cannot ask what its rule would do elsewhere.

    Parameters
    ----------
    config : StrategyConfig, optional
        An instance of ``Config``; the defaults if left out.

    Examples
    --------
    >>> from quantlaxmi import StrategyRegistry
    >>> strategy = StrategyRegistry(installed=False).get("basis_capture")()
    >>> strategy.config.threshold_bps.to_text()
    '5'
    """

    strategy_id: ClassVar[str]
    Config: ClassVar[type[StrategyConfig]] = StrategyConfig
    rationales: ClassVar[tuple[str, ...]] = ("rule",)
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    own_tables: ClassVar[tuple[str, ...]] = ()
    binds_alike: ClassVar[bool] = False
    trades_skew: ClassVar[bool] = False
    is_recording: ClassVar[bool] = False

    config: Any

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        # A subclass whose __init__ does not call this one has its settings all the same.
        made = super().__new__(cls)
        given = named.get("config", arguments[0] if arguments else None)
        if type(given) is cls.Config:
            made.config = given
        elif given is None:
            with contextlib.suppress(ConfigError):  # some settings have no default
                made.config = cls.Config()
        return made

    def __init__(self, config: StrategyConfig | None = None) -> None:
        made = self.Config() if config is None else config
        if type(made) is not self.Config:
            raise StrategyError(
                f"strategy {self.strategy_id!r}: config was {type(made).__name__}, "
                f"must be {self.Config.__name__}"
            )
        self.config = made

    @classmethod
    def made_with(cls, config: StrategyConfig | None = None) -> Self:
        """Make a strategy from settings alone, whatever its ``__init__`` takes.

        Parameters
        ----------
        config : StrategyConfig, optional
            The defaults if left out.

        Raises
        ------
        StrategyError
            Its ``__init__`` needs more than the settings, or does not keep those it is given.
        """
        settings = cls.Config() if config is None else config
        made = cls.__new__(cls, settings)
        made._begin_as_new(settings)
        return made

    def _begin_as_new(self, settings: StrategyConfig) -> None:
        """Run ``__init__`` with the settings, or without where it takes none."""
        kind = type(self)
        takes = inspect.signature(kind.__init__)
        given: tuple[StrategyConfig, ...] = (settings,)
        try:
            takes.bind(self, *given)
        except TypeError:
            given = ()
            try:
                takes.bind(self)
            except TypeError as error:
                raise StrategyError(
                    f"strategy {kind.__name__}: its __init__ must take the settings alone, "
                    f"def __init__(self, config=None); {error}"
                ) from None
        try:
            kind.__init__(self, *given)
        except TypeError as error:
            raise StrategyError(
                f"strategy {kind.__name__} cannot be made from settings alone: {error}"
            ) from error
        if getattr(self, "config", None) != settings:
            raise StrategyError(
                f"strategy {kind.__name__} does not keep the settings it is given: its __init__ "
                "must call super().__init__(config)"
            )

    @property
    def config_hash(self) -> bytes:
        """SHA-256 over every setting with its effective value, 32 bytes."""
        digest: bytes = self.config.config_hash
        return digest

    def own_table(
        self,
        name: str,
        market: MarketData,
        records: Mapping[str, NDArray[Any]],
        asks: MarginAsks,
    ) -> dict[str, NDArray[Any]]:
        """Return columns of one of ``own_tables``, made of the market and a run's records.

        ``records`` are its ``decisions``, ``orders``, ``fills`` and ``risk``; ``asks`` may be asked
        about orders at messages of the table ``chain`` (`MarginAsks`).
        """
        raise StrategyError(f"strategy {self.strategy_id!r} has no table {name!r}")

    @abstractmethod
    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind to the instruments of a segment, ready for one run.

        Parameters
        ----------
        instruments : sequence of Instrument
            All of the segment, in its order; indices into it are what kernels see.
        interpreted : bool
            Use the interpreted twin where the strategy is a compiled kernel.

        Raises
        ------
        StrategyError
            If what it trades is not among the instruments, or its settings do not fit them.
        """


class PythonStrategy(Strategy):
    """Base of strategies written in plain Python: subclass one of its two children.

    Attributes
    ----------
    event_kinds : tuple of EventKind
        What ``on_market`` is called for.
    signals : tuple of str
        Names of the signals that the class computes by itself. It passes each value through
        ``ctx.signal(name, value)``, so that ablation can run it with 0 in their place.
    reads_bars : bool
        It reads the table ``bars`` instead of events (`strategies.bar_strategy`).
    """

    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.QUOTE,)
    signals: ClassVar[tuple[str, ...]] = ()
    reads_bars: ClassVar[bool] = False
    _ctx: Context | None = None

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """Indices of the instruments it trades: all, unless a subclass says otherwise."""
        return tuple(range(len(instruments)))

    def features(self, instruments: Sequence[Instrument]) -> tuple[FeatureSpec, ...]:
        """Features it wants kept: none, unless a subclass says otherwise."""
        return ()

    def on_start(self, ctx: Context) -> None:
        """Prepare for a run; called once before the first event."""

    def on_fill(self, fill: FillEvent) -> None:
        """Take note of a fill of one of its orders."""

    def on_order(self, notice: OrderNotice) -> None:
        """Take note of other news: an order rests, was changed, ended short or was refused."""

    def can_trade(self, ctx: Context) -> bool:
        """Whether the strategy's own filters let it trade now, whatever its position."""
        return True

    def position(self, symbol: str) -> FixedPoint:
        """Filled position of an instrument, signed, in units of its base.

        Raises
        ------
        StrategyError
            Outside a run, or for an unknown symbol.
        """
        if self._ctx is None:
            raise StrategyError(f"strategy {self.strategy_id!r} has a position only within a run")
        exponent = self._ctx.instrument(symbol).qty_exponent
        return FixedPoint(self._ctx.position(symbol).qty, exponent)

    @property
    def signals_asked(self) -> frozenset[str] | None:
        """Names that the run passed through ``ctx.signal``; None outside a run."""
        return None if self._ctx is None else frozenset(self._ctx.own_signals.asked)

    def fresh(self) -> Self:
        """Return an instance of the same class and settings, as it was before any event."""
        return self.made_with(self.config)

    def begin(self, ctx: Context) -> None:
        """Begin a run in ``ctx``, as new: a second run meets nothing the first one left."""
        if self._ctx is not None:
            config = self.config
            self.__dict__.clear()
            self.config = config
            self._begin_as_new(config)
        self._ctx = ctx
        self.on_start(ctx)

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind a fresh instance; see `Strategy.bind`. Plain Python has one form only."""
        universe, instance = tuple(instruments), self.fresh()
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=self.config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=tuple(instance.trades(universe)),
            universe=universe,
            event_mask=mask_of(self.event_kinds),
            features=tuple(instance.features(universe)),
            named_signals=check_names(type(self).signals, self.strategy_id),
            form="python",
            instance=instance,
            strategy=self,
        )


class CryptoStrategy(PythonStrategy):
    """A plain-Python strategy on crypto instruments.

    Examples
    --------
    >>> from quantlaxmi import LegIntent, backtest
    >>> from quantlaxmi.schema import Side
    >>> class BuyOnce(CryptoStrategy):
    ...     strategy_id = "buy_once"
    ...     def on_market(self, event, ctx):
    ...         if ctx.position("BTCUSDT").qty or ctx.in_flight or not ctx.book("BTCUSDT").valid:
    ...             return None
    ...         leg = LegIntent("BTCUSDT", Side.BUY, 1000)  # 0.01 at 10**-5
    ...         return ctx.decide([leg], rationale="rule")
    >>> backtest("data/planted", BuyOnce()).n_fills
    1
    """

    @abstractmethod
    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Handle one market event.

        Parameters
        ----------
        event : ReplayEvent
            The message that the engine has just applied.
        ctx : Context
            Books, positions, features and the makers of legs.

        Returns
        -------
        DecisionEvent or None
            Made by ``ctx.decide``; None to do nothing.
        """


class IndiaOptionsStrategy(PythonStrategy):
    """A plain-Python strategy on Indian options, which asks for several legs at once.

    The rationale of a decision is the ``strategy_type`` of the intent.

    Examples
    --------
    >>> class Straddle(IndiaOptionsStrategy):
    ...     strategy_id = "straddle"
    ...     def on_market(self, event, ctx):
    ...         return None
    >>> "straddle" in Straddle.rationales
    True
    """

    rationales: ClassVar[tuple[str, ...]] = tuple(t.value for t in OptionsStrategyType)
    event_kinds: ClassVar[tuple[EventKind, ...]] = (
        EventKind.QUOTE,
        EventKind.CHAIN,
        EventKind.SETTLEMENT,
    )

    @abstractmethod
    def on_market(self, event: IndiaMarketEvent, ctx: Context) -> MultiLegOrderIntent | None:
        """Handle one market event.

        Parameters
        ----------
        event : IndiaMarketEvent
            The message that the engine has just applied.
        ctx : Context
            Books, positions and features.

        Returns
        -------
        MultiLegOrderIntent or None
            The legs to trade together; None to do nothing.
        """


def start(
    bound: BoundStrategy,
    ctx: NDArray[Any],
    books: NDArray[Any],
    positions: NDArray[Any],
    features: NDArray[Any],
    event: NDArray[Any],
) -> Context:
    """Make the context of a plain-Python run and tell the strategy that it begins.

    Parameters are those of `Context`.

    Raises
    ------
    StrategyError
        For whatever the strategy's ``on_start`` raised.
    """
    context = Context(bound, ctx, books, positions, features, event)
    try:
        bound.instance.begin(context)
    except Exception as error:
        raise failed(bound, error, "on_start") from error
    return context


def failed(bound: BoundStrategy, error: Exception, place: str) -> StrategyError:
    """Word an exception out of a strategy's own code as one line with its file and line.

    Parameters
    ----------
    bound : BoundStrategy
    error : Exception
    place : str
        Where in the run, such as ``"message seq 17"``.
    """
    if isinstance(error, StrategyError):
        return StrategyError(f"{error} (at {place})")
    frames = traceback.extract_tb(error.__traceback__)
    source = f" ({frames[-1].filename} line {frames[-1].lineno})" if frames else ""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return StrategyError(f"strategy {bound.strategy_id!r} failed at {place}: {said}{source}")
