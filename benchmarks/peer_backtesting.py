"""Runs in the peer's environment: the crossover of examples/sma_bars.py in backtesting.py."""

from __future__ import annotations

import json
import resource
import sys
import time

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover


def mean(values: np.ndarray, n: int) -> pd.Series:
    """Moving mean, as the example has it."""
    return pd.Series(values).rolling(n).mean()


class SmaCross(Strategy):
    """Long after the fast mean has crossed above the slow one, short after the other way."""

    def init(self) -> None:
        """Declare the means."""
        self.fast = self.I(mean, self.data.Close, 10)
        self.slow = self.I(mean, self.data.Close, 20)

    def next(self) -> None:
        """Turn to the side of a crossing."""
        if crossover(self.fast, self.slow):
            if self.position.size <= 0:  # means that were equal cross the same way twice
                self.buy(size=1)
        elif crossover(self.slow, self.fast) and self.position.size >= 0:
            self.sell(size=1)


def main() -> None:
    """Processor seconds of the fastest of some runs, and the trades: file of bars, runs."""
    with np.load(sys.argv[1]) as file:
        bars = pd.DataFrame({name: file[name.lower()] for name in ("Open", "High", "Low", "Close")})
    bars.index = pd.date_range("2020-01-01", periods=len(bars), freq="min")
    seconds = []
    for _ in range(int(sys.argv[2])):
        test = Backtest(bars, SmaCross, cash=1e9, exclusive_orders=True, finalize_trades=False)
        start = time.process_time()
        stats = test.run()
        seconds.append(time.process_time() - start)
    trades = stats["_trades"]
    print(
        json.dumps(
            {
                "seconds": min(seconds),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "version": backtesting.__version__,
                "entries": trades["EntryBar"].tolist(),
                "exits": trades["ExitBar"].tolist(),
                "sizes": trades["Size"].tolist(),
                "prices": trades["EntryPrice"].tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
