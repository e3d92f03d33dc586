"""Keys by which instruments with the same terms are found."""

from __future__ import annotations

from quantlaxmi.instruments import Instrument

__all__ = ["cost_key", "money_shape"]


def money_shape(instrument: Instrument) -> tuple[object, ...]:
    """What money of an instrument follows from, entries of its own aside."""
    one = instrument
    size = (one.contract_size, one.contract_exponent, one.price_units)
    return (one.kind, one.price_exponent, one.qty_exponent, one.currency, *size)


def cost_key(instrument: Instrument) -> str:
    """Key of an instrument's own entries in a `CostModel`."""
    return f"{instrument.kind.value}.{instrument.symbol}"
