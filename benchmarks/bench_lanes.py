"""A draw of the market null with a grid: settings one by one, and as lanes of one pass.

Both sides make the same draws in one process, in turns: shifts, runs and sums. Their sums are
compared. Figures are processor time, the median of the turns.

Prediction, from a trial on an earlier engine: 15 settings as lanes that sleep take a draw 5 times
faster on the planted segment, 4 times on hourly bars, 9 times on a million rows; one setting gains
little but what a sleeping kernel saves.

Outcome, 15 settings on a loaded machine: planted 11.7, hourly bars 6.2, a million rows 11.7, the
capture 14.9 (both sides look depth up in the segment's index); one setting 1.2 to 2.1.

Since trades are walked over and shifts come from a table, beside the engine of commit 6f18bed, in
turn in two processes: 15 settings on the bundled segment 13.5 to 0.88 ms (15 times), on a million
rows 416 to 20.4 ms (20 times); one setting on the bundled segment 1.20 to 0.25 ms (4.7 times).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench_import_formats import HOURLY, hourly_mapping
from harness import ROOT, WORK, Results, generated, real_segment

from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Moved, Replays
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import MarketData, open_segment
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.registry import StrategyRegistry

#: Turns, and draws of a turn.
TURNS = 5
DRAWS = {"planted": 8, "hourly bars": 3, "real capture": 3, "1M rows": 1}


def hourly() -> Path | None:
    """Folder of the imported hourly bars, made once; None without the real data."""
    import shutil

    from quantlaxmi.errors import QuantlaxmiError
    from quantlaxmi.importers import import_capture

    if not HOURLY.exists():
        return None
    path = WORK / "hourly"
    try:
        open_segment(path, verify="manifest")
    except QuantlaxmiError:
        shutil.rmtree(path, ignore_errors=True)
        WORK.mkdir(parents=True, exist_ok=True)
        mapping = WORK / "hourly.toml"
        mapping.write_text(hourly_mapping())
        import_capture("bars", inputs=[HOURLY], mapping=mapping, out=path)
    return path


def costs_of(name: str) -> CostModel | None:
    """Costs of a segment: the venue's table has none for bars."""
    if name != "hourly bars":
        return None
    rate = FeeRate(maker_bps=FixedPoint(1, 0), taker_bps=FixedPoint(5, 0))
    return CostModel(rates={InstrumentKind.SPOT: rate, InstrumentKind.PERP: rate})


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def compare(
    results: Results, name: str, segment: MarketData, configs: list[StrategyConfig | None]
) -> None:
    """Measure draws over a segment with the given settings, old and new in turns."""
    run = backtest(segment, "basis_capture", costs=costs_of(name))
    suite = G2AntiOverfitSuite.from_run(run, policy=GatePolicy(min_trades=2), threads=1)
    assert suite.context.rerun is not None
    replays = Replays(suite.context, suite.context.rerun, 1)
    replays.keep_bound(configs)
    passes = SettingPasses(replays, configs)
    assert passes.are_lanes
    market = replays.room()

    def each(work: Callable[[Moved], object]) -> list[object]:
        # No number of a draw that is checked.
        return [work(replays.move(draw, market)) for draw in range(1, 1 + DRAWS[name])]

    def alone(moved: Moved) -> object:
        return [replays.sums(moved, config) for config in configs]

    assert each(alone) == each(passes.sums)
    old, new = [], []
    for _ in range(TURNS):
        old.append(seconds(lambda: each(alone)))
        new.append(seconds(lambda: each(passes.sums)))
    before, after = (1e3 * statistics.median(side) / DRAWS[name] for side in (old, new))
    label = f"{name}, {len(configs)} setting{'s' * (len(configs) > 1)}"
    note = f"{segment.n_rows:,} rows"
    results.add(f"{label}: a draw, one by one", before, "ms CPU", "", note)
    results.add(f"{label}: a draw, lanes", after, "ms CPU", "", note)
    results.add(f"{label}: times faster", before / after, "x", "", note)


def main() -> None:
    """Measure a draw of 1, 4 and 15 settings on four segments."""
    results = Results("lanes")
    folders = {
        "planted": ROOT / "data" / "planted",
        "hourly bars": hourly(),
        "real capture": real_segment(),
        "1M rows": generated(1_000_000),
    }
    for name, path in folders.items():
        if path is None:
            results.skip(f"{name}: lanes", "no real data, see QUANTLAXMI_REAL_DATA")
            continue
        segment = open_segment(path)
        grid = grid_configs(StrategyRegistry().create("basis_capture"), 100)
        for count in (1, 4, 15):
            compare(results, name, segment, [None, *grid][:count])
    results.done()


if __name__ == "__main__":
    main()
