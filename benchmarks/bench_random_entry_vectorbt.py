"""Random entry beside vectorbt from PyPI, in an environment of its own, and how our cost grows.

Both place the same number of trades at random on the same prices and sum up what they earn.
vectorbt simulates a portfolio over all bars; the sweep reads prices and costs at the trades alone,
in integers, and keeps the trades' lengths.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import venv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from harness import ROOT, WORK, Results, median_seconds

from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates import random_entry as gate
from quantlaxmi.gates.context import GateContext, Observation
from quantlaxmi.gates.path.round_trips import Action, TradePath, Trip
from quantlaxmi.instruments import Bundle

#: With the last plotly that it can be imported beside.
VECTORBT = ("vectorbt==0.28.4", "plotly<6")
PEER = Path(__file__).with_name("peer_vectorbt.py")
TRADES, DRAWS = 100, 10_000
#: Rows -> draws a call and calls of the peer: a minute or two each.
PEER_CALLS = {100_000: (20, 5), 1_000_000: (4, 3)}
#: 5 bps of the price, as the peer pays, in attribution units.
FEE_BPS = 5
COLD = """
import sys, time
start = time.perf_counter()
import quantlaxmi as ql
from quantlaxmi.gates import GatePolicy
gates = ("random_entry", "label_permutation", "time_shift", "ablation")
policy = GatePolicy(
    suites={"g2": gates},
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 9},
    label_permutation={"n_perms": 99},
    ablation={"n_bootstrap": 99},
)
ql.run_gates(ql.open_segment(sys.argv[1]), "basis_capture", gates=("g2",), policy=policy, threads=1)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Costs:
    """Costs of one bundle."""

    values: np.ndarray
    fillable: np.ndarray
    unit: int = 1


@dataclass(frozen=True)
class Bars:
    """One price a row, always tradeable."""

    seq: np.ndarray
    ts_ns: np.ndarray
    mid2: np.ndarray
    can_trade: np.ndarray
    scales: tuple[int, ...] = (1,)
    ledger_exponent: int = -4
    costs_unknown: str = ""

    @property
    def settlements(self) -> np.ndarray:
        """None."""
        return np.zeros((0, 4), np.int64)

    @property
    def settled(self) -> np.ndarray:
        """Of none."""
        return np.zeros(len(self.seq), np.int64)

    def funding(self, held: Bundle) -> list[int]:
        """Of none."""
        return []

    @property
    def interest(self) -> dict[int, tuple[int, int, int]]:
        """Of nothing borrowed."""
        return {}

    def prepare(self, bundles: object) -> None:
        """Costs are made when asked for."""

    def cost(self, bundle: Bundle) -> Costs:
        """Fees alone."""
        values = abs(bundle[0][1]) * self.mid2[0] * 5 * FEE_BPS // 10_000
        return Costs(values, np.ones(len(self.seq), bool))


def bars(rows: int) -> Bars:
    """A random walk of prices with two decimals."""
    steps = np.random.default_rng(1).integers(-5, 6, rows)
    number = np.arange(rows, dtype=np.int64)
    price = 10_000_000 + np.cumsum(steps)
    return Bars(number, number * 10**9, 2 * price[None, :], np.ones(rows, bool))


@dataclass(frozen=True)
class Observed:
    """A path and a market that are there from the beginning."""

    path: TradePath
    decision_points: Bars

    @property
    def n_trips(self) -> int:
        return len(self.path.trips)

    @property
    def ledger_exponent(self) -> int:
        return self.decision_points.ledger_exponent


def policy_of(draws: int) -> GatePolicy:
    """The policy with that many draws, and no more where they leave the level open."""
    return GatePolicy(extend_factor=1, min_trades=2, random_entry={"n_sims": draws})


def gate_input(market: Bars, trades: int, draws: int, threads: int | None) -> GateContext:
    """Trades of random length at random places, as a finished run would give them."""
    rows = len(market.seq)
    rng = np.random.default_rng(2)
    places = np.sort(rng.choice(rows - 1, 2 * trades, replace=False)).tolist()
    costs = market.cost(((0, 1),)).values
    trips, gross, cost = [], 0, 0
    changes: list[tuple[int, Bundle]] = []
    for begin, end in zip(places[::2], places[1::2], strict=True):
        buy = Action(begin, ((0, 1),), int(costs[begin]), True)
        sell = Action(end, ((0, -1),), int(costs[end]), True)
        trips.append(Trip((buy, sell)))
        changes += [(begin, ((0, 1),)), (end, ())]
        gross += 5 * int(market.mid2[0, end] - market.mid2[0, begin])
        cost += buy.cost + sell.cost
    path = TradePath(
        trips=tuple(trips),
        changes=tuple(changes),
        gross=gross,
        cost=cost,
        funding=0,
        borrow=0,
        stray_cost=0,
        strays=0,
        short_actions=0,
        after_own_actions=0,
        reversals=0,
        has_resting_orders=False,
    )
    # Stands in for a run: only what the gate reads is there.
    observed = cast(Observation, Observed(path, market))
    return GateContext(observed, policy_of(draws), 0, b"\0" * 32, b"\0" * 32, threads)


