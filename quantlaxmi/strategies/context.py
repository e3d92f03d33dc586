"""The run as a plain-Python strategy sees it: live views of the engine's own memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import DecisionEvent, DecisionLeg, LegIntent
from quantlaxmi.instruments import Instrument, symbols_text
from quantlaxmi.schema import BundlePolicy, DecisionType, OrderAction, OrderType, Side, TimeInForce
from quantlaxmi.strategies.decisions import bundle_policy, effect_of, is_immediate, leg_seen
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.own_signals import OwnSignals, V
from quantlaxmi.strategies.views import view


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
    mid2: int
    depth_valid: int


class PositionView(Protocol):
    """Live view of one instrument's position; quantities at its qty exponent, signed."""

    qty: int
    pending_qty: int
    n_fills: int


class FeatureView(Protocol):
    """Live view of one feature slot: ``num / den`` of an exact feature, ``value`` of a real one."""

    num: int
    den: int
    value: float


class Context:
    """The market, positions and features that a plain-Python strategy sees at an event.

    The engine makes it. The views that `book`, `position` and `feature` return are live: take them
    once in ``on_start`` and read them at every event, which is faster than asking again.

    Parameters
    ----------
    bound : BoundStrategy
        The strategy and its instruments.
    ctx : ndarray of CTX_DTYPE, shape (1,)
        Time, orders in flight and the number of the next order.
    books : ndarray of BOOK_DTYPE, shape (n_instruments,)
        Top of book of each instrument, mantissas at its exponents.
    positions : ndarray of POSITION_DTYPE, shape (n_instruments,)
        Signed quantity mantissas.
    features : ndarray of FEATURE_DTYPE, shape (n_features,)
        In the order in which the strategy declared them.
    event : ndarray of EVENT_DTYPE, shape (1,)
        The message that the strategy handles.
    """

    __slots__ = (
        "_books", "_ctx", "_event", "_features", "_index", "_positions", "_tops", "_universe",
        "own_signals",
    )  # fmt: skip

    def __init__(
        self,
        bound: BoundStrategy,
        ctx: NDArray[Any],
        books: NDArray[Any],
        positions: NDArray[Any],
        features: NDArray[Any],
        event: NDArray[Any],
    ) -> None:
        self._universe: Final = bound.universe
        self._index: Final = {one.symbol: i for i, one in enumerate(bound.universe)}
        self._ctx: Final = view(ctx)[0]
        self._event: Final = view(event)[0]
        # One view an instrument, made once: making them is what costs.
        self._books: Final = dict(zip(self._index, view(books), strict=True))
        self._tops: Final = books.view()
        self._tops.flags.writeable = False
        self._positions: Final = dict(zip(self._index, view(positions), strict=True))
        self._features: Final = tuple(view(features))
        self.own_signals: Final = OwnSignals(bound)

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

    @property
    def next_order(self) -> int:
        """Number the first leg of a decision made now would get; its other legs follow."""
        number: int = self._ctx.next_order
        return number

    @property
    def symbol(self) -> str:
        """Symbol of the instrument the message at hand is about."""
        instrument: int = self._event.instrument
        return self._universe[instrument].symbol

    def book(self, symbol: str) -> BookView:
        """Return the live book of an instrument.

        Parameters
        ----------
        symbol : str
            Symbol of an instrument of the segment.

        Returns
        -------
        BookView
            Prices and sizes are mantissas at the instrument's exponents.
        """
        try:
            book: BookView = self._books[symbol]
        except KeyError:
            raise self._unknown(symbol) from None
        return book

    @property
    def books(self) -> NDArray[Any]:
        """Live books of all instruments, records of ``schema.BOOK_DTYPE``: ``ctx.books["bid"]``."""
        return self._tops

    def position(self, symbol: str) -> PositionView:
        """Return the live position of an instrument.

        Parameters
        ----------
        symbol : str
            Symbol of an instrument of the segment.

        Returns
        -------
        PositionView
            Its ``qty`` is a signed mantissa at the quantity exponent.
        """
        try:
            position: PositionView = self._positions[symbol]
        except KeyError:
            raise self._unknown(symbol) from None
        return position

    def feature(self, k: int) -> FeatureView:
        """Return the live slot of one of the strategy's features.

        Parameters
        ----------
        k : int
            Number of the feature, in the order in which the strategy declared them.

        Returns
        -------
        FeatureView
            ``num``, ``den`` and ``value`` of the feature.
        """
        try:
            feature: FeatureView = self._features[k]
        except IndexError:
            raise StrategyError(
                f"feature {k} was asked for, the strategy declares {len(self._features)}"
            ) from None
        return feature

    def signal(self, name: str, value: V) -> V:
        """Pass the value of one of the class's own signals through.

        The ablation gate runs the strategy again with all its signals neutral: this then returns 0
        of the value's kind. A value that is not known (None, NaN) stays as it is.

        Parameters
        ----------
        name : str
            One of the class's ``signals``.
        value : int, float, Decimal, Fraction, FixedPoint, bool, NumPy number or None

        Returns
        -------
        value, or its 0

        Raises
        ------
        StrategyError
            The class does not name this signal, or the value is no number.
        """
        return self.own_signals.passed(name, value)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All instruments of the segment, in its order."""
        return self._universe

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument: exponents, lot, tick and so on.

        Parameters
        ----------
        symbol : str
            Symbol of an instrument of the segment.

        Returns
        -------
        Instrument
        """
        if symbol not in self._index:
            raise self._unknown(symbol)
        return self._universe[self._index[symbol]]

    def limit(
        self,
        symbol: str,
        side: Side,
        qty: int,
        limit_price: int,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> LegIntent:
        """Return a leg for `decide`: a limit order.

        Parameters
        ----------
        symbol : str
        side : Side
        qty : int
            Positive mantissa at the quantity exponent.
        limit_price : int
            Mantissa at the price exponent.
        time_in_force : TimeInForce
            Good till cancelled by default.

        Returns
        -------
        LegIntent
        """
        return LegIntent(symbol, side, qty, OrderType.LIMIT, limit_price, time_in_force)

    def net(self, symbol: str, change: int) -> LegIntent:
        """Return a leg for `decide`: an order at the market that changes the position by so much.

        Where buys pay their fee in base the engine buys as many lots more as the fee takes, so
        that a short position is closed exactly, and a long one is what was asked for. Elsewhere,
        and of a sale, it is an order of that quantity.

        Parameters
        ----------
        symbol : str
        change : int
            Signed mantissa at the quantity exponent, not 0.

        Returns
        -------
        LegIntent
        """
        side = Side.BUY if change > 0 else Side.SELL
        return LegIntent(symbol, side, abs(change), action=OrderAction.NEW_NET)

    def modify(self, symbol: str, order: int, qty: int, limit_price: int) -> LegIntent:
        """Return a leg for `decide`: change a resting order.

        Parameters
        ----------
        symbol : str
        order : int
            Its number: `next_order` when it was decided, plus the index of its leg.
        qty : int
            New total, what is filled included. Less of it at the same price keeps the place in
            the queue; any other change loses it.
        limit_price : int
        """
        return LegIntent(
            symbol,
            Side.BUY,  # not read: a change has the order's side
            qty,
            OrderType.LIMIT,
            limit_price,
            action=OrderAction.MODIFY,
            target=order,
        )

    def cancel(self, symbol: str, order: int) -> LegIntent:
        """Return a leg for `decide`: cancel the rest of a resting order.

        Parameters
        ----------
        symbol : str
        order : int
            See `modify`.

        Returns
        -------
        LegIntent
        """
        return LegIntent(symbol, Side.BUY, 0, action=OrderAction.CANCEL, target=order)

    def decide(
        self,
        legs: Iterable[LegIntent],
        *,
        rationale: str,
        decision_type: DecisionType | None = None,
        direction: int = 0,
        confidence: int | None = None,
        bundle: bool | None = None,
        units: int = 1,
        policy: str | None = None,
    ) -> DecisionEvent:
        """Make the decision to return from ``on_market``, with the market it was made on.

        Parameters
        ----------
        legs : iterable of LegIntent
            1 to ``schema.MAX_LEGS``.
        rationale : str
            One of the strategy's declared texts.
        decision_type : DecisionType or None
            None: what it does to the position, if all its orders fill (`decisions.effect_of`).
        direction : int
            1 long, -1 short, 0 neither.
        confidence : int or None
            At 10**-4, 0 to 10000.
        bundle : bool or None
            The legs must end matched: what one fills in excess is traded back at once. Only legs
            that end on arrival can be bundled; None bundles where all do.
        units : int
            With ``policy``: quantities of the legs are those of one unit of so many.
        policy : {"all_or_none", "whole_units", "legs"}, optional
            What the bundle keeps where a leg fills short; see
            `quantlaxmi.events.MultiLegOrderIntent`.

        Returns
        -------
        DecisionEvent
            Its ``sequence`` and ids are given by the engine.

        Raises
        ------
        StrategyError
            If a leg names an unknown symbol, or units and policy do not fit.
        """
        kind = bundle_policy(policy, units, bundle)
        made = [self._leg(leg, units) for leg in legs]
        if decision_type is None:
            decision_type = effect_of(made, lambda symbol: int(self.position(symbol).qty))
        if bundle is None:
            # With a policy the legs must be able to: whoever takes the decision says which is not.
            bundle = kind > BundlePolicy.MATCHED or all(map(is_immediate, made))
        return DecisionEvent(
            sequence=0,
            seq=self._event.seq,
            ts_ns=self.now_ns,
            decision_type=decision_type,
            direction=direction,
            confidence=confidence,
            rationale=rationale,
            bundle=bundle,
            legs=tuple(made),
            policy=kind,
            units=units,
        )

    def _leg(self, leg: LegIntent, units: int) -> DecisionLeg:
        """A leg of so many units, with the book that the strategy saw."""
        book = self.book(leg.symbol)
        return leg_seen(leg, units, self._index[leg.symbol], book)

    def _unknown(self, symbol: str) -> StrategyError:
        return StrategyError(
            f"symbol {symbol!r} is not in the segment (it has {symbols_text(self._index, symbol)})"
        )
