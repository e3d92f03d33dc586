"""Runs in a process of its own: calendar_carry over a wide session; prints the peak in MiB."""

from __future__ import annotations

import sys

from harness import peak_mb

from quantlaxmi import backtest, replay
from quantlaxmi.strategies import StrategyRegistry


def main() -> None:
    """Run it by the route that is named."""
    route, path = sys.argv[1:]
    strategy = StrategyRegistry().create("calendar_carry")
    {"backtest": backtest, "replay": replay}[route](path, strategy)
    print(peak_mb())


if __name__ == "__main__":
    main()
