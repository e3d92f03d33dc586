"""The bundled `basis_capture` on a basis that does not come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, PERP, SPOT, START_PRICE, make_quotes
from quantlaxmi.calibrate.random_streams import Draws
from quantlaxmi.calibrate.worlds.noise import clustered, level_volatility
from quantlaxmi.calibrate.worlds.world import Case, World
from quantlaxmi.schema import I64
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["WORLDS"]

ROWS = 3000
#: A basis that has to come back is looked at for longer, so that most runs make thirty trips.
LONG_ROWS = 24_000


class BasisStrategy(BasisCapture):
    """The bundled `basis_capture` without a grid."""

    strategy_id: ClassVar[str] = "calibration_basis"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {}


class BasisSearch(BasisCapture):
    """The bundled `basis_capture` with a grid of ten thresholds and five cooldowns."""

    strategy_id: ClassVar[str] = "calibration_basis_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"),
        "cooldown_ms": ("40000", "45000", "50000", "60000", "75000"),
    }


class BasisExitSearch(BasisCapture):
    """The bundled `basis_capture` with a grid of ten thresholds and five exits."""

    strategy_id: ClassVar[str] = "calibration_basis_exit_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6"),
        "exit_threshold_bps": ("0", "0.25", "0.5", "0.75", "1"),
    }


def _walking(draws: Draws, rows: int) -> I64:
    """Both legs move by clustered volatility."""
    return clustered(draws, rows)


#: Price units of a move of `_by_level`: n[t] then has an s.d. of 0.09 bps.
TENTH = MOVE // 10
#: Half a basis point of the price, in these.
HALF_BPS = START_PRICE // 20_000 // TENTH


def _by_level(draws: Draws, rows: int) -> I64:
    """The spot stands still; the basis has 1 to 8 times n[t], one more for each 0.5 bps from 0."""
    moves = np.zeros(rows, np.int64)
    moves[::2] = level_volatility(draws.noise(rows)[::2], HALF_BPS)
    return moves


@dataclass(frozen=True, slots=True)
class _Basis:
    """`basis_capture` on a pair; the perpetual has the even rows."""

    moves: Callable[[Draws, int], I64]
    threshold_bps: str
    exit_threshold_bps: str
    cooldown_ms: int
    rows: int
    search: type[Strategy]
    unit: int = MOVE

    def __call__(self, draws: Draws, search: bool) -> Case:
        segment = make_quotes(
            self.moves(draws, self.rows), unit=self.unit, instruments=(PERP, SPOT)
        )
        kind = self.search if search else BasisStrategy
        config = kind.Config.from_mapping(
            {
                "threshold_bps": self.threshold_bps,
                "exit_threshold_bps": self.exit_threshold_bps,
                "cooldown_ms": self.cooldown_ms,
                "max_quote_age_ms": 60_000,
            }
        )
        return Case(segment, kind(config))


WORLDS: tuple[World, ...] = (
    # The exit limit is never in the way: a position is left when the cooldown is over.
    World(
        "basis",
        "`basis_capture` that leaves after a fixed time; the basis is a walk of clustered "
        "volatility",
        _Basis(_walking, "2", "1000000", 50_000, ROWS, BasisSearch),
    ),
    World(
        "basis-exits",
        "`basis_capture` that leaves when the basis has come back (enters beyond 2 bps, leaves "
        "within 1); half that basis, for eight times as long",
        _Basis(_walking, "2", "1", 0, LONG_ROWS, BasisExitSearch, MOVE // 2),
    ),
    World(
        "basis-defaults",
        "`basis_capture` with its default settings (enters beyond 5 bps, leaves within 2.5, pauses "
        "for a second); half that basis, for eight times as long",
        _Basis(_walking, "5", "2.5", 1000, LONG_ROWS, BasisExitSearch, MOVE // 2),
    ),
    World(
        "basis-level",
        "`basis_capture` (enters beyond 0.5 bps, leaves within 0.25) on a basis whose moves have "
        "an sd of 0.09 bps at 0 and of up to 0.71 bps away from it, the law of a real capture",
        _Basis(_by_level, "0.5", "0.25", 0, 4 * ROWS, BasisExitSearch, TENTH),
    ),
)
