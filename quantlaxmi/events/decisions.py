"""Decision events: the legs a strategy asks for, and its decisions with the market it saw.

Names are public through ``quantlaxmi.events``.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import struct
from typing import Final
from uuid import UUID

import msgspec

from quantlaxmi.errors import TraceError
from quantlaxmi.events.ids import CorrelationContext
from quantlaxmi.events.market import MarketSnapshot
from quantlaxmi.schema import BundlePolicy, DecisionType, OrderAction, OrderType, Side, TimeInForce

__all__ = [
    "CONFIDENCE_EXPONENT",
    "RECORD_TAG",
    "DecisionEvent",
    "DecisionLeg",
    "LegIntent",
    "MultiLegOrderIntent",
    "OptionsStrategyType",
    "rationale_hash",
]

#: First bytes of every decision record: domain and version.
RECORD_TAG: Final = b"QLD\x02"
#: Confidence of a decision is an integer at 10**CONFIDENCE_EXPONENT.
CONFIDENCE_EXPONENT: Final = -4

_RECORD_HEAD: Final = struct.Struct("<4sQqqBbBB")
_LEG_HEAD: Final = struct.Struct("<HBbBBqqB")
_LEG_SNAPSHOT: Final = struct.Struct("<5q")
_I64: Final = struct.Struct("<q")
_U16: Final = struct.Struct("<H")


@functools.lru_cache(maxsize=4096)
def rationale_hash(text: str) -> bytes:
    """Hash a rationale: the first 8 bytes of SHA-256 over its UTF-8 text.

    A decision's record has the hash in place of the text.

    Parameters
    ----------
    text : str

    Returns
    -------
    bytes
        8 bytes.

    Examples
    --------
    >>> rationale_hash("rule").hex()
    '7369949b47ef2c6b'
    """
    return hashlib.sha256(text.encode()).digest()[:8]


class LegIntent(msgspec.Struct, frozen=True, gc=False):
    """One leg a strategy asks for: an order, or a change of one.

    Attributes
    ----------
    symbol : str
        Symbol of the instrument.
    side : Side
        Ignored in a change, which has the side of the order it names.
    qty : int
        Positive mantissa at the instrument's quantity exponent; of a net order what the position
        shall gain after a fee in base; of a modified order its new total, filled part included;
        0 to cancel.
    order_type : OrderType
        Market or limit.
    limit_price : int or None
        Mantissa at the instrument's price exponent; None for market orders and to cancel.
    time_in_force : TimeInForce
        Of a new limit order; a modified one keeps its own.
    action : OrderAction
        New order, net order, change or cancel.
    target : int or None
        Number of the order to modify or cancel; None for a new order.

    Examples
    --------
    >>> LegIntent("BTCUSDT", Side.BUY, 1_000_000).order_type.name
    'MARKET'
    """

    symbol: str
    side: Side
    qty: int
    order_type: OrderType = OrderType.MARKET
    limit_price: int | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    action: OrderAction = OrderAction.NEW
    target: int | None = None


class OptionsStrategyType(enum.StrEnum):
    """Shape of a multi-leg options position."""

    CALENDAR = "calendar"
    DIAGONAL = "diagonal"
    VERTICAL = "vertical"
    STRADDLE = "straddle"
    STRANGLE = "strangle"
    BUTTERFLY = "butterfly"
    CONDOR = "condor"
    CUSTOM = "custom"


class MultiLegOrderIntent(msgspec.Struct, frozen=True, gc=False):
    """Several legs that an options strategy asks to trade together.

    Attributes
    ----------
    legs : tuple of LegIntent
        1 to ``schema.MAX_LEGS``, in the order in which they are executed; each has the quantity of
        one unit, in whole lots.
    strategy_type : OptionsStrategyType
        Shape of the position; the decision's rationale.
    decision_id : UUID or None
        Given by the engine; None when a strategy returns it.
    units : int
        How many of the bundle; an order's quantity is that of its leg times the units.
    policy : str
        What is kept where a leg fills short: ``"all_or_none"``, ``"whole_units"`` (as many units
        as every leg can fill) or ``"legs"`` (what each filled). The rest is traded out at the
        market.

    Examples
    --------
    >>> legs = tuple(LegIntent(symbol, Side.BUY, 25) for symbol in ("CALL", "PUT"))
    >>> intent = MultiLegOrderIntent(legs, OptionsStrategyType.STRADDLE, units=4)
    >>> intent.legs[1].symbol, intent.policy
    ('PUT', 'all_or_none')
    """

    legs: tuple[LegIntent, ...]
    strategy_type: OptionsStrategyType
    decision_id: UUID | None = None
    units: int = 1
    policy: str = "all_or_none"


class DecisionLeg(msgspec.Struct, frozen=True, gc=False):
    """One leg of a decision, with the market it was decided on.

    Attributes
    ----------
    instrument : int
        Index into the trace header's instruments.
    symbol : str
        Symbol of the instrument.
    side : Side
        Buy or sell.
    order_type : OrderType
        Market or limit.
    qty : int
        Mantissa at the instrument's quantity exponent: positive, 0 for a cancel.
    limit_price : int or None
        Mantissa at the price exponent; given exactly for limit orders.
    reference_price : int
        Mid at the decision, at price exponent - 1.
    snapshot : MarketSnapshot
        Top of book of the instrument at the decision.
    action : OrderAction
        New order, change or cancel.
    time_in_force : TimeInForce
        Of a new limit order, else GTC.
    target : int or None
        Number of the order to modify or cancel; given exactly for these.
    """

    instrument: int
    symbol: str
    side: Side
    order_type: OrderType
    qty: int
    limit_price: int | None
    reference_price: int
    snapshot: MarketSnapshot
    action: OrderAction = OrderAction.NEW
    time_in_force: TimeInForce = TimeInForce.GTC
    target: int | None = None


def _leg_record(leg: DecisionLeg, place: str) -> bytes:
    """The leg's part of its decision's record."""
    limit, snap = leg.limit_price, leg.snapshot
    if (limit is not None) != (leg.order_type == OrderType.LIMIT):
        problem = f"limit price was {limit}; one is expected exactly for limit orders"
        raise TraceError("trace", problem, place)
    if leg.action == OrderAction.NEW_NET:
        raise TraceError("trace", "action was that of a net order, which no record has", place)
    if (leg.target is not None) != (leg.action != OrderAction.NEW):
        problem = f"target was {leg.target}; one is expected exactly to modify or cancel"
        raise TraceError("trace", problem, place)
    head = _LEG_HEAD.pack(
        leg.instrument,
        leg.action,
        leg.side,
        leg.order_type,
        leg.time_in_force,
        leg.qty,
        leg.reference_price,
        limit is not None,
    )
    return b"".join(
        (
            head,
            b"" if limit is None else _I64.pack(limit),
            b"\0" if leg.target is None else b"\1" + _I64.pack(leg.target),
            _LEG_SNAPSHOT.pack(snap.bid, snap.bid_qty, snap.ask, snap.ask_qty, snap.quote_ts_ns),
        )
    )


class DecisionEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One decision; both legs of a pair trade are legs of one decision.

    Attributes
    ----------
    sequence : int
        0, 1, 2, … within the run.
    seq : int
        Market row key: global number of the message decided on.
    ts_ns : int
        Receive time of that message, ns since the epoch.
    decision_type : DecisionType
        Effect of the decision on the position.
    direction : int
        The strategy's own: 1 long, -1 short, 0 neither.
    confidence : int or None
        At 10**CONFIDENCE_EXPONENT, not negative.
    rationale : str
        The reason; the record has its hash.
    bundle : bool
        The legs are traded together; ``policy`` says what becomes of them where one fills short.
    legs : tuple of DecisionLeg
        1 to ``schema.MAX_LEGS``.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    policy : BundlePolicy
        Of a bundle; without meaning for other decisions.
    units : int
        Of a bundle with a policy of units: the quantity of each leg is that of all of them. 1
        otherwise.
    """

    sequence: int
    seq: int
    ts_ns: int
    decision_type: DecisionType
    direction: int
    confidence: int | None
    rationale: str
    bundle: bool
    legs: tuple[DecisionLeg, ...]
    correlation: CorrelationContext | None = None
    policy: BundlePolicy = BundlePolicy.MATCHED
    units: int = 1

    @property
    def decision_id(self) -> UUID | None:
        """Id of the decision, where it belongs to a run."""
        return None if self.correlation is None else self.correlation.decision_id

    @property
    def strategy_id(self) -> str:
        """Id of the strategy, empty where the decision belongs to no run."""
        return "" if self.correlation is None else self.correlation.strategy_id

    @property
    def symbol(self) -> str:
        """Symbol of the first leg."""
        return self.legs[0].symbol

    @property
    def target_qty(self) -> int:
        """Signed quantity of the first leg, at its instrument's quantity exponent."""
        return self.legs[0].side * self.legs[0].qty

    @property
    def reference_price(self) -> int:
        """Reference price of the first leg, at its instrument's price exponent - 1."""
        return self.legs[0].reference_price

    @property
    def rationale_hash(self) -> bytes:
        """The 8 bytes that the record has in place of the rationale."""
        return rationale_hash(self.rationale)

    def canonical_bytes(self) -> bytes:
        """The decision's record, as hashed into a trace.

        It has no id derived from the run, so the records of a run over a truncated segment
        are a prefix of those over the whole one.

        Returns
        -------
        bytes
            Little-endian, see ``docs/TRACE_FORMAT.md``.

        Raises
        ------
        TraceError
            A value does not fit its field, or one is given where none belongs: a limit price
            without a limit order, a target without a change.
        """
        conf = self.confidence
        place = f"decision {self.sequence}"
        policy = self.policy if self.bundle else BundlePolicy.NONE
        if self.units != 1 and policy <= BundlePolicy.MATCHED:
            raise TraceError("trace", f"units were {self.units}; 1 was expected", place)
        if conf is not None and conf < 0:
            raise TraceError("trace", f"confidence was {conf}; 0 or more was expected", place)
        try:
            parts = [
                _RECORD_HEAD.pack(
                    RECORD_TAG,
                    self.sequence,
                    self.seq,
                    self.ts_ns,
                    self.decision_type,
                    self.direction,
                    policy,
                    conf is not None,
                ),
                b"" if conf is None else _I64.pack(conf),
                rationale_hash(self.rationale),
                _I64.pack(self.units) if policy > BundlePolicy.MATCHED else b"",
                _U16.pack(len(self.legs)),
            ]
            parts += (_leg_record(leg, f"{place}, leg {k}") for k, leg in enumerate(self.legs))
        except (struct.error, UnicodeEncodeError) as error:
            raise TraceError("trace", f"a value does not fit its field: {error}", place) from error
        return b"".join(parts)
