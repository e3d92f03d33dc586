"""From a run to its round trips, its statistics, and the returns that quantstats and pyfolio read.

pip install 'quantlaxmi[tearsheets]'
python examples/run_statistics.py [SEGMENT_DIR]
"""

from __future__ import annotations

import sys

from quantlaxmi import backtest


def main(segment: str = "data/planted") -> None:
    run = backtest(segment, "basis_capture")
    print(run)
    print(run.stats(capital=10_000))
    trades = run.trades()
    print(trades)
    assert sum(trades["net"]) == run.net  # to the last unit
    try:
        import pyfolio
        import quantstats
    except ImportError:
        print("quantstats and pyfolio are in the extra tearsheets")
        return
    returns = run.returns("1min", capital=10_000)
    print(pyfolio.timeseries.perf_stats(returns))  # to which a step is a day
    print(f"quantstats' Sharpe ratio: {quantstats.stats.sharpe(returns, periods=365 * 1440):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
