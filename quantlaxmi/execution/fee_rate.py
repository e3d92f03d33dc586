"""Commission rates of one kind of instrument, and their plain text."""

from __future__ import annotations

from typing import Any

import msgspec

from quantlaxmi.fixed import FixedPoint

__all__ = ["FeeRate", "plain", "plain_rate", "rate_of"]


class FeeRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commission rates of one kind of instrument.

    Attributes
    ----------
    maker_bps, taker_bps : FixedPoint
        Basis points of the notional; negative is a rebate.
    """

    maker_bps: FixedPoint
    taker_bps: FixedPoint


def plain(value: FixedPoint) -> str:
    """Decimal text that is the same for equal values at any exponent."""
    mantissa, exponent = value.mantissa, value.exponent
    while mantissa and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    return f"{mantissa}e{exponent if mantissa else 0}"


def plain_rate(rate: FeeRate) -> dict[str, str]:
    """Return both rates as text."""
    return {"maker_bps": plain(rate.maker_bps), "taker_bps": plain(rate.taker_bps)}


def rate_of(described: dict[str, Any]) -> FeeRate:
    """Return the rates of which `plain_rate` gave the text."""
    return FeeRate(
        maker_bps=FixedPoint.from_text(described["maker_bps"]),
        taker_bps=FixedPoint.from_text(described["taker_bps"]),
    )
