"""What a strategy author writes against: base classes, and the context of a plain-Python call."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, Self

from numpy.typing import NDArray

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import (
    DecisionEvent,
    DecisionLeg,
    FillEvent,
    IndiaMarketEvent,
    LegIntent,
    MarketSnapshot,
    MultiLegOrderIntent,
    OptionsStrategyType,
    ReplayEvent,
)
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import DecisionType, EventKind
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.decisions import write_decision as write_decision
from quantlaxmi.strategies.kernel import BoundStrategy, FeatureSpec, mask_of
from quantlaxmi.strategies.views import view


class Strategy(ABC):
    """A trading rule with its settings: the base of kernels and plain-Python strategies.

    Subclasses set the class attributes and are made with one argument, the settings.

    Attributes
    ----------
    strategy_id : str
        Stable name; stands in the header of every trace.
    Config : type of StrategyConfig
    rationales : tuple of str
        Every text a decision may give as its reason.
    grid : mapping of str to tuple of str
        Values of settings worth trying in training, as texts; may be empty.

    Parameters
    ----------
    config : StrategyConfig, optional
        An instance of ``Config``; the defaults if left out.
    """

    strategy_id: ClassVar[str]
    Config: ClassVar[type[StrategyConfig]] = StrategyConfig
    rationales: ClassVar[tuple[str, ...]] = ("rule",)
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    config: Any

    def __init__(self, config: StrategyConfig | None = None) -> None:
        made = self.Config() if config is None else config
        if type(made) is not self.Config:
            raise StrategyError(
                f"strategy {self.strategy_id!r}: config was {type(made).__name__}, "
                f"must be {self.Config.__name__}"
            )
        self.config = made

    @property
    def config_hash(self) -> bytes:
        """SHA-256 over every setting with its effective value, 32 bytes."""
        digest: bytes = self.config.config_hash
        return digest

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


class BookView(Protocol):
    """Live view of one instrument's book; fields as ``schema.BOOK_DTYPE``."""

    valid: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    ts_ns: int
    exch_ts_ns: int
    seq: int
    last_price: int
    last_qty: int
    mark: int
    funding_rate: int
    next_funding_ns: int


class PositionView(Protocol):
    """Live view of one instrument's position; quantities at its qty exponent, signed."""

    qty: int
    pending_qty: int
    n_fills: int


class FeatureView(Protocol):
    """Live view of one feature slot: ``num / den`` exactly, ``value`` for display."""

    num: int
    den: int
    value: float


class Context:
    """What a plain-Python strategy may look at while it handles an event.

    The views that `book`, `position` and `feature` return are live: take them once in ``on_start``
    and read them at every event, which is faster than asking again.

    Parameters
    ----------
    bound : BoundStrategy
    ctx : ndarray of CTX_DTYPE, shape (1,)
    books : ndarray of BOOK_DTYPE, shape (n_instruments,)
    positions : ndarray of POSITION_DTYPE, shape (n_instruments,)
    features : ndarray of FEATURE_DTYPE, shape (n_features,)
    event : ndarray of EVENT_DTYPE, shape (1,), optional
        Where the engine keeps the message at hand; gives decisions their market row key.
    """

    __slots__ = ("_books", "_ctx", "_event", "_features", "_index", "_positions", "_universe")

    def __init__(
        self,
        bound: BoundStrategy,
        ctx: NDArray[Any],
        books: NDArray[Any],
        positions: NDArray[Any],
        features: NDArray[Any],
        event: NDArray[Any] | None = None,
    ) -> None:
        self._universe: Final = bound.universe
        self._index: Final = {one.symbol: i for i, one in enumerate(bound.universe)}
        self._ctx: Final = view(ctx)[0]
        self._event: Final = None if event is None else view(event)[0]
        # One view an instrument, made once: making them is what costs.
        self._books: Final = dict(zip(self._index, view(books), strict=True))
        self._positions: Final = dict(zip(self._index, view(positions), strict=True))
        self._features: Final = tuple(view(features))

    @property
    def now_ns(self) -> int:
        """Receive time of the event at hand, ns since the epoch."""
        now: int = self._ctx.now_ns
        return now

    @property
    def in_flight(self) -> int:
        """Orders sent and not yet finished."""
        count: int = self._ctx.in_flight
        return count

    def book(self, symbol: str) -> BookView:
        """Live book of an instrument."""
        try:
            book: BookView = self._books[symbol]
        except KeyError:
            raise self._unknown(symbol) from None
        return book

    def position(self, symbol: str) -> PositionView:
        """Live position of an instrument."""
        try:
            position: PositionView = self._positions[symbol]
        except KeyError:
            raise self._unknown(symbol) from None
        return position

    def feature(self, k: int) -> FeatureView:
        """Live slot of the strategy's feature number ``k``, in the order it declared them."""
        try:
            feature: FeatureView = self._features[k]
        except IndexError:
            raise StrategyError(
                f"feature {k} was asked for, the strategy declares {len(self._features)}"
            ) from None
        return feature

    def instrument(self, symbol: str) -> Instrument:
        """Exponents, lot, tick and so on of an instrument."""
        if symbol not in self._index:
            raise self._unknown(symbol)
        return self._universe[self._index[symbol]]

    def decide(
        self,
        legs: Iterable[LegIntent],
        *,
        rationale: str,
        decision_type: DecisionType = DecisionType.ENTER,
        direction: int = 0,
        confidence: int | None = None,
        bundle: bool = True,
    ) -> DecisionEvent:
        """Make the decision to return from ``on_market``, with the market it was made on.

        Parameters
        ----------
        legs : iterable of LegIntent
            1 to ``schema.MAX_LEGS``.
        rationale : str
            One of the strategy's declared texts.
        decision_type : DecisionType
        direction : int
            1 long, -1 short, 0 neither.
        confidence : int or None
            At 10**-4, 0 to 10000.
        bundle : bool
            The legs must end matched: what one fills in excess is traded back at once.

        Returns
        -------
        DecisionEvent
            Its ``sequence`` and ids are given by the engine.

        Raises
        ------
        StrategyError
            If a leg names an unknown symbol.
        """
        made = []
        for leg in legs:
            book = self.book(leg.symbol)
            snapshot = MarketSnapshot(
                leg.symbol, book.bid, book.bid_qty, book.ask, book.ask_qty, book.ts_ns
            )
            made.append(
                DecisionLeg(
                    instrument=self._index[leg.symbol],
                    symbol=leg.symbol,
                    side=leg.side,
                    order_type=leg.order_type,
                    qty=leg.qty,
                    limit_price=leg.limit_price,
                    reference_price=snapshot.reference_price,
                    snapshot=snapshot,
                )
            )
        return DecisionEvent(
            sequence=0,
            seq=-1 if self._event is None else self._event.seq,
            ts_ns=self.now_ns,
            decision_type=decision_type,
            direction=direction,
            confidence=confidence,
            rationale=rationale,
            bundle=bundle,
            legs=tuple(made),
        )

    def _unknown(self, symbol: str) -> StrategyError:
        return StrategyError(
            f"symbol {symbol!r} is not in the segment (it has {', '.join(self._index)})"
        )


