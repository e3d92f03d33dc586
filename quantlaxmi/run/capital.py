"""Return and drawdown of a run on its stated capital."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CapitalUse"]


@dataclass(frozen=True)
class CapitalUse:
    """Stated capital of a run, its return and drawdown; money at the run's ledger exponent - 1.

    Equity and margin used are looked at after every message and at the end of the run.

    Attributes
    ----------
    capital : int
        As stated in the limits, above 0.
    drawdown : int
        Largest fall of equity from its highest value before; the first is the capital.
    most_used : int
        Most margin used: the sum of the positions' notionals at the mid over the leverage, rounded
        up to a whole unit.
    """

    capital: int
    drawdown: int
    most_used: int
