"""Every world of the calibration, in the order of its tables."""

from __future__ import annotations

from quantlaxmi.calibrate.worlds import (
    basis,
    carry,
    coins,
    crash,
    jumps,
    levels,
    makers,
    planted,
    quotes,
    reversion,
    sizing,
)
from quantlaxmi.calibrate.worlds.world import World

__all__ = ["EDGES", "NO_EDGE"]

NO_EDGE: tuple[World, ...] = (
    *coins.WORLDS,
    *levels.WORLDS,
    *basis.WORLDS,
    *crash.WORLDS,
    *sizing.WORLDS,
    *jumps.WORLDS,
    *quotes.WORLDS,
    *makers.WORLDS,
    *carry.WORLDS,
)
EDGES: tuple[World, ...] = (
    *planted.EDGES,
    *reversion.EDGES,
    *jumps.EDGES,
    *carry.EDGES,
    *makers.EDGES,
)
