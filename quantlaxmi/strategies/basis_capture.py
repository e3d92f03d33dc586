"""basis_capture: trade the perpetual against its spot when their mids drift apart.

The rule itself is in ``basis_capture_kernel``; here are its settings and how they are converted
for a segment's instruments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import StrategyError
from quantlaxmi.fixed import FixedPoint, format_decimal
from quantlaxmi.instruments import Instrument, decimal_parts, symbols_text
from quantlaxmi.schema import RATE_EXPONENT, SLOT_DTYPE, EventKind, InstrumentKind
from quantlaxmi.strategies.config import Bounds, Filter, StrategyConfig
from quantlaxmi.strategies.kernel import (
    BoundStrategy,
    FeatureSpec,
    KernelFunctions,
    load_compiled,
    make_params,
    mask_of,
)
from quantlaxmi.strategies.sdk import Strategy

KERNEL: Final = "quantlaxmi.strategies.basis_capture_kernel"
#: State slots before the ring of entry times, see the kernel.
_RING: Final = 2
#: Long before any stamp, and far enough from int64's end that a difference cannot wrap.
_NEVER: Final = -(1 << 62)
_MS: Final = 1_000_000
_YEAR_MS: Final = 366 * 86_400_000

#: Kernels compare bps at eight decimals.
Bps = Annotated[FixedPoint, Bounds(ge=0, le=1_000_000, places=-RATE_EXPONENT)]
#: Far above any market, far below what an int64 mantissa of eight decimals holds.
_MOST: Final = 1_000_000_000
LeastQty = Annotated[FixedPoint, Bounds(ge=0, le=_MOST), Filter()]
Ms = Annotated[int, Bounds(ge=0, le=_YEAR_MS)]


class BasisCaptureConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of basis_capture; a filter at 0 is off.

    Attributes
    ----------
    threshold_bps : FixedPoint
        Enter when the basis is beyond it on either side.
    exit_threshold_bps : FixedPoint
        Leave when the basis on the side held is inside it. Above ``threshold_bps`` it leaves
        again as soon as the cooldown allows.
    position_size : FixedPoint
        Size of each leg in units of the base currency.
    max_quote_age_ms : int
        Oldest quote of either leg to decide on.
    cooldown_ms : int
        Shortest time from one decision to the next, entries and exits.
    max_spread_bps : FixedPoint
        Widest spread of either leg, in bps of its mid.
    min_bid_qty, min_ask_qty : FixedPoint
        Least displayed size at either leg's touch, in units of the base currency.
    max_trades_per_hour : int
        Most entries within the trailing hour.
    hedged : bool
        Trade both legs; false trades the perpetual alone.
    spot, perp : str
        Symbols of the two legs; empty where the segment has one pair only.
    """

    threshold_bps: Bps = FixedPoint(5, 0)
    exit_threshold_bps: Bps = FixedPoint(25, -1)
    position_size: Annotated[FixedPoint, Bounds(ge="0.00000001", le=_MOST)] = FixedPoint(1, -2)
    max_quote_age_ms: Annotated[Ms, Filter()] = 5000
    cooldown_ms: Annotated[Ms, Filter(limits="rate")] = 1000
    max_spread_bps: Annotated[Bps, Filter()] = FixedPoint(0, 0)
    min_bid_qty: LeastQty = FixedPoint(0, 0)
    min_ask_qty: LeastQty = FixedPoint(0, 0)
    max_trades_per_hour: Annotated[int, Bounds(ge=0, le=100_000), Filter(limits="rate")] = 0
    hedged: bool = True
    spot: str = ""
    perp: str = ""


