"""From the object a plain-Python strategy returns to the leg records the engine trades on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import StrategyError
from quantlaxmi.events import (
    DecisionEvent,
    DecisionLeg,
    LegIntent,
    MarketSnapshot,
    MultiLegOrderIntent,
)
from quantlaxmi.instruments import symbols_text
from quantlaxmi.schema import (
    MAX_LEGS,
    BundlePolicy,
    DecisionType,
    OrderAction,
    OrderType,
    Side,
    TimeInForce,
)
from quantlaxmi.strategies.kernel import BoundStrategy

_I64_MAX = (1 << 63) - 1
#: What a leg is asked against; to list an enumeration at every leg took longer than all checks.
_SIDES, _ACTIONS = tuple(Side), tuple(OrderAction)
_TYPES, _TIMES = tuple(OrderType), tuple(TimeInForce)
_CONFIDENCE_MAX = 10_000
#: Policies of units by their names in an intent.
POLICIES: Final = {one.name.lower(): one for one in BundlePolicy if one > BundlePolicy.MATCHED}
#: Actions that make an order.
ORDERS: Final = (OrderAction.NEW, OrderAction.NEW_NET)
#: Orders met inside a bar that close what is held.
IN_BAR_EXITS: Final = (
    TimeInForce.IN_BAR_STOP,
    TimeInForce.IN_BAR_TARGET,
    TimeInForce.IN_BAR_STOP_FIRST,
)


def effect_of(
    legs: Sequence[LegIntent | DecisionLeg], held: Callable[[str], int], units: int = 1
) -> DecisionType:
    """Return the effect of a decision on the position, if all its orders fill.

    Parameters
    ----------
    legs : sequence of LegIntent or DecisionLeg
    held : callable
        Filled position of a symbol, signed, as a quantity mantissa.
    units : int
        Of a bundle whose legs have the quantity of one.

    Returns
    -------
    DecisionType
        ENTER where every instrument it names is flat before, EXIT where every one is flat after;
        ADJUST for all else, and wherever it changes an order.
    """
    if any(leg.action not in ORDERS or not _is_int(leg.qty, 1, _I64_MAX) for leg in legs):
        return DecisionType.ADJUST
    traded: dict[str, int] = {}
    for leg in legs:
        traded[leg.symbol] = traded.get(leg.symbol, 0) + int(leg.side) * int(leg.qty) * units
    before = {symbol: held(symbol) for symbol in traded}
    if not any(before.values()):
        return DecisionType.ENTER
    if all(before[symbol] + qty == 0 for symbol, qty in traded.items()):
        return DecisionType.EXIT
    return DecisionType.ADJUST


def bundle_policy(policy: str | None, units: int, bundle: bool | None = None) -> BundlePolicy:
    """Return the policy of a bundle by its name, where it fits the rest of its decision.

    Parameters
    ----------
    policy : str or None
        None: its legs are matched.
    units : int
    bundle : bool or None
        None or true where the legs can be bundled.

    Returns
    -------
    BundlePolicy

    Raises
    ------
    StrategyError
    """
    if policy is None:
        if not _is_int(units, 1, 1):
            raise StrategyError(f"units were {units!r}, which a bundle with a policy alone has")
        return BundlePolicy.MATCHED
    if policy not in POLICIES:
        raise StrategyError(f"policy was {policy!r}, expected one of {', '.join(POLICIES)}")
    if not _is_int(units, 1, _I64_MAX):
        raise StrategyError(f"units were {units!r}, expected a whole number, 1 or more")
    if bundle is False:
        raise StrategyError(f"policy was {policy!r} and bundle False, which has none")
    return POLICIES[policy]


def write_decision(
    decision: object, legs_out: Any, bound: BoundStrategy, positions: Any = None
) -> int:
    """Check the decision that a strategy returned, and write it as leg records.

    Parameters
    ----------
    decision : DecisionEvent, MultiLegOrderIntent or None
    legs_out : ctypes array of LegOut, or ndarray view of it, length MAX_LEGS
        OUT. Written only if the whole decision is in order.
    bound : BoundStrategy
        What the strategy declared.
    positions : ctypes array of Position, or ndarray view of it, optional
        By instrument, for the type of an intent, which names none; all flat without.

    Returns
    -------
    int
        Number of legs; 0 for None.

    Raises
    ------
    StrategyError
        One sentence on the first contract that was broken.
    """
    if decision is None:
        return 0
    if isinstance(decision, DecisionEvent):
        kind, direction, text = decision.decision_type, decision.direction, decision.rationale
        confidence, bundle = decision.confidence, decision.bundle
        policy, units = (decision.policy, decision.units) if bundle else (BundlePolicy.NONE, 1)
        if policy not in tuple(BundlePolicy) or not _is_int(units, 1, _I64_MAX):
            raise _broken(bound, f"policy was {policy!r} and units {units!r}")
        if units != 1 and policy <= BundlePolicy.MATCHED:
            raise _broken(bound, f"units were {units}, which a bundle with a policy alone has")
        of_unit = units
    elif isinstance(decision, MultiLegOrderIntent):
        kind, direction, text = None, 0, str(decision.strategy_type)
        confidence, bundle, units, of_unit = None, True, decision.units, 1
        policy = bundle_policy(decision.policy, units)
    else:
        raise _broken(
            bound, f"on_market returned {type(decision).__name__}, must be a decision or None"
        )
    if kind is not None and kind not in tuple(DecisionType):
        raise _broken(bound, f"decision_type was {kind!r}, must be a DecisionType")
    if direction not in (-1, 0, 1):
        raise _broken(bound, f"direction was {direction!r}, must be 1, -1 or 0")
    if confidence is not None and not _is_int(confidence, 0, _CONFIDENCE_MAX):
        raise _broken(bound, f"confidence was {confidence!r}, must be 0 to {_CONFIDENCE_MAX}")
    if text not in bound.rationales:
        raise _broken(bound, f"rationale {text!r} is not one of the texts it declares")
    legs: tuple[LegIntent | DecisionLeg, ...] = decision.legs
    indices = {one.symbol: i for i, one in enumerate(bound.universe)}
    _check_legs(bound, legs, bundle, indices)
    if policy > BundlePolicy.MATCHED:
        _check_units(bound, legs, units, of_unit)
    rationale = bound.rationales.index(text)
    if kind is None:
        kind = effect_of(
            legs,
            lambda symbol: 0 if positions is None else int(positions[indices[symbol]].qty),
            units // of_unit,
        )
    for k, leg in enumerate(legs):
        out = legs_out[k]
        _write_leg(out, leg, indices[leg.symbol])
        out.qty //= of_unit
        out.decision_type = int(kind)
        out.direction = int(direction)
        out.confidence = -1 if confidence is None else int(confidence)
        out.rationale = rationale
        out.bundle = int(policy)
        out.units = int(units)
    return len(legs)


def write_legs(
    legs: Sequence[LegIntent],
    legs_out: Any,
    indices: Mapping[str, int],
    effect: tuple[DecisionType, int, int],
) -> int:
    """Write the legs of a decision that the library itself put together, none of them bundled.

    Parameters
    ----------
    legs : sequence of LegIntent
        Each of which can be an order.
    legs_out : ctypes array of LegOut, length MAX_LEGS
        OUT.
    indices : mapping of str to int
        Of the instruments.
    effect : tuple of (DecisionType, int, int)
        Effect on the position, direction and number of the rationale.

    Returns
    -------
    int
        Number of legs.

    Raises
    ------
    StrategyError
        There are too many.
    """
    if len(legs) > MAX_LEGS:
        raise StrategyError(
            f"a decision had {counted(len(legs), 'leg[s]')}, must have 1 to {MAX_LEGS}"
        )
    kind, direction, rationale = effect
    for out, leg in zip(legs_out, legs, strict=False):
        _write_leg(out, leg, indices[leg.symbol])
        out.decision_type = int(kind)
        out.direction = direction
        out.confidence = -1
        out.rationale = rationale
        out.bundle = 0
        out.units = 1
    return len(legs)


def _check_legs(
    bound: BoundStrategy,
    legs: Sequence[LegIntent | DecisionLeg],
    bundle: bool,
    indices: Mapping[str, int],
) -> None:
    if not 1 <= len(legs) <= MAX_LEGS:
        raise _broken(
            bound, f"a decision had {counted(len(legs), 'leg[s]')}, must have 1 to {MAX_LEGS}"
        )
    seen: set[int] = set()
    for k, leg in enumerate(legs):
        i = _check_leg(bound, k, leg, indices)
        if bundle and not is_immediate(leg):
            raise _broken(bound, f"leg {k}: a bundle takes new orders that end on arrival")
        if bundle and i in seen:
            raise _broken(bound, f"leg {k}: a bundle names {leg.symbol!r} twice")
        seen.add(i)


def _check_units(
    bound: BoundStrategy, legs: Sequence[LegIntent | DecisionLeg], units: int, of_unit: int
) -> None:
    """Whether the legs can be so many units: of one currency, none of them a net order."""
    currencies = {one.symbol: one.currency for one in bound.universe}
    for k, leg in enumerate(legs):
        if leg.action == OrderAction.NEW_NET:
            raise _broken(bound, f"leg {k}: a bundle with a policy of units has no net orders")
        if int(leg.qty) % of_unit or int(leg.qty) // of_unit > _I64_MAX // units:
            raise _broken(
                bound,
                f"leg {k}: qty was {leg.qty}, which is not that of {counted(units, 'unit[s]')}",
            )
        if currencies[leg.symbol] != currencies[legs[0].symbol]:
            raise _broken(bound, f"leg {k}: a bundle with a policy of units has one currency")


def _write_leg(out: Any, leg: LegIntent | DecisionLeg, instrument: int) -> None:
    """Write the fields of a leg; the decision's own fields are the same on every leg."""
    out.instrument = instrument
    out.side = int(leg.side)
    out.qty = int(leg.qty)
    out.order_type = int(leg.order_type)
    out.limit_price = 0 if leg.limit_price is None else int(leg.limit_price)
    out.action = int(leg.action)
    out.time_in_force = int(leg.time_in_force)
    out.target = -1 if leg.target is None else int(leg.target)


