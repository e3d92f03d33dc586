"""Ablation: re-runs a second, bootstrap draws a second, and the whole gate."""

from __future__ import annotations

import os
from dataclasses import replace

from harness import Results, generated, median_seconds, real_segment

from quantlaxmi.gates import G2AntiOverfitSuite
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.stats.block_length import MILLION, block_length
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.strategies import StrategyRegistry

ROWS, BUCKETS, DRAWS = 1_000_000, 1000, 10_000
REPEATS = int(os.environ.get("QUANTLAXMI_BENCH_REPEATS", "3"))
#: Five filters on, none of them tight.
SETS = (
    "max_spread_bps=50 min_bid_qty=0.001 min_ask_qty=0.001 max_trades_per_hour=10000",
    "threshold_bps=3 exit_threshold_bps=3.5",
)


def whole(results: Results, segment: Segment, what: str) -> None:
    """The gate with its signal and every filter taken away in turn."""
    run = backtest(segment, StrategyRegistry().create("basis_capture", sets=SETS))
    suite = G2AntiOverfitSuite.from_run(run)
    reruns = 1 + len(run.strategy.config.filters())
    note = f"{what}: {run.n_messages:,} messages, {run.n_decisions:,} decisions"
    rerun = suite.context.rerun
    assert rerun is not None
    one = median_seconds(lambda: rerun.again(neutral=(0,)), REPEATS)
    results.add("one re-run, signal neutral", 1 / one, "re-runs/s", "", note)
    results.add("the same in messages", run.n_messages / one / 1e6, "million/s")
    for threads, label in ((1, "one thread"), (None, "all threads")):
        made = G2AntiOverfitSuite(replace(suite.context, threads=threads))
        seconds = median_seconds(made.run_ablation, REPEATS)
        results.add(f"the gate, {label}", seconds, "s", "", f"{reruns} re-runs and two bootstraps")
        results.add(f"re-runs, {label}", reruns / seconds, "re-runs/s", "", "all else included")


def main() -> None:
    """Measure on a generated million rows and, where it is, on the real capture."""
    results = Results("ablation")
    whole(results, open_segment(generated(ROWS)), "generated")
    real = real_segment()
    if real is None:
        results.skip("the real capture", "it is not at hand")
    else:
        whole(results, open_segment(real), "real capture")
    # PnL of about 10**20 units: two limbs a value, as money has it.
    series = [(i * i * 7919 % 100_003 - 50_001) * (10**16 + i) for i in range(BUCKETS)]
    for threads, label in ((1, "one thread"), (None, "all threads")):
        seconds = median_seconds(
            lambda threads=threads: bootstrap_sums(  # type: ignore[misc]
                [series], 8 * MILLION, DRAWS, 1, threads=threads
            ),
            REPEATS,
        )
        note = f"{BUCKETS:,} buckets"
        results.add(f"bootstrap, {label}", DRAWS / seconds / 1e3, "thousand draws/s", "", note)
    seconds = median_seconds(lambda: block_length(series), REPEATS)
    results.add("block length", seconds * 1e3, "ms", "", "exact integers, 1,000 buckets")
    results.done()


if __name__ == "__main__":
    main()
