"""How often the gates that strike bundles anew pass: on fair option sessions, and on planted ones.

    python benchmarks/calibrate_bundles.py [RUNS] [FIRST_SEED]

A run is a generated session (`importers.synthetic_chain`) of 10 days of 120 snapshots, sold and
bought through the engine at its quotes, an order taking one snapshot. Rules: *random* trades the
front's straddle, the back's or both, long or short, at random times and for random times;
*calendar* is calendar_carry without target and stop, which leaves by the clock alone; *calendar,
target and stop* is calendar_carry at its defaults, which reacts to prices. Printed: the share of
the judged runs (30 bundles) whose p is at most 5 %, by gate. Predicted before: at most 5 % where a
rule does not react to prices, on fair sessions; more where it does.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from typing import Any

import numpy as np

import quantlaxmi as ql
from quantlaxmi.events import LegIntent, MultiLegOrderIntent, OptionsStrategyType
from quantlaxmi.gates import GatePolicy, label_permutation, random_entry, random_sides, time_shift
from quantlaxmi.gates.observation import context_of
from quantlaxmi.importers.synthetic_chain import synthetic_chain
from quantlaxmi.importers.synthetic_session import session_rows
from quantlaxmi.schema import EventKind, InstrumentKind, Side
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig
from quantlaxmi.strategies.sdk import IndiaOptionsStrategy

DAYS, SNAPSHOTS, DRAWS = 10, 120, 199
GATES = (random_entry, label_permutation, time_shift, random_sides)


class RandomBundles(IndiaOptionsStrategy):
    """Trades straddles at the money at random times, for random times, on random sides."""

    strategy_id = "random_bundles"
    event_kinds = (EventKind.CHAIN,)
    seed = 0

    def trades(self, instruments: Any) -> tuple[int, ...]:
        return tuple(range(len(instruments)))

    def on_start(self, ctx: Any) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.held: dict[int, int] = {}
        self.n = self.leave = 0
        calls = [k for k, one in enumerate(ctx.instruments) if one.kind is InstrumentKind.CALL]
        self.calls = np.array(calls)  # each call stands before its put
        self.ends = np.array([ctx.instruments[k].expiry_ns for k in calls])

    def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
        k, self.n = self.n % SNAPSHOTS, self.n + 1
        if ctx.in_flight:
            return None
        if self.held:
            if self.n < self.leave and k < SNAPSHOTS - 4:
                return None
            closing, self.held = {i: -q for i, q in self.held.items()}, {}
            return self._order(ctx, closing)
        if k >= SNAPSHOTS - 8 or self.rng.random() > 0.1:
            return None
        call, put = ctx.books[self.calls], ctx.books[self.calls + 1]
        fresh = (call["ts_ns"] == event.ts_ns) & (call["valid"] != 0) & (put["valid"] != 0)
        sides = self.rng.choice([(1, 0), (-1, 0), (0, 1), (0, -1), (2, -1), (-2, 1)])
        for end, side in zip(np.unique(self.ends[fresh])[:2], sides.tolist(), strict=False):
            apart = np.where(fresh & (self.ends == end), np.abs(call["mid2"] - put["mid2"]), 2**60)
            at = int(self.calls[apart.argmin()])
            self.held |= {i: 75 * side for i in (at, at + 1) if side}
        self.leave = self.n + int(self.rng.integers(2, 25))
        return self._order(ctx, self.held) if self.held else None

    def _order(self, ctx: Any, wanted: dict[int, int]) -> MultiLegOrderIntent:
        legs = tuple(
            LegIntent(ctx.instruments[i].symbol, Side.BUY if q > 0 else Side.SELL, abs(q))
            for i, q in wanted.items()
        )
        return MultiLegOrderIntent(legs, OptionsStrategyType.STRADDLE)


def rules(seed: int) -> dict[str, Any]:
    """Strategies by name."""
    drawn = RandomBundles()
    drawn.seed = seed
    blind = CalendarCarryConfig(target="0", stop="0", max_hold_s=1_800)  # type: ignore[arg-type]
    return {
        "random": drawn,
        "calendar": CalendarCarry(blind),
        "calendar, target and stop": CalendarCarry(),
    }


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    settings = {
        "random_entry": {"n_sims": DRAWS, "n_neutral_pairs": 2},
        "label_permutation": {"n_perms": DRAWS},
        "time_shift": {"n_shifts": DRAWS},
        "random_sides": {"n_draws": DRAWS},
    }
    policy = GatePolicy(extend_factor=1, **settings)
    judged: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for seed in range(first, first + runs):
        for kind in ("fair", "planted"):
            made = synthetic_chain(kind, seed=seed, days=DAYS, snapshots=SNAPSHOTS)
            instruments, rows = session_rows(made)
            segment = MemorySegment(instruments, {"chain": rows}, cadence="snapshots")
            for rule, strategy in rules(seed).items():
                context = context_of(ql.backtest(segment, strategy), policy, threads=1)
                for gate in GATES:
                    found = gate.GATE.judge(context)[0]
                    if found.monte_carlo is not None:
                        passed = found.monte_carlo.p_value <= policy.level
                        judged[kind, rule, found.gate].append(passed)
    for (kind, rule, name), passes in judged.items():
        n, share = len(passes), sum(passes) / len(passes)
        error = math.sqrt(share * (1 - share) / n)
        print(
            f"| {kind} | {rule} | {name} | {sum(passes)} of {n} | "
            f"{100 * share:.1f} ± {100 * error:.1f} % |"
        )


if __name__ == "__main__":
    main()
