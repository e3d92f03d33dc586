"""Rules without an edge, as strategies the engine runs: coins, coins behind a filter, momentum.

What a rule decides by chance is a schedule drawn from its own key before the run, one number a
row, so that running it again on another market gives the same coins. No filter is declared to the
gates, which is the harder case for them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt

from quantlaxmi.calibrate import null_strategies_kernel as kernel
from quantlaxmi.calibrate.random_streams import below, sub_key
from quantlaxmi.errors import StrategyError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import SLOT_DTYPE, EventKind
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.sdk import Strategy

__all__ = [
    "SEARCHED",
    "BasisExitSearch",
    "BasisRule",
    "BasisSearch",
    "CoinRule",
    "CoinSearch",
    "MomentumConfig",
    "MomentumRule",
    "MomentumSearch",
    "RuleConfig",
    "persistent",
    "schedule_of",
    "trips",
]

I64 = npt.NDArray[np.int64]
#: What each rule is called in settings, in the kernel's numbering.
RULES = ("trips", "persistent", "loud", "quiet", "narrow")
#: Strategies a search chooses among.
SEARCHED = 50


class RuleConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of a coin rule.

    Attributes
    ----------
    rule : str
        ``trips``: flat and held stretches in turn, a coin for the side. ``persistent``: stretches
        long, short or flat. ``loud``, ``quiet``, ``narrow``: a coin's trips, begun only while
        moves are larger, smaller, or the spread not wider, than the threshold.
    key : int
        Of the coins.
    variant : int
        Numbers strategies of one key: each has coins of its own.
    rows : int
        Length of the schedule.
    qty : int
        Quantity mantissa of a position.
    pair : bool
        Hold the second instrument against the first.
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
    """Settings of the momentum rule: the side of the move over `lookback` rows, looked at every
    `every` rows; flat where twice the mid moved by `threshold` or less."""

    lookback: Annotated[int, Bounds(ge=1, le=1000)] = 8
    every: Annotated[int, Bounds(ge=1, le=1000)] = 6
    threshold: Annotated[int, Bounds(ge=0, le=10**15)] = 0
    rows: Annotated[int, Bounds(ge=1, le=1 << 20)] = 1500
    qty: Annotated[int, Bounds(ge=1, le=10**9)] = 10**6


def _stretches(key: int, stream: int, rows: int, shortest: int, longest: int) -> I64:
    count = rows // shortest + 2
    return below(key, stream, count, longest - shortest + 1) + shortest


def trips(key: int, rows: int) -> I64:
    """Position after each row: flat for 2 to 13 rows, held for 3 to 14, a coin for the side."""
    gaps, holds = _stretches(key, 0, rows, 2, 13), _stretches(key, 1, rows, 3, 14)
    n = min(len(gaps), len(holds))
    sides = 2 * below(key, 2, n, 2) - 1
    lengths = np.column_stack([gaps[:n], holds[:n]]).ravel()
    values = np.column_stack([np.zeros(n, np.int64), sides]).ravel()
    return np.repeat(values, lengths)[:rows]


def persistent(key: int, rows: int) -> I64:
    """Position after each row: long, short (two fifths each) or flat for 2 to 30 rows."""
    lengths = _stretches(key, 0, rows, 2, 30)
    values = np.array([1, 1, -1, -1, 0], np.int64)[below(key, 1, len(lengths), 5)]
    return np.repeat(values, lengths)[:rows]


def _entries(key: int, rows: int) -> I64:
    """At each row nothing, or a side times the rows to hold."""
    holds = below(key, 0, rows, 8) + 2
    return holds * (below(key, 1, rows, 3) - 1)


@functools.lru_cache(maxsize=128)
def schedule_of(rule: str, key: int, variant: int, rows: int) -> I64:
    """The schedule of a coin rule, drawn once."""
    key = sub_key(key, variant)
    made = {"trips": trips, "persistent": persistent}.get(rule, _entries)(key, rows)
    made.setflags(write=False)
    return made


class _Rule(Strategy):
    """What both kinds share."""

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


class CoinRule(_Rule):
    """Trades on coins alone, whatever the direction of prices."""

    strategy_id: ClassVar[str] = "calibration_coin"
    Config: ClassVar[type[StrategyConfig]] = RuleConfig
    config: Any

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Draw the schedule; see `Strategy.bind`."""
        c: RuleConfig = self.config
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


class MomentumRule(_Rule):
    """The side of the last move."""

    strategy_id: ClassVar[str] = "calibration_momentum"
    Config: ClassVar[type[StrategyConfig]] = MomentumConfig

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Lay out the ring of mids; see `Strategy.bind`."""
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


class CoinSearch(CoinRule):
    """The same, to be chosen among fifty."""

    strategy_id: ClassVar[str] = "calibration_coin_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {"variant": _texts(range(SEARCHED))}


class MomentumSearch(MomentumRule):
    """The same, over ten lookbacks and five paces."""

    strategy_id: ClassVar[str] = "calibration_momentum_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "lookback": _texts((2, 3, 4, 6, 8, 10, 12, 16, 20, 24)),
        "every": _texts((4, 5, 6, 8, 10)),
    }


class BasisRule(BasisCapture):
    """The bundled rule, with the settings it is given and no grid."""

    strategy_id: ClassVar[str] = "calibration_basis"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {}


class BasisSearch(BasisCapture):
    """The bundled rule, over ten thresholds and five cooldowns."""

    strategy_id: ClassVar[str] = "calibration_basis_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"),
        "cooldown_ms": _texts((40_000, 45_000, 50_000, 60_000, 75_000)),
    }


class BasisExitSearch(BasisCapture):
    """The bundled rule, over ten thresholds and five of its exits."""

    strategy_id: ClassVar[str] = "calibration_basis_exit_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "threshold_bps": ("1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6"),
        "exit_threshold_bps": ("0", "0.25", "0.5", "0.75", "1"),
    }
