"""Calibration rules over option chains: bundles at random times, whatever prices do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np

from quantlaxmi.events import (
    IndiaMarketEvent,
    LegIntent,
    MultiLegOrderIntent,
    OptionsStrategyType,
)
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind, InstrumentKind, Side
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import IndiaOptionsStrategy

__all__ = ["BundleConfig", "RandomStraddles", "SeededBundles"]

_LOT = 75
#: Lots of the front's straddle and of the back's.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (2, -1), (-2, 1))
_FAR = 2**60


class BundleConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of a rule that trades bundles at random.

    Attributes
    ----------
    seed : int
        Of its generator, which every run begins anew.
    snapshots : int
        Of a session day.
    """

    seed: Annotated[int, Bounds(ge=0, le=2**31)] = 0
    snapshots: Annotated[int, Bounds(ge=10, le=3_000)] = 120


class SeededBundles(IndiaOptionsStrategy):
    """Base of rules that trade bundles by a generator of their own."""

    Config: ClassVar[type[StrategyConfig]] = BundleConfig
    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.CHAIN,)

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """All contracts; see `PythonStrategy.trades`."""
        return tuple(range(len(instruments)))

    def on_start(self, ctx: Context) -> None:
        """Begin the generator, flat; see `PythonStrategy.on_start`."""
        self.rng = np.random.default_rng(self.config.seed)
        self.held: dict[int, int] = {}
        self.n = self.leave = 0

    def order(
        self,
        ctx: Context,
        wanted: Mapping[int, int],
        kind: OptionsStrategyType,
        policy: str = "all_or_none",
    ) -> MultiLegOrderIntent:
        """Return the order of signed quantities by instrument.

        Parameters
        ----------
        ctx : Context
        wanted : mapping of int to int
        kind : OptionsStrategyType
        policy : str
            What happens where not every leg fills.
        """
        legs = tuple(
            LegIntent(ctx.instruments[i].symbol, Side.BUY if q > 0 else Side.SELL, abs(q))
            for i, q in wanted.items()
        )
        return MultiLegOrderIntent(legs, kind, policy=policy)


class RandomStraddles(SeededBundles):
    """Trades straddles at the money of the first two expiries at random times, for random times.

    It enters before the last eight snapshots of a day, and leaves before the last four.
    """

    strategy_id: ClassVar[str] = "random_bundles"

    def on_start(self, ctx: Context) -> None:
        """Find the calls, each of which stands before its put."""
        super().on_start(ctx)
        calls = [k for k, one in enumerate(ctx.instruments) if one.kind is InstrumentKind.CALL]
        self.calls = np.array(calls)
        self.ends = np.array([ctx.instruments[k].expiry_ns for k in calls])

    def on_market(self, event: IndiaMarketEvent, ctx: Context) -> MultiLegOrderIntent | None:
        """Enter at one snapshot of ten, leave 2 to 24 snapshots later."""
        snapshots = self.config.snapshots
        k, self.n = self.n % snapshots, self.n + 1
        if ctx.in_flight:
            return None
        if self.held:
            if self.n < self.leave and k < snapshots - 4:
                return None
            closing, self.held = {i: -q for i, q in self.held.items()}, {}
            return self.order(ctx, closing, OptionsStrategyType.STRADDLE)
        if k >= snapshots - 8 or self.rng.random() > 0.1:
            return None
        call, put = ctx.books[self.calls], ctx.books[self.calls + 1]
        fresh = (call["ts_ns"] == event.ts_ns) & (call["valid"] != 0) & (put["valid"] != 0)
        sides = self.rng.choice(_SIDES)
        for end, side in zip(np.unique(self.ends[fresh])[:2], sides.tolist(), strict=False):
            apart = np.where(fresh & (self.ends == end), np.abs(call["mid2"] - put["mid2"]), _FAR)
            at = int(self.calls[apart.argmin()])
            self.held |= {i: _LOT * side for i in (at, at + 1) if side}
        self.leave = self.n + int(self.rng.integers(2, 25))
        if not self.held:
            return None
        return self.order(ctx, self.held, OptionsStrategyType.STRADDLE)
