"""Circular time shift: shifts a second against trips and rows; the delay and prefix guards."""

from __future__ import annotations

import numpy as np
from harness import Results, generated, median_seconds

from quantlaxmi._jit import time_shift as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment

SHIFTS = 1999


def sweep(rows: int, trips: int, threads: int | None) -> float:
    """Seconds of SHIFTS shifts of trips at random places on a random walk."""
    rng = np.random.default_rng(1)
    columns = np.cumsum(rng.integers(-5, 6, rows))[:, None].astype(np.int64)
    ends = np.sort(rng.choice(rows, 2 * trips, replace=False)).astype(np.int64)
    path = kernels.Path(
        columns,
        np.array([0, 1, 2]),
        np.zeros(2, np.int64),
        np.array([1, -1]),
        np.arange(trips + 1),
        ends[0::2].copy(),
        ends[1::2].copy(),
        rng.integers(0, 2, trips),
    )
    offsets = np.arange(1, SHIFTS + 1) * (rows - 1) // (SHIFTS + 1)
    out = np.empty((SHIFTS, 4), np.uint64)

    def once() -> None:
        with running(threads) as divided:
            divided(
                lambda at, part: kernels.circular(offsets[at : at + len(part)], path, part), out
            )

    return median_seconds(once)


def main() -> None:
    """Measure the sweep alone, then the gates on a generated segment."""
    results = Results("time shift")
    for rows in (10_000, 1_000_000, 10_000_000):
        for trips in (100, 3_000):
            seconds = sweep(rows, trips, None)
            results.add(
                f"shifts, {trips:,} trips on {rows:,} rows, all threads",
                SHIFTS / seconds / 1e3,
                "thousand shifts/s",
                "",
                f"{seconds / SHIFTS / trips * 1e9:.1f} ns a trip and shift",
            )
    results.add(
        "shifts, 3,000 trips on 1,000,000 rows, one thread",
        SHIFTS / sweep(1_000_000, 3_000, 1) / 1e3,
        "thousand shifts/s",
    )
    segment = open_segment(generated(1_000_000))
    # Alone: the market null that stands beside them is a subject of its own.
    policy = GatePolicy(suites={"g2": ("look_ahead", "time_shift", "lag_profile", "delay")})
    suite = G2AntiOverfitSuite.from_run(backtest(segment, "basis_capture"), policy=policy)
    trips, rows = len(suite.context.path.trips), len(suite.context.decision_points.seq)
    note = f"{trips:,} trips on {rows:,} rows"
    for name, call in (
        ("the null (199 shifts) and the lag profile", suite.run_time_shift),
        ("the delay guard, six re-runs", suite.run_delay),
        ("the look-ahead guard, 12 beginnings and the whole", suite.run_look_ahead),
    ):
        results.add(name, median_seconds(call, repeats=3), "s", "", note)
    results.done()


if __name__ == "__main__":
    main()
