"""Fees that a buy of spot pays in base: out of what it bought, so that this is less.

A buy of ``q`` with the fee ``f`` leaves ``q - f``, for the money of ``q``. The ledger values the
fee at the fill's price. So it is a buy of ``q - f`` at that price and a fee of ``f`` times the
price.

Of what is due, whole steps are taken: lots, where the lot is known, so that all that is received
can be sold; else 10**-8 of the base, or the instrument's quantity unit where that is coarser. What
is below a step stays due, and is taken with a later buy's fee. A buy of no more than a step pays in
quote, so that something is left of every buy.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import RATE_EXPONENT, InstrumentKind

__all__ = ["base_terms", "in_base"]

#: Largest step that a kernel takes, quantity units.
MOST_STEP: Final = 10**15
#: Finest amount of the base that venues take.
_FINEST: Final = Fraction(1, 10**8)


def in_base(costs: CostModel, instrument: Instrument) -> bool:
    """Whether buys of an instrument pay their fee in base; nothing but spot does."""
    if instrument.kind != InstrumentKind.SPOT:
        return False
    own = costs.buy_fee.get(f"{instrument.kind.value}.{instrument.symbol}")
    return (own or costs.buy_fee.get(instrument.kind.value)) == "base"


def base_terms(instrument: Instrument, costs: CostModel) -> tuple[bool, int, int, int]:
    """Return the integers with which a kernel takes fees in base.

    Returns
    -------
    in_base : bool
    maker_bps, taker_bps : int
        Of what is bought, at `schema.RATE_EXPONENT`; 0 where that fee is paid in quote, as a rebate
        is.
    step : int
        Quantity units that a fee is a multiple of.
    """
    if not in_base(costs, instrument):
        return False, 0, 0, 1
    rate = costs.rate(instrument)
    maker, taker = (
        max(0, bps.rescale(RATE_EXPONENT).mantissa) for bps in (rate.maker_bps, rate.taker_bps)
    )
    step = instrument.lot or max(1, int(_FINEST / instrument.base_unit))
    return True, maker, taker, min(step, MOST_STEP)