def _check_leg(
    bound: BoundStrategy,
    k: int,
    leg: LegIntent | DecisionLeg,
    indices: Mapping[str, int],
) -> int:
    """Return the leg's instrument index, or raise StrategyError."""

    def hold(condition: bool, problem: str, *values: object) -> None:
        if not condition:
            raise _broken(bound, f"leg {k}: {problem.format(*values)}")

    hold(
        isinstance(leg, LegIntent | DecisionLeg), "was {}, must be a LegIntent", type(leg).__name__
    )
    if leg.symbol not in indices:
        here = symbols_text(indices, str(leg.symbol))
        hold(False, "symbol {!r} is not in the segment (it has {})", leg.symbol, here)
    i = indices[leg.symbol]
    hold(i in bound.instruments, "symbol {!r} is not one it declares to trade", leg.symbol)
    hold(leg.side in _SIDES, "side was {!r}, must be Side.BUY or Side.SELL", leg.side)
    hold(leg.action in _ACTIONS, "action was {!r}, must be an OrderAction", leg.action)
    hold(leg.order_type in _TYPES, "order_type was {!r}", leg.order_type)
    hold(leg.time_in_force in _TIMES, "time_in_force was {!r}", leg.time_in_force)
    if leg.time_in_force > TimeInForce.POST_ONLY:
        reads_bars = getattr(bound.instance, "reads_bars", False)
        hold(reads_bars, "only a BarStrategy's orders are met inside a bar")
    if leg.action in ORDERS:
        hold(leg.target is None, "a new order has no target")
        if leg.action == OrderAction.NEW_NET:
            closes = leg.time_in_force in IN_BAR_EXITS
            hold(
                leg.order_type == OrderType.MARKET or closes,
                "a net order is one at the market, or a stop or target met inside a bar",
            )
    else:
        hold(
            _is_int(leg.target, 0, _I64_MAX),
            "target was {!r}, must be an order number",
            leg.target,
        )
        wanted = OrderType.LIMIT if leg.action == OrderAction.MODIFY else OrderType.MARKET
        hold(leg.order_type == wanted, "order_type was {!r}, must be {!r}", leg.order_type, wanted)
    if leg.action == OrderAction.CANCEL:
        hold(_is_int(leg.qty, 0, 0), "qty was {!r}, a cancel has 0", leg.qty)
    else:
        hold(_is_int(leg.qty, 1, _I64_MAX), "qty was {!r}, must be a positive mantissa", leg.qty)
    if leg.action not in ORDERS or leg.order_type != OrderType.LIMIT:
        hold(leg.time_in_force == 0, "only a new limit order has a time_in_force")
    if leg.order_type == OrderType.LIMIT:
        hold(
            _is_int(leg.limit_price, 1, _I64_MAX),
            "limit_price was {!r}, must be a positive mantissa",
            leg.limit_price,
        )
    else:
        hold(leg.limit_price is None, "a market order has no limit_price")
    return i


