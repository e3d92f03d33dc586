"""Fills of a broker, compared with their replay and judged by the gates that need no code.

python examples/from_fills.py
"""

from __future__ import annotations

import numpy as np

import quantlaxmi as ql

HOUR_S = 3600
START_S = 1_704_067_200  # 2024-01-01


def main() -> None:
    """Bars to a segment, fills to a comparison and a report."""
    rng = np.random.default_rng(3)
    close = np.round(40_000 * np.exp(np.cumsum(rng.normal(0, 0.005, 600))), 2)
    opened = np.r_[40_000.0, close[:-1]]
    bars = {
        "time": START_S + HOUR_S * np.arange(600),
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
        "volume": np.full(600, 100.0),
    }
    segment = ql.from_frame(bars, symbol="BTCUSDT", costs={"share": 1})
    # Every twelve hours in and out; the broker's price is a little worse than the close.
    rows = np.arange(5, 590, 12)
    side = ["buy" if k % 2 == 0 else "sell" for k in range(len(rows))]
    worse = np.where(np.arange(len(rows)) % 2 == 0, 5, -5)
    fills = {
        "time": START_S + HOUR_S * (rows + 1),
        "side": side,
        "qty": ["0.5"] * len(rows),
        "price": [f"{price:.2f}" for price in close[rows] + worse],
        "fee": ["8.40"] * len(rows),
    }
    recorded = ql.from_fills(segment, fills)
    costs = ql.CostModel.binance()
    run = ql.backtest(segment, recorded, costs=costs)
    for row in ql.compare_fills(run).arrow.to_pylist():
        for name in ("own_fees", "fees", "own_net", "net", "difference"):
            print(f"{name:12} {row[name]:f} {row['currency']}")
    report = ql.run_gates(segment, recorded, costs=costs)
    print(f"verdict {report.verdict}: recorded fills can fail, and never pass")


if __name__ == "__main__":
    main()
