"""One strategy over the same rows: an ordinary run, one lane that is awake, one that sleeps.

Least processor time of several turns, the ways one after another in one process; a lane's time has
making it new, its sums and its clock buckets in it. Rows are a million generated quotes, and those
of the bundled segment, which has trades, depth and funding between its quotes.

Prediction: a lane is an ordinary run, so at most 5 % are lost to sums. A row at which everybody
sleeps is read as 26 bytes and stores nothing, so a quiet row costs less than half of one that is
looked at. Where a decision is made every 36 rows most time is the lane's own; nothing is lost.

Outcome, on two cores that twenty others shared, a million rows and the bundled segment: an ordinary
run beside one lane 0.87 to 1.2 and 1.0 to 1.7, rows looked at beside quiet rows 5.1 and 3.5, and
where many decisions are made 1.28 and 1.27.

Beside the engine of commit 6f18bed, in turn in two processes, the ordinary run itself is slower:
0.9 times as fast where nothing is decided, 0.7 to 0.9 where a decision is made every 36 rows, with
more to do for each (net orders, bundles, base fees, margin).

Rows of quotes packed into 64 bytes each, with the checks of a row made when it is packed, were
tried in this loop and left out. Nanoseconds a row, by columns and packed, a million rows and the
bundled segment: a lane that is awake 18.2 to 18.0 and 17.3 to 16.0, with many trades 33.7 to 36.0
and 30.6 to 29.6; over quiet rows with many trades 22.0 to 26.8 and 18.6 to 20.0. What packing was
for, quiet rows do with ten bytes a row: they are checked when they are found, and a walk reads 26
bytes of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from harness import ROOT, Results, generated

from quantlaxmi._ext.lanes import Lanes
from quantlaxmi._ext.quiet_rows import QuietRows
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.strategies import StrategyRegistry

TURNS = 15
NEVER = ("threshold_bps=100000",)


def lane_of(replays: Replays, quiet: QuietRows | None, sleeping: bool) -> Callable[[], object]:
    """A pass of the strategy's own settings over the recorded market."""
    session = replays.new_session(None)
    asleep = session.bound.asleep
    assert isinstance(asleep, int)
    lanes = Lanes([session.engine], len(session.currencies), [asleep])
    market = replays.room()
    tables = {name: dict(table) for name, table in replays.tables(market).items()}
    del tables["quotes"]["shift"]  # the market itself
    tables["depth"].pop("shift", None)
    lanes.load(tables, replays.depth_index, quiet)
    marks = replays.marks(market)
    return lambda: lanes.run(lambda: 2**62, *marks, sleeping)


def ways_of(segment: Segment, sets: Sequence[str]) -> dict[str, Callable[[], object]]:
    """The same run in each way."""
    run = backtest(segment, StrategyRegistry().create("basis_capture", sets=sets))
    traded = backtest(segment, "basis_capture")  # one that never trades has no points to mark at
    context = SimpleNamespace(decision_points=decision_points(traded), threads=1)
    replays = Replays(context, Rerun(run), 1)  # type: ignore[arg-type]
    tables = {name: segment.columns(name) for name in TABLES}

    def ordinary() -> None:
        session = replays.new_session(None)
        session.feed(tables, depth_index=replays.depth_index)
        session.finish()

    return {
        "an ordinary run": ordinary,
        "one lane, awake": lane_of(replays, None, False),
        "one lane that sleeps, every row looked at": lane_of(replays, None, True),
        "one lane that sleeps, quiet rows walked over": lane_of(replays, replays.quiet_rows, True),
    }


def measure(results: Results, name: str, segment: Segment, sets: Sequence[str], last: str) -> None:
    """Nanoseconds a row in each way, and what the ways are to each other."""
    ways = ways_of(segment, sets)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, work in ways.items():
            begun = time.process_time()
            work()
            seconds[way].append(time.process_time() - begun)
    least = {way: 1e9 * min(found) / segment.n_rows for way, found in seconds.items()}
    for way, value in least.items():
        results.add(f"{name}: {way}", value, "ns a row")
    ordinary, awake, looked, walked = least.values()
    results.add(f"{name}: an ordinary run beside one lane", ordinary / awake, "times", "≥ 0.95")
    results.add(f"{name}: rows looked at beside quiet rows", looked / walked, "times", last)
    results.add(f"{name}: an ordinary run beside a lane that sleeps", ordinary / walked, "times")


def main() -> None:
    """Measure runs that never decide, and runs of many trades."""
    results = Results("one lane")
    planted, million = open_segment(ROOT / "data" / "planted"), open_segment(generated(1_000_000))
    measure(results, "1M rows, no decision", million, NEVER, "≥ 2.5")
    measure(results, "1M rows, many trades", million, (), "≥ 1.0")
    measure(results, "planted, no decision", planted, NEVER, "≥ 2.5")
    measure(results, "planted, many trades", planted, (), "≥ 1.0")
    results.done()


if __name__ == "__main__":
    main()
