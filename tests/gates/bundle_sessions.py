"""Small option sessions with holes, and a strategy that trades bundles of many kinds over them."""

from __future__ import annotations

from typing import Any

import numpy as np

import quantlaxmi as ql
from quantlaxmi.calibrate.rules.bundles import BundleConfig, SeededBundles
from quantlaxmi.events import MultiLegOrderIntent, OptionsStrategyType
from quantlaxmi.segment.memory import MemorySegment
from tests.options.chain_sessions import LOT, at, chain_table, option

#: One expiry ends at the close of the third day.
EXPIRIES = ("2025-09-02", "2025-09-09")
DAYS = ("2025-08-28", "2025-08-29", "2025-09-01", "2025-09-02")
STRIKES = tuple(range(24_450, 24_800, 50))


def session(
    seed: int = 0,
    snapshots: int = 10,
    days: int = 3,
    holes: float = 0.03,
    begins: str = "10:00:00",
) -> Any:
    """Some mornings; a share of the quotes is missing, and now and then a whole row."""
    contracts = [option(e, k, call) for e in EXPIRIES for k in STRIKES for call in (True, False)]
    times = [
        at(f"{day}T{begins}") + k * 60 * 10**9 for day in DAYS[:days] for k in range(snapshots)
    ]
    table = chain_table(contracts, times, seed, step=25.0)
    rng = np.random.default_rng(seed + 1)
    n = len(table["seq"])
    for side in ("bid", "ask"):
        gone = rng.random(n) < holes
        table[side][gone] = 0
        table[f"{side}_qty"][gone] = 0
    kept = (rng.random(n) >= holes / 3) | (table["flags"] != 0)
    table = {name: column[kept] for name, column in table.items()}
    return MemorySegment(contracts, {"chain": table}, cadence="snapshots")


class Bundles(SeededBundles):
    """Trades one to four contracts near the money, adds to some, and closes within the day."""

    strategy_id = "bundles"

    def can_trade(self, ctx: Any) -> bool:
        return bool(ctx.books["seq"].max() % 5 != 4)

    def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
        k, self.n = self.n % 10, self.n + 1
        self.held = {
            i: int(q) for i in range(len(ctx.instruments))
            if (q := ctx.position(ctx.instruments[i].symbol).qty)
        }  # fmt: skip
        if ctx.in_flight:
            return None
        if self.held and (self.n > self.leave or k >= 6):
            closing = {i: -q for i, q in self.held.items()}
            part = dict(list(closing.items())[: max(1, len(closing) // 2)])
            return self._order(ctx, closing if k >= 6 or self.rng.random() < 0.7 else part)
        if self.held or k >= 6 or not self.can_trade(ctx) or self.rng.random() < 0.3:
            return None
        quoted = np.flatnonzero((ctx.books["seq"] == event.seq) & (ctx.books["valid"] != 0))
        if len(quoted) < 6:
            return None
        picked = self.rng.choice(quoted, int(self.rng.integers(1, 5)), replace=False)
        self.leave = self.n - 1 + int(self.rng.integers(1, 4))
        lots = self.rng.choice([-3, -1, 1, 2], len(picked))
        return self._order(ctx, {int(i): LOT * int(q) for i, q in zip(picked, lots, strict=True)})

    def _order(self, ctx: Any, wanted: dict[int, int]) -> MultiLegOrderIntent:
        return self.order(ctx, wanted, OptionsStrategyType.STRANGLE, "legs")


def run_of(seed: int, **more: Any) -> Any:
    return ql.backtest(session(seed, **more), Bundles(BundleConfig(seed=seed)))
