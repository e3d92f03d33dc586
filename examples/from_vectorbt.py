"""Positions that vectorbt decided, judged by the gates that do not ask for the rule's code.

    python examples/from_vectorbt.py

Where vectorbt is not installed, the same moving-average rule in NumPy makes the positions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import quantlaxmi as ql

HOUR_S = 3600
START_S = 1_704_067_200  # 2024-01-01


def random_bars(n: int = 600, seed: int = 1) -> dict[str, NDArray[np.generic]]:
    """Hourly bars of a random walk: no rule on them has an edge."""
    rng = np.random.default_rng(seed)
    close = np.round(40_000 * np.exp(np.cumsum(rng.normal(0, 0.005, n))), 2)
    opened = np.r_[40_000.0, close[:-1]]
    return {
        "time": START_S + HOUR_S * np.arange(n),
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
        "volume": np.full(n, 100.0),
    }


def crossover(close: NDArray[np.float64], fast: int = 10, slow: int = 30) -> NDArray[np.float64]:
    """Position after each bar: long where the fast mean is above the slow one, else flat."""
    sums = np.r_[0.0, np.cumsum(close)]
    means = []
    for length in (fast, slow):
        mean = np.full(len(close), np.nan)
        mean[length - 1 :] = (sums[length:] - sums[:-length]) / length
        means.append(mean)
    above = means[0] > means[1]
    try:
        import vectorbt as vbt
    except ImportError:
        return above.astype(np.float64)
    exits = ~above & ~np.isnan(means[1])
    made = vbt.Portfolio.from_signals(close, above, exits, size=1.0, init_cash=1e9)
    return np.asarray(made.assets(), np.float64)


def main() -> None:
    """Bars to a segment, positions to a report."""
    bars = random_bars()
    segment = ql.from_frame(bars, symbol="BTCUSDT", costs={"share": 1})
    positions = {"time": bars["time"], "BTCUSDT": crossover(bars["close"].astype(np.float64))}
    # vectorbt stamps a position with the beginning of the bar at whose close it was decided.
    recorded = ql.from_positions(segment, positions, interval="1h")
    costs = ql.CostModel.binance()
    run = ql.backtest(segment, recorded, costs=costs)
    print(f"{run.n_decisions} decisions, {run.n_fills} fills")
    report = ql.run_gates(segment, recorded, costs=costs)
    for suite in report.results:
        for result in suite.results:
            print(f"{result.gate:24} {result.role:13} {result.verdict}")
    print(f"verdict {report.verdict}: recorded positions can fail, and never pass")


if __name__ == "__main__":
    main()