def leg_seen(leg: LegIntent, units: int, instrument: int, book: Any) -> DecisionLeg:
    """Return a leg of so many units, with the book that the strategy saw.

    Parameters
    ----------
    leg : LegIntent
        Of one unit.
    units : int
    instrument : int
        Index of its instrument.
    book : Book
        Its book, as a context shows it.

    Returns
    -------
    DecisionLeg
    """
    snapshot = MarketSnapshot(
        leg.symbol, book.bid, book.bid_qty, book.ask, book.ask_qty, book.ts_ns
    )
    return DecisionLeg(
        instrument=instrument,
        symbol=leg.symbol,
        side=leg.side,
        order_type=leg.order_type,
        qty=leg.qty if units == 1 else units * leg.qty,
        limit_price=leg.limit_price,
        reference_price=snapshot.reference_price,
        snapshot=snapshot,
        action=leg.action,
        time_in_force=leg.time_in_force,
        target=leg.target,
    )


def is_immediate(leg: LegIntent | DecisionLeg) -> bool:
    """Whether the leg is a new order that ends on arrival: only such legs can be bundled."""
    return leg.action in ORDERS and (
        leg.order_type == OrderType.MARKET or leg.time_in_force == TimeInForce.IOC
    )


def _is_int(value: object, low: int, high: int) -> bool:
    """Whether it is an integer, Python's or NumPy's, within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return low <= int(value) <= high


def _broken(bound: BoundStrategy, problem: str) -> StrategyError:
    return StrategyError(f"strategy {bound.strategy_id!r}: {problem}")
