"""The market null: replays and rows a second, and memory, on small, real and large segments.

A replay is a draw as the gate makes it: signs, shifts, the run and its sums. Until 30 November it
was timed with a session of its own, of which a third is Python that holds the interpreter's lock:
two threads were then no faster than one on the planted segment.

Prediction for two threads, from the clocks of threads: on the bundled segment 6 to 9 % of a draw
is Python that holds the lock, so Amdahl's law gives 1.84 to 1.88 were it all serial. It is not,
since a thread only waits where the other one holds the lock too. Each thread takes its next draw
itself: one waits at 0.14 of the draws of one setting and 0.22 of those of fifteen, where it waited
2.5 and 2.9 times a draw.

Still 3 to 4 µs were lost each time that a thread asked for the lock: two processes did 1.96 times
the draws of one, two threads 1.75 times. Since several draws are one call, a draw of one setting on
the bundled segment takes 174 µs instead of 209 on one thread; predicted for two threads were 1.9
times, found in three runs 1.89 to 1.93 (capture 1.92 to 1.94, a million rows 1.86 to 2.05).
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness import ROOT, Results, generated, median_seconds, real_segment

from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Moved, Replays
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment

#: Replays timed of each segment: about a second's worth.
DRAWS = {"planted": 600, "real capture": 100, "1M rows": 24}


def segments() -> dict[str, Path | None]:
    """Folders by name; None where the real data is not at hand."""
    return {
        "planted": ROOT / "data" / "planted",
        "real capture": real_segment(),
        "1M rows": generated(1_000_000),
    }


def _made(passes: SettingPasses, part: range, room: Moved, made: list[object]) -> None:
    made += passes.drawn(part, room)


def draws_of(replays: Replays, passes: SettingPasses, n: int) -> None:
    """Make the draws as the gate does, and sum each up; none that is checked a second time."""
    replays.in_parts(range(1, 1 + n), passes.at_once, partial(_made, passes))


def main() -> None:
    """Measure draws on one thread and on two."""
    results = Results("market null")
    for name, path in segments().items():
        if path is None:
            results.skip(f"{name}: market null", "no real data, see QUANTLAXMI_REAL_DATA")
            continue
        segment = open_segment(path)
        run = backtest(segment, "basis_capture")
        policy = GatePolicy(
            min_trades=2,
            market_null={"n_draws": DRAWS[name], "n_draws_extended": DRAWS[name]},
        )
        made = G2AntiOverfitSuite.from_run(run, policy=policy)
        assert made.context.rerun is not None
        rerun = made.context.rerun
        begun = time.perf_counter()
        replays = Replays(made.context, rerun, 1)
        laid_out = time.perf_counter() - begun
        replays.keep_bound([None])
        plain = median_seconds(partial(backtest, segment, run.strategy), 5)
        results.add(f"{name}: one backtest, to compare", plain * 1e3, "ms")
        rates = {}
        for threads in (1, 2):
            context = replace(made.context, threads=threads)
            again = Replays(context, rerun, 1)
            again.keep_bound([None])
            passes = SettingPasses(again, [None])
            assert passes.are_lanes
            seconds = median_seconds(partial(draws_of, again, passes, DRAWS[name]))
            label = f"{threads} thread{'s' * (threads > 1)}"
            rates[threads] = rate = DRAWS[name] / seconds
            results.add(
                f"{name}: replays, {label}", rate, "replays/s", "",
                f"{segment.n_rows:,} rows, {run.n_fills:,} fills in the run",
            )  # fmt: skip
            results.add(f"{name}: rows, {label}", rate * segment.n_rows / 1e6, "million rows/s")
        results.add(f"{name}: two threads beside one", rates[2] / rates[1], "times", "≥ 1.9")
        room = replays.room()
        own = room.signs.nbytes + room.quotes.nbytes + room.depth.nbytes
        results.add(
            f"{name}: memory of a draw", own / 1e6, "MB", "",
            f"a thread, reused; {own / segment.n_rows:.1f} bytes a row beside the engine's own",
        )  # fmt: skip
        results.add(f"{name}: finding the increments", laid_out * 1e3, "ms", "", "once a gate")
    results.done()


if __name__ == "__main__":
    main()
