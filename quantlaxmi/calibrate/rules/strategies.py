"""The rules of calibration runs as strategies: settings, and the kernels they are bound to.

Filters are not declared to the gates, which is the harder case for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np

from quantlaxmi.calibrate.rules import (
    maker_kernel,
    reaction_kernel,
    schedule_kernel,
    sizing_kernel,
)
from quantlaxmi.calibrate.rules.schedules import NAMES, schedule_of
from quantlaxmi.errors import StrategyError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, SLOT_DTYPE, EventKind
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["SEARCHED", "Rule", "RuleConfig", "RuleSearch", "varied"]

#: Strategies among which a search chooses.
SEARCHED = 50
_SCHEDULED = ("follow", "loud", "quiet", "narrow")
_SIZING = ("martingale", "averaging", "cutting")
_REACTION = ("momentum", "level", "jump", "lead", "imbalance", "funding")
RULES = (*_SCHEDULED, *_SIZING, *_REACTION, "maker")
#: Lookbacks and paces of momentum in a search.
_LOOKBACKS, _PACES = (2, 3, 4, 6, 8, 10, 12, 16, 20, 24), (4, 5, 6, 8, 10)
#: What a search of rules that react varies a limit by, in percent of it.
_LEAST, _STEP = 51, 2


class RuleConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of a rule.

    Attributes
    ----------
    rule : str
        ``follow``: the schedule's position. ``loud``, ``quiet``, ``narrow``: the schedule's entries
        while moves are larger than the threshold, smaller, or while the spread is at most that.
        ``martingale``: twice the size after a loss. ``averaging``: one more unit each time that the
        price went the threshold against it. ``cutting``: out when the threshold is won, or late.
        ``momentum``: every so many rows the side of the move over the last ones. ``level``: against
        the distance from the first mid, out when that is back. ``jump``: the side of a move beyond
        the threshold, for some rows. ``lead``: the side of the other instrument's last move.
        ``imbalance``: the side of the larger displayed size, on narrow spreads. ``funding``: the
        side that receives the announced rate. ``maker``: a post-only order at each touch.
    schedule : str
        One of ``schedules.NAMES``.
    key : int
        Key of the schedule.
    variant : int
        Number of a strategy among those of one key, see `varied`.
    rows : int
        Length of the schedule; nothing is done after it.
    qty : int
        Quantity mantissa of one unit.
    pair : bool
        Trade the second instrument on the opposite side of the first.
    threshold, leave : int
        Price units of twice the mid; of the spread for ``narrow`` and ``imbalance``; a rate at
        10**-8 for ``funding``.
    lookback, every, hold : int
        Rows.
    fade : bool
        Momentum takes the other side.
    levels : int
        Most losses in a row that double the size; most units of averaging.
    """

    rule: Annotated[str, Bounds(choices=RULES)] = "follow"
    schedule: Annotated[str, Bounds(choices=tuple(NAMES))] = "trips"
    key: Annotated[int, Bounds(ge=0, le=1 << 62)] = 0
    variant: Annotated[int, Bounds(ge=0, le=10**6)] = 0
    rows: Annotated[int, Bounds(ge=1, le=1 << 20)] = 3000
    qty: Annotated[int, Bounds(ge=1, le=10**9)] = 10**6
    pair: bool = False
    threshold: Annotated[int, Bounds(ge=0, le=10**15)] = 0
    leave: Annotated[int, Bounds(ge=0, le=10**15)] = 0
    lookback: Annotated[int, Bounds(ge=1, le=1000)] = 8
    every: Annotated[int, Bounds(ge=1, le=1000)] = 1
    hold: Annotated[int, Bounds(ge=1, le=1000)] = 1
    fade: bool = False
    levels: Annotated[int, Bounds(ge=1, le=16)] = 6


def varied(config: RuleConfig) -> RuleConfig:
    """The setting that stands for a variant of a rule without a schedule of its own.

    Momentum takes ten lookbacks at five paces; other rules that react take limits from 51 to 149 %
    of their own, and where they have none, another pace.
    """
    v = config.variant
    if config.rule == "momentum":
        return config.replace(lookback=_LOOKBACKS[v % 10], every=_PACES[v // 10])
    if config.rule in _REACTION and config.rule != "funding":
        share = _LEAST + _STEP * v
        if config.threshold and config.rule != "imbalance":
            return config.replace(threshold=config.threshold * share // 100)
        return config.replace(every=v + 1)
    return config


class Rule(Strategy):
    """A rule of a calibration run."""

    strategy_id: ClassVar[str] = "calibration"
    binds_alike: ClassVar[bool] = True
    Config: ClassVar[type[StrategyConfig]] = RuleConfig
    config: Any

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Draw the schedule and compile the kernel; see `Strategy.bind`."""
        from quantlaxmi.strategies.numba_kernel import compile_kernel

        c = self._settings()
        if (c.pair or c.rule == "lead") and len(instruments) < 2:
            raise StrategyError(f"{self.strategy_id} trades a pair, the segment has one instrument")
        step, on_fill, params, memory = _kernel_of(c)
        functions = compile_kernel(step, on_fill, interpreted=interpreted)
        state = np.zeros(len(memory), SLOT_DTYPE)
        state["i"][:] = memory
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=self.config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(0, 1) if c.pair or c.rule == "lead" else (0,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params(params),
            state=state,
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            can_trade=functions.can_trade,
            asleep=functions.asleep,
            owner=functions.owner,
            strategy=self,
        )

    def _settings(self) -> RuleConfig:
        config: RuleConfig = self.config
        return config


class RuleSearch(Rule):
    """A rule with a grid of fifty variants."""

    strategy_id: ClassVar[str] = "calibration_search"
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {"variant": tuple(map(str, range(SEARCHED)))}
    )

    def _settings(self) -> RuleConfig:
        return varied(self.config)


def _kernel_of(c: RuleConfig) -> tuple[Any, Any, list[int], I64]:
    """Step, on_fill, parameters and state of a rule."""
    if c.rule == "maker":
        memory = np.zeros(maker_kernel.SLOTS, np.int64)
        memory[maker_kernel.ORDER : maker_kernel.ORDER + 2] = -1
        most = c.qty * c.levels
        return maker_kernel.step, maker_kernel.on_fill, [c.qty, most, c.rows], memory
    number = RULES.index(c.rule)
    if c.rule in _REACTION:
        number -= RULES.index(_REACTION[0])
        own = np.zeros(c.lookback, np.int64)
        if c.rule == "funding":
            own = schedule_of(c.schedule, c.key, c.variant, c.rows)
        params = [number, c.qty, c.threshold, c.leave, c.lookback, c.every, c.hold, c.rows]
        params.append(-1 if c.fade else 1)
        return reaction_kernel.step, None, params, _after(reaction_kernel.FIRST, own)
    own = schedule_of(c.schedule, c.key, c.variant, c.rows)
    if c.rule in _SCHEDULED:
        params = [number, c.qty, int(c.pair), c.threshold, c.rows]
        return schedule_kernel.step, None, params, _after(schedule_kernel.FIRST, own)
    number -= RULES.index(_SIZING[0])
    params = [number, c.qty, c.threshold, c.levels, c.rows]
    return sizing_kernel.step, None, params, _after(sizing_kernel.FIRST, own)


def _after(first: int, own: I64) -> I64:
    return np.concatenate([np.zeros(first, np.int64), own])
