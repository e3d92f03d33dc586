"""The equity that a strategy over bars is told while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal

from quantlaxmi.errors import StrategyError
from quantlaxmi.fixed import FixedPoint

__all__ = ["equity_of"]

_EXACT = Context(prec=100)


def equity_of(
    capital: FixedPoint,
    cash: Sequence[int],
    positions: Sequence[tuple[int, int]],
    mids: Sequence[int],
    exponent: int,
) -> Decimal:
    """Capital, cash, and what is held at the last mids; interest counts from its payment on.

    Parameters
    ----------
    capital : FixedPoint
        0 where none is stated.
    cash : sequence of int
        Of the one currency, at the ledger's exponent.
    positions : sequence of (int, int)
        By instrument: signed quantity, and ledger units in one ``price * quantity``.
    mids : sequence of int
        At price exponent - 1.
    exponent : int
        The ledger's.

    Raises
    ------
    StrategyError
        No capital is stated.

    Examples
    --------
    >>> equity_of(FixedPoint(100, 0), [-5000], [(2, 10)], [2600], -2)
    Decimal('102.000')
    """
    if not capital.mantissa:
        raise StrategyError(
            "equity is of a capital, and the run states none: limits=RiskLimits(capital=...), "
            'or capital = "10000" in the file of --risk'
        )
    held = sum(qty * scale * mid for (qty, scale), mid in zip(positions, mids, strict=True))
    result = Decimal(10 * sum(cash) + held).scaleb(exponent - 1, _EXACT)
    return _EXACT.add(Decimal(capital.to_text()), result)
