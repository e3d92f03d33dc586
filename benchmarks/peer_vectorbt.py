"""Runs in the peer's environment: vectorbt's random entries and exits on one price path."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time

import numpy as np
import vectorbt as vbt


def main() -> None:
    """Draws a second: path of the prices, trades a draw, draws a call, calls."""
    path, trades, draws, calls = sys.argv[1], *map(int, sys.argv[2:5])
    close = np.load(path)
    times, profit = [], 0.0
    for call in range(calls + 1):
        start = time.perf_counter()
        portfolio = vbt.Portfolio.from_random_signals(
            close, n=[trades] * draws, seed=call, fees=0.0005
        )
        profit += float(np.sum(portfolio.total_profit()))
        if call:  # the first compiles
            times.append(time.perf_counter() - start)
        else:
            first = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = statistics.median(times)
    print(
        json.dumps(
            {
                "draws_a_second": draws / seconds,
                "first_seconds": first,
                "peak_mb": peak,
                "version": vbt.__version__,
                "profit": profit,
            }
        )
    )


if __name__ == "__main__":
    main()
