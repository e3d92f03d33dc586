"""Integers with which a kernel books money: ledger's scale, fees and interest of an instrument."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.ledger import ledger_scale
from quantlaxmi.instruments import Instrument


def ledger_exponent(instruments: tuple[Instrument, ...], costs: CostModel) -> int:
    """Return the exponent at which a run keeps money: the finest product scale, or the fees'."""
    return min([*(i.product_exponent for i in instruments), costs.fee_exponent])


#: Nanoseconds of the year by which interest is told.
YEAR_NS: Final = 365 * 86_400 * 10**9


def borrow_terms(instrument: Instrument, costs: CostModel, ledger: int) -> tuple[int, int]:
    """Return the fraction with which a kernel works out the interest on a short position.

    Returns
    -------
    num, den : int
        ``half_even((bid + ask) * quantity * nanoseconds * num / den)`` is the interest at
        10**ledger; (0, 0) where the instrument need not be borrowed to be sold.

    Raises
    ------
    ConfigError
        The fraction does not fit a kernel's integers.
    """
    bps = costs.borrow_bps(instrument)
    if bps is None:
        return 0, 0
    # The mid is half of bid + ask.
    scale = ledger_scale(instrument, ledger)
    rate = Fraction(bps.to_fraction() * scale, 2 * 10**4 * YEAR_NS)
    if rate.numerator >= 1 << 63 or rate.denominator >= 1 << 126:
        raise ConfigError(
            "costs",
            f"interest of {instrument.symbol} does not fit a ledger at 10**{ledger}",
            "borrow_bps",
        )
    return rate.numerator, rate.denominator


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
        The instrument has no rate, or its exponents are so far from the ledger's that money would
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
