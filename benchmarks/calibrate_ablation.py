"""Size and power of the ablation's guard on simulated differences: the table of docs/GATES.md.

    python benchmarks/calibrate_ablation.py [RUNS] [BUCKETS ...]

A strategy without edge holds a coin's side, for geometric times with geometric pauses, on moves
that it cannot predict; its neutral run never trades. Beside the gate's own rule stand percentile
limits and the studentised statistic, from the same resampled sums.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.keys import stream_key
from quantlaxmi.stats.block_length import block_length
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums

STEPS, DRAWS = 5400, 399
FLOATS = npt.NDArray[np.float64]
#: Cell: kind of moves, mean holding time, mean pause, trades in high volatility only.
CELLS = {
    "independent, 10 of 20 s": ("normal", 10, 10, False),
    "clustered, 10 of 20 s": ("clustered", 10, 10, False),
    "clustered with t(4), 60 of 80 s": ("clustered t", 60, 20, False),
    "bounce, 10 of 20 s": ("bounce", 10, 10, False),
    "AR(0.5), 10 of 20 s": ("autoregressive", 10, 10, False),
    "t(3), about 30 trips of 10 s": ("t", 10, 160, False),
    "clustered, 600 of 650 s": ("clustered", 600, 50, False),
    "clustered, high volatility only": ("clustered", 10, 10, True),
}
POWER = ("independent, 10 of 20 s", "clustered, 10 of 20 s")


def positions(rng: np.random.Generator, held: int, pause: int) -> FLOATS:
    """A coin's sides."""
    found = np.zeros(STEPS)
    at = int(rng.geometric(1 / pause))
    while at < STEPS:
        end = at + 1 + int(rng.geometric(1 / held))
        found[at:end] = rng.choice([-1, 1])
        at = end + int(rng.geometric(1 / pause))
    return found


def moves(rng: np.random.Generator, kind: str) -> FLOATS:
    """One segment's moves, a second each."""
    normal = rng.standard_normal(STEPS)
    if kind == "t":
        return rng.standard_t(3, STEPS)
    if kind == "bounce":
        return 0.3 * normal + np.diff(rng.choice([-1.0, 1.0], STEPS), prepend=0)
    if kind == "autoregressive":
        for i in range(1, STEPS):
            normal[i] += 0.5 * normal[i - 1]
    if kind.startswith("clustered"):
        level, keep = 0.9 * rng.standard_normal(), 0.998
        shocks = rng.standard_normal(STEPS) * 0.9 * math.sqrt(1 - keep * keep)
        base = rng.standard_t(4, STEPS) if kind.endswith("t") else normal
        for i in range(STEPS):
            level = keep * level + shocks[i]
            base[i] *= math.exp(level)
        return base
    return normal


def differences(rng: np.random.Generator, cell: str, buckets: int) -> list[int]:
    """Net PnL in clock buckets, integers."""
    kind, held, pause, loud = CELLS[cell]
    market, path = moves(rng, kind), positions(rng, held, pause)
    if loud:
        past = np.convolve(np.abs(market), np.ones(60) / 60)[:STEPS]
        past = np.concatenate([[0.0], past[:-1]])
        path = path * (past > np.median(past))
    earned = np.concatenate([[0.0], path[:-1] * market[1:]])
    edges = np.linspace(0, STEPS, buckets + 1).astype(int)[:-1]
    found: list[int] = np.rint(1e6 * np.add.reduceat(earned, edges)).astype(np.int64).tolist()
    return found


def decisions(series: list[int], seed: int) -> npt.NDArray[np.float64]:
    """Whether the gate's rule, percentile limits and the studentised rule pass."""
    own, squares = sum(series), sum(x * x for x in series)
    key = stream_key(seed, b"", b"", "calibrate")
    block = block_length(series).stationary
    sums, sums_of_squares = bootstrap_sums([series, [x * x for x in series]], block, DRAWS, key)
    s, q = np.array(sums, float), np.array(sums_of_squares, float)
    statistic = own / math.sqrt(squares) if squares else 0.0
    studentised = (s - own) / np.sqrt(np.maximum(q, 1.0))
    found = [s - own >= own, s <= 0, studentised >= statistic]
    return np.array([(int(f.sum()) + 1) / (DRAWS + 1) <= 0.05 for f in found], float)


def main() -> None:
    """Print one line a cell and number of buckets, then power."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 800
    sizes = [int(n) for n in sys.argv[2:]] or [30, 120, 600]
    error = 100 * math.sqrt(0.05 * 0.95 / runs)
    print(f"{runs} runs a cell, standard error {error:.1f} %; the gate, percentile, studentised")
    for number, cell in enumerate(CELLS):
        for n in sizes:
            total = np.zeros(3)
            for run in range(runs):
                rng = np.random.default_rng([number, run])
                total += decisions(differences(rng, cell, n), run)
            shares = " ".join(f"{100 * x / runs:5.1f} %" for x in total)
            print(f"{cell:34s} {n:5d} buckets  {shares}", flush=True)
    print("power: an edge spread evenly over the buckets, by the t of its sum")
    for number, cell in enumerate(POWER):
        for t in (2.0, 2.5, 3.0, 4.0, 5.0):
            total = np.zeros(3)
            for run in range(runs):
                rng = np.random.default_rng([100 + number, run])
                series = differences(rng, cell, sizes[-1])
                edge = t * math.sqrt(sum(x * x for x in series)) / len(series)
                total += decisions([x + round(edge) for x in series], run)
            shares = " ".join(f"{100 * x / runs:5.1f} %" for x in total)
            print(f"{cell:34s} t = {t}  {shares}", flush=True)


if __name__ == "__main__":
    main()
