"""The crossover of two moving means over bars, in twelve lines.

quantlaxmi-crypto run-gates --segment-dir seg --strategy examples/sma_bars.py:SmaCross
"""

import pandas as pd

from quantlaxmi import BarStrategy, crossover


class SmaCross(BarStrategy):
    strategy_id = "sma_cross"

    def init(self):
        self.fast = self.I(lambda close: pd.Series(close).rolling(10).mean(), self.data.close)
        self.slow = self.I(lambda close: pd.Series(close).rolling(20).mean(), self.data.close)

    def next(self):
        if crossover(self.fast, self.slow):
            self.target(self.symbol, 1)
        elif crossover(self.slow, self.fast):
            self.target(self.symbol, -1)
