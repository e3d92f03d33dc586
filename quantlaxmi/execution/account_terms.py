"""Integers with which a kernel books money: ledger's scale, fees and interest of an instrument."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.cost_components import folded
from quantlaxmi.execution.costs import CostModel, cost_key, money_shape
from quantlaxmi.execution.ledger import ledger_scale
from quantlaxmi.instruments import Instrument


def ledger_exponent(instruments: tuple[Instrument, ...], costs: CostModel) -> int:
    """Return the exponent at which a run keeps money: the finest product scale, or the fees'."""
    alike = {money_shape(one): one for one in instruments}
    return min([*(i.product_exponent for i in alike.values()), costs.fee_exponent])


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


def run_accounts(
    instruments: tuple[Instrument, ...], costs: CostModel, ledger: int, currencies: Sequence[str]
) -> tuple[AccountTerms, ...]:
    """Return the terms of every instrument: a chain has a thousand contracts with the same.

    Raises
    ------
    ConfigError
        As `account_terms`.
    """
    alike: dict[object, AccountTerms] = {}
    own = {*costs.symbols, *costs.components}
    found = []
    for one in instruments:
        key = cost_key(one) if own and cost_key(one) in own else money_shape(one)
        if key not in alike:
            alike[key] = account_terms(one, costs, ledger, currencies.index(one.currency))
        found.append(alike[key])
    return tuple(found)


#: Integers of an account: 7, or with components 15; see `account_terms`.
AccountTerms = tuple[int, ...]


def account_terms(
    instrument: Instrument, costs: CostModel, ledger: int, currency: int
) -> AccountTerms:
    """Return the integers with which a kernel books fills of one instrument.

    Returns
    -------
    tuple of int
        ``currency, scale, maker_num, maker_den, taker_num, taker_den, fee_scale``:
        ``notional = price * qty * scale`` and
        ``fee = half_even(price * qty * num / den) * fee_scale``, both at 10**ledger. With
        components these are of buys, and then come ``maker_num, maker_den, taker_num, taker_den``
        of sells, ``flat_buy, flat_sell`` at 10**ledger, and ``exercise_num, exercise_den`` of what
        a long option is paid where it settles.

    Raises
    ------
    ConfigError
        The instrument has no rate, or its exponents are so far from the ledger's that money would
        not fit a kernel's integers.
    """
    rate, components = costs.rate(instrument), costs.components_on(instrument)
    scale = ledger_scale(instrument, ledger)
    fee_scale = int(10 ** (costs.fee_exponent - ledger))
    fees = folded(components)
    rates = [bps.to_fraction() / 10**4 for bps in (rate.maker_bps, rate.taker_bps)]
    buys = [part for one in rates for part in _factor(instrument, costs, one + fees.buy)]
    made: tuple[int, ...] = (*buys, fee_scale)
    if components:
        unit = Fraction(10) ** costs.fee_exponent
        made += tuple(part for one in rates for part in _factor(instrument, costs, one + fees.sell))
        made += tuple(round(flat / unit) * fee_scale for flat in (fees.flat_buy, fees.flat_sell))
        made += _factor(instrument, costs, fees.exercise)
    if scale >= 1 << 63 or any(abs(term) >= 1 << 127 for term in made):
        raise ConfigError(
            "costs",
            f"money of {instrument.symbol} at 10**{instrument.product_exponent} does not fit a "
            f"ledger at 10**{ledger} with fees at 10**{costs.fee_exponent}",
            instrument.kind,
        )
    return (currency, scale, *made)


def _factor(instrument: Instrument, costs: CostModel, share: Fraction) -> tuple[int, int]:
    """The fraction that brings a product of mantissas to a share of it in units of fees."""
    factor = share * Fraction(10) ** (instrument.product_exponent - costs.fee_exponent)
    return factor.numerator * instrument.multiplier[0], factor.denominator
