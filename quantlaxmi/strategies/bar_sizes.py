"""Numbers that a person writes in a `BarStrategy` as exact mantissas."""

from __future__ import annotations

import functools
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from quantlaxmi.errors import StrategyError, shown
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument

__all__ = ["exact", "price_of", "qty_of", "shares_of"]


def exact(value: Any, what: str) -> Fraction:
    """The number that somebody wrote; a double is its shortest decimal.

    Raises
    ------
    StrategyError
        It is none, or not finite.

    Examples
    --------
    >>> exact(0.1, "qty"), exact("2.5", "qty")
    (Fraction(1, 10), Fraction(5, 2))
    """
    if isinstance(value, FixedPoint):
        return value.to_fraction()
    if isinstance(value, Fraction):
        return value
    if type(value) is int:
        return Fraction(value)
    try:
        if isinstance(value, bool):
            raise TypeError
        text = value if isinstance(value, str | int | Decimal) else repr(float(value))
        if isinstance(text, str) and (not text.isascii() or "_" in text):
            raise ValueError
        number = Decimal(text)
        if not number.is_finite() or abs(number.adjusted()) > 100:
            raise ValueError
        return Fraction(number)
    except (TypeError, ValueError, InvalidOperation, OverflowError):
        raise StrategyError(f"{what} was {shown(value)}, expected a number") from None


def price_of(value: Any, instrument: Instrument, what: str) -> int:
    """A price as a mantissa: the nearest multiple of the tick, halves to even.

    Raises
    ------
    StrategyError
        It is not positive.
    """
    tick = instrument.tick or 1
    units = exact(value, what) / Fraction(10) ** instrument.price_exponent
    price = round(units / tick) * tick
    if price <= 0:
        raise StrategyError(f"{what} was {shown(value)}, expected a price above 0")
    return price


def qty_of(value: Any, instrument: Instrument, what: str) -> int:
    """A signed quantity in units of the base as a mantissa: whole lots, toward 0."""
    return _lots(exact(value, what) * _per_unit(instrument), instrument)


def shares_of(share: Any, equity: Fraction, mid2: int, instrument: Instrument, what: str) -> int:
    """The signed quantity that is worth a share of equity at the mid: whole lots, toward 0.

    Parameters
    ----------
    share : number
        1 for as much as the equity, -1 for as much sold.
    equity : Fraction
        In the currency.
    mid2 : int
        Bid + ask, price mantissas.

    Raises
    ------
    StrategyError
        There is no price yet.
    """
    if mid2 <= 0:
        raise StrategyError(f"{what} needs a price of {instrument.symbol}, which has none yet")
    unit = Fraction(mid2, 2) * Fraction(10) ** instrument.price_exponent
    worth = unit * instrument.contract / instrument.price_units
    units = exact(share, what) * equity / worth / Fraction(10) ** instrument.qty_exponent
    return _lots(units, instrument)


@functools.lru_cache(maxsize=64)
def _per_unit(instrument: Instrument) -> Fraction:
    """Quantity mantissas in one unit of the base."""
    return 1 / instrument.base_unit


def _lots(units: Fraction, instrument: Instrument) -> int:
    lot = instrument.lot or 1
    lots = abs(units) // lot
    return int(lots) * lot * (1 if units > 0 else -1)
