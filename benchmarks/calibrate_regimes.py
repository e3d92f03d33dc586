"""How often the regimes guard fails a run: without an edge, and with one that every step has.

    python benchmarks/calibrate_regimes.py [RUNS]

A run is 600 independent normal increments of equity; its mean makes the whole segment's t. The
market is a random walk, with constant or with clustered volatility (GARCH(1, 1), .05/.05/.9), and
does not know of the run. Printed: the share that fails, and the share that fails of those that the
guard on net PnL lets through. Predicted before: at t = 3 under 5 %.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.path.regimes import BEAR, BULL, step_trends, step_volatilities

STEPS, WINDOW = 600, 30


def labels(rng: np.random.Generator, clustered: bool) -> npt.NDArray[np.int64]:
    """Regimes of the steps of a made market."""
    moves, variance = rng.normal(size=STEPS), 1.0
    if clustered:
        for k in range(STEPS):
            moves[k] *= np.sqrt(variance)
            variance = 0.05 + 0.9 * variance + 0.05 * moves[k] ** 2
    price = (np.exp(np.cumsum(moves) * 0.002) * 1e6).astype(np.int64)
    price_at = np.concatenate([price[:1], price[:-1]])
    trends = step_trends(price_at, WINDOW)
    base = np.where(trends == BULL, 0, np.where(trends == BEAR, 2, 4))
    return base + step_volatilities(price_at, WINDOW)[0]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rng = np.random.default_rng(1)
    print("market     t     fails, %  of positive net, %")
    for clustered in (False, True):
        for t in (0, 2.5, 3, 3.5, 4, 5):
            failed = positive = both = 0
            for _ in range(runs):
                regime = labels(rng, clustered)
                net = rng.normal(size=STEPS) + t / np.sqrt(STEPS)
                best = max(net[regime == k].sum() for k in range(6))
                fails = net.sum() - best <= 0
                failed, positive = failed + fails, positive + (net.sum() > 0)
                both += fails and net.sum() > 0
            name = "clustered" if clustered else "walk"
            print(f"{name:9}  {t:<3}  {100 * failed / runs:9.1f}  {100 * both / positive:18.1f}")


if __name__ == "__main__":
    main()
