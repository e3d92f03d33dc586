"""Integers with which a kernel books money: the ledger's scale and an instrument's fee terms."""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.ledger import ledger_scale
from quantlaxmi.instruments import Instrument


def ledger_exponent(instruments: tuple[Instrument, ...], costs: CostModel) -> int:
    """Return the exponent at which a run keeps money: the finest product scale, or the fees'."""
    return min([*(i.product_exponent for i in instruments), costs.fee_exponent])


def account_terms(
    instrument: Instrument, costs: CostModel, ledger: int, currency: int
) -> tuple[int, int, int, int, int, int, int]:
    """Return the integers with which a kernel books fills of one instrument.

    Returns
    -------
    currency, scale, maker_num, maker_den, taker_num, taker_den, fee_scale : int
        ``notional = price * qty * scale`` and
        ``fee = half_even(price * qty * num / den) * fee_scale``, both at 10**ledger.

    Raises
    ------
    ConfigError
        The instrument has no rate, or its exponents lie so far from the ledger's that money would
        not fit a kernel's integers.
    """
    product, size = instrument.product_exponent, instrument.multiplier[0]
    rate = costs.rate(instrument)
    terms: list[int] = []
    for bps in (rate.maker_bps, rate.taker_bps):
        # 1 bps = 10**-4; the fraction num/den brings the product to units of 10**fee_exponent.
        factor = bps.to_fraction() * Fraction(10) ** (product - 4 - costs.fee_exponent)
        terms += [factor.numerator, factor.denominator]
    scale = ledger_scale(instrument, ledger)
    fee_scale = int(10 ** (costs.fee_exponent - ledger))
    maker_num, maker_den, taker_num, taker_den = terms
    made = (maker_num * size, maker_den, taker_num * size, taker_den, fee_scale)
    if scale >= 1 << 63 or any(abs(term) >= 1 << 127 for term in made):
        raise ConfigError(
            "costs",
            f"money of {instrument.symbol} at 10**{product} does not fit a ledger at 10**{ledger} "
            f"with fees at 10**{costs.fee_exponent}",
            instrument.kind,
        )
    return (currency, scale, *made)
