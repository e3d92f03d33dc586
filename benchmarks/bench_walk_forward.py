"""Many settings, walk-forward and measures of selection: processor time, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import REAL_DATA, ROOT, WORK, Results

from quantlaxmi.gates import GatePolicy, walk_forward
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path.clock_buckets import bucket_ends, increments_of
from quantlaxmi.importers import import_bars
from quantlaxmi.run.grid_runs import grid_runs
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.stats.cscv import backtest_overfitting
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.superior_predictive_ability import superior_predictive_ability
from quantlaxmi.strategies.basis_capture import BasisCapture

HOURLY = REAL_DATA / "crypto" / "spot_perp_1h_funding" / "BTCUSDT_1h.csv"
MAPPING = """
interval = "1h"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "0.5"
size = "100"
max_jump_bps = "5"
time = { column = "Timestamp", zone = "UTC" }
spot = { symbol = "BTCUSDT", open = "spot_open", close = "spot_close" }
perp = { venue = "binance-usdm", symbol = "BTCUSDT", open = "perp_open", close = "perp_close" }
[funding]
rate = "funding_rate"
mark = "funding_markPrice"
times = "8"
every = "8h"
"""


class Searched(BasisCapture):
    """The bundled strategy with 48 settings."""

    grid = {  # noqa: RUF012
        "threshold_bps": ("3", "4", "5", "6", "8", "10", "12", "15"),
        "exit_threshold_bps": ("0", "0.5", "1", "1.5", "2", "2.5"),
    }


def median_cpu(work: Callable[[], object], repeats: int = 7) -> float:
    """Median processor time of ``work`` after one warm run, seconds."""
    times = []
    for turn in range(repeats + 1):
        start = time.process_time()
        work()
        if turn:
            times.append(time.process_time() - start)
    return statistics.median(times)


def hourly() -> Path | None:
    """The segment of the hourly file; None where it is not at hand."""
    path = WORK / "hourly-pair"
    if not path.exists():
        if not HOURLY.exists():
            return None
        WORK.mkdir(parents=True, exist_ok=True)
        mapping = WORK / "hourly.toml"
        mapping.write_text(MAPPING)
        import_bars([HOURLY], path, mapping=mapping)
    return path


def measure(results: Results, name: str, path: Path) -> None:
    """One setting, and 48 of them walked forward, on one thread."""
    segment, strategy = open_segment(path), Searched.made_with()
    run = backtest(segment, strategy)
    ends = bucket_ends(segment.first_ts_ns, segment.last_ts_ns)
    configs = [None] * 20

    def alone() -> object:
        return increments_of(backtest(segment, strategy))

    def together() -> object:
        return grid_runs(segment, strategy, configs, ends, config=run.config, threads=1)

    results.add(f"{name}: a setting alone, with its buckets", median_cpu(alone) * 1e3, "ms CPU")
    each = median_cpu(together) / len(configs)
    results.add(f"{name}: a setting of a grid", each * 1e3, "ms CPU", "≤ 2")

    def forward() -> object:
        return walk_forward.GATE.judge(context_of(run, GatePolicy(), threads=1))

    seconds = median_cpu(forward)
    results.add(f"{name}: walk-forward, 48 settings", seconds, "s CPU", "≤ 0.3")


def selection(results: Results) -> None:
    """Overfitting and superior ability of made-up returns."""
    table = np.random.default_rng(1).normal(3e-4, 0.01, (2520, 100))
    seconds = median_cpu(lambda: backtest_overfitting(table, 16))
    results.add("PBO, 2520 x 100, S 16", seconds, "s CPU", "≤ 0.1")
    series = [[int(v * 1e12) for v in column] for column in table[:1000].T]
    own = [sum(column) for column in series]

    def ability() -> object:
        sums = bootstrap_sums(series, 10_000_000, 1000, 7, threads=1)
        return superior_predictive_ability(own, sums, 1000)

    results.add("SPA, 1,000 x 100, 1,000 draws", median_cpu(ability, 3), "s CPU", "≤ 0.3")
    try:
        from arch.bootstrap import SPA
    except ImportError:
        results.skip("SPA, the same by arch", "arch is not installed")
        return

    def peer() -> None:
        found = SPA(np.zeros(1000), -table[:1000], block_size=10, reps=1000, seed=7)
        found.compute()

    results.add("SPA, the same by arch", median_cpu(peer, 3), "s CPU")


def main() -> None:
    """Measure."""
    results = Results("walk-forward and selection")
    path = hourly()
    if path is None:
        results.skip("hourly: walk-forward", "no real data, see QUANTLAXMI_REAL_DATA")
    else:
        measure(results, "hourly", path)
    measure(results, "planted", ROOT / "data" / "planted")
    selection(results)
    results.done()


if __name__ == "__main__":
    main()