class PythonStrategy(Strategy):
    """Base of strategies written in plain Python: subclass one of its two children.

    Attributes
    ----------
    event_kinds : tuple of EventKind
        What ``on_market`` is called for.
    """

    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.QUOTE,)
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

    def can_trade(self, ctx: Context) -> bool:
        """Whether the strategy's own filters hold now, whatever its position."""
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

    def fresh(self) -> Self:
        """Return an instance of the same class and settings, as it was before any event."""
        return type(self)(self.config)

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
            form="python",
            instance=instance,
        )


class CryptoStrategy(PythonStrategy):
    """A plain-Python strategy on crypto instruments."""

    @abstractmethod
    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Look at one market event; return a decision made by ``ctx.decide``, or None."""


class IndiaOptionsStrategy(PythonStrategy):
    """A plain-Python strategy on Indian options, which asks for several legs at once.

    Its rationale is the intent's ``strategy_type``.
    """

    rationales: ClassVar[tuple[str, ...]] = tuple(t.value for t in OptionsStrategyType)

    @abstractmethod
    def on_market(self, event: IndiaMarketEvent, ctx: Context) -> MultiLegOrderIntent | None:
        """Look at one market event; return the legs to trade together, or None."""


def start(
    bound: BoundStrategy,
    ctx: NDArray[Any],
    books: NDArray[Any],
    positions: NDArray[Any],
    features: NDArray[Any],
    event: NDArray[Any] | None = None,
) -> Context:
    """Make the context of a plain-Python run and tell the strategy that it begins.

    Parameters are those of `Context`.

    Raises
    ------
    StrategyError
        Also for whatever the strategy's ``on_start`` raised.
    """
    context = Context(bound, ctx, books, positions, features, event)
    instance = bound.instance
    try:
        if isinstance(instance, PythonStrategy):
            instance._ctx = context
        if hasattr(instance, "on_start"):
            instance.on_start(context)
    except Exception as error:
        raise failed(bound, error, "on_start") from error
    return context


def failed(bound: BoundStrategy, error: Exception, where: str) -> StrategyError:
    """Word an exception out of a strategy's own code as one line with its file and line.

    Parameters
    ----------
    bound : BoundStrategy
    error : Exception
    where : str
        What was being called, such as ``"on_market at message 17"``.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename} line {frames[-1].lineno})" if frames else ""
    said = str(error) if isinstance(error, StrategyError) else f"{type(error).__name__}: {error}"
    return StrategyError(
        f"strategy {bound.strategy_id!r} failed in {where}: {' '.join(said.split())[:300]}{place}"
    )
