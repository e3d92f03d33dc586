"""Null strategies, which have no edge: random sides, random sides behind a filter, momentum.

What a strategy decides by chance is a schedule, one number a row, drawn from its own key before the
run. So the strategy has the same schedule when it runs again on another market. Filters are not
declared to the gates, which is the harder case for them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np

from quantlaxmi.calibrate import null_strategies_kernel as kernel
from quantlaxmi.calibrate.random_streams import below, sub_key
from quantlaxmi.errors import StrategyError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, SLOT_DTYPE, EventKind
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.sdk import Strategy

__all__ = [
    "SEARCHED",
    "BasisExitSearch",
    "BasisSearch",
    "BasisStrategy",
    "CoinConfig",
    "CoinSearch",
    "CoinStrategy",
    "MomentumConfig",
    "MomentumSearch",
    "MomentumStrategy",
    "persistent",
    "schedule_of",
    "trips",
]

#: Names of the rules in settings.
RULES = ("trips", "persistent", "loud", "quiet", "narrow")
#: Strategies among which a search chooses.
SEARCHED = 50


class CoinConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of a strategy that trades at random.

    Attributes
    ----------
    rule : str
        ``trips``: flat and holding periods in turn, a random side for each. ``persistent``: long,
        short or flat for random times. ``loud``, ``quiet``, ``narrow``: random round trips that
        begin only while moves are larger than the threshold, smaller, or while the spread is at
        most the threshold.
    key : int
        Key of the random schedule.
    variant : int
        Number of a strategy among those of one key; each has a schedule of its own.
    rows : int
        Length of the schedule.
    qty : int
        Quantity mantissa of a position.
    pair : bool
        Trade the second instrument on the opposite side of the first.
    threshold : int
        Price units; of twice the mid for ``loud`` and ``quiet``.
    """

    rule: Annotated[str, Bounds(choices=RULES)] = "trips"
    key: Annotated[int, Bounds(ge=0, le=1 << 62)] = 0
    variant: Annotated[int, Bounds(ge=0, le=10**6)] = 0
    rows: Annotated[int, Bounds(ge=1, le=1 << 20)] = 1500
    qty: Annotated[int, Bounds(ge=1, le=10**9)] = 10**6
    pair: bool = False
    threshold: Annotated[int, Bounds(ge=0, le=10**15)] = 0


class MomentumConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of the momentum strategy.

    Every `every` rows it takes the side of the move over the last `lookback` rows; it is flat where
    twice the mid moved by `threshold` or less.
    """

    lookback: Annotated[int, Bounds(ge=1, le=1000)] = 8
    every: Annotated[int, Bounds(ge=1, le=1000)] = 6
    threshold: Annotated[int, Bounds(ge=0, le=10**15)] = 0
    rows: Annotated[int, Bounds(ge=1, le=1 << 20)] = 1500
    qty: Annotated[int, Bounds(ge=1, le=10**9)] = 10**6


def _lengths(key: int, stream: int, rows: int, shortest: int, longest: int) -> I64:
    count = rows // shortest + 2
    return below(key, stream, count, longest - shortest + 1) + shortest


def trips(key: int, rows: int) -> I64:
    """Position after each row: flat for 2 to 13 rows, held for 3 to 14 on a random side."""
    gaps, holding = _lengths(key, 0, rows, 2, 13), _lengths(key, 1, rows, 3, 14)
    n = min(len(gaps), len(holding))
    sides = 2 * below(key, 2, n, 2) - 1
    lengths = np.column_stack([gaps[:n], holding[:n]]).ravel()
    values = np.column_stack([np.zeros(n, np.int64), sides]).ravel()
    return np.repeat(values, lengths)[:rows]


def persistent(key: int, rows: int) -> I64:
    """Position after each row: long, short (two fifths each) or flat for 2 to 30 rows."""
    lengths = _lengths(key, 0, rows, 2, 30)
    values = np.array([1, 1, -1, -1, 0], np.int64)[below(key, 1, len(lengths), 5)]
    return np.repeat(values, lengths)[:rows]


def _entries(key: int, rows: int) -> I64:
    """At each row 0, or a random side times the rows for which the position is held."""
    holds = below(key, 0, rows, 8) + 2
    return holds * (below(key, 1, rows, 3) - 1)


@functools.lru_cache(maxsize=128)
def schedule_of(rule: str, key: int, variant: int, rows: int) -> I64:
    """The schedule of a random strategy, drawn once."""
    key = sub_key(key, variant)
    made = {"trips": trips, "persistent": persistent}.get(rule, _entries)(key, rows)
    made.setflags(write=False)
    return made


class _NullStrategy(Strategy):
    """What random strategies and momentum share."""

    def _bind(
        self,
        instruments: Sequence[Instrument],
        interpreted: bool,
        params: dict[int, int],
        memory: I64,
        *,
        pair: bool = False,
    ) -> BoundStrategy:
        from quantlaxmi.strategies.numba_kernel import compile_kernel

        if pair and len(instruments) < 2:
            raise StrategyError(f"{self.strategy_id} trades a pair, the segment has one instrument")
        functions = compile_kernel(kernel.step, interpreted=interpreted)
        state = np.zeros(kernel.FIRST + len(memory), SLOT_DTYPE)
        state["i"][kernel.FIRST :] = memory
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=self.config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(0, 1) if pair else (0,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params([params[k] for k in sorted(params)]),
            state=state,
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            can_trade=functions.can_trade,
            owner=functions.owner,
            strategy=self,
        )


class CoinStrategy(_NullStrategy):
    """Takes random sides, whatever the direction of prices."""

    strategy_id: ClassVar[str] = "calibration_coin"
    Config: ClassVar[type[StrategyConfig]] = CoinConfig
    config: Any

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Draw the schedule; see `Strategy.bind`."""
        c: CoinConfig = self.config
        number = {"loud": kernel.LOUD, "quiet": kernel.QUIET, "narrow": kernel.NARROW}
        params = {
            kernel.RULE: number.get(c.rule, kernel.FOLLOW),
            kernel.QTY: c.qty,
            kernel.PAIR: int(c.pair),
            kernel.THRESHOLD: c.threshold,
            kernel.LOOKBACK: 1,
            kernel.EVERY: 1,
            kernel.ROWS: c.rows,
        }
        memory = schedule_of(c.rule, c.key, c.variant, c.rows)
        return self._bind(instruments, interpreted, params, memory, pair=c.pair)


class MomentumStrategy(_NullStrategy):
    """Takes the side of the last move."""

    strategy_id: ClassVar[str] = "calibration_momentum"
    Config: ClassVar[type[StrategyConfig]] = MomentumConfig

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Make room for the last mids; see `Strategy.bind`."""
        c: MomentumConfig = self.config
        params = {
            kernel.RULE: kernel.MOMENTUM,
            kernel.QTY: c.qty,
            kernel.PAIR: 0,
            kernel.THRESHOLD: c.threshold,
            kernel.LOOKBACK: c.lookback,
            kernel.EVERY: c.every,
            kernel.ROWS: c.rows,
        }
        return self._bind(instruments, interpreted, params, np.zeros(c.lookback, np.int64))


def _texts(values: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(str, values))


class CoinSearch(CoinStrategy):
    """A random strategy with a grid of fifty schedules."""

    strategy_id: ClassVar[str] = "calibration_coin_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {"variant": _texts(range(SEARCHED))}


class MomentumSearch(MomentumStrategy):
    """Momentum with a grid of ten lookbacks and five paces."""

    strategy_id: ClassVar[str] = "calibration_momentum_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "lookback": _texts((2, 3, 4, 6, 8, 10, 12, 16, 20, 24)),
        "every": _texts((4, 5, 6, 8, 10)),
    }


class BasisStrategy(BasisCapture):
    """The bundled `basis_capture` without a grid."""

    strategy_id: ClassVar[str] = "calibration_basis"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {}


class BasisSearch(BasisCapture):
    """The bundled `basis_capture` with a grid of ten thresholds and five cooldowns."""

    strategy_id: ClassVar[str] = "calibration_basis_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"),
        "cooldown_ms": _texts((40_000, 45_000, 50_000, 60_000, 75_000)),
    }


class BasisExitSearch(BasisCapture):
    """The bundled `basis_capture` with a grid of ten thresholds and five exits."""

    strategy_id: ClassVar[str] = "calibration_basis_exit_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6"),
        "exit_threshold_bps": ("0", "0.25", "0.5", "0.75", "1"),
    }