def sweep_seconds(rows: int, trades: int, draws: int, threads: int | None = None) -> float:
    """Warm seconds of the matched draws, the layout of prices and costs not among them."""
    context = gate_input(bars(rows), trades, draws, threads)
    lay = gate._build(context)
    return median_seconds(lambda: gate._matched(context, lay))


def environment() -> Path | None:
    """Python with vectorbt; made once. None where it cannot be installed."""
    folder = WORK / "peers-vectorbt"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", *VECTORBT], check=False)
        if done.returncode:
            return None
        (folder / "ready").touch()
    return python


def beside_vectorbt(results: Results) -> None:
    """The same prices, trades and fees; the peer's figure, ours, and the ratio."""
    python = environment()
    for rows, (peer_draws, calls) in PEER_CALLS.items():
        what = f"{TRADES} trades, {rows:,} bars"
        ours = DRAWS / sweep_seconds(rows, TRADES, DRAWS)
        note = "gross and net, exact integers, all threads"
        results.add(f"quantlaxmi, {what}", ours, "draws/s", "", note)
        one = DRAWS / sweep_seconds(rows, TRADES, DRAWS, threads=1)
        results.add(f"quantlaxmi, {what}, one thread", one, "draws/s")
        if python is None:
            results.skip(f"vectorbt, {what}", "could not be installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "close.npy")
            np.save(path, bars(rows).mid2[0] / 200)
            done = subprocess.run(
                [python, PEER, path, *map(str, (TRADES, peer_draws, calls))],
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
            results.skip(f"vectorbt, {what}", why)
            continue
        seen = json.loads(done.stdout.splitlines()[-1])
        note = (
            f"{peer_draws} draws a call, peak {seen['peak_mb']:,.0f} MB; its first call took "
            f"{seen['first_seconds']:.1f} s"
        )
        peer = seen["draws_a_second"]
        results.add(f"vectorbt {seen['version']}, {what}", peer, "draws/s", "", note)
        target = "≥ 1000" if rows == 1_000_000 else ""
        results.add(f"times as fast, {what}", ours / peer, "times", target)
        results.add(f"times as fast, {what}, one thread", one / peer, "times")


def growth(results: Results) -> None:
    """Cost of a draw by rows, trades and draws."""
    for rows in (10_000, 100_000, 1_000_000, 10_000_000):
        seconds = sweep_seconds(rows, TRADES, DRAWS)
        results.add(f"a draw, {TRADES} trades, {rows:,} rows", seconds / DRAWS * 1e6, "µs")
    for trades in (10, 1_000, 10_000):
        draws = min(DRAWS, 10**7 // trades)
        seconds = sweep_seconds(1_000_000, trades, draws)
        results.add(f"a draw, {trades:,} trades, 1,000,000 rows", seconds / draws * 1e6, "µs")
    for draws in (1_000, 100_000):
        seconds = sweep_seconds(1_000_000, TRADES, draws)
        results.add(f"a draw of {draws:,}, {TRADES} trades", seconds / draws * 1e6, "µs")


def memory(results: Results) -> None:
    """What draws add to the memory of the gate."""
    context = gate_input(bars(100_000), TRADES, 1_000, None)
    lay = gate._build(context)
    peaks = []
    for draws in (1_000, 101_000):
        counted = replace(context, policy=policy_of(draws))
        gate._matched(counted, lay)
        tracemalloc.start()
        gate._matched(counted, lay)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    note = "up to 100,000 draws, the most that are held at once"
    results.add("memory of a draw", (peaks[1] - peaks[0]) / 99_000, "bytes", "", note)


def compiling(results: Results) -> None:
    """A new process that runs every sweep kernel: nothing compiled, compiled before, no cache."""
    segment = str(ROOT / "data" / "planted")

    def seconds(**environment: str) -> float:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", COLD, segment],
            env={**os.environ, **environment},
            capture_output=True,
            check=True,
        )
        return time.perf_counter() - start

    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (seconds(NUMBA_CACHE_DIR=cache) for _ in range(2))
        blocked = Path(cache, "file")
        blocked.touch()
        without = seconds(NUMBA_CACHE_DIR=str(blocked / "below"))
    note = "random entry, label permutation, time shift, ablation of the bundled segment"
    results.add("all sweep kernels, nothing compiled yet", cold, "s", "", note)
    results.add("all sweep kernels, compiled before", warm, "s", "", "a new process")
    results.add("what the cache saves", cold - warm, "s")
    results.add("all sweep kernels, cache cannot be written", without, "s")


def main() -> None:
    """Measure."""
    results = Results("random entry beside vectorbt, and how its cost grows")
    beside_vectorbt(results)
    growth(results)
    memory(results)
    compiling(results)
    results.done()


if __name__ == "__main__":
    main()
