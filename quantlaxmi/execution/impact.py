"""Impact of an order that takes on its own price, beyond the displayed book.

A fill at a displayed price ``p`` is booked at ``p + side * ceil(p * (fixed + root * R))``, with
``R`` the square root of the order's quantity over the displayed touch it meets, rounded up to
``2**-32``.

References
----------
The square-root law of impact: Almgren, Thum, Hauptmann, Li (2005), Direct estimation of equity
market impact, Risk 18; Toth et al. (2011), Phys. Rev. X 1, 021006. The coefficients are the user's.
"""

from __future__ import annotations

from typing import Annotated, Final

from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import Bounds, Settings

#: Above this a setting is surely wrong.
MAX_IMPACT_BPS: Final = 1000
_ZERO: Final = FixedPoint(0, -8)
ImpactBps = Annotated[FixedPoint, Bounds(ge=0, le=MAX_IMPACT_BPS, places=8)]


class Impact(Settings, frozen=True, kw_only=True):
    """Impact on one instrument, in basis points of the price; 0 is none.

    A fill at a displayed price ``p`` is booked at ``p + side * ceil(p * (fixed + root * R))``.
    ``R`` is the square root of the order's quantity over the displayed touch, rounded up to
    ``2**-32``.

    Attributes
    ----------
    fixed_bps : FixedPoint
        Of every fill that takes.
    root_bps : FixedPoint
        Times the square root of the order's quantity over the displayed touch.

    References
    ----------
    Almgren, Thum, Hauptmann, Li, "Direct estimation of equity market impact", Risk 18 (2005).

    Examples
    --------
    >>> Impact(fixed_bps=FixedPoint(5, -1), root_bps=FixedPoint(0, 0)).terms
    (50000000, 0)
    """

    fixed_bps: ImpactBps = _ZERO
    root_bps: ImpactBps = _ZERO

    @property
    def terms(self) -> tuple[int, int]:
        """Both as integers at 10**-8 bps."""
        return self.fixed_bps.rescale(-8).mantissa, self.root_bps.rescale(-8).mantissa

    @property
    def is_off(self) -> bool:
        """Whether it does nothing."""
        return self.terms == (0, 0)
