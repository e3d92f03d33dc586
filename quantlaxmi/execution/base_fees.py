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

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import RATE_EXPONENT, InstrumentKind

__all__ = ["BaseTerms", "base_terms", "in_base", "net_order", "taken"]

#: Whether buys pay their fee in base; maker's and taker's rate at `schema.RATE_EXPONENT` bps; the
#: quantity units that fees and that orders are multiples of.
BaseTerms = tuple[bool, int, int, int, int]
#: 10**4 bps at `schema.RATE_EXPONENT`.
_WHOLE: Final = 10**12
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


def base_terms(instrument: Instrument, costs: CostModel) -> BaseTerms:
    """Return the integers with which a kernel takes fees in base.

    Returns
    -------
    in_base : bool
    maker_bps, taker_bps : int
        Of what is bought, at `schema.RATE_EXPONENT`; 0 where that fee is paid in quote, as a rebate
        is.
    step : int
        Quantity units that a fee is a multiple of.
    lot : int
        Quantity units that an order is a multiple of; 1 where that is not known.
    """
    lot = instrument.lot or 1
    if not in_base(costs, instrument):
        return False, 0, 0, 1, lot
    rate = costs.rate(instrument)
    maker, taker = (
        max(0, bps.rescale(RATE_EXPONENT).mantissa) for bps in (rate.maker_bps, rate.taker_bps)
    )
    step = instrument.lot or max(1, int(_FINEST / instrument.base_unit))
    return True, maker, taker, min(step, MOST_STEP), lot


def taken(bought: Iterable[int], terms: BaseTerms) -> list[int]:
    """Return what is taken in base of each of several buys that take, with nothing owed before.

    Parameters
    ----------
    bought : iterable of int
        Quantity units, one buy after another.
    terms : BaseTerms

    Returns
    -------
    list of int
        Quantity units; 0 also for a buy that pays in quote.
    """
    _, _, taker, step, _ = terms
    owed, found = 0, []
    for qty in bought:
        steps = 0
        if taker and qty > step:
            steps, owed = divmod(owed + qty * taker, step * _WHOLE)
        found.append(steps * step)
    return found


def net_order(kept: int, terms: BaseTerms) -> int:
    """Return the fewest whole lots of which a buy leaves ``kept``, with nothing owed before.

    Examples
    --------
    >>> net_order(1000, (True, 0, 10 * 10**8, 1, 1))  # 10 bps of 1001 units: one is taken
    1001
    """
    _, _, _, _, lot = terms
    qty, lacks = 0, kept
    while lacks > 0:
        # One more unit bought is at most one more kept.
        qty += -(-lacks // lot) * lot
        lacks = kept - qty + taken([qty], terms)[0]
    return qty
