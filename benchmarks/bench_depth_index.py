"""Depth looked up by message, against the live book: the same runs by both ways, in turn.

A row is the processor time of one pass, the least of several, because the machine may be shared.
Both ways give one hash, which is checked.

Prediction, from a trial on an earlier engine (41.4 ms to 3.0 ms; an index of 11 MB made in
138 ms): a pass over the captured pair visits 10,004 depth messages instead of 571,611 rows; quotes
and trades remain, so 10 times or more. Making the index costs two to four passes with the live
book: worth it for gates, not for a single backtest. On the bundled segment, with 1,582 depth rows
beside 22,000 quotes, nothing is gained or lost.

Outcome, on two cores that eight others shared: a draw on the captured pair 64 ms to 5.4 ms
(11.9 times), a backtest with its tables 60 ms to 11 ms; 89 ms to make an index of 7.9 MB. On the
bundled segment 0.92 to 0.95, within what neighbours disturb.

A draw as the gate makes it is a lane that sleeps, over quiet rows; it was predicted to be 12 times
as fast as a run by the live book, which is what draws were before the index.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from harness import ROOT, Results, real_segment

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, run_columns
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.strategies import StrategyRegistry

SETS = ("threshold_bps=4 exit_threshold_bps=3.5 cooldown_ms=100",)
REPEATS = 9


def least(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Least processor time of each, taken in turn after one warm round; milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(REPEATS + 1):
        for name, work in ways.items():
            begun = time.process_time()
            work()
            if turn:
                found[name].append(time.process_time() - begun)
    return {name: 1e3 * min(times) for name, times in found.items()}


def add(
    results: Results, what: str, ways: dict[str, Callable[[], object]], target: str
) -> dict[str, float]:
    """The ways, and how much the index takes less than the live book; milliseconds of each."""
    found = least(ways)
    for name, value in found.items():
        results.add(f"{what}, {name}", value, "ms of processor time")
    results.add(f"{what}: ratio", found["live book"] / found["index"], "times", target)
    return found


def measure(results: Results, name: str, segment: Segment, target: str) -> None:
    """A backtest, and a draw of the market null."""
    strategy, config = StrategyRegistry().create("basis_capture", sets=SETS), RunConfig.of()
    index = depth_index_of(segment)
    assert index is not None
    depth, n = segment.columns("depth"), len(segment.instruments)
    made = least({"index": lambda: DepthIndex(depth, n)})["index"]
    note = f"{index.n_rows:,} rows, {index.n_messages:,} messages, {index.nbytes / 1e6:.1f} MB"
    results.add(f"{name}: making the index", made, "ms of processor time", "", note)
    hashes = {
        run_columns(segment, strategy, config, depth=way).trace.trace_hash
        for way in ("live", "index")
    }
    assert len(hashes) == 1
    add(
        results,
        f"{name}: a backtest",
        {
            "live book": lambda: run_columns(segment, strategy, config),
            "index": lambda: run_columns(segment, strategy, config, depth="index"),
        },
        "",
    )
    run = backtest(segment, strategy)
    context = G2AntiOverfitSuite.from_run(run, policy=GatePolicy(min_trades=2)).context
    live, indexed = (Replays(context, Rerun(run), 1) for _ in range(2))
    live.depth_index = None
    for replays in (live, indexed):
        replays.keep_bound([None])
    passes = SettingPasses(indexed, [None])
    assert passes.are_lanes
    market = live.move(0, live.room())
    assert live.sums(market) == indexed.sums(market) == passes.sums(market)[0]
    later = live.move(1, live.room())  # of number 0 the passes are checked by a run alone
    found = add(
        results,
        f"{name}: a draw of the market null without its shifts",
        {
            "live book": lambda: live.sums(later),
            "index": lambda: indexed.sums(later),
            "as the gate makes it": lambda: passes.sums(later),
        },
        "",
    )
    label = f"{name}: a draw as the gate makes it beside the live book"
    results.add(label, found["live book"] / found["as the gate makes it"], "times", target)


def main() -> None:
    """Measure."""
    results = Results("depth by message")
    measure(results, "planted", open_segment(ROOT / "data" / "planted"), "")
    path: Path | None = real_segment()
    if path is None:
        results.skip("depth index", "the real capture is not here; set QUANTLAXMI_REAL_DATA")
    else:
        measure(results, "real capture", open_segment(path), "≥ 12")
    results.done()


if __name__ == "__main__":
    main()