class BasisCapture(Strategy):
    """The bundled form: a kernel compiled ahead of time, with its source as interpreted twin."""

    strategy_id: ClassVar[str] = "basis_capture"
    Config: ClassVar[type[StrategyConfig]] = BasisCaptureConfig
    #: In the order the kernel indexes them.
    rationales: ClassVar[tuple[str, ...]] = (
        "enter short perp: basis above threshold",
        "enter long perp: basis below threshold",
        "exit short perp: basis inside exit threshold",
        "exit long perp: basis inside exit threshold",
    )
    binds_alike: ClassVar[bool] = True
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("3", "4", "5", "6", "8"),
        "exit_threshold_bps": ("1", "2", "2.5"),
    }

    def functions(self, interpreted: bool) -> KernelFunctions:
        """The kernel; forms in other languages override this alone."""
        return load_compiled(KERNEL, interpreted=interpreted)

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Find the pair and convert the settings to kernel parameters; see `Strategy.bind`."""
        config: BasisCaptureConfig = self.config
        spot, perp = find_pair(instruments, config)
        functions = self.functions(interpreted)
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(perp, spot) if config.hedged else (perp,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=_params(config, instruments, spot, perp),
            state=_state(config),
            features=(FeatureSpec("mid_basis", (spot, perp)),),
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            can_trade=functions.can_trade,
            asleep=functions.asleep,
            owner=functions.owner,
            strategy=self,
        )


def find_pair(instruments: Sequence[Instrument], config: BasisCaptureConfig) -> tuple[int, int]:
    """Return the indices of the spot and the perpetual to trade.

    Raises
    ------
    StrategyError
        If a symbol is missing or of another kind, the two do not fit together, or several pairs
        do and the settings name none.
    """
    shown = symbols_text(f"{i.symbol} ({i.kind})" for i in instruments) or "nothing"
    found = {}
    for kind, symbol in ((InstrumentKind.SPOT, config.spot), (InstrumentKind.PERP, config.perp)):
        found[kind] = [
            i
            for i, one in enumerate(instruments)
            if one.kind == kind and symbol in ("", one.symbol)
        ]
        if not found[kind]:
            named = f" {symbol}" if symbol else ""
            raise StrategyError(f"basis_capture needs a {kind}{named}; the segment has {shown}")
    pairs = [
        (s, p)
        for s in found[InstrumentKind.SPOT]
        for p in found[InstrumentKind.PERP]
        if instruments[s].base == instruments[p].base
        and instruments[s].currency == instruments[p].currency
    ]
    if not pairs:
        raise StrategyError(
            "basis_capture needs a spot and a perp of one base and currency; "
            f"{_unlike(instruments, found)}the segment has {shown}"
        )
    if len(pairs) > 1:
        raise StrategyError(
            f"basis_capture finds {counted(len(pairs), 'pair[s]')}: set spot and perp; the "
            f"segment has {shown}"
        )
    return pairs[0]


def _unlike(
    instruments: Sequence[Instrument], found: Mapping[InstrumentKind, Sequence[int]]
) -> str:
    """How the only spot and the only perpetual differ; empty where there are several."""
    spots, perps = found[InstrumentKind.SPOT], found[InstrumentKind.PERP]
    if (len(spots), len(perps)) != (1, 1):
        return ""
    spot, perp = instruments[spots[0]], instruments[perps[0]]
    if spot.base != perp.base:
        return f"{spot.symbol} is of {spot.base}, {perp.symbol} of {perp.base}; "
    return f"{spot.symbol} is quoted in {spot.currency}, {perp.symbol} in {perp.currency}; "


def _qty_units(size: FixedPoint, instrument: Instrument) -> Fraction:
    """A size in units of the base, counted in the instrument's smallest quantity units."""
    return size.to_fraction() / instrument.base_unit


def leg_qty(size: FixedPoint, instrument: Instrument, what: str) -> int:
    """Return a size in units of the base as a quantity mantissa of an instrument, exactly.

    Raises
    ------
    StrategyError
        If it is no whole number of quantity units, or of lots where the lot is known.
    """
    units, step = _qty_units(size, instrument), max(instrument.lot, 1)
    if units.denominator != 1 or units.numerator % step:
        mantissa, exponent = decimal_parts(step * instrument.base_unit)
        raise StrategyError(
            f"{what} was {size.to_text()}, must be a multiple of "
            f"{format_decimal(mantissa, exponent)}, "
            f"the smallest step of {instrument.symbol}"
        )
    return units.numerator


def least_qty(size: FixedPoint, instrument: Instrument) -> int:
    """Least whole quantity that is not below ``size``."""
    return math.ceil(_qty_units(size, instrument))


def _params(
    config: BasisCaptureConfig, instruments: Sequence[Instrument], spot: int, perp: int
) -> NDArray[Any]:
    legs = [instruments[spot], instruments[perp]]
    what = "position_size"
    return make_params(
        [
            spot,
            perp,
            config.threshold_bps.rescale(RATE_EXPONENT),
            config.exit_threshold_bps.rescale(RATE_EXPONENT),
            config.max_quote_age_ms * _MS,
            config.cooldown_ms * _MS,
            config.max_spread_bps.rescale(RATE_EXPONENT),
            config.max_trades_per_hour,
            int(config.hedged),
            leg_qty(config.position_size, legs[0], what) if config.hedged else 0,
            leg_qty(config.position_size, legs[1], what),
            *(
                least_qty(least, leg)
                for leg in legs
                for least in (config.min_bid_qty, config.min_ask_qty)
            ),
        ]
    )


def _state(config: BasisCaptureConfig) -> NDArray[Any]:
    state = np.zeros(_RING + config.max_trades_per_hour, SLOT_DTYPE)
    state["i"][0] = _NEVER
    state["i"][_RING:] = _NEVER
    return state
