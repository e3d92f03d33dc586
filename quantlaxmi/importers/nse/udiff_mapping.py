"""What a mapping of bhavcopies assumes: quotes around closes, which the files do not have."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from quantlaxmi.settings import Bounds, Settings

__all__ = ["AssumedQuotes"]


class AssumedQuotes(Settings, frozen=True, kw_only=True):
    """The whole file.

    Attributes
    ----------
    half_spread_bps : Decimal
        Distance of bid and ask from a close that traded, in bps of it; rounded outward to the
        tick, so that a spread has two ticks at least.
    size : int
        Units at either side, at most; each contract's is the largest multiple of its lot in it.
    """

    file_kind: ClassVar[str] = "a mapping of bhavcopies"

    half_spread_bps: Annotated[Decimal, Bounds(gt=0, lt=10_000, places=15)]
    size: Annotated[int, Bounds(ge=1, le=10**9)]
